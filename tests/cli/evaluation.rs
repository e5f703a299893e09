//! `backhoe eval`: trained weights measured again.

use super::program::{Ran, backhoe};
use super::runs::{SHARED_LOSSES, shared};
use backhoe::report::{read_confusion_csv, read_metrics_csv};
use serde_json::Value;
use std::path::Path;

const DATA: &str = "--train-images 64 --test-images 24";

/// Measuring says of each loss what the last rows of `metrics.csv` say.
#[track_caller]
pub fn assert_as_in_metrics(ran: &Ran, run: &Path, losses: &[&str]) {
    assert_eq!(ran.stderr, "");
    let mut rows = read_metrics_csv(&run.join("metrics.csv")).unwrap();
    let rows = rows.split_off(rows.len() - losses.len());
    let measured: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(measured.len(), losses.len());
    for ((measured, row), loss) in measured.iter().zip(rows).zip(losses) {
        assert_eq!((row.loss.as_str(), measured["loss"].as_str()), (*loss, Some(*loss)));
        for (name, want) in [("aem", row.aem), ("aeo", row.aeo), ("mae", row.mae)] {
            let error = (measured[name].as_f64().unwrap() - want).abs();
            assert!(error <= 1e-9, "{name} of {loss}: {} where the run had {want}", measured[name]);
        }
        let (_, confusion) = read_confusion_csv(&run.join(format!("confusion-{loss}.csv"))).unwrap();
        assert_eq!(measured["confusion"], serde_json::json!(confusion.counts()));
        assert_eq!(measured["images"].as_u64(), Some(confusion.counts().iter().sum()));
    }
}

/// The data it was trained on, named again, or taken from the run itself.
#[test]
fn a_run_measured_again_has_the_same_numbers() {
    let run = shared();
    for data in [DATA, ""] {
        let ran = backhoe("eval --json").arg(run).words(data).run().succeeded();
        assert_as_in_metrics(&ran, run, &SHARED_LOSSES);
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
