//! All losses in one race, ground distances from outside, and votes.

use super::evaluation::assert_as_in_metrics;
use super::folders::{CLASSES, data_folder, train_on};
use super::program::{TINY, backhoe};
use super::runs::{files, shared};
use backhoe::nn::Loss;
use backhoe::report::{read_confusion_csv, read_matrix_csv, read_metrics_csv};
use backhoe::train::run::RunFolder;
use std::fs;
use std::path::Path;

/// A race of all losses on faces, and what it leaves: a report of all, weights that are measured to the same numbers.
#[test]
fn all_losses_race_and_are_measured_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let losses = Loss::ALL.map(Loss::name);
    let call = backhoe("train --quiet --device cpu --epochs 3 --jump-start 1 --loss").arg(losses.join(",")).words(TINY);
    call.arg("--out").arg(&run).run().succeeded();
    let rows = read_metrics_csv(&run.join("metrics.csv")).unwrap();
    assert_eq!(rows.len(), 3 * losses.len());
    assert!(rows.iter().all(|row| row.train_loss.is_finite()), "{rows:#?}");
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    for loss in losses {
        assert!(report.contains(loss), "{loss}");
        let (_, confusion) = read_confusion_csv(&run.join(format!("confusion-{loss}.csv"))).unwrap();
        assert_eq!(confusion.total(), 24, "{loss}");
    }
    let ran = backhoe("eval --json --device cpu").arg(&run).run().succeeded();
    assert_as_in_metrics(&ran, &run, &losses);
}

/// The value that a regression's table of predictions expects lies between the classes around it, or beyond them all.
#[test]
fn a_regression_predicts_the_class_of_the_nearest_value() {
    let (data, run) = (data_folder(), tempfile::tempdir().unwrap());
    fs::write(
        data.path().join("classes.txt"),
        CLASSES.map(|class| format!("{class}\t{}", class.len() * 10)).join("\n"),
    )
    .unwrap();
    train_on(data.path(), run.path(), "--device cpu --epochs 12 --loss reg").succeeded();
    let weights = run.path().join("weights-reg.safetensors");
    let ran = backhoe("predict --device cpu").arg(&weights).arg(data.path().join("test")).run().succeeded();
    let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
    let mut rows = 0;
    for row in reader.records().map(Result::unwrap) {
        let (expected, predicted): (f64, &str) = (row[2].parse().unwrap(), &row[1]);
        let off = |class: &str| (class.len() as f64 * 10.0 - expected).abs();
        let nearest = CLASSES.iter().map(|class| off(class)).fold(f64::MAX, f64::min);
        assert!(off(predicted) <= nearest + 1e-3, "{row:?}");
        let shares: Vec<f64> = row.iter().skip(3).map(|field| field.parse().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-5 && shares.iter().filter(|p| **p > 0.0).count() <= 2);
        rows += 1;
    }
    assert_eq!(rows, 24);
}

/// The matrix of one run guides another, which is resumed without the file; what it learns itself is kept apart.
#[test]
fn a_ground_distance_from_a_file_is_kept_by_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (file, run) = (folder.path().join("d.csv"), folder.path().join("run"));
    fs::copy(shared().join("ground-distance-xemd2.csv"), &file).unwrap();
    let train = |words: &str, out: &Path| {
        let call = backhoe("train --quiet --device cpu --lambda 0.5 --jump-start 0 --loss a-emd,xemd2").words(TINY);
        call.words(words).arg("--out").arg(out).run().succeeded();
        let rows = read_metrics_csv(&out.join("metrics.csv")).unwrap();
        rows.into_iter().map(|row| (row.loss, row.train_loss)).collect::<Vec<_>>()
    };
    let given = format!("--ground {}", file.display());
    let want = train(&format!("{given} --epochs 2"), &folder.path().join("whole"));
    assert_eq!(train(&format!("{given} --epochs 1"), &run), want[..2]);
    assert_ne!(train("--ground ordered --epochs 2", &folder.path().join("ordered")), want);
    assert_ne!(train("--epochs 2", &folder.path().join("learned"))[2..], want[2..]);
    fs::remove_file(&file).unwrap();
    backhoe("train --quiet --device cpu --epochs 2 --resume").arg(&run).run().succeeded();
    let rows = read_metrics_csv(&run.join("metrics.csv")).unwrap();
    assert_eq!(rows.into_iter().map(|row| (row.loss, row.train_loss)).collect::<Vec<_>>(), want);
    let (_, given) = read_matrix_csv(&shared().join("ground-distance-xemd2.csv")).unwrap();
    let (_, learned) = read_matrix_csv(&run.join("ground-distance-xemd2.csv")).unwrap();
    assert_ne!(given, learned);
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("d.csv") && !report.contains("matrix\":"), "the file's name stands for its numbers");
}

