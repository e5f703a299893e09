//! Runs whose devices are lost, against one that is not.

use super::*;
use crate::data::source::Source;
use crate::gpu::{AdapterChoice, Choices, Gpu, Tuner};
use crate::nn::Loss;
use crate::plan::testing::Wrapped;
use crate::train::looking::Seen;
use std::collections::HashMap;
use std::sync::Mutex;

/// A GPU that is lost before a submission, counted from 0: really, or in words alone.
fn frail(mut left: usize, destroyed: bool) -> Box<dyn Executor> {
    let before = move |gpu: &mut Gpu| {
        if left > 0 {
            left -= 1;
            return Ok(());
        }
        if destroyed {
            gpu.destroy();
            return Ok(());
        }
        Err(ExecutorError::Lost("as the test wants it".to_owned()))
    };
    Box::new(Wrapped::with_accidents(Gpu::open(&AdapterChoice::Best).unwrap(), Box::new(before)))
}

fn settings() -> Settings {
    Settings {
        losses: vec![Loss::Emd],
        epochs: 2,
        batch: 16,
        side: 16,
        stored_side: 16,
        channels: vec![4],
        hidden: 8,
        ..Settings::default()
    }
}

/// What a run told: its last snapshot's slots, rows of epochs, recoveries.
#[derive(Debug, PartialEq)]
struct Told {
    slots: HashMap<String, Vec<u8>>,
    epochs: usize,
    recoveries: Vec<usize>,
    seen: Vec<Seen>,
}

/// What is asked for while a run goes on.
#[derive(Default)]
struct Asks {
    /// After so many steps the learning rate is changed.
    change_after: Option<usize>,
    /// Before the first step a look is asked for.
    look: Option<Look>,
}

/// Runs over devices that are lost before these submissions, one device after the other; the last
/// one lasts.
fn run(lasting: &[usize], destroyed: bool) -> Result<Told, TrainError> {
    run_asked(lasting, destroyed, Asks::default())
}

fn run_changed(lasting: &[usize], after: usize) -> Result<Told, TrainError> {
    run_asked(lasting, false, Asks { change_after: Some(after), ..Asks::default() })
}

fn run_asked(lasting: &[usize], destroyed: bool, mut asks: Asks) -> Result<Told, TrainError> {
    let data = Arc::new(Source::Faces { train: 48, test: 16 }.load(16, 1, &|_, _| ()).unwrap().0);
    let mut lasting = lasting.iter().copied().chain([usize::MAX]).collect::<std::collections::VecDeque<_>>();
    let mut next = move || frail(lasting.pop_front().unwrap_or(usize::MAX), destroyed);
    let first = next();
    let mut opening = false;
    let open: Opener = Box::new(move || {
        // Opening takes a while.
        opening = !opening;
        Ok((!opening).then(&mut next))
    });
    let mut session = Session::new(first, open, data, settings(), None)?;
    let none = Told { slots: HashMap::new(), epochs: 0, recoveries: Vec::new(), seen: Vec::new() };
    let (mut told, mut events) = (none, Vec::new());
    asks.look.into_iter().for_each(|look| session.look(look));
    loop {
        if session.trainer().is_some_and(|trainer| Some(trainer.progress().step) == asks.change_after) {
            session.change(Change::LearningRate(0.3))?;
            asks.change_after = None;
        }
        let advance = session.advance(&mut events)?;
        for event in events.drain(..) {
            match event {
                Event::Epoch(_) => told.epochs += 1,
                Event::Recovered { step, .. } => told.recoveries.push(step),
                Event::Snapshot(snapshot) => told.slots = snapshot.slots,
                Event::Seen(seen) => told.seen.push(*seen),
                _ => {}
            }
        }
        match advance {
            Advance::Working => {}
            Advance::Waiting => session.wait()?,
            Advance::Resting | Advance::Finished => return Ok(told),
        }
    }
}

/// Submissions of an epoch: three steps, the distances, one batch of the evaluation.
const EPOCH: usize = 5;

#[test]
fn a_run_that_loses_its_device_ends_as_one_that_does_not() {
    let whole = run(&[], false).unwrap();
    assert_eq!((whole.epochs, whole.recoveries.len()), (2, 0));
    // In the first epoch; in the second, after its first snapshot; in the evaluation.
    let lost = run(&[1, EPOCH + 2, 4], false).unwrap();
    assert_eq!(lost.recoveries, [0, 3, 3]);
    assert_eq!((lost.slots, lost.epochs), (whole.slots, 2));
}

