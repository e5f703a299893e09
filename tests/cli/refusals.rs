//! What cannot be done, asked for all the same: each ends with words that name the thing, and
//! leaves what was there as it was.

use super::folders::write_pictures;
use super::program::{Ran, TINY, backhoe, each};
use super::runs::{files, shared};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// `backhoe train` with the words, and what its folder is left with.
fn train(words: &str) -> (Ran, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let ran = backhoe("train --out run").words(words).within(folder.path()).run();
    (ran, folder)
}

/// The settings are refused with 1 and these words, and no run begins.
#[track_caller]
fn assert_refused(settings: &str, words: &[&str]) {
    let (ran, folder) = train(settings);
    ran.refused(words);
    assert!(!folder.path().join("run/run.json").exists(), "{settings}");
}

/// The command line is refused with 2 and these words in its first line.
#[track_caller]
fn assert_misunderstood(settings: &str, words: &[&str]) {
    let (ran, folder) = train(settings);
    ran.misunderstood(words);
    assert!(files(folder.path()).is_empty(), "{settings}");
}

/// Cases under the settings they are made of.
fn named<S: Clone, T, const N: usize>(cases: [(S, T); N]) -> [(S, (S, T)); N] {
    cases.map(|case| (case.0.clone(), case))
}

#[test]
fn settings_out_of_range_are_named_with_their_value() {
    let cases = [
        ("--epochs 0", ["epochs", "0"]),
        ("--lr nan", ["lr", "NaN"]),
        ("--lr inf", ["lr", "inf"]),
        ("--lr 0", ["lr", "0"]),
        ("--lr=-1", ["lr", "-1"]),
        ("--momentum 1", ["momentum", "1"]),
        ("--momentum nan", ["momentum", "NaN"]),
        ("--weight-decay inf", ["weight-decay", "inf"]),
        ("--batch 0", ["batch", "0"]),
        ("--size 0", ["size", "0"]),
        ("--size 100000", ["size", "100000"]),
        ("--channels 0", ["channels", "0"]),
        ("--channels 4,0", ["channels", "0"]),
        ("--hidden 0", ["hidden", "0"]),
        ("--omega 0", ["omega", "0"]),
        ("--mu nan", ["mu", "NaN"]),
        ("--regulariser 0", ["regulariser", "0"]),
        ("--regulariser inf", ["regulariser", "inf"]),
        ("--loss xemd2 --jump-start 0", ["jump-start", "lambda"]),
        ("--loss xe,xe", ["losses", "twice"]),
    ];
    each(named(cases), |(settings, words)| assert_refused(settings, &words));
}

#[test]
fn a_loss_given_twice_is_refused_wherever_it_stands() {
    assert_refused(&format!("{TINY} --epochs 1 --loss xe,emd,xe"), &["losses", "twice"]);
}

#[test]
fn numbers_beyond_all_bounds_are_refused_too() {
    const MOST: &str = "18446744073709551615";
    let few = "--train-images 64 --test-images 24 --size 16";
    let cases = [
        (format!("--size {MOST}"), "size"),
        (format!("--size 16 --train-images {MOST}"), "train"),
        (format!("{few} --channels {MOST}"), "channels"),
        (format!("{few} --hidden {MOST}"), "outputs"),
        (format!("{few} --channels 1000000"), "1,048,576"),
    ];
    each(named(cases), |(settings, word)| assert_refused(&settings, &[word]));
}

/// WebGPU's default limits bind 128 MiB at once, on any adapter; the processor's tasks count the words of a matrix in 32 bits.
#[test]
fn what_does_not_fit_the_device_is_refused_with_numbers() {
    let few = "--device 0 --train-images 64 --test-images 24 --size 16 --loss xe";
    let wide = format!("{few} --batch 64 --channels 4000 --hidden 4");
    assert_refused(&wide, &["128 MiB", "a batch of 32 would fit", "--batch 32"]);
    // Software drivers end the loops of so many inputs before their end.
    assert_refused(&format!("{few} --batch 8 --channels 16000 --hidden 1"), &["1024000 turns", "--device cpu"]);
    assert_refused(&format!("{few} --channels 1000 --hidden 60000"), &["128 MiB", "no batch would fit"]);
    let many = "--device cpu --train-images 64 --test-images 24 --size 16 --loss xe";
    assert_refused(
        &format!("{many} --channels 16000 --hidden 65536"),
        &["words are counted to 16384 MiB", "no batch would"],
    );
}

#[test]
fn a_network_too_deep_for_its_images_is_refused_with_shapes() {
    let settings = "--train-images 64 --test-images 24 --size 16 --channels 4,4,4,4,4 --augment none";
    assert_refused(settings, &["MaxPool", "4x1x1", "larger images"]);
}

