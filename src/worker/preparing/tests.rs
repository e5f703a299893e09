//! Runs whose devices try kernels before they begin.

use super::super::message::{Command, Message};
use super::super::tests::{Desk, assert_same_state, checkpoint, order_on, settings, troubles};
use super::super::work::OpenDevice;
use crate::data::source::Source;
use crate::device::Opened;
use crate::gpu::{AdapterChoice, Choices, Gpu, Tuner};
use crate::train::Settings;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A network with operations that are worth a trial.
fn order(place: &Path) -> Command {
    let settings = Settings { channels: vec![16], hidden: 32, epochs: 1, ..settings() };
    order_on(Source::Faces { train: 48, test: 24 }, place, settings)
}

/// A graphics adapter with a tuner that remembers nothing but in `found`; without these with fixed choices.
fn adapter(found: Option<&Arc<Mutex<Choices>>>) -> OpenDevice {
    let found = found.cloned();
    Arc::new(move |_| {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        if let Some(found) = found.clone() {
            let remember = move |choices: &Choices| found.lock().unwrap().extend(choices.clone());
            gpu.set_tuner(Tuner::new(Choices::new(), remember));
        }
        Ok(Some(Opened { executor: Box::new(gpu), why: "as the test wants it" }))
    })
}

#[test]
fn kernels_are_tried_before_a_run_begins_and_change_no_bit_of_it() {
    let (runs, found) = (tempfile::tempdir().unwrap(), Arc::default());
    let [tuned, plain] = ["tuned", "plain"].map(|name| runs.path().join(name));
    let mut desk = Desk::on(adapter(Some(&found)));
    desk.worker.take(order(&tuned));
    desk.until(|message| matches!(message, Message::Begun(_)));
    assert!(!found.lock().unwrap().is_empty());
    assert!(troubles(&desk.settle()).is_empty());
    assert!(troubles(&Desk::on(adapter(None)).take(order(&plain))).is_empty());
    assert_same_state(&checkpoint(&tuned), &checkpoint(&plain));
}

#[test]
fn a_run_is_called_off_while_its_device_tries_kernels() {
    let (runs, found) = (tempfile::tempdir().unwrap(), Arc::default());
    let place = runs.path().join("run");
    let mut desk = Desk::on(adapter(Some(&found)));
    desk.worker.take(order(&place));
    desk.until(|message| matches!(message, Message::Preparing));
    // The images are handed over, kernels are prepared and submitted.
    for _ in 0..4 {
        desk.worker.advance();
    }
    let said = desk.take(Command::Stop);
    assert!(matches!(said[..], [Message::CalledOff]), "{said:?}");
    assert!(!place.exists() && found.lock().unwrap().is_empty());
    // The worker lives on.
    let said = desk.take(order(&place));
    assert!(said.iter().any(|message| matches!(message, Message::Finished)), "{:?}", troubles(&said));
    assert!(!found.lock().unwrap().is_empty());
}

#[test]
fn another_run_takes_the_place_of_one_whose_device_tries_kernels() {
    let (runs, found) = (tempfile::tempdir().unwrap(), Arc::default());
    let [first, second] = ["first", "second"].map(|name| runs.path().join(name));
    let mut desk = Desk::on(adapter(Some(&found)));
    desk.worker.take(order(&first));
    desk.until(|message| matches!(message, Message::Preparing));
    for _ in 0..4 {
        desk.worker.advance();
    }
    let said = desk.take(order(&second));
    assert!(said.iter().any(|message| matches!(message, Message::Finished)), "{:?}", troubles(&said));
    assert!(!first.exists() && second.join("report.html").exists());
}