#[test]
fn what_was_changed_is_changed_again_at_its_step() {
    let whole = run_changed(&[], 2).unwrap();
    assert_ne!(whole, run(&[], false).unwrap());
    // Lost after the change, before the epoch's snapshot: the steps before it are done with the first rate again.
    let lost = run_changed(&[3], 2).unwrap();
    assert_eq!(lost, Told { recoveries: vec![0], ..whole });
}

#[test]
fn a_look_across_a_lost_device_is_told_once_and_changes_nothing() {
    let look = Look { loss: Loss::Emd, image: 5, layer: 0 };
    let looked = |lasting| run_asked(lasting, false, Asks { look: Some(look), ..Asks::default() }).unwrap();
    let whole = looked(&[]);
    assert_eq!((whole.seen.len(), whole.seen[0].look, &whole.seen[0].trouble), (1, look, &None));
    // The first device is lost at the look itself, and the second before it, too.
    let lost = looked(&[0, 0]);
    assert_eq!(lost, Told { recoveries: vec![0, 0], ..whole });
    let unlooked = run(&[], false).unwrap();
    assert!(lost.slots == unlooked.slots);
}

#[test]
fn a_real_device_that_is_destroyed_is_opened_again() {
    let whole = run(&[], false).unwrap();
    let lost = run(&[EPOCH + 1], true).unwrap();
    assert_eq!(lost, Told { recoveries: vec![3], ..whole });
}

#[test]
fn a_device_that_is_lost_again_and_again_ends_the_run() {
    let error = run(&[EPOCH + 1, 1, 0, 2], false).unwrap_err();
    assert!(matches!(error, TrainError::LostAgain { times: 4, .. }), "{error}");
}

#[test]
fn a_device_that_does_not_open_again_ends_the_run() {
    let data = Arc::new(Source::Faces { train: 48, test: 16 }.load(16, 1, &|_, _| ()).unwrap().0);
    let open: Opener = Box::new(|| Err("it was unplugged".to_owned()));
    let mut session = Session::new(frail(0, false), open, data, settings(), None).unwrap();
    let mut events = Vec::new();
    assert_eq!(session.advance(&mut events).unwrap(), Advance::Working);
    assert!(session.trainer().is_none());
    let error = session.advance(&mut events).unwrap_err();
    assert!(error.to_string().contains("it was unplugged"), "{error}");
}

/// Drives a run of a network that is worth a trial to its end: its last snapshot's slots, and what was remembered when it was
/// told that the device was opened again.
fn run_tuned(first: Box<dyn Executor>, found: &Arc<Mutex<Choices>>) -> (HashMap<String, Vec<u8>>, Option<usize>) {
    let data = Arc::new(Source::Faces { train: 48, test: 16 }.load(16, 1, &|_, _| ()).unwrap().0);
    let notes = Arc::clone(found);
    let open: Opener = Box::new(move || {
        let (mut gpu, notes) = (Gpu::open(&AdapterChoice::Best).unwrap(), Arc::clone(&notes));
        gpu.set_tuner(Tuner::new(Choices::new(), move |choices| notes.lock().unwrap().extend(choices.clone())));
        Ok(Some(Box::new(gpu)))
    });
    let settings = Settings { channels: vec![16], ..settings() };
    let mut session = Session::new(first, open, data, settings, None).unwrap();
    let (mut slots, mut recovered, mut events) = (HashMap::new(), None, Vec::new());
    loop {
        let advance = session.advance(&mut events).unwrap();
        for event in events.drain(..) {
            match event {
                Event::Recovered { .. } => recovered = Some(found.lock().unwrap().len()),
                Event::Snapshot(snapshot) => slots = snapshot.slots,
                _ => {}
            }
        }
        match advance {
            Advance::Working => {}
            Advance::Waiting => session.wait().unwrap(),
            Advance::Resting | Advance::Finished => return (slots, recovered),
        }
    }
}

#[test]
fn a_device_that_is_opened_again_tries_kernels_before_the_run_goes_on() {
    let found = Arc::default();
    let (whole, recovered) = run_tuned(frail(usize::MAX, false), &found);
    assert!(recovered.is_none() && found.lock().unwrap().is_empty(), "the first device has no tuner");
    let (slots, recovered) = run_tuned(frail(1, false), &found);
    assert!(recovered.is_some_and(|choices| choices > 0), "{recovered:?}");
    assert!(slots == whole, "a choice changes no bit");
}
