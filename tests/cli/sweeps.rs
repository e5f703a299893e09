//! `backhoe sweep`, `merge` and `compare`: grids of runs, their parts, and runs side by side.

use super::folders::{change_a_picture, data_folder};
use super::program::backhoe;
use super::runs::{files, shared, train_shared};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Four runs: two losses, two seeds.
const GRID: &str = "--train-images 64 --test-images 24 --size 16 --network 4,6/8 --batch 16 --lr 0.05 --epochs 2 --jump-start 1 \
                    --loss xe,emd --seeds 1..2 --device cpu";

/// Numbers of a sweep without its times.
fn summary(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("sweep.csv")).unwrap();
    text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
}

#[test]
fn parts_joined_are_the_whole() {
    let place = tempfile::tempdir().unwrap();
    let [whole, first, second] = ["whole", "first", "second"].map(|name| place.path().join(name));
    let ran = backhoe("sweep").words(GRID).arg("--out").arg(&whole).run().succeeded();
    assert!(ran.stdout.contains("AEM over xe") && ran.stdout.contains("written to"), "{ran:#?}");
    let part = |shard: &str, out: &Path| backhoe("sweep --shard").arg(shard).words(GRID).arg("--out").arg(out);
    let ran = part("1/2", &first).run().succeeded();
    assert!(ran.stdout.contains("2 of 4 runs are not finished") && ran.stdout.contains("emd-lr0.05-seed1"), "{ran:#?}");
    assert!(!first.join("sweep.csv").exists());
    part("2/2", &second).run().succeeded();
    backhoe("merge").arg(&first).arg(&second).run().succeeded();
    assert_eq!(summary(&first), summary(&whole));
    assert_eq!(summary(&whole).len(), 5, "a header and four runs");
    for name in ["xe-lr0.05-seed1-4x6x8", "emd-lr0.05-seed2-4x6x8"] {
        assert_eq!(files(&first.join(name)).len(), files(&whole.join(name)).len());
    }
}

/// A finished run is not touched again; a run that is missing is trained.
#[test]
fn a_sweep_begun_again_does_what_is_missing() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("sweep");
    let sweep = || backhoe("sweep --quiet").words(GRID).arg("--out").arg(&out).run().succeeded();
    sweep();
    let before = summary(&out);
    let (kept, lost) = (out.join("xe-lr0.05-seed1-4x6x8"), out.join("xe-lr0.05-seed2-4x6x8"));
    let written = fs::metadata(kept.join("checkpoint.safetensors")).unwrap().modified().unwrap();
    fs::remove_dir_all(&lost).unwrap();
    sweep();
    assert_eq!(fs::metadata(kept.join("checkpoint.safetensors")).unwrap().modified().unwrap(), written);
    assert_eq!(summary(&out), before);
}

/// A learning rate that no network survives: the others are trained and summarised, the call fails in the end, and whoever
/// merges learns of it.
#[test]
fn what_fails_hinders_no_other_run() {
    let place = tempfile::tempdir().unwrap();
    let [whole, first, second] = ["whole", "first", "second"].map(|name| place.path().join(name));
    let words = GRID.replace("--lr 0.05", "--lr 1000000,0.05");
    let sweep = |out: &Path| backhoe("sweep").words(&words).arg("--out").arg(out);
    let ran = sweep(&whole).run();
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let last = ran.stderr.lines().last().unwrap();
    assert!(last.contains("4 of 8 runs failed") && last.contains("not a finite number"), "{ran:#?}");
    assert!(ran.stdout.contains("AEM over xe") && ran.stdout.contains("xe-lr1000000-seed1"), "{ran:#?}");
    assert_eq!(summary(&whole).len(), 5);
    let page = fs::read_to_string(whole.join("sweep.html")).unwrap();
    assert!(page.contains("4 runs failed") && page.contains("emd-lr1000000-seed2"), "{page}");
    assert_eq!(sweep(&first).words("--shard 1/2").run().code, Some(1));
    assert_eq!(sweep(&second).words("--shard 2/2").run().code, Some(1));
    let merged = backhoe("merge").arg(&first).arg(&second).run();
    assert_eq!(merged.code, Some(1), "{merged:#?}");
    assert_eq!(summary(&first), summary(&whole));
}

/// Runs that lack each other's seed are no pairs.
#[test]
fn what_is_left_of_two_losses_is_not_paired_across_seeds() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("sweep");
    let sweep = || backhoe("sweep").words(GRID).arg("--out").arg(&out).run();
    sweep().succeeded();
    for lost in ["xe-lr0.05-seed1-4x6x8", "emd-lr0.05-seed2-4x6x8"] {
        fs::write(out.join(format!("{lost}.failed")), "it did not").unwrap();
        fs::remove_dir_all(out.join(lost)).unwrap();
    }
    let merged = backhoe("merge").arg(&out).run();
    merged.refused(&["2 of 4 runs failed", "it did not"]);
    let emd = merged.stdout.lines().find(|line| line.starts_with("emd")).unwrap();
    assert!(emd.ends_with('–'), "{merged:#?}");
    assert!(sweep().succeeded().stdout.contains("AEM over xe"));
}