/// The largest image that a face can be drawn in is 256 pixels wide, the margin for crops included.
#[test]
fn an_image_too_large_is_refused_with_the_size_asked_for() {
    assert_refused("--size 2000", &["2000", "256"]);
}

#[test]
fn arguments_that_cannot_be_read_are_named() {
    let cases = [
        ("--loss foo", ["--loss", "foo"]),
        ("--lr fast", ["--lr", "fast"]),
        ("--epochs 1.5", ["--epochs", "1.5"]),
        ("--lambda nan", ["--lambda", "nan"]),
        ("--augment blur", ["--augment", "blur"]),
        ("--channels 4,x", ["--channels", "x"]),
        ("--bogus 1", ["--bogus", "unexpected"]),
        ("--resume runs", ["--resume", "--out"]),
    ];
    each(named(cases), |(settings, words)| assert_misunderstood(settings, &words));
}

/// `--lr -1`: the option has to be named, not only the number.
#[test]
fn negative_numbers_are_read_as_numbers() {
    each(["lr", "momentum", "weight-decay", "omega", "lambda"].map(|name| (name, name)), |name| {
        assert_refused(&format!("--{name} -1"), &[name, "-1"]);
    });
    each(["epochs", "batch", "size", "seed"].map(|name| (name, name)), |name| {
        assert_misunderstood(&format!("--{name} -1"), &[&format!("--{name}"), "-1"]);
    });
}

#[test]
fn shares_and_counts_of_images_have_bounds() {
    for share in ["0", "1", "nan", "1e9"] {
        assert_refused(&format!("{TINY} --data digits --test-fraction {share}"), &["fraction"]);
    }
    assert_refused("--size 16 --train-images 0", &["train", "0 images"]);
    assert_refused(&format!("{TINY} --folds 4"), &["4 folds", "--fold"]);
    assert_refused("--data digits --size 300", &["digits", "256", "300"]);
    assert_refused("--size 16 --train-images 8 --test-images 0", &["test", "0 images"]);
}

/// A data folder of this shape, given as folders and empty files below it.
fn assert_data_refused(shape: &[&str], words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("my data");
    for path in shape {
        match path.strip_suffix('/') {
            Some(path) => fs::create_dir_all(data.join(path)).unwrap(),
            None => fs::write(data.join(path), "").unwrap(),
        }
    }
    let ran = backhoe("train --out run --data").arg("my data").words(TINY).within(folder.path()).run();
    ran.refused(&["my data"]);
    ran.says(words);
    assert!(!folder.path().join("run/run.json").exists());
}

#[test]
fn folders_that_are_no_data_are_refused_by_name() {
    assert_data_refused(&[], &["does not exist"]);
    assert_data_refused(&["/"], &["no class folders"]);
    assert_data_refused(&["cats/"], &["single class", "`cats`"]);
    assert_data_refused(&["cats/", "dogs/"], &["no images"]);
    assert_data_refused(&["cats/", "cats/1.png", "dogs/"], &["`dogs`", "no images"]);
    assert_data_refused(&["cats/", "cats/1.png", "dogs/", "dogs/1.png"], &["none of the 2 files", "cats"]);
    assert_data_refused(&["train/", "train/cats/", "train/dogs/"], &["`test`"]);
}

#[test]
fn a_file_is_no_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.zip");
    fs::write(&file, "mine").unwrap();
    backhoe("train --out run --data").arg(&file).within(folder.path()).run().refused(&["file.zip", "not a folder"]);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

/// What a user asked for in vain leaves no empty folders to wonder about.
#[test]
fn a_run_that_never_began_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    backhoe("train --data absent").within(folder.path()).run().refused(&["absent"]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_place_that_cannot_be_written_to_is_named_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "mine").unwrap();
    for out in ["file", "file/run", "file/a/b"] {
        backhoe("train --out").arg(out).words(TINY).within(folder.path()).run().refused(&[out]);
    }
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"mine");
}

#[test]
fn a_folder_with_a_run_is_not_written_over() {
    let run = shared();
    let before = files(run);
    let ran = backhoe("train --epochs 1 --out").arg(run).words(TINY).run();
    ran.refused(&[run.to_str().unwrap(), "already holds a run", "--out", "--resume"]);
    assert!(files(run) == before);
}

/// A class folder above all, whose images would no longer be found.
#[test]
fn a_folder_with_other_things_is_not_taken_for_a_run() {
    let folder = tempfile::tempdir().unwrap();
    write_pictures(folder.path(), 1, 0);
    let class = folder.path().join("1 black");
    let before = files(&class);
    let ran = backhoe("train --data . --out").arg("1 black").words(TINY).within(folder.path()).run();
    ran.refused(&["1 black", "no 0.png", "--out"]);
    assert!(files(&class) == before);
}

