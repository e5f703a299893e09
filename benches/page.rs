//! Images a second of training in headless Chromium: of the page's Worker, or with `--peer` of another library's page. Prints one
//! JSON object with `train_images_per_s`, as `benches/peers/compare` takes it.
//!
//!     scripts/web --build
//!     cargo bench --profile dev --bench page -- --workload R1 --device cpu --threads 1
//!     cargo bench --profile dev --bench page -- --workload R1 --peer tfjs-wasm --threads 1
//!
//! The page trains on faces by the workload's settings with all five augmentations, and the median of the speeds that it tells is
//! taken. Peers are fetched from npm into the target folder when they are first asked for; `benches/peers/README.md` says what
//! they do.

#[path = "../tests/browser/mod.rs"]
mod browser;

use backhoe::data::source::Source;
use backhoe::nn::Loss;
use backhoe::plan::Augmentation;
use backhoe::train::Settings;
use backhoe::train::cell::Cell;
use backhoe::worker::message::Order;
use backhoe::worker::{Command, Message, from_bytes, to_bytes};
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest time between two words of a page.
const PATIENCE: Duration = Duration::from_secs(600);
/// Training and test images of the faces: an epoch of twenty batches, few evaluations.
const IMAGES: [usize; 2] = [1280, 64];
/// What is fetched from npm.
const PACKAGES: [&str; 4] = [
    "@tensorflow/tfjs@4.22.0",
    "@tensorflow/tfjs-backend-wasm@4.22.0",
    "@tensorflow/tfjs-backend-webgpu@4.22.0",
    "@jax-js/jax@0.1.25",
];

#[derive(Parser)]
struct Options {
    /// R1 or R2
    #[arg(long, default_value = "R1")]
    workload: String,
    /// What the page computes on: `cpu`, or `swiftshader`, the browser's software driver through WebGPU
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Processors that the page is told of, each of which has a thread; with one the page is not isolated from other origins
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Another library's page instead
    #[arg(long)]
    peer: Option<Peer>,
    /// The page, as `scripts/web --build` leaves it
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/dist"))]
    page: PathBuf,
    /// Cargo says it to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// A library and its backend.
#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    /// TensorFlow.js in WebAssembly
    TfjsWasm,
    /// TensorFlow.js through WebGPU
    TfjsWebgpu,
    /// jax-js through WebGPU
    JaxWebgpu,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let measured = match options.peer {
        Some(peer) => theirs(&options, peer)?,
        None => ours(&options)?,
    };
    println!("{measured:#}");
    Ok(())
}

/// Has the browser tell a script of so many processors, before the script itself.
fn told_of(threads: usize) -> String {
    format!("Object.defineProperty(navigator, 'hardwareConcurrency', {{ value: {threads} }});\n")
}

/// Isolated from other origins where there are to be threads.
fn headers(options: &Options) -> &'static str {
    if options.threads > 1 { browser::ISOLATED } else { "" }
}

fn content(path: &Path) -> browser::Answer {
    let kind = match path.extension()?.to_str()? {
        "wasm" => "application/wasm",
        "html" => "text/html",
        _ => "text/javascript",
    };
    Some((kind, std::fs::read(path).ok()?))
}

/// The page of this program.
fn ours(options: &Options) -> Result<Value, Box<dyn Error>> {
    let (folder, order) = (options.page.clone(), Mutex::new(Some(to_bytes(&order(options)?)?)));
    if !folder.join("worker.js").exists() {
        return Err(format!("{} is no page: scripts/web --build makes one", folder.display()).into());
    }
    let (tell, said) = channel();
    let threads = told_of(options.threads);
    let url = browser::serve_with(headers(options), move |path, posted| match path {
        "/" => Some(("text/html", browser::PAGE.into())),
        "/worker.js" => {
            let own = std::fs::read_to_string(folder.join("worker.js")).ok()?;
            Some(("text/javascript", format!("{threads}{own}").into_bytes()))
        }
        "/next" => match order.lock().ok()?.take() {
            Some(order) => Some(("application/octet-stream", order)),
            // There is no other command, and nobody shall ask for one while it is measured.
            None => loop {
                std::thread::park();
            },
        },
        "/said" => {
            // Nobody listens any more once it is measured.
            let _ = tell.send(posted);
            Some(("text/plain", Vec::new()))
        }
        path => content(&folder.join(path.trim_start_matches('/'))),
    });
    let _browser = browser::open(&url, &browser::WEBGPU);
    listen(options, &said)
}

