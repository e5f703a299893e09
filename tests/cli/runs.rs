//! Run folders: those that many tests share, copies of them, and what has to be in each.

use super::program::{TINY, backhoe};
use backhoe::report::{METRICS_HEADER, read_confusion_csv, read_matrix_csv, read_metrics_csv};
use backhoe::train::EpochRow;
use backhoe::train::run::RunFolder;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

/// The losses of [`shared`].
pub const SHARED_LOSSES: [&str; 3] = ["xe", "emd", "xemd2"];

/// The runs that many tests look at: made once, in one place, so that nothing is left to sweep up. The lock is for
/// those who test twice at a time.
struct Shared {
    folder: PathBuf,
    _lock: File,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = File::create(place.join("cli.lock")).unwrap();
    lock.lock().unwrap();
    let folder = place.join("cli");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    Shared { folder, _lock: lock }
});

/// The path of a shared run.
pub fn place(name: &str) -> PathBuf {
    SHARED.folder.join(name)
}

/// A finished run of two epochs on faces. Nobody may change it.
pub fn shared() -> &'static Path {
    static RUN: LazyLock<PathBuf> = LazyLock::new(|| {
        train_shared(&place("run"), 1);
        place("run")
    });
    &RUN
}

/// A run like [`shared`]'s, of any seed.
pub fn train_shared(run: &Path, seed: u32) {
    let call = backhoe("train --quiet --epochs 2 --jump-start 1 --loss").arg(SHARED_LOSSES.join(",")).words(TINY);
    call.words(&format!("--seed {seed} --out")).arg(run).run().succeeded();
}

/// A copy of [`shared`] that may be changed.
pub fn copy_of_shared() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in files(shared()) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    copy
}

/// All files of a folder by name.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// The weights files of a run by name.
pub fn weights(run: &Path) -> BTreeMap<String, Vec<u8>> {
    files(run).into_iter().filter(|(name, _)| name.starts_with("weights-")).collect()
}

/// The rows of `metrics.csv` without the times, which no two runs have in common.
pub fn timeless_metrics(run: &Path) -> Vec<EpochRow> {
    let rows = read_metrics_csv(&run.join("metrics.csv")).unwrap();
    rows.into_iter().map(|row| EpochRow { seconds: 0.0, ..row }).collect()
}

/// What a run was asked for.
pub struct Asked<'a> {
    pub losses: &'a [&'a str],
    pub epochs: usize,
    pub classes: usize,
    pub test_images: u64,
}

/// Every file is there and well-formed, and there is no other.
#[track_caller]
pub fn assert_whole(run: &Path, asked: &Asked) {
    let mut names: Vec<String> =
        "run.json metrics.csv epochs.bin curves.png curves.svg report.html checkpoint.safetensors"
            .split(' ')
            .map(str::to_owned)
            .collect();
    for loss in asked.losses {
        names.push(format!("ground-distance-{loss}.csv"));
        names.push(format!("ground-distance-{loss}.png"));
        names.push(format!("confusion-{loss}.csv"));
        names.push(format!("predictions-{loss}.csv"));
        names.push(format!("weights-{loss}.safetensors"));
        assert_matrices(run, loss, asked);
        assert_weights(run, loss, asked.classes);
    }
    names.sort();
    assert_eq!(files(run).into_keys().collect::<Vec<_>>(), names);
    assert_metrics(run, asked);
    assert_drawn(run, asked);
    let folder = RunFolder { path: run.to_owned() };
    let (record, snapshot) = (folder.read_record().unwrap(), folder.read_checkpoint().unwrap());
    assert_eq!((record.classes.len(), record.images[1] as u64), (asked.classes, asked.test_images));
    assert_eq!((record.settings.epochs, snapshot.progress.epoch), (asked.epochs, asked.epochs));
    let (seconds, of_steps) = (snapshot.progress.seconds, snapshot.progress.step_seconds);
    assert!(of_steps > 0.0 && of_steps < seconds, "{of_steps} of {seconds} seconds");
}

