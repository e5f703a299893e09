//! Every shader compiled by Chromium, whose compiler rejects what naga lets pass: a page of its
//! own compiles all modules, and every pipeline that the check of the kernels uses, and posts what
//! it was told. A missing Chromium fails the test; scripts/setup --tests installs one.

use backhoe::check::operations;
use backhoe::gpu::{Dispatch, KERNELS, Kernel, Kind, Loads, lower, peak_dispatches};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Names under which Chromium and its kin are found.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// WebGPU on the software driver that comes with the browser, and nothing that asks the network.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
];

/// Longest time that the browser may take for everything.
const PATIENCE: Duration = Duration::from_secs(400);

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

/// A browser that ends with the test.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn open(url: &str, profile: &std::path::Path) -> Browser {
    let found = BROWSERS.iter().find(|name| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    let name = found.expect("this test needs Chromium; scripts/setup --tests installs it");
    let mut command = Command::new(name);
    command.args(FLAGS).arg(format!("--user-data-dir={}", profile.display())).arg(url);
    Browser(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

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

/// All modules, and each pipeline once.
fn work() -> Value {
    let modules: BTreeMap<String, &str> =
        KERNELS.iter().map(|kernel| (format!("{:?}", kernel.family), kernel.family.source())).collect();
    let by = |loads| operations().into_iter().flat_map(move |op| lower(&op, loads));
    let dispatches: Vec<Dispatch> = Loads::ALL.into_iter().flat_map(by).chain(peak_dispatches()).collect();
    let pipelines: BTreeMap<String, Value> =
        dispatches.iter().map(pipeline).map(|pipeline| (pipeline.to_string(), pipeline)).collect();
    let row = |dispatch: &Dispatch| (format!("{:?}", dispatch.kernel.family), dispatch.kernel.entry);
    let rows: std::collections::BTreeSet<_> = dispatches.iter().map(row).collect();
    assert_eq!(rows.len(), KERNELS.len(), "every kernel is dispatched by somebody");
    json!({ "modules": modules, "pipelines": pipelines.into_values().collect::<Vec<_>>() })
}

/// Answers one request with the page; hands on what is posted.
fn answer(mut stream: TcpStream, page: &str, posted: &Sender<Value>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length, mut is_post) = (String::new(), 0, false);
    while reader.read_line(&mut line)? > 0 && line.trim() != "" {
        is_post |= line.starts_with("POST /result ");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if is_post {
        // Nobody listens any more once a result was taken.
        let _ = posted.send(serde_json::from_slice(&body)?);
    }
    let page = if is_post { "" } else { page };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n", page.len());
    write!(stream, "{head}Connection: close\r\n\r\n{page}")
}

/// Serves the page on a port of its own. Browsers also open connections in which they say nothing:
/// each has a thread.
fn serve(page: String) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (page, sender) = (page.clone(), sender.clone());
            std::thread::spawn(move || answer(stream, &page, &sender));
        }
    });
    (url, receiver)
}

#[test]
fn chromium_compiles_every_shader_and_pipeline() {
    let work = work();
    // A `</` within a string would end the script.
    let data = work.to_string().replace("</", "<\\/");
    let (url, results) = serve(format!("<!doctype html><script>const WORK = {data};\n{SCRIPT}</script>"));
    let profile = tempfile::tempdir().unwrap();
    let _browser = open(&url, profile.path());
    let result = results.recv_timeout(PATIENCE).expect("the page answers in time");
    assert_eq!(result["errors"], json!([]));
    assert_eq!(result["modules"], json!(work["modules"].as_object().unwrap().len()));
    assert!(result["pipelines"].as_u64().unwrap() > 100, "{result}");
}
