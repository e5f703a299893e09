//! Folders of one's own: images written here, whole and broken, with names as people give them.

use super::evaluation::assert_as_in_metrics;
use super::program::{Ran, TINY, backhoe};
use super::runs::{Asked, assert_whole, shared};
use backhoe::report::{read_confusion_csv, read_metrics_csv};
use image::{ImageFormat, Rgb, RgbImage};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Eight classes, as the faces have, in names that CSV and HTML have to quote.
pub const CLASSES: [&str; 8] = ["1 black", "2 a,b", "3 <b>", "4 \"so\"", "5 ä", "6 & more", "7 grey", "10 white"];

/// A picture of a class's shade with some noise; no two are equal.
pub fn picture(class: usize, number: usize) -> RgbImage {
    let noise = |x: u32, y: u32| (x * 31 + y * 57 + number as u32 * 101) % 41;
    RgbImage::from_fn(21, 18, |x, y| Rgb([0, 7, 14].map(|tint| (class as u32 * 26 + noise(x, y) + tint) as u8)))
}

/// Writes `count` pictures a class below `folder`, as PNG and JPEG files in turn.
pub fn write_pictures(folder: &Path, count: usize, first: usize) {
    for (class, name) in CLASSES.iter().enumerate() {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        for number in first..first + count {
            let ending = if number % 2 == 0 { "png" } else { "jpg" };
            picture(class, number).save(folder.join(format!("no {number}.{ending}"))).unwrap();
        }
    }
}

/// A data folder with `train` and `test`, 64 and 24 pictures.
pub fn data_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_pictures(&folder.path().join("train"), 8, 0);
    write_pictures(&folder.path().join("test"), 3, 8);
    folder
}

/// Puts another picture in the place of one of [`data_folder`]'s training images.
pub fn change_a_picture(data: &Path) {
    let place = data.join("train").join(CLASSES[0]).join("no 0.png");
    assert!(place.exists());
    picture(7, 99).save(place).unwrap();
}

/// A run on a folder with this loss.
pub fn train_on(data: &Path, out: &Path, words: &str) -> Ran {
    train_on_with(data, out, &format!("{TINY} {words}"))
}

/// A run on a folder with these words alone.
fn train_on_with(data: &Path, out: &Path, words: &str) -> Ran {
    backhoe("train --data").arg(data).words(words).words("--out").arg(out).run()
}

#[test]
fn a_run_on_a_folder_predicts_its_files_as_it_was_tested() {
    let (data, run) = (data_folder(), tempfile::tempdir().unwrap());
    let ran = train_on(data.path(), run.path(), "--epochs 20 --loss xe,emd").succeeded();
    assert_eq!(ran.stderr, "");
    assert_whole(run.path(), &Asked { losses: &["xe", "emd"], epochs: 20, classes: 8, test_images: 24 });
    let report = fs::read_to_string(run.path().join("report.html")).unwrap();
    assert!(report.contains("3 &lt;b&gt;") && !report.contains("3 <b>"));

    let (classes, want) = read_confusion_csv(&run.path().join("confusion-emd.csv")).unwrap();
    assert_eq!(classes, CLASSES);
    let weights = run.path().join("weights-emd.safetensors");
    let ran = backhoe("predict").arg(&weights).arg(data.path().join("test")).run().succeeded();
    let rows = predictions(ran.stdout.as_bytes());
    assert_eq!(rows.len(), 24);
    let mut counts = vec![0; 64];
    for (path, predicted) in rows {
        let truth = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap();
        let place = |name: &str| CLASSES.iter().position(|class| *class == name).unwrap();
        counts[place(truth) * 8 + place(&predicted)] += 1;
    }
    assert_eq!(counts, want.counts());
    let predicted = (0..8).filter(|class| (0..8).any(|truth| counts[truth * 8 + class] > 0));
    assert!(predicted.count() >= 3, "this run learned too little to show anything: {counts:?}");
}

/// Paths and predicted classes of a table of predictions, whose every row is a distribution over the class indices.
#[track_caller]
pub fn predictions(table: &[u8]) -> Vec<(PathBuf, String)> {
    predictions_of(table, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
}

/// The same where the classes stand for these numbers.
#[track_caller]
fn predictions_of(table: &[u8], class_values: [f64; 8]) -> Vec<(PathBuf, String)> {
    let mut reader = csv::Reader::from_reader(table);
    let names: Vec<String> = CLASSES.iter().map(|class| format!("p({class})")).collect();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header[..3], ["path", "predicted", "expected"]);
    assert_eq!(header[3..], names);
    let row = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.unwrap();
        let numbers: Vec<f64> = row.iter().skip(2).map(|field| field.parse().unwrap()).collect();
        let (expected, distribution) = (numbers[0], &numbers[1..]);
        let error = (distribution.iter().sum::<f64>() - 1.0).abs();
        assert!(error <= 1e-5, "{row:?} sums to {error} beside 1");
        let mean: f64 = distribution.iter().zip(class_values).map(|(p, value)| value * p).sum();
        let largest = class_values.into_iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
        assert!((expected - mean).abs() <= 5e-5 * largest, "{row:?} expects {mean}");
        let largest = distribution.iter().copied().fold(0.0, f64::max);
        let place = CLASSES.iter().position(|class| *class == &row[1]).unwrap();
        assert!(distribution[place] >= largest, "{row:?} predicts what is not most probable");
        (PathBuf::from(&row[0]), row[1].to_owned())
    };
    reader.records().map(row).collect()
}

