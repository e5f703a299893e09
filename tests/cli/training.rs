//! The main job: `backhoe train` on faces, on digits and on a folder, and that a seed says it all.

use super::evaluation::assert_as_in_metrics;
use super::program::{TINY, backhoe};
use super::runs::{Asked, SHARED_LOSSES, assert_whole, shared, timeless_metrics, train_shared, weights};
use backhoe::train::run::RunFolder;

#[test]
fn a_run_on_faces_leaves_everything_behind() {
    let run = shared();
    assert_whole(run, &Asked { losses: &SHARED_LOSSES, epochs: 2, classes: 8, test_images: 24 });
    let rows = timeless_metrics(run);
    // The distance term waits for the end of the jump start, which is when lambda is chosen.
    let lambdas: Vec<f64> = rows.iter().filter_map(|row| row.lambda).collect();
    assert!(lambdas.len() == 2 && lambdas[0] == 0.0 && lambdas[1] > 0.0, "{lambdas:?}");
}

#[test]
fn a_run_on_digits_leaves_everything_behind() {
    let run = tempfile::tempdir().unwrap();
    let losses = ["emd-linear", "xemd1"];
    let call =
        backhoe("train --data digits --test-fraction 0.8 --seed 5 --epochs 1 --loss emd-linear,xemd1").words(TINY);
    let ran = call.words("--out").arg(run.path()).run().succeeded();
    assert_whole(run.path(), &Asked { losses: &losses, epochs: 1, classes: 10, test_images: 1438 });
    for word in [
        "digits: 10 classes",
        "train AEM %",
        "ms a step (all losses)",
        "order found again",
        "report.html",
        run.path().to_str().unwrap(),
    ] {
        assert!(ran.stdout.contains(word), "no {word:?} in {ran:#?}");
    }
    // Measured again on what it was not trained on: the split is the run's own, by the run's own seed.
    let ran = backhoe("eval --json").arg(run.path()).run().succeeded();
    assert_as_in_metrics(&ran, run.path(), &losses);
    // Other data are taken at the user's word, also where they are the ones taken when nothing is said.
    backhoe("eval --data faces").arg(run.path()).run().refused(&["0, 1, 2", "0-2, 4-6"]);
}

/// Many images are tested on and few trained on: the steps' time is the smaller part.
#[test]
fn the_time_of_steps_is_not_that_of_evaluation() {
    let run = tempfile::tempdir().unwrap();
    let call = backhoe("train --quiet --epochs 3 --loss xe --out").arg(run.path());
    call.words(&TINY.replace("--test-images 24", "--test-images 1500")).run().succeeded();
    let progress = RunFolder { path: run.path().to_owned() }.read_checkpoint().unwrap().progress;
    let (seconds, of_steps) = (progress.seconds, progress.step_seconds);
    assert!(of_steps > 0.0 && of_steps < seconds / 2.0, "{of_steps} of {seconds} seconds");
}

#[test]
fn a_seed_determines_the_weights_to_the_last_bit() {
    let first = shared();
    let [again, other] = [1, 2].map(|seed| {
        let run = tempfile::tempdir().unwrap();
        train_shared(run.path(), seed);
        run
    });
    assert_eq!(weights(first).len(), 3);
    assert!(weights(first) == weights(again.path()), "one seed, two runs");
    assert_eq!(timeless_metrics(first), timeless_metrics(again.path()));
    for (name, bytes) in weights(other.path()) {
        assert_ne!(bytes, weights(first)[&name], "two seeds, one {name}");
    }
}

#[test]
fn without_a_folder_the_first_free_number_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("runs/faces-1")).unwrap();
    backhoe("train --quiet --epochs 1 --loss xe").words(TINY).within(folder.path()).run().succeeded();
    assert!(folder.path().join("runs/faces-2/weights-xe.safetensors").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("runs/faces-1")).unwrap().count(), 0);
}
