//! Steps timed by a clock that says what it is told to.

use super::*;
use crate::bench::{TimedBy, Timing, Workload, kinds};
use crate::nn::Loss;
use crate::plan::executor::read_now;
use crate::plan::testing::Wrapped;
use crate::plan::{Clock, Residency};
use crate::reference::Interpreter;

/// A nanosecond: far less than any replay takes.
const TICK: f64 = 1e-9;

fn plan() -> Plan {
    Workload::plain(2, 8, &[2], 3, 3).unwrap().training(&[Loss::Emd])
}

/// An executor whose clock says that each step takes so many ticks, in a replay of this number.
fn clocked(steps: usize, ticks: impl Fn(usize) -> Option<f64> + 'static) -> Wrapped<Interpreter> {
    let clock = move |replay| vec![ticks(replay).map(|ticks| TICK * ticks); steps];
    Wrapped::with_clock(Interpreter::new(), Box::new(clock))
}

#[test]
fn the_median_of_each_step_counts_without_the_first_replays() {
    let plan = plan();
    // 1 to 11 ticks, in no order, after the first replays.
    let ticks = |replay| Some(if replay < WARMING { 1000.0 } else { (7 * (replay - WARMING) % REPLAYS + 1) as f64 });
    let (kinds, by) = kinds(&mut clocked(plan.steps.len(), ticks), &plan, None).unwrap();
    assert_eq!(by, TimedBy::Timestamps);
    for kind in kinds {
        let steps = plan.steps.iter().filter(|step| step.op.name() == kind.op).count();
        let want = 1e3 * TICK * 6.0 * steps as f64;
        assert!((kind.ms - want).abs() <= 1e-9 * want, "{}: {} ms of {steps}", kind.op, kind.ms);
    }
}

#[test]
fn every_replay_begins_with_the_clock_set_back_and_keeps_no_tensor() {
    let plan = plan();
    let mut executor = clocked(plan.steps.len(), |_| Some(1.0));
    kinds(&mut executor, &plan, None).unwrap();
    let clock: Clock = bytemuck::pod_read_unaligned(&read_now(&mut executor, "train/clock").unwrap());
    assert_eq!((clock.step, clock.cursor), (1, 1), "one step after it was set back");
    let transient = plan.slots.iter().find(|slot| slot.residency == Residency::Transient).unwrap();
    assert!(executor.request(&format!("bench/{}", transient.name)).is_err(), "steps run in their place");
}

#[test]
fn nothing_is_waited_for() {
    let plan = plan();
    let mut executor = clocked(plan.steps.len(), |_| Some(1.0));
    let mut timing = Timing::new(&mut executor, &plan, 0.0).unwrap();
    for _ in 0..WARMING + REPLAYS {
        assert_eq!(timing.progress(), (0, plan.steps.len()));
        let turn = [(); 3].map(|()| timing.advance(&mut executor).unwrap());
        assert_eq!(turn, [Timed::Advanced, Timed::Waiting, Timed::Advanced]);
    }
    assert_eq!(timing.advance(&mut executor).unwrap(), Timed::Done);
    assert_eq!(timing.progress(), (plan.steps.len(), plan.steps.len()));
}

/// Missing times, none at all, more than the replay took, infinite and undefined ones; in most replays or in few.
#[test]
fn a_clock_that_talks_nonsense_is_not_believed() {
    let plan = plan();
    for nonsense in [None, Some(0.0), Some(-1.0), Some(1e13), Some(f64::INFINITY), Some(f64::NAN)] {
        for (bad, want) in [(REPLAYS / 2, TimedBy::Timestamps), (REPLAYS / 2 + 1, TimedBy::Replays)] {
            let ticks = move |replay| if replay < WARMING + bad { nonsense } else { Some(1.0) };
            let mut executor = clocked(plan.steps.len(), ticks);
            let (kinds, by) = kinds(&mut executor, &plan, None).unwrap();
            assert_eq!(by, want, "{nonsense:?} in {bad} replays");
            assert!(kinds.iter().all(|kind| kind.ms > 0.0 && kind.ms < 1e3), "{nonsense:?}: {kinds:?}");
            assert!(!kinds.is_empty() && kinds.iter().any(|kind| kind.op == "tick") == (by == TimedBy::Timestamps));
        }
    }
}

#[test]
fn a_step_may_be_shorter_than_a_tick() {
    let plan = plan();
    let steps = plan.steps.len();
    // One tick a replay, in this step of it.
    let timed = |at: fn(usize) -> usize| {
        let clock =
            move |replay| (0..steps).map(|step| Some(if step == at(replay) % steps { TICK } else { 0.0 })).collect();
        kinds(&mut Wrapped::with_clock(Interpreter::new(), Box::new(clock)), &plan, None).unwrap()
    };
    let (found, by) = timed(|_| 0);
    assert_eq!((found.len(), by), (1, TimedBy::Timestamps));
    assert!(found[0].op == plan.steps[0].op.name() && found[0].of_step == 1.0 && found[0].gflops.is_finite());
    let (found, by) = timed(|replay| replay);
    assert!(by == TimedBy::Replays && found.len() > 1, "a clock too coarse for each of them: {found:?}");
}

#[test]
fn a_driver_that_refuses_stamps_is_measured_without() {
    let mut refused = Some(ExecutorError::Refused { what: "time steps".to_owned(), why: "no queries left".to_owned() });
    let refusing = Wrapped::with_accidents(Interpreter::new(), Box::new(move |_| refused.take().map_or(Ok(()), Err)));
    let (kinds, by) = kinds(&mut Wrapped::with_clock(refusing, Box::new(|_| Vec::new())), &plan(), None).unwrap();
    assert!(by == TimedBy::Replays && !kinds.is_empty());
}

#[test]
fn a_clock_that_says_too_little_is_not_believed() {
    let plan = plan();
    let (_, by) = kinds(&mut clocked(plan.steps.len() - 1, |_| Some(1.0)), &plan, None).unwrap();
    assert_eq!(by, TimedBy::Replays);
}
