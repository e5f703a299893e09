//! The tuner on the adapter that is found.

use super::*;
use crate::gpu::AdapterChoice;
use crate::plan::executor::{read_now, tune_now};
use crate::plan::testing::CONV;
use crate::plan::{AdapterKind, Conv, Element, ExecutorError, Residency, Usage};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

/// Forward and backward of a convolution, and an operation that has no rivals.
fn plan() -> Plan {
    let mut plan = Plan::default();
    let data = |plan: &mut Plan, name, len| plan.kept(name, Element::F32, len, Residency::Data);
    let (input, weight) = (data(&mut plan, "input", CONV.input_len()), data(&mut plan, "weight", CONV.weight_len()));
    let output = data(&mut plan, "output", CONV.output_len());
    let (by_data, by_weight) =
        (data(&mut plan, "by data", CONV.input_len()), data(&mut plan, "by weight", CONV.weight_len()));
    let positive = data(&mut plan, "positive", CONV.output_len());
    plan.push(Op::ConvForward(CONV), &[input, weight, output]);
    plan.push(Op::ReluForward(CONV.output_len()), &[output, positive]);
    plan.push(Op::ConvBackwardData(CONV), &[positive, weight, by_data]);
    plan.push(Op::ConvBackwardWeight(CONV), &[input, positive, by_weight]);
    plan
}

/// A tuner with so much time, and what it will have remembered.
fn tuner(known: Choices, left: Duration) -> (Tuner, Rc<RefCell<Choices>>) {
    let remembered = Rc::new(RefCell::new(Choices::new()));
    let notes = Rc::clone(&remembered);
    let tuner = Tuner::new(known, move |found| notes.borrow_mut().extend(found.clone()));
    (Tuner { left, ..tuner }, remembered)
}

/// What the plan writes, by an executor with this tuner.
fn results(tuner: Option<Tuner>) -> (Gpu, Vec<Vec<u8>>) {
    let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
    gpu.tuner = tuner;
    gpu.announce(&plan());
    tune_now(&mut gpu);
    let handle = gpu.prepare(&plan()).unwrap();
    for (slot, len) in [("input", CONV.input_len()), ("weight", CONV.weight_len())] {
        let words: Vec<f32> = (0..len).map(|word| (word as f32).sin()).collect();
        gpu.write(slot, 0, bytemuck::cast_slice(&words)).unwrap();
    }
    gpu.submit(handle).unwrap();
    let read = ["output", "by data", "by weight"].map(|slot| read_now(&mut gpu, slot).unwrap());
    (gpu, read.to_vec())
}

