//! `backhoe eval`: trained weights measured again.

use super::program::backhoe;
use super::runs::{SHARED_LOSSES, shared};
use backhoe::report::{read_confusion_csv, read_metrics_csv};
use serde_json::Value;

const DATA: &str = "--train-images 64 --test-images 24";

#[test]
fn a_run_measured_again_has_the_same_numbers() {
    let run = shared();
    let ran = backhoe("eval --json").arg(run).words(DATA).run().succeeded();
    assert_eq!(ran.stderr, "");
    let rows = read_metrics_csv(&run.join("metrics.csv")).unwrap();
    let measured: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(measured.len(), SHARED_LOSSES.len());
    for (measured, row) in measured.iter().zip(rows.iter().skip(SHARED_LOSSES.len())) {
        assert_eq!((row.epoch, &measured["loss"], &measured["images"]), (2, &row.loss.clone().into(), &24.into()));
        for (name, want) in [("aem", row.aem), ("aeo", row.aeo), ("mae", row.mae)] {
            let error = (measured[name].as_f64().unwrap() - want).abs();
            assert!(error <= 1e-9, "{name} of {}: {} where the run had {want}", row.loss, measured[name]);
        }
        let (_, confusion) = read_confusion_csv(&run.join(format!("confusion-{}.csv", row.loss))).unwrap();
        assert_eq!(measured["confusion"], serde_json::json!(confusion.counts()));
    }
}

#[test]
fn one_weights_file_is_measured_in_words() {
    let run = shared();
    let weights = run.join("weights-emd.safetensors");
    let ran = backhoe("eval").arg(weights).words(DATA).run().succeeded();
    assert!(ran.stdout.starts_with("emd: 24 images  AEM "), "{ran:#?}");
    assert!(ran.stdout.contains("truth \\ prediction") && ran.stdout.contains("48-53"), "{ran:#?}");
}

#[test]
fn weights_of_other_classes_are_refused_with_both() {
    let run = shared();
    let ran = backhoe("eval --data digits").arg(run).run();
    ran.refused(&["0-2, 4-6, 8-13", "0, 1, 2, 3"]);
}
