//! Folds, bins, validation splits, and learning rates that are searched for.

use super::folders::{CLASSES, train_on, write_pictures};
use super::program::{Ran, TINY, backhoe, signal};
use backhoe::report::Predicted;
use backhoe::train::run::RunFolder;
use backhoe::train::search::{RATES, read_tries};
use std::path::Path;

fn predicted(run: &Path) -> Predicted {
    Predicted::read_csv(&run.join("predictions-emd.csv")).unwrap()
}

/// A fold is another split of the same images, goes on after an interruption as it was, and is what `eval` tests on.
#[test]
fn a_fold_is_kept_through_resuming_and_measuring() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("fold");
    let words = "train --device cpu --quiet --loss emd --epochs 1 --folds 4 --fold 2 --out";
    backhoe(words).arg(&run).words(TINY).run().succeeded();
    assert_eq!(predicted(&run).len(), 22, "a fourth of 88 images");
    let ran = backhoe("eval --device cpu --json").arg(&run).run().succeeded();
    let row: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(row["images"], 22);
    let ran = backhoe("eval --device cpu --json --fold 1").arg(&run).run().succeeded();
    let other: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(other["images"], 22, "another fold of the run's own data");
    assert_ne!(other["confusion"], row["confusion"]);
    backhoe("train --device cpu --quiet --epochs 2 --resume").arg(&run).run().succeeded();
    let refused = backhoe("train --device cpu --quiet --fold 9 --out").arg(place.path().join("x")).words(TINY).run();
    refused.refused(&["no fold 9", "1 to 5"]);
}

#[test]
fn ages_in_bins_are_classes_of_equal_frequency() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("bins");
    let words = "train --device cpu --quiet --loss emd --epochs 1 --bins 4 --out";
    backhoe(words).arg(&run).words(TINY).run().succeeded();
    let record = RunFolder { path: run.clone() }.read_record().unwrap();
    assert_eq!((record.classes.len(), record.protocol.bins), (4, Some(4)));
    let found = predicted(&run);
    assert!(found.scores.iter().all(|score| (0.0..91.0).contains(score)), "ages, not indices: {:?}", found.scores);
    let refused = backhoe("train --device cpu --bins 65 --out").arg(place.path().join("x")).words(TINY).run();
    refused.refused(&["65 bins", "fewer bins"]);
}

#[test]
fn a_validation_split_leaves_the_test_images_alone() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("validation");
    let words = "train --device cpu --quiet --loss emd --epochs 1 --validation 0.25 --out";
    backhoe(words).arg(&run).words(TINY).run().succeeded();
    let found = predicted(&run);
    assert_eq!(found.len(), 16);
    assert!(found.names.iter().all(|name| name.starts_with("faces/train/")), "{:?}", found.names);
}

#[test]
fn the_papers_preset_searches_and_keeps_its_tries() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("paper");
    let tiny = TINY.replace("--lr 0.05", "");
    let words = "train --device cpu --quiet --preset paper --loss xe,emd --epochs 1 --out";
    backhoe(words).arg(&run).words(&tiny).run().succeeded();
    let tries = read_tries(&run.join("rates.csv")).unwrap();
    let record = RunFolder { path: run }.read_record().unwrap();
    assert_eq!((tries.len(), record.settings.momentum), (2 * RATES.len(), 0.98));
    let augmentation = record.settings.augmentation;
    assert!(augmentation.rotation && augmentation.aspect);
    for (racer, loss) in ["xe", "emd"].into_iter().enumerate() {
        let chosen: Vec<f32> =
            tries.iter().filter(|tried| tried.chosen && tried.loss == loss).map(|tried| tried.learning_rate).collect();
        assert_eq!(chosen, [record.settings.rate(racer)]);
    }
    backhoe("train --lr fast").run().misunderstood(&["fast", "search"]);
}

/// Ctrl-C during a search is heard, and what was tried until then is not tried again.
#[cfg(unix)]
#[test]
fn an_interrupted_search_is_gone_on_with() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let tiny = TINY.replace("--lr 0.05", "--lr search").replace("--train-images 64", "--train-images 400");
    let call = || backhoe("train --device cpu --quiet --loss xe --epochs 8 --out").arg(&run).words(&tiny);
    let remembered =
        || std::fs::read_to_string(run.join("rates.json")).map_or(0, |kept| kept.matches("\"aem\"").count());
    let mut child = call().begin();
    while remembered() < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before two rates were tried");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    signal(&child, "INT");
    let ran = Ran::new(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{ran:#?}");
    ran.says(&["stopped", "search for learning rates", &format!("--out {}", run.display())]);
    let tried = remembered();
    assert!((2..13).contains(&tried) && !run.join("checkpoint.safetensors").exists(), "{tried}");
    let first = std::fs::read_to_string(run.join("rates.json")).unwrap();
    call().run().succeeded();
    assert_eq!(remembered(), 7 + 4 + 2, "each rung once");
    let after = std::fs::read_to_string(run.join("rates.json")).unwrap();
    assert!(after.starts_with(first.trim_end().trim_end_matches('}').trim_end().trim_end_matches(']').trim_end()));
}

/// As a kill between the table of tries and the first checkpoint leaves it.
#[test]
fn tries_without_a_run_do_not_stop_it() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    std::fs::create_dir(&run).unwrap();
    for name in ["run.json", "rates.csv", "rates.json"] {
        std::fs::write(run.join(name), "half").unwrap();
    }
    let tiny = TINY.replace("--lr 0.05", "--lr search");
    backhoe("train --device cpu --quiet --loss xe --epochs 1 --out").arg(&run).words(&tiny).run().succeeded();
    assert_eq!(read_tries(&run.join("rates.csv")).unwrap().len(), RATES.len());
}

/// Four people a class, each in two images: whoever is tested on is not trained on.
#[test]
fn nobody_is_on_two_sides_of_a_split() {
    let (place, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_pictures(data.path(), 8, 0);
    let ending = |number: usize| if number.is_multiple_of(2) { "png" } else { "jpg" };
    let name = |class: &str, number: usize| format!("{class}/no {number}.{}", ending(number));
    let line = |class: &str, number: usize| format!("{}\t{class} {}\n", name(class, number), number / 2);
    let lines = CLASSES.iter().flat_map(|class| (0..8).map(move |number| line(class, number)));
    std::fs::write(data.path().join("subjects.csv"), lines.collect::<String>()).unwrap();
    let run = place.path().join("run");
    train_on(data.path(), &run, "--loss emd --epochs 1 --device cpu").succeeded();
    let tested = predicted(&run).names;
    assert_eq!(tested.len(), 16, "two of eight images of each class");
    for pair in tested.chunks(2) {
        let whom = |name: &str| -> (String, usize) {
            let (class, number) = name.split_once("/no ").unwrap();
            (class.to_owned(), number.split_once('.').unwrap().0.parse::<usize>().unwrap() / 2)
        };
        assert_eq!(whom(&pair[0]), whom(&pair[1]), "{tested:?}");
    }
}
