//! Every shader compiled by Chromium, whose compiler rejects what naga lets pass: a page of its
//! own compiles all modules, and every pipeline of the fixed choices that the check of the kernels
//! uses (of the tiles that only the tuner takes one of each size), and posts what it was told. A
//! missing Chromium fails the test; scripts/setup --tests installs one.

mod browser;

use backhoe::check::plans;
use backhoe::gpu::{Dispatch, KERNELS, Kernel, Kind, Loads, peak_dispatches, works};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Longest time that the browser may take for everything.
const PATIENCE: Duration = Duration::from_secs(900);

/// What the page does; `WORK` stands before it.
const SCRIPT: &str = r#"
async function compile() {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return { errors: ["there is no WebGPU adapter"], modules: 0, pipelines: 0 };
    const device = await adapter.requestDevice();
    const errors = [], modules = {};
    for (const [family, source] of Object.entries(WORK.modules)) {
        const module = device.createShaderModule({ code: source });
        for (const told of (await module.getCompilationInfo()).messages) {
            if (told.type === "error") errors.push(`${family}:${told.lineNum}: ${told.message}`);
        }
        modules[family] = module;
    }
    await Promise.all(WORK.pipelines.map(async ({ family, entry, bindings, constants }) => {
        const entries = bindings.map(([binding, type]) => ({ binding, visibility: 4, buffer: { type } }));
        const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
        const compute = { module: modules[family], entryPoint: entry, constants };
        try {
            await device.createComputePipelineAsync({ layout, compute });
        } catch (error) {
            errors.push(`${entry} ${JSON.stringify(constants)}: ${error.message}`);
        }
    }));
    return { errors, modules: Object.keys(modules).length, pipelines: WORK.pipelines.length };
}
compile().catch((error) => ({ errors: [`${error}`], modules: 0, pipelines: 0 })).then((result) =>
    fetch("/result", { method: "POST", body: JSON.stringify(result) }));
"#;

/// How WebGPU calls a kernel's buffers.
fn bindings(kernel: &Kernel) -> Vec<(u32, &'static str)> {
    let kind = |kind| match kind {
        Kind::Read => "read-only-storage",
        Kind::Write => "storage",
        Kind::Page | Kind::Shape => "uniform",
    };
    kernel.bindings.iter().map(|binding| (binding.number, kind(binding.kind))).collect()
}

/// A pipeline, as the page makes it.
fn pipeline(dispatch: &Dispatch) -> Value {
    let Kernel { entry, family, .. } = dispatch.kernel;
    let constants: BTreeMap<&str, f64> = dispatch.constants.iter().copied().collect();
    json!({
        "family": format!("{family:?}"), "entry": entry, "bindings": bindings(dispatch.kernel), "constants": constants,
    })
}

/// What a rival of the rule's tiles is compiled as: its file, and the constants that its memory depends on.
fn tiles(dispatch: &Dispatch) -> (String, Vec<(&'static str, u64)>) {
    let sizes = dispatch.constants.iter().filter(|(name, _)| ["DOWN", "QUADS"].contains(name));
    (format!("{:?}", dispatch.kernel.family), sizes.map(|(name, value)| (*name, value.to_bits())).collect())
}

/// All modules, and each pipeline once; of tiles that only the tuner takes one of each size, for they take long.
fn work() -> Value {
    let modules: BTreeMap<String, &str> =
        KERNELS.iter().map(|kernel| (format!("{:?}", kernel.family), kernel.family.source())).collect();
    let works = |loads| plans().into_iter().flat_map(move |(_, plan)| works(&plan, |_| loads));
    let by = |loads| works(loads).flat_map(|work| work.dispatches);
    let mut sizes = BTreeSet::new();
    let rivals = [Loads::SmallTiles, Loads::LargeTiles].into_iter().flat_map(by);
    let rivals = rivals.filter(|dispatch| sizes.insert(tiles(dispatch)));
    let chosen = [Loads::Tiles, Loads::Storage, Loads::Pages].into_iter().flat_map(by);
    let dispatches: Vec<Dispatch> = chosen.chain(rivals).chain(peak_dispatches()).collect();
    let pipelines: BTreeMap<String, Value> =
        dispatches.iter().map(pipeline).map(|pipeline| (pipeline.to_string(), pipeline)).collect();
    let row = |dispatch: &Dispatch| (format!("{:?}", dispatch.kernel.family), dispatch.kernel.entry);
    let rows: BTreeSet<_> = dispatches.iter().map(row).collect();
    assert_eq!(rows.len(), KERNELS.len(), "every kernel is dispatched by somebody");
    json!({ "modules": modules, "pipelines": pipelines.into_values().collect::<Vec<_>>() })
}

#[test]
fn chromium_compiles_every_shader_and_every_kind_of_pipeline() {
    let work = work();
    // A `</` within a string would end the script.
    let data = work.to_string().replace("</", "<\\/");
    let page = format!("<!doctype html><script>const WORK = {data};\n{SCRIPT}</script>");
    let (sender, results) = channel::<Value>();
    let url = browser::serve(move |path, posted| {
        if path == "/result" {
            // Nobody listens any more once a result was taken.
            let _ = sender.send(serde_json::from_slice(&posted).ok()?);
        }
        Some(("text/html", page.clone().into_bytes()))
    });
    let _browser = browser::open(&url, &browser::WEBGPU);
    let result = results.recv_timeout(PATIENCE).expect("the page answers in time");
    assert_eq!(result["errors"], json!([]));
    assert_eq!(result["modules"], json!(work["modules"].as_object().unwrap().len()));
    assert!(result["pipelines"].as_u64().unwrap() > 100, "{result}");
}
