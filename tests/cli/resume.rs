//! Runs that are interrupted or killed, and end all the same as if nothing had been.

use super::program::{Call, Ran, backhoe, signal};
use super::runs::{Asked, assert_whole, files, place, timeless_metrics, weights};
use backhoe::train::run::RunFolder;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const LOSSES: [&str; 2] = ["xe", "xemd2"];
const EPOCHS: usize = 4;

/// Twenty steps an epoch. Lambda is chosen at the end of the third, by sums of the whole epoch.
fn train(run: &Path) -> Call {
    train_for(EPOCHS, run)
}

fn train_for(epochs: usize, run: &Path) -> Call {
    let small = "--train-images 320 --test-images 24 --size 16 --channels 4,6 --hidden 8 --batch 16 --lr 0.05";
    let call = backhoe("train --json --loss xe,xemd2 --jump-start 3 --seed 7").words(small);
    call.words(&format!("--epochs {epochs}")).arg("--out").arg(run)
}

/// The run that nobody interrupts.
fn uninterrupted() -> &'static Path {
    static RUN: LazyLock<PathBuf> = LazyLock::new(|| {
        train(&place("uninterrupted")).run().succeeded();
        place("uninterrupted")
    });
    &RUN
}

/// Goes on, and compares all that may be compared.
#[track_caller]
fn assert_ends_alike(resumed: &Path) {
    let ran = backhoe("train --json --resume").arg(resumed).run().succeeded();
    assert_eq!(ran.stderr, "");
    assert_whole(resumed, &Asked { losses: &LOSSES, epochs: EPOCHS, classes: 8, test_images: 24 });
    assert_eq!(timeless_metrics(resumed), timeless_metrics(uninterrupted()));
    assert_eq!(weights(resumed).len(), 2);
    assert!(weights(resumed) == weights(uninterrupted()), "the metrics are alike, the weights are not");
}

/// Reads the lines of two epochs, and says how long the second took.
fn two_epochs(child: &mut Child) -> Duration {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines_of_an_epoch = || {
        for _ in LOSSES {
            lines.next().unwrap().unwrap();
        }
        Instant::now()
    };
    let first = lines_of_an_epoch();
    let took = lines_of_an_epoch() - first;
    // The pipe has to stay open for as long as the program writes.
    std::thread::spawn(move || lines.count());
    took
}

/// Interrupts a run in the midst of its third epoch.
fn interrupted() -> TempDir {
    for _ in 0..5 {
        let run = tempfile::tempdir().unwrap();
        let mut child = train(run.path()).stdout(Stdio::piped()).begin();
        let took = two_epochs(&mut child);
        std::thread::sleep(took / 2);
        signal(&child, "INT");
        let ran = Ran::new(child.wait_with_output().unwrap());
        if ran.code == Some(0) {
            // It was faster than the signal.
            continue;
        }
        assert_eq!(ran.code, Some(130), "{ran:#?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:#?}");
        ran.says(&["stopped", "--resume", run.path().to_str().unwrap()]);
        let progress = RunFolder { path: run.path().to_owned() }.read_checkpoint().unwrap().progress;
        if progress.epoch == 2 && progress.cursor > 0 {
            return run;
        }
    }
    panic!("five runs were interrupted, and none within its third epoch");
}

#[test]
fn an_interrupted_run_ends_like_one_that_never_stopped() {
    let run = interrupted();
    // What there is so far is there to be looked at.
    assert!(run.path().join("report.html").exists() && weights(run.path()).len() == 2);
    assert_ends_alike(run.path());
}

#[test]
fn a_killed_run_ends_like_one_that_never_stopped() {
    let run = tempfile::tempdir().unwrap();
    let mut child = train(run.path()).stdout(Stdio::null()).begin();
    let began = Instant::now();
    while !run.path().join("checkpoint.safetensors").exists() {
        assert!(began.elapsed() < Duration::from_secs(300), "no checkpoint in five minutes");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert_eq!(Ran::new(child.wait_with_output().unwrap()).code, None);
    assert!(weights(run.path()).is_empty(), "it had come to its end before it was killed");
    remove_unfinished(run.path());
    assert_ends_alike(run.path());
}

/// A killed run may leave a file that had not got its name yet.
fn remove_unfinished(run: &Path) {
    for name in files(run).into_keys().filter(|name| name.starts_with(".tmp")) {
        fs::remove_file(run.join(name)).unwrap();
    }
}

#[test]
fn a_run_killed_before_its_first_checkpoint_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut child = train(&run).stdout(Stdio::null()).begin();
    while !run.join("run.json").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!run.join("checkpoint.safetensors").exists(), "it was faster than the signal");
    backhoe("train --resume").arg(&run).run().refused(&["run", "no checkpoint", "first epoch"]);
}

/// More epochs than first asked for; and files are replaced, never rewritten in place, so that
/// whoever reads one reads a whole one: a second name of each keeps what it had.
#[test]
fn a_finished_run_goes_on_as_if_it_had_been_asked_for_more() {
    let [run, links] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    train_for(2, run.path()).run().succeeded();
    let before = files(run.path());
    for name in before.keys() {
        fs::hard_link(run.path().join(name), links.path().join(name)).unwrap();
    }
    let ran = backhoe("train --json --epochs 4 --resume").arg(run.path()).run().succeeded();
    assert_eq!(ran.stdout.lines().count(), (EPOCHS - 2) * LOSSES.len());
    assert_eq!(timeless_metrics(run.path()), timeless_metrics(uninterrupted()));
    assert!(weights(run.path()) == weights(uninterrupted()));
    let kept = files(links.path());
    let rewritten: Vec<_> = before.keys().filter(|name| kept[*name] != before[*name]).collect();
    assert!(rewritten.is_empty(), "rewritten in place: {rewritten:?}");
}
