//! Timestamps on the adapter that is found.

use super::*;
use crate::gpu::{AdapterChoice, Loads, choose, list};
use crate::plan::executor::{read_now, settle};
use crate::plan::testing::CONV;
use crate::plan::{AdapterKind, Element, Op, Operand, Plan, Residency};
use std::time::Instant;

/// A device with a clock, where the adapter of this machine has one: software drivers do.
fn with_clock() -> Option<Gpu> {
    let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
    let has_clock = gpu.stamps().is_some();
    assert!(has_clock || gpu.adapter().kind == AdapterKind::Gpu, "{} has no timestamps", gpu.adapter());
    has_clock.then_some(gpu)
}

/// `a` and `b` of so many words, each made of the other so many times.
fn to_and_fro(steps: usize, len: usize) -> Plan {
    let mut plan = Plan::default();
    let [a, b] = ["a", "b"].map(|name| plan.kept(name, Element::F32, len, Residency::State));
    for step in 0..steps {
        plan.push(Op::ReluForward(len), &[[a, b], [b, a]][step % 2]);
    }
    plan
}

/// What the clock says of a replay, and the seconds that the host waited for it.
fn replay(gpu: &mut Gpu, plan: PlanHandle) -> (Vec<Option<f64>>, f64) {
    let began = Instant::now();
    let ticket = gpu.submit_stamped(plan).unwrap();
    loop {
        if let Some(seconds) = gpu.collect_stamped(ticket).unwrap() {
            return (seconds, began.elapsed().as_secs_f64());
        }
        gpu.wait().unwrap();
    }
}

/// Of the order, no nearer: other programs use the machine, too.
#[test]
fn steps_take_the_time_that_the_replay_takes() {
    let Some(mut gpu) = with_clock() else { return };
    let plan = gpu.prepare(&to_and_fro(4, 1 << 22)).unwrap();
    let mut plain = || {
        let began = Instant::now();
        gpu.submit(plan).unwrap();
        settle(&mut gpu).unwrap();
        began.elapsed().as_secs_f64()
    };
    let plain = [plain(), plain(), plain()].into_iter().fold(f64::INFINITY, f64::min);
    let (seconds, waited) = replay(&mut gpu, plan);
    let seconds: Vec<f64> = seconds.into_iter().map(Option::unwrap).collect();
    assert!(seconds.len() == 4 && seconds.iter().all(|seconds| seconds.is_finite() && *seconds > 0.0), "{seconds:?}");
    let together: f64 = seconds.iter().sum();
    assert!(together <= waited && together > plain / 8.0, "{together} s of {waited}, without the clock {plain}");
}

#[test]
fn a_plan_longer_than_a_query_set_is_timed_whole() {
    let Some(mut gpu) = with_clock() else { return };
    let steps = 2 * PASSES + 3;
    let plan = gpu.prepare(&to_and_fro(steps, 64)).unwrap();
    let (seconds, waited) = replay(&mut gpu, plan);
    assert_eq!(seconds.len(), steps);
    assert!(seconds.iter().all(|seconds| seconds.is_some_and(|seconds| seconds > 0.0)));
    assert!(seconds.into_iter().flatten().sum::<f64>() <= waited);
}

#[test]
fn a_replay_by_the_clock_computes_and_counts_as_any_other() {
    let Some(mut gpu) = with_clock() else { return };
    let plan = gpu.prepare(&to_and_fro(3, 64)).unwrap();
    let before = gpu.usage();
    gpu.submit(plan).unwrap();
    settle(&mut gpu).unwrap();
    let once = gpu.usage();
    gpu.write("a", 0, bytemuck::cast_slice(&[1.5f32; 64])).unwrap();
    replay(&mut gpu, plan);
    assert_eq!(gpu.in_flight(), 0);
    assert_eq!(read_now(&mut gpu, "b").unwrap(), bytemuck::cast_slice::<f32, u8>(&[1.5; 64]));
    let twice = gpu.usage();
    assert_eq!(twice.submissions - once.submissions, once.submissions - before.submissions);
    assert_eq!(twice.dispatches - once.dispatches, 3);
    assert_eq!(twice.allocated_bytes, before.allocated_bytes);
}

#[test]
fn a_step_is_timed_once_however_many_dispatches_it_takes() {
    let Some(mut gpu) = with_clock() else { return };
    gpu.set_loads(Loads::Pages);
    let op = Op::ConvForward(CONV);
    let mut plan = to_and_fro(1, 64);
    let operands = op.operands();
    let mut kept = |operand: &Operand| plan.kept(operand.name, operand.element, operand.len, Residency::State);
    let views: Vec<_> = operands.iter().map(&mut kept).collect();
    plan.push(op, &views);
    let handle = gpu.prepare(&plan).unwrap();
    assert!(gpu.plans[handle.0].bound.len() > 2, "a convolution packs pages first");
    assert_eq!(replay(&mut gpu, handle).0.len(), 2);
}

#[test]
fn a_device_without_the_feature_opens_and_has_no_clock() {
    let found = choose(list(), &AdapterChoice::Best).unwrap();
    let opened = pollster::block_on(Gpu::open_with(found, wgpu::Features::empty()));
    let mut gpu = opened.unwrap_or_else(|error| panic!("{error}"));
    assert!(gpu.stamps().is_none());
    let plan = gpu.prepare(&to_and_fro(1, 64)).unwrap();
    gpu.submit(plan).unwrap();
    settle(&mut gpu).unwrap();
}

/// A replay with passes of these steps, of which the last has the highest number.
fn stepped<const N: usize>(of_passes: [usize; N]) -> Stepped {
    Stepped { count: of_passes.iter().max().map_or(0, |last| last + 1), of_passes: of_passes.to_vec() }
}

#[test]
fn a_step_that_is_done_with_the_one_before_takes_no_time_of_its_own() {
    let steps = Stepped { of_passes: vec![0, 2], count: 4 };
    assert_eq!(seconds(&steps, &[3, 5, 6, 7], 1.0), [Some(2.0), Some(0.0), Some(1.0), Some(0.0)]);
}

#[test]
fn timestamps_that_are_missing_or_backward_are_no_times() {
    let stamps = [[0, 9], [5, 0], [0, 0], [9, 8], [u64::MAX, 3]];
    for stamps in stamps {
        assert_eq!(seconds(&stepped([0]), &stamps, 1.0), [None], "{stamps:?}");
        assert_eq!(seconds(&stepped([1, 0]), &[[1, 3], stamps].concat(), 1.0), [None, Some(2.0)], "{stamps:?}");
    }
    assert_eq!(
        seconds(&stepped([0, 1]), &[7, 7, 7, 8], 1.0),
        [Some(0.0), Some(1.0)],
        "a clock may be coarser than a step"
    );
}

#[test]
fn a_step_of_several_passes_takes_their_sum() {
    let stamps = [10, 14, 20, 21, 30, 32];
    assert_eq!(seconds(&stepped([0, 1, 0]), &stamps, 0.5), [Some(3.0), Some(0.5)]);
    assert_eq!(seconds(&stepped([0, 1, 0]), &[10, 14, 20, 21, 0, 32], 0.5), [None, Some(0.5)], "all of them or none");
}
