//! Runs that are interrupted or killed, and end all the same as if nothing had been.

use super::folders::{data_folder, picture, train_on};
use super::program::{Call, Ran, backhoe, signal};
use super::runs::{Asked, assert_whole, files, place, timeless_metrics, weights};
use backhoe::report::{read_confusion_csv, read_matrix_csv};
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
    assert_same_epochs(resumed);
}

/// The matrices of all epochs are kept to the byte.
#[track_caller]
fn assert_same_epochs(run: &Path) {
    let [found, wanted] = [run, uninterrupted()].map(|run| fs::read(run.join("epochs.bin")).unwrap());
    assert!(found == wanted, "the weights are alike, the matrices of the epochs are not");
    let folder = RunFolder { path: run.to_owned() };
    let (epochs, rows) = (folder.read_epochs(8).unwrap(), folder.read_checkpoint().unwrap().progress.history);
    for epoch in 1..=EPOCHS {
        let results = epochs.results(epoch, &rows).unwrap();
        assert_eq!(results.iter().map(|result| result.row.loss.as_str()).collect::<Vec<_>>(), LOSSES);
    }
    let last = &epochs.results(EPOCHS, &rows).unwrap()[1];
    let (_, ground) = read_matrix_csv(&run.join("ground-distance-xemd2.csv")).unwrap();
    let (_, confusion) = read_confusion_csv(&run.join("confusion-xemd2.csv")).unwrap();
    assert_eq!((&last.ground, &last.evaluation.confusion), (&ground, &confusion));
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

/// Kills a run as soon as `reached` holds of its folder.
#[track_caller]
fn killed(call: Call, reached: impl Fn() -> bool) {
    let mut child = call.stdout(Stdio::null()).begin();
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < Duration::from_secs(300), "not there in five minutes");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert_eq!(Ran::new(child.wait_with_output().unwrap()).code, None);
}

/// Where a run's checkpoint stands: epochs and steps done.
fn stands(run: &Path) -> Option<(usize, usize)> {
    let progress = RunFolder { path: run.to_owned() }.read_checkpoint().ok()?.progress;
    Some((progress.epoch, progress.step))
}

#[test]
fn a_run_killed_before_its_first_step_ends_like_one_that_never_stopped() {
    let run = tempfile::tempdir().unwrap();
    killed(train(run.path()), || stands(run.path()).is_some());
    assert_eq!(stands(run.path()), Some((0, 0)), "it was faster than the signal");
    // As if it had been killed while it wrote.
    fs::write(run.path().join(".unfinished-aBcDeF"), "half a checkpoint").unwrap();
    assert_ends_alike(run.path());
}

#[test]
fn a_run_killed_within_its_first_epoch_ends_like_one_that_never_stopped() {
    let run = tempfile::tempdir().unwrap();
    let call = train(run.path()).words("--checkpoint-every 0");
    killed(call, || stands(run.path()).is_some_and(|(_, step)| step > 2));
    let (epoch, step) = stands(run.path()).unwrap();
    assert!(epoch == 0 && step < 20, "it was faster than the signal: {step} steps");
    assert!(weights(run.path()).is_empty());
    assert_ends_alike(run.path());
    let sittings = RunFolder { path: run.path().to_owned() }.read_record().unwrap().sittings;
    let began: Vec<_> = sittings.iter().map(|sitting| (sitting.epoch, sitting.step)).collect();
    assert_eq!(began, [(0, 0), (0, step)]);
    for sitting in sittings {
        assert!(!sitting.adapter.name.is_empty() && sitting.version == env!("CARGO_PKG_VERSION"));
        assert!(sitting.wgpu.starts_with("30.") && sitting.naga.starts_with("30."), "{sitting:?}");
    }
}

#[test]
fn a_run_killed_before_it_began_says_so_and_can_be_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    killed(train(&run), || run.join("run.json").exists());
    assert!(!run.join("checkpoint.safetensors").exists(), "it was faster than the signal");
    for call in ["train --resume", "eval"] {
        backhoe(call).arg(&run).run().refused(&["run", "no checkpoint", "first step", "--out"]);
    }
    train(&run).run().succeeded();
    assert!(weights(&run) == weights(uninterrupted()));
}

/// As a run that is killed once it has measured its last epoch: what it leaves is all there or can be had.
#[test]
fn a_run_that_could_not_leave_its_weights_is_not_complete() {
    let run = tempfile::tempdir().unwrap();
    let blocked = run.path().join("weights-xemd2.safetensors");
    let mut child = train(run.path()).stdout(Stdio::piped()).begin();
    two_epochs(&mut child);
    fs::create_dir(&blocked).unwrap();
    let ran = Ran::new(child.wait_with_output().unwrap());
    ran.refused(&["weights-xemd2.safetensors"]);
    assert!(stands(run.path()).is_some_and(|(epoch, _)| epoch < EPOCHS));
    fs::remove_dir(blocked).unwrap();
    assert_ends_alike(run.path());
}

