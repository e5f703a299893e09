//! `backhoe reproduce`: kept trainings, and a report that says what holds.

use super::folders::{change_a_picture, data_folder};
use super::program::backhoe;
use backhoe::train::run::RunFolder;
use backhoe::train::search::read_tries;
use std::fs;

const SMALL: &str = "--train-images 48 --test-images 24 --epochs 1 --seeds 2 --batch 16 --lr 0.003 --device cpu";

#[test]
fn a_study_is_reported_with_its_verdicts_and_kept() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("reproduction");
    let call = |studies: &str| backhoe("reproduce").words(studies).words(SMALL).arg("--out").arg(&out);
    let ran = call("figure1 table2").run().succeeded();
    assert!(ran.stdout.contains("holds          of two predictions with equal cross-entropy"), "{ran:#?}");
    let markdown = fs::read_to_string(out.join("report.md")).unwrap();
    for words in ["generated faces, 48 to train", "2 seeds", "| claim | verdict | here | paper |", "figures/table2.svg"]
    {
        assert!(markdown.contains(words), "{words:?} is not in {markdown}");
    }
    assert!(out.join("figures/table2.svg").exists());
    let html = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("<svg") && !html.contains("src=\"http"));
    let kept = out.join("whole-default-xemd2-seed1/checkpoint.safetensors");
    let written = fs::metadata(&kept).unwrap().modified().unwrap();
    call("table2").run().succeeded();
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), written, "not done again");
    let other = call("table2").words("--train-images 64").run();
    other.misunderstood(&["--train-images"]);
    let changed = SMALL.replace("--batch 16", "--batch 8");
    let other = backhoe("reproduce table2 --out").arg(&out).words(&changed).run();
    other.refused(&["other data or settings", "--out"]);
    backhoe("reproduce table9").run().misunderstood(&["table9"]);
}

/// A folder of eight values cannot be cut into ten bins: table 4 says so, and all else is measured.
#[test]
fn what_cannot_be_trained_hinders_no_other_study() {
    let (place, data) = (tempfile::tempdir().unwrap(), data_folder());
    let out = place.path().join("reproduction");
    let words = SMALL.replace("--train-images 48 --test-images 24 ", "").replace("--batch 16", "--batch 4");
    let call =
        || backhoe("reproduce table4 collapse --quiet --out").arg(&out).words(&words).arg("--data").arg(data.path());
    let ran = call().run();
    ran.refused(&["bins10-small-xe-seed1", "did not come to its end", "more", "10 bins cannot be filled", "report.md"]);
    let markdown = fs::read_to_string(out.join("report.md")).unwrap();
    for words in ["xe (0 of 2 ended)", "fewer bins", "cannot tell", "Collapse: equation 14 alone", "| emd-linear"] {
        assert!(markdown.contains(words), "{words:?} is not in {markdown}");
    }
    change_a_picture(data.path());
    call().run().refused(&["as they were", "other pixels or labels", "--out"]);
}

/// With folds every repetition has a search of its own, on the training images of its fold alone.
#[test]
fn a_search_sees_the_images_of_its_own_fold_alone() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("reproduction");
    let words = SMALL.replace("--seeds 2", "--folds 2").replace("--lr 0.003 ", "");
    backhoe("reproduce table2 --quiet --out").arg(&out).words(&words).run().succeeded();
    let found = |fold: usize| -> serde_json::Value {
        let json = fs::read(out.join(format!("rates-whole-default-xemd2-fold{fold}.json"))).unwrap();
        serde_json::from_slice(&json).unwrap()
    };
    let (first, second) = (found(1), found(2));
    for kept in [&first, &second] {
        let images: Vec<u64> = serde_json::from_value(kept["data"]["images"].clone()).unwrap();
        assert_eq!(images.iter().sum::<u64>(), 36, "half of 72 images: {images:?}");
    }
    assert_ne!(first["data"]["sums"], second["data"]["sums"]);
    let record = RunFolder { path: out.join("whole-default-xemd2-fold2") }.read_record().unwrap();
    let tries = read_tries(&out.join("rates-whole-default-xemd2-fold2.csv")).unwrap();
    let chosen = tries.iter().find(|tried| tried.chosen).unwrap();
    assert_eq!(chosen.learning_rate, record.settings.learning_rate);
}

/// A-EMD is trained with the best of three regularisers, also where the learning rate is given.
#[test]
fn the_regulariser_is_chosen_on_validation() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("reproduction");
    backhoe("reproduce table1 --quiet --out").arg(&out).words(SMALL).run().succeeded();
    let tries = read_tries(&out.join("rates-whole-small-a-emd-seed1.csv")).unwrap();
    let chosen = tries.iter().find(|tried| tried.chosen).unwrap();
    assert_eq!((tries.len(), tries.iter().all(|tried| tried.learning_rate == 0.003)), (3, true));
    for seed in 1..=2 {
        let path = out.join(format!("whole-small-a-emd-seed{seed}"));
        let settings = RunFolder { path }.read_record().unwrap().settings;
        assert_eq!(Some(settings.regulariser), chosen.regulariser);
    }
    // A teacher that learned other distances is another teacher.
    let taught = out.join("whole-small-xemd2-seed2/ground-distance-xemd2.csv");
    let (names, mut matrix) = backhoe::report::read_matrix_csv(&taught).unwrap();
    matrix.iter_mut().for_each(|distance| *distance /= 2.0);
    backhoe::report::write_matrix_csv(&taught, &names, &matrix).unwrap();
    let ran = backhoe("reproduce table1 --quiet --out").arg(&out).words(SMALL).run();
    ran.refused(&["whole-small-a-emd-seed2", "other data or settings"]);
}
