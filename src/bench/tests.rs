//! The instrument on the reference: what does not depend on time.

use super::*;
use crate::plan::Op;
use crate::plan::testing::Wrapped;
use crate::reference::Interpreter;

/// A network small enough for plain loops in 64 bits.
fn small() -> Workload {
    Workload::plain(2, 8, &[2], 3, 3).unwrap()
}

#[test]
fn a_workload_trains_on_numbers() {
    let mut executor = Interpreter::new();
    let started = small().start(&mut executor, &[Loss::Emd, Loss::Xemd2]).unwrap();
    for _ in 0..3 {
        executor.submit(started.handle).unwrap();
    }
    for racer in ["emd", "xemd2"] {
        let sums = executor.get(&format!("{racer}/sums"));
        assert!(sums.iter().all(|sum| sum.is_finite()) && sums[0] > 0.0, "{racer}: {sums:?}");
        assert_eq!((sums[3], executor.get(&format!("{racer}/fault"))[0]), (8.0, 0.0), "{racer}");
    }
}

#[test]
fn kernels_are_tried_for_what_is_measured() {
    let limits = Interpreter::new().limits();
    let mut executor = Wrapped::with_limits(Interpreter::new(), limits);
    small().start(&mut executor, &[Loss::Emd]).unwrap();
    small().examine(&mut executor, Loss::Emd).unwrap();
    let splits = executor.announced.iter().map(|plan| plan.slots.iter().any(|slot| slot.name.starts_with("test/")));
    assert_eq!((splits.collect::<Vec<_>>(), executor.tuned), (vec![false, true], 2));
}

#[test]
fn a_pace_without_deferred_work_has_no_host_time() {
    let mut executor = Interpreter::new();
    let started = small().start(&mut executor, &[Loss::Emd]).unwrap();
    let paced = pace(&mut executor, started.handle, "train", Duration::from_millis(1)).unwrap();
    assert!(paced.step_s > 0.0 && paced.step_s < 1.0);
    assert_eq!(paced.host_s, None);
}

#[test]
fn every_kind_of_step_is_timed_on_contents() {
    let mut executor = Interpreter::new();
    let started = small().start(&mut executor, &[Loss::Emd]).unwrap();
    let (kinds, by) =
        kinds(&mut executor, &started.plan, Some(crate::plan::Peaks { gflops: 2.0, gb_per_s: 4.0 })).unwrap();
    let mut timed: Vec<&str> = kinds.iter().map(|kind| kind.op).collect();
    let mut names: Vec<&str> =
        started.plan.steps.iter().filter(|step| step.op != Op::Tick).map(|step| step.op.name()).collect();
    timed.sort_unstable();
    names.sort_unstable();
    names.dedup();
    assert_eq!((timed, by), (names, TimedBy::Replays));
    assert!((kinds.iter().map(|kind| kind.of_step).sum::<f64>() - 1.0).abs() <= 1e-9);
    for kind in &kinds {
        assert!((kind.of_peak.unwrap() - kind.gflops / 2.0).abs() <= 1e-12);
        assert!((kind.of_copy.unwrap() - kind.gb_per_s / 4.0).abs() <= 1e-12);
    }
    assert!(executor.get("bench/images").iter().all(|pixel| pixel.is_finite()), "steps alone find real contents");
    assert!(executor.get("bench/emd/logit_gradient").iter().any(|gradient| *gradient != 0.0));
}

#[test]
fn an_unknown_workload_is_refused_with_the_known_ones() {
    let request = Request { workload: "R3".to_owned(), ..Request::default() };
    let error = measure(&mut Interpreter::new(), &request).unwrap_err();
    assert_eq!(error.to_string(), "there is no workload `R3`; there are R1 and R2");
}

#[test]
fn a_measurement_keeps_its_names_and_leaves_out_what_was_not_measured() {
    let request =
        Request { race: vec![Loss::Xe, Loss::Emd, Loss::Xemd2], span: Duration::from_millis(1), ..Request::default() };
    let measured = measure_workload(&mut Interpreter::new(), &small(), &request).unwrap();
    let json = serde_json::json!(measured);
    for key in ["train_images_per_s", "infer_images_per_s", "step_ms", "first_step_s", "step_gflop", "memory_mib"] {
        assert!(json[key].as_f64().unwrap() > 0.0, "{key}: {}", json[key]);
    }
    assert_eq!((json["workload"].as_str(), json["adapter"]["name"].as_str()), (Some("R1"), Some("reference")));
    assert_eq!(json["kinds_timed_by"], "replays");
    for key in ["host_ms", "peak_gflops", "copy_gb_per_s"] {
        assert!(json[key].is_null(), "{key}: {}", json[key]);
    }
    assert_eq!(json["race"]["losses"], serde_json::json!(["xe", "emd", "xemd2"]));
    let parts = ["tune_s", "prepare_s", "fill_s", "replay_s"].map(|part| json["startup"][part].as_f64().unwrap());
    assert!((parts.iter().sum::<f64>() - measured.first_step_s).abs() <= 1e-9);
    let times = measured.race.unwrap().times_one;
    assert!(times > 1.5 && times < 8.0, "three losses take {times} times the step of one");
}
