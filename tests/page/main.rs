//! The page in a real browser: it is built, its Worker is given commands as the page gives them, and what it says is held
//! against the same done natively. A missing Chromium fails the tests.

#[path = "../browser/mod.rs"]
mod browser;
mod devtools;
mod files;
mod images;
mod mirror;
mod pictures;
mod site;
mod threads;
mod tuning;

use backhoe::cpu::Cpu;
use backhoe::data::faces::Faces;
use backhoe::data::source::Source;
use backhoe::nn::Loss;
use backhoe::plan::executor::settle;
use backhoe::train::cell::Cell;
use backhoe::train::{Advance, EpochRow, Event, Settings, Trainer};
use backhoe::worker::message::{Agreement, Order, Scene};
use backhoe::worker::{Command, Message, from_bytes, to_bytes};
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use wasmparser::{Validator, WasmFeatures};

/// Longest time between two messages.
const PATIENCE: Duration = Duration::from_secs(120);

/// Training and test images.
const IMAGES: [usize; 2] = [1280, 128];

/// So many epochs are held against the native run's; sums of another order round differently, and every step makes more of it.
const EPOCHS_ALIKE: usize = 2;
/// In these the training loss may differ by this share of it, and shares of images by so many of the test images.
const LOSS_TOLERANCE: f64 = 1e-3;
const IMAGES_TOLERANCE: f64 = 2.0;

/// One browser at a time: two would share the processor that both measure and compute with.
static TURN: Mutex<()> = Mutex::new(());

/// The folder of the page, built once.
fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
        let mut build = Process::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/web"));
        let status = build.args(["--build", "--profile", "web-test", "--out"]).arg(&folder).status();
        assert!(status.is_ok_and(|status| status.success()), "scripts/web --build fails");
        folder
    })
}

/// A file of the page.
fn file(folder: &Path, path: &str) -> browser::Answer {
    let kind = if path.ends_with(".wasm") { "application/wasm" } else { "text/javascript" };
    Some((kind, std::fs::read(folder.join(path.trim_start_matches('/'))).ok()?))
}

/// A page whose Worker is given commands and listened to.
struct Page {
    commands: Sender<Vec<u8>>,
    said: Receiver<Vec<u8>>,
    _browser: browser::Browser,
    _turn: MutexGuard<'static, ()>,
}

impl Page {
    fn open() -> Self {
        Self::open_with("", "")
    }

    /// Served with these headers; its Worker runs this script first.
    fn open_with(headers: &'static str, worker: &'static str) -> Self {
        let (folder, turn) = (built(), TURN.lock().unwrap_or_else(PoisonError::into_inner));
        let (commands, next) = channel::<Vec<u8>>();
        let (told, said) = channel();
        let next = Mutex::new(next);
        let url = browser::serve_with(headers, move |path, posted| match path {
            "/" => Some(("text/html", browser::PAGE.into())),
            "/worker.js" => {
                let own = std::fs::read_to_string(folder.join("worker.js")).ok()?;
                Some(("text/javascript", format!("{worker}\n{own}").into_bytes()))
            }
            "/next" => {
                let next = next.lock().unwrap_or_else(PoisonError::into_inner);
                Some(("application/octet-stream", next.recv_timeout(Duration::from_secs(1)).unwrap_or_default()))
            }
            "/said" => {
                // Nobody listens any more once the test is over.
                let _ = told.send(posted);
                Some(("text/plain", Vec::new()))
            }
            path => file(folder, path),
        });
        let _browser = browser::open(&url, &browser::WEBGPU);
        Self { commands, said, _browser, _turn: turn }
    }

    fn send(&self, command: &Command) {
        self.commands.send(to_bytes(command).unwrap()).unwrap();
    }

    /// The next message; one of failure fails the test.
    fn next(&self) -> Message {
        let bytes = self.said.recv_timeout(PATIENCE).expect("the Worker goes on telling");
        match from_bytes(&bytes) {
            Ok(Message::Failed(trouble)) => panic!("{trouble:?}"),
            Ok(message) => message,
            Err(why) => panic!("{why}: {}", String::from_utf8_lossy(&bytes)),
        }
    }

    /// What the first message has that has it.
    fn until<T>(&self, mut has: impl FnMut(Message) -> Option<T>) -> T {
        loop {
            if let Some(found) = has(self.next()) {
                return found;
            }
        }
    }

