//! Checkpoints and weights that are cut short, foreign, or made up to do harm.

use super::program::{Ran, TINY, backhoe, each};
use super::runs::{copy_of_shared, files, shared};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const CHECKPOINT: &str = "checkpoint.safetensors";

/// The JSON header of a safetensors file and the bytes after it.
fn parts(file: &[u8]) -> (Value, &[u8]) {
    let (length, rest) = file.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    (serde_json::from_slice(header).unwrap(), data)
}

/// The file with another header.
fn joined(header: &Value, data: &[u8]) -> Vec<u8> {
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat()
}

/// The file with a change in the JSON that its metadata holds under `key`.
fn with_metadata(file: &[u8], key: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (mut header, data) = parts(file);
    let text = &mut header["__metadata__"][key];
    let mut json: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    change(&mut json);
    *text = json.to_string().into();
    joined(&header, data)
}

/// What any file in the safetensors format can suffer, and what the word for it is.
fn broken(file: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let with_length = |length: u64| [&length.to_le_bytes(), &file[8..]].concat();
    vec![
        ("empty", Vec::new()),
        ("cut within the length", file[..5].to_vec()),
        ("cut within the header", file[..100].to_vec()),
        ("cut within the data", file[..file.len() - 4].to_vec()),
        ("words", b"these are words and no tensors at all".to_vec()),
        ("a header beyond all bounds", with_length(u64::MAX)),
        ("a header longer than the file", with_length(file.len() as u64)),
        ("a header of nothing", with_length(0)),
        ("no metadata", {
            let (mut header, data) = parts(file);
            header.as_object_mut().unwrap().remove("__metadata__");
            joined(&header, data)
        }),
        ("tensors beyond the data", {
            let (mut header, data) = parts(file);
            for (_, tensor) in header.as_object_mut().unwrap().iter_mut().filter(|(name, _)| *name != "__metadata__") {
                tensor["data_offsets"] = json!([0, 1u64 << 60]);
            }
            joined(&header, data)
        }),
    ]
}

/// Tries to go on with a run whose checkpoint is `bytes`; nothing in its folder may change.
#[track_caller]
fn resume(run: &TempDir, bytes: &[u8]) -> Ran {
    fs::write(run.path().join(CHECKPOINT), bytes).unwrap();
    let before = files(run.path());
    let ran = backhoe("train --quiet --epochs 3 --resume").arg(run.path()).run();
    assert!(files(run.path()) == before, "{ran:#?}");
    ran
}

#[test]
fn broken_checkpoints_are_refused_by_name() {
    let run = copy_of_shared();
    let whole = fs::read(run.path().join(CHECKPOINT)).unwrap();
    each(broken(&whole), |bytes| resume(&run, &bytes).refused(&[CHECKPOINT, "damaged"]));
    let weights = fs::read(run.path().join("weights-xe.safetensors")).unwrap();
    resume(&run, &weights).refused(&[CHECKPOINT, "damaged", "progress"]);
}

#[test]
fn checkpoints_that_contradict_themselves_are_refused() {
    let run = copy_of_shared();
    let whole = fs::read(run.path().join(CHECKPOINT)).unwrap();
    let changes = [
        ("/cursor", json!(1_000_000)),
        ("/cursor", json!(u64::MAX)),
        ("/step", json!(u64::MAX)),
        ("/lambdas", json!([])),
        ("/settings/batch", json!(0)),
        ("/settings/hidden", json!(9)),
        ("/settings/channels", json!([u64::MAX])),
        ("/settings/side", json!(u64::MAX)),
        ("/settings/losses", json!(["emd"])),
        ("/data/images/0", json!(63)),
        ("/data/sums/1", json!("00")),
    ];
    each(changes.map(|(at, value)| (format!("{at} {value}"), (at, value))), |(at, value)| {
        let bytes = with_metadata(&whole, "backhoe.progress", |progress| *progress.pointer_mut(at).unwrap() = value);
        let ran = resume(&run, &bytes);
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(1), 1), "{ran:#?}");
    });
}

#[test]
fn checkpoints_with_short_or_missing_tensors_are_refused() {
    let run = copy_of_shared();
    let whole = fs::read(run.path().join(CHECKPOINT)).unwrap();
    let snapshot = backhoe::train::Snapshot::from_bytes(&whole).unwrap();
    let slot = "emd/momenta";
    let mut missing = snapshot.clone();
    missing.slots.remove(slot);
    let [mut short, mut long] = [snapshot.clone(), snapshot];
    short.slots.get_mut(slot).unwrap().truncate(400);
    long.slots.get_mut(slot).unwrap().resize(1 << 16, 0);
    each([("missing", missing), ("short", short), ("long", long)], |snapshot| {
        resume(&run, &snapshot.to_bytes().unwrap()).refused(&["checkpoint", slot]);
    });
}

