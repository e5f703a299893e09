//! The module with threads, which the Worker takes where the page is isolated from other origins. It is built where the standard
//! library's source is, which these tests need: `scripts/setup --web` fetches it.

use crate::files::{begun, open};
use crate::site::Site;
use crate::{Page, browser, built, check, files, settings};
use backhoe::data::faces::Faces;
use backhoe::data::source::Source;
use backhoe::train::cell::Cell;
use backhoe::train::{EpochRow, Settings};
use backhoe::worker::message::{Order, Pace};
use backhoe::worker::{Command, Message};

/// So many threads, whatever the processor has.
pub const TWO: &str = "Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 });";
const THREE: &str = "Object.defineProperty(navigator, 'hardwareConcurrency', { value: 3 });";

/// A page that is isolated, and so takes the module with threads.
fn isolated(script: &'static str) -> Page {
    assert_threads_are_built();
    Page::open_with(browser::ISOLATED, script)
}

fn assert_threads_are_built() {
    let module = built().join("backhoe-threads_bg.wasm");
    assert!(module.exists(), "scripts/web built no module with threads: rustup component add rust-src");
}

/// Of an epoch everything but its time, and the predictions bit by bit.
type Bits = (String, Vec<u32>);

/// What computes, and the epochs of a run there.
fn run(page: &Page, device: &str, images: [usize; 2]) -> (String, Vec<Bits>) {
    let scene = page.begin(device, images, Settings { epochs: 2, ..settings() }, true);
    let mut epochs = Vec::new();
    loop {
        match page.next() {
            Message::Epoch(result) => {
                let row = EpochRow { seconds: 0.0, ..result.row };
                epochs.push((format!("{row:?}"), result.outcomes.iter().map(|share| share.to_bits()).collect()));
            }
            Message::Finished => return (scene.adapter.backend.clone(), epochs),
            _ => {}
        }
    }
}

#[test]
fn every_kernel_passes_on_threads() {
    check(&isolated(TWO), "cpu", "this browser");
}

#[test]
fn a_run_has_the_same_bits_on_every_number_of_threads() {
    let (one, wanted) = run(&Page::open(), "cpu", [320, 64]);
    assert!(one.ends_with(" 1 thread"), "{one}");
    for (script, threads) in [(TWO, " 2 threads"), (THREE, " 3 threads")] {
        let (backend, epochs) = run(&isolated(script), "cpu", [320, 64]);
        assert!(backend.ends_with(threads), "{backend}");
        assert_eq!(epochs, wanted);
    }
}

/// A thread draws eight at a time: by how many are done shows how many threads draw.
#[test]
fn images_are_drawn_on_all_threads() {
    let page = isolated(THREE);
    page.order("cpu", [3072, 24], settings(), false);
    let mut drawn = Vec::new();
    page.until(|message| match message {
        Message::Loading { done, .. } => {
            drawn.push(done);
            None
        }
        message => begun(message),
    });
    drawn.retain(|done| *done > 0);
    assert!(drawn.len() > 2 && drawn.iter().all(|done| done % 24 == 0), "{drawn:?}");
}

/// WebGPU is given words of memory that threads share, which not everything in a browser takes.
#[test]
fn a_run_through_webgpu_has_the_same_bits_in_the_module_with_threads() {
    let (_, wanted) = run(&Page::open(), "swiftshader", [64, 16]);
    let (_, epochs) = run(&isolated(""), "swiftshader", [64, 16]);
    assert_eq!(epochs, wanted);
}

/// Once it is told to, writes a class that there is none of wherever these labels lie in the memory of all threads, so that a
/// kernel counts beyond its row. LABELS stands for them.
const SPOIL: &str = "
const labels = LABELS;
let memory;
self.Worker = class extends Worker {
    postMessage(given, transferred) {
        memory = given[1];
        super.postMessage(given, transferred);
    }
};
new BroadcastChannel('spoil').onmessage = () => {
    const words = new Uint32Array(memory.buffer);
    for (let at = 0; at < words.length; at++) {
        if (labels.every((label, i) => words[at + i] === label)) words.fill(1e9, at, at + labels.length);
    }
};
";

/// A run in a page that spoils its labels when it is told to.
fn spoiled() -> (Site, Command) {
    let [train, test] = [64, 16];
    let settings = Settings { epochs: 10_000, ..files::settings() };
    let faces = Faces { train, test, side: settings.stored_side, seed: settings.seed.into() };
    let script = SPOIL.replace("LABELS", &format!("{:?}", faces.dataset().unwrap().train.labels));
    let site = Site::open_with(browser::ISOLATED, "", format!("{TWO}{script}"));
    let source = Source::Faces { train, test };
    let cell = Cell { source, protocol: Default::default(), settings, ground: None, search: false };
    let order = Order { cell, place: None, device: "cpu".to_owned(), begins: true, sized_by_device: false };
    (site, Command::Begin(Box::new(order)))
}

/// The Worker waits for its threads, so that they speak for themselves.
#[test]
fn a_panic_of_a_thread_is_told_and_its_run_goes_on_after_the_page_was_loaded_again() {
    assert_threads_are_built();
    let (site, order) = spoiled();
    site.send(&order);
    let scene = site.message(begun);
    assert!(scene.adapter.backend.ends_with(" 2 threads"), "{}", scene.adapter.backend);
    site.message(|message| if let Message::Kept { step: 1.., .. } = message { Some(()) } else { None });
    site.run("new BroadcastChannel('spoil').postMessage('')");
    let trouble = site.failure();
    assert!(trouble.ends && trouble.what == "this program", "{trouble:?}");
    assert!(trouble.why.starts_with("panicked at src/cpu/"), "{trouble:?}");
    assert!(trouble.why.ends_with("load the page again, then open the run"), "{trouble:?}");
    // The page has ended the Worker, which waits for ever: nobody has the run any more.
    let left = "(async () => { while ((await navigator.locks.query()).held.length) await 0; return 'left' })()";
    assert_eq!(site.tools().evaluate(left), "left");
    site.reload();
    site.send(&open("runs/faces-1"));
    let opened = site.message(begun);
    assert!(opened.step > 0 && !opened.rows.is_empty(), "{:?}", opened.rows);
    site.send(&Command::Go(Pace::Run));
    // The last epoch is told once more.
    site.message(|message| match message {
        Message::Epoch(result) if result.row.epoch > opened.rows.len() => Some(()),
        _ => None,
    });
}