#[test]
fn what_is_no_ground_distance_of_the_classes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |text: Option<&str>, words: &[&str]| {
        let file = folder.path().join("d.csv");
        text.into_iter().for_each(|text| fs::write(&file, text).unwrap());
        let call = backhoe("train --quiet --device cpu --epochs 1 --loss xemd2 --data digits --ground d.csv --out run");
        call.within(folder.path()).run().refused(words);
        assert!(!folder.path().join("run").exists());
    };
    refused(None, &["d.csv"]);
    refused(Some(",0,1\n0,0,1\n1,1,0\n"), &["d.csv", "no row for class `2`"]);
    let names: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let table = |entry: &str| {
        let row = |name: &String| format!("{name},0,0,0,0,{entry},0,0,0,0,0\n");
        format!(",{}\n{}", names.join(","), names.iter().map(row).collect::<String>())
    };
    refused(Some(&table("-1")), &["d.csv", "from 0 to 4 it is -1"]);
    refused(Some(&table("NaN")), &["it is NaN"]);
    refused(Some(&table("1e7")), &["it is 10000000", "from 0 to 1000000"]);
    refused(Some(&table("many")), &["d.csv", "many"]);
    refused(Some(&table("0.5")), &["from 0 to 4 it is 0.5; and back 0: both must be the same"]);
    let counts = table("0").replace("\n7,0,0,0,0,0,0,0,0", "\n7,0,0,0,0,0,0,0,9");
    refused(Some(&counts), &["from 7 to 7 it is 9; it must be 0 from a class to itself"]);
}

/// Cross-entropy and the squared distance are trained on the votes; the other losses go by the folder's class.
#[test]
fn votes_are_what_is_trained_on() {
    let (data, folder) = (data_folder(), tempfile::tempdir().unwrap());
    let train = |name: &str| {
        let run = folder.path().join(name);
        train_on(data.path(), &run, "--quiet --device cpu --epochs 1 --loss xe,emd,qwk").succeeded();
        let rows = read_metrics_csv(&run.join("metrics.csv")).unwrap();
        rows.into_iter().map(|row| row.train_loss).collect::<Vec<f64>>()
    };
    let without = train("without");
    let images = RunFolder { path: folder.path().join("without") }.read_record().unwrap().images;
    assert_eq!(images, [64, 24]);
    let mut table = csv::Writer::from_path(data.path().join("votes.csv")).unwrap();
    table.write_record(std::iter::once("image").chain(CLASSES)).unwrap();
    for name in files(&data.path().join("train").join(CLASSES[0])).keys() {
        let image = format!("train/{}/{name}", CLASSES[0]);
        table.write_record([image.as_str(), "2", "1", "0", "0", "0", "0", "0", "1"]).unwrap();
    }
    table.flush().unwrap();
    let with = train("with");
    assert!(with[0] != without[0] && with[1] != without[1], "{with:?} {without:?}");
    assert_eq!(with[2], without[2]);
}