#[test]
fn a_damaged_record_is_refused_by_name() {
    let run = copy_of_shared();
    let path = run.path().join("run.json");
    let record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let changed = |at: &str, value: Value| {
        let mut record = record.clone();
        *record.pointer_mut(at).unwrap() = value;
        record.to_string().into_bytes()
    };
    let gone = json!({"data": "folder", "path": "gone", "test_fraction": 0.2, "strict": false});
    let cases = [
        ("cut", (b"{".to_vec(), "run.json")),
        ("empty", (Vec::new(), "run.json")),
        ("data that is gone", (changed("/source", gone), "gone")),
        ("other data", (changed("/source/train", json!(63)), "63 images")),
        ("a side beyond bounds", (changed("/settings/stored_side", json!(u64::MAX)), "18446744073709551615")),
        ("other losses", (changed("/settings/losses", json!(["emd"])), "run.json")),
        ("other classes", (changed("/classes", json!(["young", "old"])), "run.json")),
    ];
    let before = files(run.path());
    each(cases, |(bytes, word)| {
        fs::write(&path, &bytes).unwrap();
        let ran = backhoe("train --quiet --epochs 3 --resume").arg(run.path()).run();
        assert_eq!(fs::read(&path).unwrap(), bytes, "{ran:#?}");
        for (name, bytes) in before.iter().filter(|(name, _)| *name != "run.json") {
            assert_eq!(&fs::read(run.path().join(name)).unwrap(), bytes, "{name} {ran:#?}");
        }
        ran.refused(&[word]);
    });
    fs::remove_file(&path).unwrap();
    backhoe("train --quiet --resume").arg(run.path()).run().refused(&["run.json"]);
}

/// Predicts and measures with these bytes as weights.
#[track_caller]
fn assert_weights_refused(bytes: &[u8], words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("these.safetensors");
    fs::write(&weights, bytes).unwrap();
    let picture = shared().join("curves.png");
    backhoe("predict").arg(&weights).arg(&picture).run().refused(words);
    backhoe("eval --train-images 64 --test-images 24").arg(&weights).run().refused(words);
    assert_eq!(fs::read(&weights).unwrap(), bytes);
}

fn whole_weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("weights-xe.safetensors")).unwrap()
}

#[test]
fn broken_and_foreign_weights_are_refused_by_name() {
    let run = shared();
    each(broken(&whole_weights(run)), |bytes| assert_weights_refused(&bytes, &["these.safetensors", "weights"]));
    let checkpoint = fs::read(run.join(CHECKPOINT)).unwrap();
    assert_weights_refused(&checkpoint, &["these.safetensors", "does not describe a network"]);
}

#[test]
fn weights_that_contradict_themselves_are_refused() {
    let run = shared();
    let whole = whole_weights(run);
    let changes = [
        ("/classes", json!(["a", "b"])),
        ("/classes", json!([])),
        ("/class_values", json!([1.0])),
        ("/model/layers", json!([])),
        ("/model/side", json!(u64::MAX)),
        ("/model/side", json!(24)),
        ("/stored_side", json!(3)),
        ("/stored_side", json!(1u64 << 40)),
        ("/stored_side", json!(u64::MAX)),
        ("/loss", json!("foo")),
        ("/model/layers/0/stride", json!(0)),
        ("/model/layers/0/channels", json!(5)),
        ("/model/layers/0/channels", json!(u64::MAX)),
        ("/model/layers/0/padding", json!(u64::MAX)),
        ("/model/layers/9/outputs", json!(1u64 << 60)),
    ];
    each(changes.map(|(at, value)| (format!("{at} {value}"), (at, value))), |(at, value)| {
        let bytes = with_metadata(&whole, "backhoe.network", |network| *network.pointer_mut(at).unwrap() = value);
        assert_weights_refused(&bytes, &["these.safetensors"]);
    });
}

/// The header of a regression's weights says of its outputs, which are one, what it says without any class.
#[test]
fn weights_without_classes_are_refused() {
    let run = tempfile::tempdir().unwrap();
    backhoe("train --quiet --device cpu --epochs 1 --loss reg")
        .words(TINY)
        .words("--out")
        .arg(run.path())
        .run()
        .succeeded();
    let whole = fs::read(run.path().join("weights-reg.safetensors")).unwrap();
    let bytes = with_metadata(&whole, "backhoe.network", |network| {
        (network["classes"], network["class_values"]) = (json!([]), json!([]));
    });
    assert_weights_refused(&bytes, &["these.safetensors", "contradicts itself"]);
}

/// A network whose every prediction would be NaN has no most probable class.
#[test]
fn weights_that_are_not_numbers_are_refused() {
    let run = shared();
    let mut bytes = whole_weights(run);
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_weights_refused(&bytes, &["these.safetensors"]);
}