/// One row an epoch and loss, under the header that others may rely on.
#[track_caller]
fn assert_metrics(run: &Path, asked: &Asked) {
    let path = run.join("metrics.csv");
    let text = fs::read_to_string(&path).unwrap();
    let header = "epoch,loss,train_loss,aem,aeo,mae,spearman,lambda,sdd,seconds,train_aem,qwk,amae,rps,ece,top5_error";
    assert_eq!(text.lines().next(), Some(header));
    assert_eq!(text.lines().next(), Some(METRICS_HEADER.join(",").as_str()));
    let rows = read_metrics_csv(&path).unwrap();
    let got: Vec<(usize, &str)> = rows.iter().map(|row| (row.epoch, row.loss.as_str())).collect();
    let want: Vec<(usize, &str)> =
        (1..=asked.epochs).flat_map(|epoch| asked.losses.iter().map(move |&loss| (epoch, loss))).collect();
    assert_eq!(got, want);
    for row in rows {
        assert!(row.train_loss.is_finite() && row.sdd.is_some_and(f64::is_finite), "{row:?}");
        assert!((0.0..=100.0).contains(&row.aem) && row.aem <= row.aeo && row.aeo <= 100.0, "{row:?}");
        assert!((0.0..asked.classes as f64).contains(&row.mae) && row.seconds > 0.0, "{row:?}");
        assert!((0.0..=100.0).contains(&row.train_aem), "{row:?}");
        assert_eq!(row.lambda.is_some(), row.loss.starts_with("xemd"), "{row:?}");
    }
}

#[track_caller]
fn assert_matrices(run: &Path, loss: &str, asked: &Asked) {
    let classes = asked.classes;
    let (_, ground) = read_matrix_csv(&run.join(format!("ground-distance-{loss}.csv"))).unwrap();
    assert_eq!(ground.len(), classes * classes);
    for (at, &distance) in ground.iter().enumerate() {
        let (i, j) = (at / classes, at % classes);
        assert_eq!(distance, ground[j * classes + i], "not symmetric at {i}, {j}");
        assert!(if i == j { distance == 0.0 } else { (0.0..1.0).contains(&distance) }, "{distance} at {i}, {j}");
    }
    assert!(ground.iter().any(|&distance| distance > 0.0));
    let (_, confusion) = read_confusion_csv(&run.join(format!("confusion-{loss}.csv"))).unwrap();
    assert_eq!(confusion.counts().len(), classes * classes);
    assert_eq!(confusion.counts().iter().sum::<u64>(), asked.test_images);
}

/// The tensors of [`TINY`]'s network under PyTorch's names.
#[track_caller]
fn assert_weights(run: &Path, loss: &str, classes: usize) {
    let bytes = fs::read(run.join(format!("weights-{loss}.safetensors"))).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut got: Vec<(String, Vec<usize>)> =
        file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec())).collect();
    got.sort();
    let flat = 6 * 4 * 4;
    let want: [(&str, &[usize]); 8] = [
        ("0.bias", &[4]),
        ("0.weight", &[4, 3, 3, 3]),
        ("3.bias", &[6]),
        ("3.weight", &[6, 4, 3, 3]),
        ("7.bias", &[8]),
        ("7.weight", &[8, flat]),
        ("9.bias", &[classes]),
        ("9.weight", &[classes, 8]),
    ];
    assert_eq!(got, want.map(|(name, shape)| (name.to_owned(), shape.to_vec())));
}

#[track_caller]
fn assert_drawn(run: &Path, asked: &Asked) {
    let grounds = asked.losses.iter().map(|loss| format!("ground-distance-{loss}.png"));
    for name in grounds.chain(["curves.png".to_owned()]) {
        let picture = image::open(run.join(&name)).unwrap().to_rgb8();
        assert!(picture.width() > 100 && picture.height() > 100, "{name}");
        assert!(picture.pixels().any(|pixel| pixel != picture.get_pixel(0, 0)), "{name} is empty");
    }
    for name in ["curves.svg", "report.html"] {
        let text = fs::read_to_string(run.join(name)).unwrap();
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let document = roxmltree::Document::parse_with_options(&text, options).unwrap();
        let root = document.root_element().tag_name().name();
        assert_eq!(root, if name == "report.html" { "html" } else { "svg" });
        let words: String = document.descendants().filter_map(|node| node.text()).collect();
        for loss in asked.losses {
            assert!(words.contains(loss), "{name} does not mention {loss}");
        }
    }
}