/// What is kept of images that have changed since, or of other images than another part's, is no result of these.
#[test]
fn kept_runs_of_other_images_are_refused() {
    let (place, data) = (tempfile::tempdir().unwrap(), data_folder());
    let [out, part] = ["sweep", "part"].map(|name| place.path().join(name));
    let words = "--size 16 --network 4,6/8 --batch 8 --lr 0.05 --epochs 1 --loss xe,emd --seeds 1 --device cpu --quiet";
    let sweep = |out: &Path, more: &str| {
        backhoe("sweep").words(words).words(more).arg("--data").arg(data.path()).arg("--out").arg(out).run()
    };
    sweep(&out, "--shard 1/2").succeeded();
    change_a_picture(data.path());
    sweep(&out, "").refused(&["xe-lr0.05-seed1", "as they were", "other pixels or labels", "--out"]);
    sweep(&part, "--shard 2/2").succeeded();
    backhoe("merge").arg(&out).arg(&part).run().refused(&["xe-lr0.05", "emd-lr0.05", "different data"]);
}

/// What `merge` was killed in the midst of is begun anew.
#[test]
fn half_a_merged_run_stops_no_sweep() {
    let place = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| place.path().join(name));
    let part = |shard: &str, out: &Path| backhoe("sweep --quiet --shard").arg(shard).words(GRID).arg("--out").arg(out);
    part("1/2", &first).run().succeeded();
    part("2/2", &second).run().succeeded();
    let name = "emd-lr0.05-seed1-4x6x8";
    let half = first.join(format!(".unfinished-{name}"));
    fs::create_dir(&half).unwrap();
    fs::write(half.join("run.json"), "half").unwrap();
    // One that was copied file by file, under its own name.
    fs::create_dir(first.join(name)).unwrap();
    fs::write(first.join(name).join("left-over.csv"), "half").unwrap();
    backhoe("merge").arg(&first).arg(&second).run().succeeded();
    assert!(!half.exists());
    assert_eq!(files(&first.join(name)), files(&second.join(name)));
}

#[test]
fn what_is_not_this_sweep_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("sweep");
    backhoe("sweep --quiet --shard 1/4").words(GRID).arg("--out").arg(&out).run().succeeded();
    let other = backhoe("sweep --quiet --momentum 0.5").words(GRID).arg("--out").arg(&out).run();
    other.refused(&["holds another sweep", "--out"]);
    backhoe("merge").arg(place.path().join("none")).run().refused(&["holds no sweep"]);
    backhoe("sweep --shard 5/4 --out x").run().misunderstood(&["5/4"]);
    let twice = backhoe("sweep --quiet --seeds 1,2,1 --out x").within(place.path()).run();
    twice.refused(&["xe-lr0.03-seed1", "is asked for twice"]);
    assert!(!place.path().join("x").exists());
}

/// Four folds of one loss: every face is tested on once.
#[test]
fn folds_are_swept_over() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("sweep");
    let words = "--train-images 48 --test-images 16 --size 16 --network 4,6/8 --batch 16 --lr 0.05 --epochs 1 --loss emd \
                 --seeds 1 --folds 4 --device cpu --quiet";
    backhoe("sweep").words(words).arg("--out").arg(&out).run().succeeded();
    assert_eq!(summary(&out).len(), 5);
    let names = |fold: usize| -> Vec<String> {
        let path = out.join(format!("emd-lr0.05-seed1-fold{fold}-4x6x8/predictions-emd.csv"));
        backhoe::report::Predicted::read_csv(&path).unwrap().names
    };
    let mut all: Vec<String> = (1..=4).flat_map(names).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 64);
}

/// As the README says, where GNU parallel is installed (scripts/setup --tests installs it).
#[cfg(unix)]
#[test]
fn gnu_parallel_runs_the_parts() {
    let place = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_backhoe");
    let line = format!("{program} sweep {GRID} --quiet --out {}/part{{}} --shard {{}}/2", place.path().display());
    let ran = Command::new("parallel").args(["--will-cite", "-j2", &line, ":::", "1", "2"]).output();
    let ran = ran.expect("GNU parallel is not installed: scripts/setup --tests installs it");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let merged = backhoe("merge").arg(place.path().join("part1")).arg(place.path().join("part2")).run().succeeded();
    assert!(merged.stdout.contains("AEM over xe"), "{merged:#?}");
}

#[test]
fn runs_stand_side_by_side_on_one_page() {
    let place = tempfile::tempdir().unwrap();
    let page = place.path().join("page.html");
    let ran =
        backhoe("compare").arg(shared()).arg(shared()).arg("--out").arg(&page).words("--samples 3").run().succeeded();
    assert!(ran.stdout.contains("run: emd") && ran.stdout.contains("all together"), "{ran:#?}");
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("class=\"sample\"").count(), 3);
    assert!(html.contains("D: run: emd less run: xe") && html.contains("Confusion (shares"), "differences");
    let other = place.path().join("other");
    train_shared(&other, 2);
    let ran = backhoe("compare").arg(shared()).arg(&other).arg("--out").arg(&page).run().succeeded();
    assert!(!ran.stdout.contains("all together"), "{ran:#?}");
    assert!(fs::read_to_string(&page).unwrap().contains("different images"));
    backhoe("compare").arg(place.path().join("none")).run().refused(&["none"]);
    let namesake = place.path().join("run");
    train_shared(&namesake, 1);
    let ran = backhoe("compare").arg(shared()).arg(&namesake).arg("--out").arg(&page).run().succeeded();
    let parent = place.path().file_name().unwrap().to_string_lossy();
    assert!(ran.stdout.contains(&format!("{parent}/run: emd")), "{ran:#?}");
}
