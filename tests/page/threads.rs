//! The module with threads, which the Worker takes where the page is isolated from other origins. It is built where the standard
//! library's source is, which these tests need: `scripts/setup --web` fetches it.

use crate::{Page, browser, built, check, settings};
use backhoe::train::{EpochRow, Settings};
use backhoe::worker::Message;

/// So many threads, whatever the processor has.
const TWO: &str = "Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 });";
const THREE: &str = "Object.defineProperty(navigator, 'hardwareConcurrency', { value: 3 });";

/// A page that is isolated, and so takes the module with threads.
fn isolated(script: &'static str) -> Page {
    let module = built().join("backhoe-threads_bg.wasm");
    assert!(module.exists(), "scripts/web built no module with threads: rustup component add rust-src");
    Page::open_with(browser::ISOLATED, script)
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

/// WebGPU is given words of memory that threads share, which not everything in a browser takes.
#[test]
fn a_run_through_webgpu_has_the_same_bits_in_the_module_with_threads() {
    let (_, wanted) = run(&Page::open(), "swiftshader", [64, 16]);
    let (_, epochs) = run(&isolated(""), "swiftshader", [64, 16]);
    assert_eq!(epochs, wanted);
}