fn left(gpu: &Gpu) -> Duration {
    gpu.tuner.as_ref().unwrap().left
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn choices_are_made_remembered_and_change_no_bit() {
    let (plain, wanted) = results(None);
    let (made, remembered) = tuner(Choices::new(), LONG);
    let (gpu, got) = results(Some(made));
    assert!(got == wanted);
    let operations: Vec<String> = remembered.borrow().values().map(|choice| choice.operation.clone()).collect();
    // The rivals of the gradient by weight take more scratch memory here.
    for name in ["ConvForward", "ConvBackwardData"] {
        assert!(operations.iter().any(|operation| operation.starts_with(name)), "{operations:?}");
    }
    assert_eq!((operations.len(), gpu.chosen.0.len()), (2, 2));
    assert_eq!(gpu.usage(), plain.usage(), "trials leave no trace");
}

#[test]
fn what_is_remembered_is_not_tried_again() {
    let (made, remembered) = tuner(Choices::new(), LONG);
    results(Some(made));
    let mut known = remembered.borrow().clone();
    let rivals = Question::new(Op::ConvForward(CONV), Loads::of(AdapterKind::Software)).ways;
    known.values_mut().for_each(|choice| choice.loads = rivals.last().unwrap().0);
    let (made, remembered) = tuner(known, LONG);
    let (gpu, _) = results(Some(made));
    assert!(remembered.borrow().is_empty());
    assert_eq!(gpu.chosen.of(&Op::ConvForward(CONV)), rivals.last().map(|(loads, _)| *loads));
    assert_eq!(left(&gpu), LONG, "it takes no time");
}

#[test]
fn without_time_the_fixed_choices_stand_and_nothing_is_remembered() {
    let (made, remembered) = tuner(Choices::new(), Duration::ZERO);
    let (gpu, got) = results(Some(made));
    assert!(gpu.chosen.0.is_empty() && remembered.borrow().is_empty());
    assert!(got == results(None).1);
}

/// A GPU that is to find out what the plan asks.
fn asked(tuner: Tuner) -> Gpu {
    let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
    gpu.set_tuner(tuner);
    gpu.announce(&plan());
    gpu
}

#[test]
fn what_was_not_tried_to_the_end_counts_for_this_program_alone() {
    let (made, remembered) = tuner(Choices::new(), LONG);
    let mut gpu = asked(made);
    let mut tuner = gpu.tuner.take().unwrap();
    tuner.open.push_back(Question::new(Op::ConvForward(Conv { batch: 5, ..CONV }), gpu.loads));
    tuner.decide(&mut gpu, Loads::Storage, false);
    assert_eq!(tuner.found.len(), 1, "the first had all the time that there is");
    tuner.is_whole = false;
    tuner.decide(&mut gpu, Loads::Storage, false);
    assert_eq!((gpu.chosen.0.len(), tuner.found.len()), (2, 1));
    tuner.decide(&mut gpu, Loads::Storage, true);
    assert_eq!((gpu.chosen.0.len(), tuner.found.len()), (3, 2));
    tuner.end();
    assert_eq!((remembered.borrow().len(), tuner.found.len()), (2, 0));
}

#[test]
fn what_the_whole_budget_was_too_short_for_is_tried_once_more() {
    let mut known = Choices::new();
    for again in [true, false] {
        let (made, remembered) = tuner(known.clone(), LONG);
        let mut gpu = asked(made);
        let mut tuner = gpu.tuner.take().unwrap();
        let op = tuner.open[0].op;
        tuner.decide(&mut gpu, Loads::Storage, false);
        tuner.end();
        known.extend(remembered.borrow().clone());
        assert_eq!(known.values().map(|choice| choice.again).collect::<Vec<_>>(), [again]);
        let gpu = asked(self::tuner(known.clone(), LONG).0);
        assert_eq!(gpu.chosen.of(&op).is_some(), !again);
    }
}

#[test]
fn nothing_is_tried_twice_and_a_call_never_waits() {
    let (made, remembered) = tuner(Choices::new(), LONG);
    let mut gpu = asked(made);
    gpu.announce(&plan());
    let mut waited = 0;
    loop {
        match gpu.tune() {
            Tuned::Advanced => assert!(remembered.borrow().is_empty(), "all of it is told in the end"),
            Tuned::Waiting => {
                waited += 1;
                gpu.wait().unwrap();
            }
            Tuned::Done => break,
        }
    }
    assert!(waited > 0);
    assert_eq!((gpu.chosen.0.len(), remembered.borrow().len()), (2, 2));
    assert_eq!((gpu.tune(), gpu.in_flight()), (Tuned::Done, 0));
}

#[test]
fn the_budget_ends_what_is_tried_and_is_spent_once() {
    let (made, _) = tuner(Choices::new(), Duration::from_millis(1));
    let mut gpu = asked(made);
    let began = Instant::now();
    tune_now(&mut gpu);
    // What is under way is ended, which takes a while where a driver has yet to compile.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let decided = gpu.chosen.0.len();
    assert!(decided <= 1 && left(&gpu) == Duration::ZERO, "{decided} decided, {:?} left", left(&gpu));
    gpu.announce(&plan());
    tune_now(&mut gpu);
    assert_eq!(gpu.chosen.0.len(), decided, "there is no time left");
}

#[test]
fn a_device_that_is_lost_ends_it_and_is_found_lost() {
    let (made, remembered) = tuner(Choices::new(), LONG);
    let mut gpu = asked(made);
    assert_eq!(gpu.tune(), Tuned::Advanced);
    gpu.destroy();
    tune_now(&mut gpu);
    assert!(gpu.chosen.0.is_empty() && remembered.borrow().is_empty());
    assert!(matches!(gpu.prepare(&plan()), Err(ExecutorError::Lost(_))));
}

#[test]
fn a_trial_that_fails_leaves_no_reading_to_wait_for() {
    let mut gpu = asked(tuner(Choices::new(), LONG).0);
    let reads = |gpu: &Gpu| gpu.tuner.as_ref().is_some_and(Tuner::is_reading);
    while !reads(&gpu) {
        assert_ne!(gpu.tune(), Tuned::Done);
        while gpu.in_flight() > 0 {
            gpu.wait().unwrap();
        }
    }
    let woken = Arc::new(Woken::default());
    gpu.wake(&Arc::clone(&woken).into());
    assert!(!woken.0.load(Ordering::Relaxed), "the reading will wake it");
    gpu.health.note_refused("no more".to_owned());
    assert_eq!(gpu.tune(), Tuned::Advanced);
    assert!(!reads(&gpu) && gpu.readback.is_idle());
}

#[test]
fn what_one_operation_is_refused_another_need_not_be() {
    let (made, remembered) = tuner(Choices::new(), LONG);
    let mut gpu = asked(made);
    let huge = Op::ConvForward(Conv { batch: 1 << 24, ..CONV });
    gpu.tuner.as_mut().unwrap().open.push_front(Question::new(huge, gpu.loads));
    tune_now(&mut gpu);
    assert_eq!((gpu.chosen.of(&huge), gpu.chosen.0.len(), remembered.borrow().len()), (None, 2, 2));
}

/// Whether somebody was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_stopped_in_the_middle_leaves_no_trace() {
    let (made, remembered) = tuner(Choices::new(), LONG);
    let mut gpu = asked(made);
    for _ in 0..3 {
        assert_ne!(gpu.tune(), Tuned::Done);
    }
    gpu.tuner = None;
    while gpu.in_flight() > 0 {
        gpu.wait().unwrap();
    }
    assert!(gpu.kept.is_empty() && gpu.plans.is_empty() && gpu.usage() == Usage::default());
    assert!(gpu.chosen.0.is_empty() && remembered.borrow().is_empty());
    gpu.prepare(&plan()).unwrap();
}

