//! `backhoe reproduce`: kept trainings, and a report that says what holds.

use super::program::backhoe;
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
    for words in ["generated faces, 48 to train", "2 seeds", "| claim | paper | here | verdict |", "figures/table2.svg"]
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