    /// Asks for a run to be prepared or begun.
    fn order(&self, device: &str, [train, test]: [usize; 2], settings: Settings, begins: bool) {
        let (source, protocol) = (Source::Faces { train, test }, Default::default());
        let cell = Cell { source, protocol, settings, ground: None, search: false };
        let order = Order { cell, place: None, device: device.to_owned(), begins, sized_by_device: false };
        self.send(&Command::Begin(Box::new(order)));
    }

    /// Has a run prepared or begun.
    fn begin(&self, device: &str, images: [usize; 2], settings: Settings, begins: bool) -> Box<Scene> {
        self.order(device, images, settings, begins);
        self.until(|message| if let Message::Begun(scene) = message { Some(scene) } else { None })
    }
}

/// Every kernel on a device in a page.
fn check(page: &Page, device: &str, name: &str) {
    let scene = page.begin(device, [16, 8], settings(), false);
    assert_eq!(scene.adapter.name, name);
    page.send(&Command::Check);
    let over = |message| match message {
        Message::Checked(agreement) if agreement.over => Some(agreement),
        _ => None,
    };
    let Agreement { rows, trouble, .. } = *page.until(over);
    assert_eq!(trouble, None);
    let names: std::collections::BTreeSet<_> = backhoe::check::plans().into_iter().map(|(name, _)| name).collect();
    assert_eq!(rows.len(), names.len());
    for row in rows {
        assert!(row.failures.is_empty(), "{row:?}");
    }
}

#[test]
fn the_module_is_webassembly_that_every_browser_knows() {
    let module = std::fs::read(built().join("backhoe_bg.wasm")).unwrap();
    Validator::new_with_features(WasmFeatures::WASM2).validate_all(&module).unwrap();
}

#[test]
fn every_kernel_passes_through_webgpu() {
    check(&Page::open(), "swiftshader", "google swiftshader");
}

#[test]
fn every_kernel_passes_in_webassembly() {
    check(&Page::open(), "cpu", "this browser");
}

fn settings() -> Settings {
    Settings { losses: vec![Loss::Emd], epochs: 4, ..Settings::default() }
}

/// The same run on this machine's processor.
fn native() -> Vec<EpochRow> {
    let ([train, test], settings) = (IMAGES, settings());
    let data = Faces { train, test, side: settings.stored_side, seed: settings.seed.into() }.dataset().unwrap();
    let mut trainer = Trainer::new(Box::new(Cpu::open(None)), Arc::new(data), settings).unwrap();
    let mut events = Vec::new();
    while trainer.advance(&mut events).unwrap() != Advance::Finished {
        settle(trainer.executor()).unwrap();
    }
    let row = |event| match event {
        Event::Epoch(result) => Some(result.row),
        _ => None,
    };
    events.into_iter().filter_map(row).collect()
}

fn assert_same_run(device: &str) {
    let page = Page::open();
    page.begin(device, IMAGES, settings(), true);
    let mut rows = Vec::new();
    loop {
        match page.next() {
            Message::Epoch(result) => rows.push(result.row),
            Message::Finished => break,
            _ => {}
        }
    }
    let wanted = native();
    assert_eq!(rows.len(), wanted.len());
    for (row, want) in rows.iter().zip(&wanted).take(EPOCHS_ALIKE) {
        assert_eq!((row.epoch, &row.loss), (want.epoch, &want.loss));
        let off = (row.train_loss - want.train_loss).abs() / want.train_loss.abs();
        assert!(off <= LOSS_TOLERANCE, "{row:?}\n{want:?}");
        for (got, want) in [(row.aem, want.aem), (row.aeo, want.aeo)] {
            let images = (got - want).abs() / 100.0 * IMAGES[1] as f64;
            assert!(images <= IMAGES_TOLERANCE, "{row:?}\n{want:?}");
        }
    }
    // One class for all would be 12.5 percent.
    assert!(rows.last().is_some_and(|row| row.aem > 25.0), "{rows:?}");
}

#[test]
fn a_run_in_webassembly_is_the_native_run() {
    assert_same_run("cpu");
}

#[test]
fn a_run_through_webgpu_is_the_native_run() {
    assert_same_run("swiftshader");
}