#[test]
fn a_plan_that_does_not_fit_is_refused_and_not_tried() {
    let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
    gpu.set_tuner(tuner(Choices::new(), LONG).0);
    let mut large = plan();
    let huge = ["huge", "huge too"].map(|name| large.kept(name, Element::F32, 1 << 29, Residency::Data));
    large.push(Op::ReluForward(1 << 29), &huge);
    gpu.announce(&large);
    assert_eq!(gpu.tune(), Tuned::Done);
    assert!(matches!(gpu.prepare(&large), Err(ExecutorError::Misfit(_))));
    assert!(gpu.chosen.0.is_empty());
}

#[test]
fn a_choice_depends_on_adapter_driver_shape_and_fixed_choice() {
    let adapter = Adapter { name: "a".into(), driver: "1".into(), ..Adapter::default() };
    let key = |conv, fixed, adapter: &Adapter| Question::new(Op::ConvForward(conv), fixed).key(adapter);
    let keys = [
        key(CONV, Loads::Pages, &adapter),
        key(CONV, Loads::Tiles, &adapter),
        key(Conv { batch: 5, ..CONV }, Loads::Pages, &adapter),
        key(CONV, Loads::Pages, &Adapter { driver: "2".into(), ..adapter.clone() }),
        key(CONV, Loads::Pages, &Adapter { name: "b".into(), ..adapter.clone() }),
    ];
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    assert_eq!(keys[0], key(CONV, Loads::Pages, &adapter));
}

#[test]
fn a_choice_depends_on_the_kernels_and_what_compiles_them() {
    let (question, adapter) = (Question::new(Op::ConvForward(CONV), Loads::Tiles), Adapter::default());
    let key = question.key(&adapter);
    assert_eq!(key, question.key_by(&adapter, COMPILERS, Family::source));
    assert_ne!(key, question.key_by(&adapter, "wgpu 31", Family::source));
    let used = question.ways[0].1[0].kernel.family;
    assert_ne!(key, question.key_by(&adapter, COMPILERS, |family| if family == used { "" } else { family.source() }));
}

#[test]
fn the_compilers_are_those_that_are_built_with() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    for compiler in COMPILERS.split(", ").filter(|compiler| !compiler.starts_with("options")) {
        let (name, version) = compiler.split_once(' ').unwrap();
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&locked), "{compiler} is not in Cargo.lock: raise COMPILERS");
    }
}

#[test]
fn small_operations_and_those_of_one_kernel_are_not_asked_about() {
    let open = |op| Question::new(op, Loads::Pages).is_open();
    assert!(open(Op::ConvForward(CONV)));
    assert!(!open(Op::ConvForward(Conv { batch: 1, ..CONV })), "over in no time");
    assert!(!open(Op::ReluForward(1 << 24)), "one kernel");
    assert!(!open(Op::ConvForward(Conv { batch: 1 << 13, ..CONV })), "too large to have twice");
}
