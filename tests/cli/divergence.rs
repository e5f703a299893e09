//! Learning rates that no network survives.

use super::program::{TINY, backhoe};
use super::runs::{copy_of_shared, files};
use backhoe::train::run::RunFolder;
use std::fs;
use std::path::Path;

/// It ended within its first epoch: there is the checkpoint from before its first step, and nothing else.
#[track_caller]
fn assert_left_nothing_learned(run: &Path) {
    assert_eq!(files(run).into_keys().collect::<Vec<_>>(), ["checkpoint.safetensors", "run.json"]);
    assert_eq!(RunFolder { path: run.to_owned() }.read_checkpoint().unwrap().progress.step, 0);
}

#[test]
fn a_diverging_run_ends_with_step_and_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let tiny = TINY.replace("--lr 0.05", "--lr 1e6");
    let ran = backhoe("train --quiet --epochs 3 --loss xe,emd").words(&tiny).arg("--out").arg(&run).run();
    ran.refused(&["xe", "step", "1000000", "--lr"]);
    assert_left_nothing_learned(&run);
}

#[test]
fn the_last_good_checkpoint_is_kept() {
    let run = copy_of_shared();
    let folder = RunFolder { path: run.path().to_owned() };
    let (mut snapshot, mut record) = (folder.read_checkpoint().unwrap(), folder.read_record().unwrap());
    snapshot.progress.settings.learning_rate = 1e6;
    record.settings.learning_rate = 1e6;
    folder.write_checkpoint(&snapshot).unwrap();
    folder.write_record(&record).unwrap();
    let path = run.path().join("checkpoint.safetensors");
    let before = fs::read(&path).unwrap();
    let ran = backhoe("train --quiet --epochs 5 --resume").arg(run.path()).run();
    ran.refused(&["step", "1000000", "--lr", "last good checkpoint"]);
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// The last step of a run has no later one in which its damage would show.
#[test]
fn a_network_broken_by_the_last_step_is_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let tiny = TINY.replace("--lr 0.05", "--lr 3e38").replace("--batch 16", "--batch 64");
    let ran = backhoe("train --quiet --epochs 1 --loss xe").words(&tiny).arg("--out").arg(&run).run();
    ran.refused(&["xe", "--lr"]);
    assert_left_nothing_learned(&run);
}
