//! The run's own plan, measured.

use super::*;
use crate::cpu::Cpu;
use crate::device::Opened;
use crate::nn::zoo;
use crate::plan::Augmentation;
use std::cell::RefCell;
use std::sync::Arc;

fn workload() -> Workload {
    let augmentation = Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true };
    Workload::new(zoo::plain(16, &[4], 8, 5).unwrap(), 4, augmentation)
}

/// All that was told.
fn measure(own: Own, losses: &[Loss]) -> Vec<Passes> {
    let told = RefCell::new(Vec::new());
    let mut measuring = Measuring::new(own, workload(), losses.to_vec());
    let tell = |message| {
        let Message::Measured(passes) = message else { panic!("{message:?}") };
        told.borrow_mut().push(*passes);
    };
    loop {
        match measuring.advance(&tell) {
            Next::Waiting => measuring.wait(),
            Next::Working => {}
            Next::Idle | Next::Closed => return told.into_inner(),
        }
    }
}

#[test]
fn every_kind_of_step_of_every_loss_is_timed() {
    let open = |_: &str| Ok(Some(Opened { executor: Box::new(Cpu::open(Some(1))) as Box<dyn Executor>, why: "" }));
    let told = measure(Own::new(Arc::new(open), "cpu"), &Loss::ALL);
    let steps = workload().training(&Loss::ALL).steps;
    let last = told.last().unwrap();
    assert!(last.over && last.trouble.is_none() && last.steps == [steps.len(); 2]);
    assert_eq!(last.timed_by, TimedBy::Replays, "the processor has no timestamps");
    assert!(told.len() > steps.len() && !told[0].over && told[0].steps[0] == 0, "{:?}", told[0]);
    let mut names: Vec<&str> = steps.iter().map(|step| step.op.name()).filter(|name| *name != "tick").collect();
    let mut timed: Vec<&str> = last.kinds.iter().map(|kind| kind.op.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    timed.sort_unstable();
    assert_eq!(timed, names);
    assert!((last.kinds.iter().map(|kind| kind.share).sum::<f64>() - 1.0).abs() <= 1e-9);
    assert!(last.kinds.windows(2).all(|pair| pair[0].ms >= pair[1].ms) && last.kinds.iter().all(|kind| kind.ms > 0.0));
}

#[test]
fn a_device_that_does_not_open_is_said_to() {
    let told = measure(Own::new(Arc::new(|_| Err("no such adapter".to_owned())), "x"), &[Loss::Xe]);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].over, told[0].trouble.as_deref()), (true, Some("no such adapter")));
}
