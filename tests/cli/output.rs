//! What goes to standard output, and what happens when nobody takes it.

use super::program::{Ran, TINY, backhoe};
use super::runs::shared;
use std::process::Stdio;

#[test]
fn json_is_one_object_a_line_and_nothing_else() {
    let run = tempfile::tempdir().unwrap();
    let call = backhoe("train --json --epochs 2 --loss xe,emd --out").arg(run.path()).words(TINY);
    let ran = call.run().succeeded();
    assert_eq!(ran.stderr, "");
    let rows: Vec<serde_json::Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let keys = backhoe::report::METRICS_HEADER;
    for row in &rows {
        let object = row.as_object().unwrap();
        assert!(object.len() == keys.len() && keys.iter().all(|key| object.contains_key(*key)), "{row}");
    }
    let order: Vec<_> =
        rows.iter().map(|row| (row["epoch"].as_u64().unwrap(), row["loss"].as_str().unwrap())).collect();
    assert_eq!(order, [(1, "xe"), (1, "emd"), (2, "xe"), (2, "emd")]);
}

#[test]
fn quiet_says_nothing() {
    let run = tempfile::tempdir().unwrap();
    let ran = backhoe("train --quiet --epochs 1 --loss xe --out").arg(run.path()).words(TINY).run().succeeded();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn devices_are_listed_by_the_index_that_chooses_them() {
    let ran = backhoe("devices").run().succeeded();
    let name = ran.stdout.lines().find_map(|line| line.strip_prefix("0: ")).unwrap();
    assert!(name.contains("GPU") || name.contains("software"), "{ran:#?}");
    let run = shared();
    let eval = |adapter: &str| {
        let call = backhoe("eval --train-images 64 --test-images 24 --adapter").arg(adapter);
        call.arg(run.join("weights-xe.safetensors")).run()
    };
    eval("0").succeeded();
    let word = name.split_whitespace().next().unwrap();
    eval(&word.to_uppercase()).succeeded();
    eval("no such thing").refused(&["`no such thing`", word, "backhoe devices"]);
    eval("99").refused(&["`99`", word]);
}

#[test]
fn a_contact_sheet_has_a_row_a_class() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("sheet.png");
    let ran = backhoe("data faces --size 16 --columns 3 --sheet").arg(&sheet).run().succeeded();
    assert!(ran.stdout.contains("8-13: 3 and 1"), "{ran:#?}");
    let picture = image::open(&sheet).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (3 * 16, 8 * 16));
    let rows: std::collections::BTreeSet<&[u8]> = picture.as_raw().chunks(3 * 16 * 16 * 3).collect();
    assert_eq!(rows.len(), 8);
}

#[test]
fn help_names_every_command() {
    let ran = backhoe("--help").run().succeeded();
    for command in ["train", "eval", "predict", "check", "devices", "data", "bench"] {
        assert!(ran.stdout.contains(&format!("\n  {command} ")), "no {command} in {ran:#?}");
    }
    backhoe("--version").run().succeeded();
    backhoe("dig").run().misunderstood(&["dig"]);
}

#[test]
fn what_a_machine_does_is_told_in_one_block() {
    let ran = backhoe("bench --submit --device cpu").run().succeeded();
    assert!(ran.stdout.starts_with("```text\nbackhoe ") && ran.stdout.ends_with("```\n"), "{ran:#?}");
    for part in ["\nR1 on ", "\nR2 on ", "images/s", " kernels, ", ", 0 failures against the f64 reference\n"] {
        assert!(ran.stdout.contains(part), "no {part:?} in {ran:#?}");
    }
    backhoe("bench --submit --json").run().misunderstood(&["--submit", "--json"]);
}

#[test]
fn a_history_outside_of_a_repository_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("history.csv");
    backhoe("bench --device cpu --history").arg(&table).run().refused(&["history.csv", "commit of the repository"]);
    assert!(!table.exists());
}

/// As `backhoe train | head -1` does: the reader goes away, the run goes on or ends in words.
#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let run = tempfile::tempdir().unwrap();
    let call = backhoe("train --json --epochs 2 --loss xe --out").arg(run.path()).words(TINY);
    let mut child = call.stdout(Stdio::piped()).begin();
    drop(child.stdout.take());
    let ran = Ran::new(child.wait_with_output().unwrap());
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_output_is_an_error_in_words() {
    let run = shared();
    let weights = run.join("weights-xe.safetensors");
    for call in [
        backhoe("devices"),
        backhoe("data faces --size 16 --columns 1"),
        backhoe("eval --train-images 64 --test-images 24").arg(&weights),
        backhoe("predict").arg(&weights).arg(run.join("curves.png")),
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        Ran::new(call.stdout(full).begin().wait_with_output().unwrap()).refused(&["output"]);
    }
}

/// Files that are passed over are no reason to fail where nobody can be told.
#[test]
#[cfg(target_os = "linux")]
fn words_that_nobody_can_take_are_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.png"), "").unwrap();
    let weights = shared().join("weights-xe.safetensors");
    let picture = shared().join("curves.png");
    let predict = || backhoe("predict").arg(&weights).arg(folder.path());
    for (call, code) in [(predict().arg(&picture), 0), (predict(), 1)] {
        let ran = call.under_shell("exec 2>/dev/full").run();
        assert_eq!(ran.code, Some(code), "{ran:#?}");
    }
}

#[test]
fn a_sheet_is_as_wide_as_its_images_and_no_larger_than_can_be_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("sheet.png");
    let draw = |words: &str| backhoe("data digits").words(words).words("--sheet").arg(&sheet).run();
    draw("--size 8 --columns 99999999999").succeeded();
    let (width, height) = image::image_dimensions(&sheet).unwrap();
    assert!(height == 10 * 8 && width > 100 * 8 && width < 1797 * 8, "{width} x {height}");
    draw("--size 256 --columns 9999").refused(&["too large", "--columns", "--size"]);
}