/// A run of an earlier version has no matrices of its epochs; one whose matrices are damaged says how to go on.
#[test]
fn a_run_without_matrices_of_its_epochs_goes_on_and_a_damaged_file_is_named() {
    let run = tempfile::tempdir().unwrap();
    train_for(2, run.path()).run().succeeded();
    let file = run.path().join("epochs.bin");
    let resume =
        |epochs: usize| backhoe("train --json --resume").arg(run.path()).words(&format!("--epochs {epochs}")).run();
    fs::write(&file, b"backhoe epochs 1, cut").unwrap();
    resume(3).refused(&["epochs.bin", "damaged", "remove the file"]);
    fs::remove_file(&file).unwrap();
    resume(3).succeeded();
    let epochs = RunFolder { path: run.path().to_owned() }.read_epochs(8).unwrap();
    assert_eq!(epochs.numbers().collect::<Vec<_>>(), [3]);
}

/// A picture that was painted over, a label that was changed: a run goes on with its own data only.
#[test]
fn other_pixels_and_labels_are_not_gone_on_with() {
    let (data, run) = (data_folder(), tempfile::tempdir().unwrap());
    train_on(data.path(), run.path(), "--epochs 1 --loss xe").succeeded();
    let before = files(run.path());
    let resume = || backhoe("train --quiet --epochs 2 --resume").arg(run.path()).run();
    let paint = |name: &str| {
        let path = data.path().join(name);
        let kept = fs::read(&path).unwrap();
        picture(5, 77).save(&path).unwrap();
        move || fs::write(&path, &kept).unwrap()
    };
    for (name, words) in [("train/1 black/no 0.png", "64 training"), ("test/1 black/no 8.png", "24 test")] {
        let restore = paint(name);
        resume().refused(&["data", words, "pixels or labels", "then resume"]);
        restore();
    }
    let [ours, other] = ["1 black", "7 grey"].map(|name| data.path().join("train").join(name).join("no 0.png"));
    let (kept, swapped) = (fs::read(&ours).unwrap(), fs::read(&other).unwrap());
    fs::write(&ours, &swapped).unwrap();
    fs::write(&other, &kept).unwrap();
    resume().refused(&["64 training", "pixels or labels"]);
    assert!(files(run.path()) == before);
    fs::write(&ours, kept).unwrap();
    fs::write(&other, swapped).unwrap();
    resume().succeeded();
}

/// More epochs than first asked for; and files are replaced, never rewritten in place, so that
/// whoever reads one reads a whole one: a second name of each keeps what it had.
#[test]
fn a_finished_run_goes_on_as_if_it_had_been_asked_for_more() {
    let [run, links] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    train_for(2, run.path()).run().succeeded();
    let before = files(run.path());
    let step_seconds = || RunFolder { path: run.path().to_owned() }.read_checkpoint().unwrap().progress.step_seconds;
    let first_seconds = step_seconds();
    for name in before.keys() {
        fs::hard_link(run.path().join(name), links.path().join(name)).unwrap();
    }
    let ran = backhoe("train --json --epochs 4 --resume").arg(run.path()).run().succeeded();
    assert_eq!(ran.stdout.lines().count(), (EPOCHS - 2) * LOSSES.len());
    assert_eq!(timeless_metrics(run.path()), timeless_metrics(uninterrupted()));
    assert!(weights(run.path()) == weights(uninterrupted()));
    assert_same_epochs(run.path());
    assert!(step_seconds() > first_seconds);
    let kept = files(links.path());
    let rewritten: Vec<_> = before.keys().filter(|name| kept[*name] != before[*name]).collect();
    assert!(rewritten.is_empty(), "rewritten in place: {rewritten:?}");
}

#[test]
fn a_packed_run_goes_on_in_a_folder_of_its_own() {
    let (run, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train_for(2, run.path()).run().succeeded();
    let packed = RunFolder { path: run.path().to_owned() }.pack().unwrap();
    fs::write(here.path().join("demo-1.backhoe"), packed).unwrap();
    fs::create_dir_all(here.path().join("runs/demo-1")).unwrap();
    let resume = |file: &str| backhoe("train --json --epochs 4 --resume").arg(file).within(here.path()).run();
    let gone_on = here.path().join("runs/demo-2");
    let complete = backhoe("train --json --resume demo-1.backhoe").within(here.path()).run();
    complete.refused(&["demo-1.backhoe is complete with 2 epochs"]);
    assert!(!gone_on.exists(), "what cannot go on leaves no folder");
    resume("demo-1.backhoe").succeeded();
    assert_whole(&gone_on, &Asked { losses: &LOSSES, epochs: EPOCHS, classes: 8, test_images: 24 });
    assert!(weights(&gone_on) == weights(uninterrupted()));
    assert_same_epochs(&gone_on);
    fs::write(here.path().join("none.backhoe"), b"no archive").unwrap();
    resume("none.backhoe").refused(&["none.backhoe", "no run packed into a file", "no zip archive"]);
    assert!(!here.path().join("runs/none").exists());
}