/// Trains within the data folder, and says what it said.
#[track_caller]
fn train_within(data: &Path, words: &str) -> Ran {
    backhoe("train --data . --strict --epochs 1 --loss xe").words(TINY).words(words).within(data).run().succeeded()
}

#[test]
fn runs_within_the_data_are_no_class() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("my photos");
    write_pictures(&data, 10, 0);
    for words in ["", "", "--out some/where/else"] {
        let ran = train_within(&data, words);
        assert!(ran.stdout.contains("my photos: 8 classes, 64 training and 16 test images"), "{ran:#?}");
    }
    let runs: Vec<_> = fs::read_dir(data.join("runs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        runs.len() == 2 && ["my photos-1", "my photos-2"].iter().all(|name| runs.contains(&name.into())),
        "{runs:?}"
    );
    let run = data.join("runs/my photos-1");
    for data_again in ["", "--data ."] {
        let ran = backhoe("eval --json").arg(&run).words(data_again).within(&data).run().succeeded();
        assert_as_in_metrics(&ran, &run, &["xe"]);
    }
    backhoe("train --epochs 2 --resume").arg(&run).within(&data).run().succeeded();
    // Neither its figures are predicted.
    let weights = run.join("weights-xe.safetensors");
    let ran = backhoe("predict").arg(weights).arg(".").within(&data).run().succeeded();
    assert_eq!(predictions(ran.stdout.as_bytes()).len(), 80);
}

#[test]
fn a_class_called_runs_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("walks");
    write_pictures(&data, 10, 0);
    fs::rename(data.join(CLASSES[7]), data.join("runs")).unwrap();
    for _ in 0..2 {
        let ran = train_within(&data, "");
        assert!(ran.stdout.contains("walks: 8 classes, 64 training and 16 test images"), "{ran:#?}");
    }
    assert_eq!(fs::read_dir(data.join("runs")).unwrap().count(), 10 + 2);
}

#[test]
fn classes_stand_for_the_numbers_of_their_list() {
    let (data, run) = (data_folder(), tempfile::tempdir().unwrap());
    let values = [-3.5, 0.25, 11.0, 12.0, 40.0, 41.0, 1000.0, 1001.0];
    let line = |(class, value): (&str, f64)| format!("{class},{value}\n");
    fs::write(data.path().join("classes.txt"), CLASSES.into_iter().zip(values).map(line).collect::<String>()).unwrap();
    train_on(data.path(), run.path(), "--epochs 1 --loss xe").succeeded();
    let weights = run.path().join("weights-xe.safetensors");
    let ran = backhoe("predict").arg(&weights).arg(data.path().join("test")).run().succeeded();
    assert_eq!(predictions_of(ran.stdout.as_bytes(), values).len(), 24);
    let ran = backhoe("eval --json").arg(run.path()).run().succeeded();
    assert_as_in_metrics(&ran, run.path(), &["xe"]);
}

/// Where nothing is augmented nor learned, training images are put into the classes that they are tested in.
#[test]
fn training_images_are_counted_as_they_are_predicted() {
    let (data, run) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (class, name) in CLASSES.iter().enumerate() {
        for folder in [data.path().join("train").join(name), data.path().join("test").join(name)] {
            fs::create_dir_all(&folder).unwrap();
            for number in 0..8 {
                // The mirror image of one colour is itself.
                let colour = Rgb([class as u8 * 30, number * 30, 7 * (class as u8 ^ number)]);
                RgbImage::from_pixel(16, 16, colour).save(folder.join(format!("{number}.png"))).unwrap();
            }
        }
    }
    let words = "--epochs 1 --loss xe,emd --augment none --lr 1e-30 --seed 3";
    train_on_with(data.path(), run.path(), &TINY.replace("--lr 0.05", words)).succeeded();
    for row in read_metrics_csv(&run.path().join("metrics.csv")).unwrap() {
        assert!(row.train_aem == row.aem && row.aem > 0.0 && row.aem < 100.0, "{row:?}");
    }
}