/// The shell lets no file grow beyond so many blocks of 512 bytes: as good as a full disk.
#[cfg(unix)]
fn with_little_space(call: super::program::Call, blocks: usize) -> Ran {
    call.under_shell(&format!("trap '' XFSZ; ulimit -f {blocks}")).run()
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_named_and_destroys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let call = || backhoe("train --quiet --loss xe --out").arg(&run).words(TINY);
    with_little_space(call().words("--epochs 2"), 8).refused(&["checkpoint.safetensors", "large"]);
    assert_eq!(files(&run).into_keys().collect::<Vec<_>>(), ["run.json"]);

    fs::remove_dir_all(&run).unwrap();
    call().words("--epochs 1").run().succeeded();
    let before = files(&run);
    let resume = backhoe("train --quiet --epochs 2 --resume").arg(&run);
    with_little_space(resume, 8).refused(&[".safetensors", "large"]);
    let mut after = files(&run);
    // The number of epochs asked for may have been noted, and who went on.
    after.insert("run.json".to_owned(), before["run.json"].clone());
    assert!(after == before);
}

#[test]
fn runs_and_weights_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let run = |words: &str| backhoe(words).within(folder.path()).run();
    run("train --resume empty").refused(&["empty", "no checkpoint"]);
    run("train --resume absent").refused(&["absent", "no checkpoint"]);
    run("eval empty").refused(&["empty", "run.json"]);
    run("eval absent").refused(&["absent"]);
    run("predict absent picture.png").refused(&["absent"]);
    run("predict absent").misunderstood(&["required"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_finished_run_is_resumed_for_more_epochs_only() {
    let run = shared();
    let before = files(run);
    for epochs in ["", "--epochs 1", "--epochs 2"] {
        let ran = backhoe("train --resume").arg(run).words(epochs).run();
        ran.refused(&[run.to_str().unwrap(), "complete", "2 epochs", "--epochs"]);
    }
    backhoe("train --lr 0.1 --resume").arg(run).run().misunderstood(&["--resume", "--lr"]);
    assert!(files(run) == before);
}

/// A run's settings are its own: what cannot be changed is refused rather than passed over.
#[test]
fn settings_beside_resume_are_refused() {
    let run = shared();
    let settings = ["--momentum 0.5", "--weight-decay 0", "--lambda 1", "--jump-start 7", "--augment none"];
    each(settings.map(|setting| (setting, setting)), |setting| {
        let ran = backhoe("train --resume").arg(run).words(setting).run();
        ran.misunderstood(&["--resume", setting.split(' ').next().unwrap()]);
    });
}

#[test]
fn images_without_a_reader_and_tables_without_a_place_are_named() {
    let (run, folder) = (shared(), tempfile::tempdir().unwrap());
    write_pictures(folder.path(), 1, 0);
    fs::create_dir(folder.path().join("none")).unwrap();
    let predict = || backhoe("predict").arg(run.join("weights-xe.safetensors")).within(folder.path());
    predict().arg("none").run().refused(&["none", "no image files"]);
    predict().words("--csv absent/table.csv").arg("1 black").run().refused(&["absent/table.csv"]);
    predict().words("--csv none").arg("1 black").run().refused(&["none"]);
    let ran = backhoe("predict").arg(run).arg(Path::new("1 black")).within(folder.path()).run();
    ran.refused(&[run.to_str().unwrap(), "is a folder", "weights-emd.safetensors"]);
}

/// What no file can take the place of stays what it is, and is said before the work.
#[test]
#[cfg(unix)]
fn tables_and_sheets_take_the_place_of_files_only() {
    let (run, folder) = (shared(), tempfile::tempdir().unwrap());
    write_pictures(folder.path(), 1, 0);
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    let table = backhoe("predict --csv pipe").arg(run.join("weights-xe.safetensors")).arg("1 black");
    for call in [table, backhoe("data faces --size 16 --columns 1 --sheet pipe")] {
        call.within(folder.path()).run().refused(&["pipe", "no file that could be replaced"]);
    }
    assert!(!fs::metadata(folder.path().join("pipe")).unwrap().is_file());
}

#[test]
fn without_a_display_the_window_says_so() {
    backhoe("gui").run().refused(&["no display", "DISPLAY", "`backhoe train`"]);
    backhoe("gui --epochs 0").run().refused(&["epochs"]);
    for flag in ["--quiet", "--json"] {
        backhoe("gui").words(flag).run().refused(&["prints nothing", flag]);
    }
}