/// A run that does not end while it is measured.
fn order(options: &Options) -> Result<Command, Box<dyn Error>> {
    let (channels, hidden) = match &*options.workload {
        "R1" => (vec![16, 32, 64], 128),
        "R2" => (vec![32, 64, 128], 256),
        other => return Err(format!("{other} is no workload of the page: R1 and R2 are").into()),
    };
    let augmentation = Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true };
    let settings = Settings {
        losses: vec![Loss::Emd],
        batch: 64,
        epochs: 100_000,
        channels,
        hidden,
        augmentation,
        ..Settings::default()
    };
    let source = Source::Faces { train: IMAGES[0], test: IMAGES[1] };
    let cell = Cell { source, protocol: Default::default(), settings, ground: None, search: false };
    let device = options.device.clone();
    Ok(Command::Begin(Box::new(Order { cell, place: None, device, begins: true, sized_by_device: false })))
}

/// Takes the speeds that the Worker tells, from its first step on.
fn listen(options: &Options, said: &Receiver<Vec<u8>>) -> Result<Value, Box<dyn Error>> {
    let (opened, mut adapter, mut begun, mut rates) = (Instant::now(), String::new(), None, Vec::new());
    let mut first_step = 0.0;
    while begun.is_none_or(|begun: Instant| begun.elapsed().as_secs_f64() < options.seconds) {
        match from_bytes(&said.recv_timeout(PATIENCE)?)? {
            Message::Begun(scene) => adapter = scene.adapter.to_string(),
            Message::Step { rate, .. } => {
                if begun.is_none() {
                    first_step = opened.elapsed().as_secs_f64();
                    begun = Some(Instant::now());
                }
                rates.push(rate);
            }
            Message::Failed(trouble) => return Err(format!("{}: {}", trouble.what, trouble.why).into()),
            _ => {}
        }
    }
    rates.sort_by(f64::total_cmp);
    Ok(json!({
        "workload": options.workload,
        "adapter": adapter,
        "train_images_per_s": rates[rates.len() / 2],
        "best_images_per_s": rates.last(),
        "first_step_s": first_step,
    }))
}

/// Another library's page.
fn theirs(options: &Options, peer: Peer) -> Result<Value, Box<dyn Error>> {
    let (script, backend) = match peer {
        Peer::TfjsWasm => ("tfjs.js", "wasm"),
        Peer::TfjsWebgpu => ("tfjs.js", "webgpu"),
        Peer::JaxWebgpu => ("jax.js", "webgpu"),
    };
    let libraries = match script {
        "tfjs.js" => vec!["tfjs/dist/tf".to_owned(), format!("tfjs-backend-{backend}/dist/tf-backend-{backend}")],
        _ => Vec::new(),
    };
    let scripts: String = libraries
        .iter()
        .map(|library| format!("<script src=\"/packages/@tensorflow/{library}.min.js\"></script>"))
        .collect();
    let threads = told_of(options.threads);
    let html = format!(
        "<!doctype html><script>{threads}onerror = (why) => fetch('/said', {{ method: 'POST', body: `${{why}}` }});\n\
         onunhandledrejection = (event) => onerror(event.reason?.stack ?? event.reason);</script>{scripts}\
         <script type=\"module\" src=\"/{script}\"></script>"
    );
    let (packages, own) = (packages()?, Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/browser"));
    let (tell, said) = channel();
    let tell = Mutex::new(tell);
    let url = browser::serve_with(headers(options), move |path, posted| {
        match path.split('?').next().unwrap_or_default().trim_start_matches('/') {
            "" => Some(("text/html", html.clone().into_bytes())),
            "said" => {
                // Nobody listens any more once it is measured.
                let _ = tell.lock().ok()?.send(posted);
                Some(("text/plain", Vec::new()))
            }
            path => match path.strip_prefix("packages/") {
                Some(path) => content(&packages.join(path)),
                None => content(&own.join(path)),
            },
        }
    });
    let (workload, seconds) = (&options.workload, options.seconds);
    let url = format!("{url}?workload={workload}&backend={backend}&seconds={seconds}");
    let _browser = browser::open(&url, &browser::WEBGPU);
    let said = said.recv_timeout(PATIENCE + Duration::from_secs_f64(seconds))?;
    serde_json::from_slice(&said).map_err(|_| String::from_utf8_lossy(&said).into_owned().into())
}

/// The peers' packages, fetched where they are not there yet.
fn packages() -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let packages = folder.join("node_modules");
    if !packages.exists() {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("package.json"), "{}")?;
        let status = Process::new("npm")
            .args(["install", "--silent", "--no-audit"])
            .args(PACKAGES)
            .current_dir(&folder)
            .status();
        if !status.map_err(|error| format!("npm: {error}"))?.success() {
            return Err("npm install fails".into());
        }
    }
    Ok(packages)
}