/// Three files that are no images beside those that are.
fn break_some(data: &Path) {
    let class = data.join("train").join(CLASSES[0]);
    fs::write(class.join("empty.png"), "").unwrap();
    fs::write(class.join("words.png"), "these are words\n").unwrap();
    let mut jpeg = Cursor::new(Vec::new());
    picture(0, 99).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    fs::write(class.join("cut.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
}

#[test]
fn broken_files_are_named_with_reasons_and_counted() {
    let (data, run) = (data_folder(), tempfile::tempdir().unwrap());
    break_some(data.path());
    let ran = train_on(data.path(), run.path(), "--epochs 1 --loss xe").succeeded();
    assert!(ran.stdout.contains("64 training and 24 test images"), "{ran:#?}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{ran:#?}");
    for (line, name) in lines.iter().zip(["cut.jpg", "empty.png", "words.png"]) {
        let (path, reason) = line.strip_prefix("passed over: ").unwrap().rsplit_once(name).unwrap();
        assert!(Path::new(path).ends_with(Path::new("train").join(CLASSES[0])), "{line}");
        assert!(reason.starts_with(": ") && reason.len() > 10, "{line}");
    }
    assert!(lines[3].starts_with("3 files passed over") && lines[3].contains("--strict"), "{}", lines[3]);
}

#[test]
fn strict_takes_no_broken_file() {
    let (data, run) = (data_folder(), tempfile::tempdir().unwrap());
    break_some(data.path());
    train_on(data.path(), run.path(), "--epochs 1 --loss xe --strict").refused(&["cut.jpg", "strict"]);
}

#[test]
#[cfg(unix)]
fn predicting_passes_over_links_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_pictures(folder.path(), 1, 0);
    std::os::unix::fs::symlink("nowhere", folder.path().join("gone.png")).unwrap();
    let predict = || backhoe("predict").within(folder.path()).arg(shared().join("weights-xe.safetensors"));
    let ran = predict().arg(".").run().succeeded();
    assert_eq!(ran.stdout.lines().count(), 1 + 8, "{ran:#?}");
    ran.says(&["passed over: ./gone.png", "1 file passed over"]);
    // And where there is nothing else.
    fs::create_dir(folder.path().join("none")).unwrap();
    fs::rename(folder.path().join("gone.png"), folder.path().join("none/gone.png")).unwrap();
    let ran = predict().arg("none").run();
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    ran.says(&["none/gone.png", "none of the 1 files"]);
}

/// More files than are decoded at a time: the rows keep the files' order, also around those that are broken.
#[test]
fn rows_of_many_files_come_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = |number: usize| folder.path().join(format!("{number}.png"));
    for number in 0..600 {
        picture(number % 8, number % 5).save(file(number)).unwrap();
    }
    fs::write(file(7), "").unwrap();
    fs::write(file(300), "words").unwrap();
    let weights = shared().join("weights-emd.safetensors");
    let predict = || backhoe("predict --csv table.csv").within(folder.path()).arg(&weights);
    let ran = predict().arg(".").run().succeeded();
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("passed over: ")).count(), 2, "{ran:#?}");
    let table = fs::read_to_string(folder.path().join("table.csv")).unwrap();
    let rows: Vec<(&str, &str)> = table.lines().skip(1).map(|row| row.split_once(',').unwrap()).collect();
    let whole: Vec<usize> = (0..600).filter(|number| ![7, 300].contains(number)).collect();
    assert_eq!(rows.len(), whole.len());
    let mut seen = vec![None; 40];
    for ((path, row), number) in rows.into_iter().zip(whole) {
        assert_eq!(path, format!("./{number}.png"));
        // Equal pictures have equal rows, whichever part they come in.
        assert_eq!(*seen[number % 40].get_or_insert(row), row, "{number}");
    }
    // What fails leaves the table that was there, and nothing beside it.
    let broken = predict().arg("7.png").run();
    assert_eq!(broken.code, Some(1), "{broken:#?}");
    assert_eq!(fs::read_to_string(folder.path().join("table.csv")).unwrap(), table);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 600 + 1);
}

#[test]
fn predicting_passes_over_what_is_no_image() {
    let (data, run) = (data_folder(), tempfile::tempdir().unwrap());
    break_some(data.path());
    train_on(data.path(), run.path(), "--epochs 1 --loss xe").succeeded();
    let (weights, table) = (run.path().join("weights-xe.safetensors"), run.path().join("table.csv"));
    let class = data.path().join("train").join(CLASSES[0]);
    let predict = || backhoe("predict").arg(&weights);
    let ran = predict().arg(&class).arg(class.join("absent.png")).arg("--csv").arg(&table).run().succeeded();
    assert_eq!(ran.stdout, "");
    ran.says(&["cut.jpg", "empty.png", "words.png", "absent.png", "4 files passed over"]);
    let bytes = fs::read(&table).unwrap();
    assert_eq!(predictions(&bytes).len(), 8);

    let ran = predict().arg(class.join("empty.png")).run();
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    ran.says(&["empty.png", "none of the 1 files"]);
    // A table that cannot be written, and one that is there already and stays.
    predict().arg(&class).words("--csv").arg(table.join("below")).run();
    assert_eq!(fs::read(&table).unwrap(), bytes);
}
