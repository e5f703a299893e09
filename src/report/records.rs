//! The numbers of a run as CSV files: metrics by epoch, distance matrices, confusion matrices.
//!
//! Numbers are written in the shortest form that reads back to the same bits.

use std::io::Cursor;
use std::path::Path;
use std::str::FromStr;

use super::{ReportError, expect_shape, io_error};
use crate::files;
use crate::train::EpochRow;
use crate::train::metrics::Confusion;

/// The columns of `metrics.csv`, in order.
pub const METRICS_HEADER: [&str; 16] = [
    "epoch",
    "loss",
    "train_loss",
    "aem",
    "aeo",
    "mae",
    "spearman",
    "lambda",
    "sdd",
    "seconds",
    "train_aem",
    "qwk",
    "amae",
    "rps",
    "ece",
    "top5_error",
];

/// The losses that occur in some rows, in the order of their first appearance.
pub fn losses_of(rows: &[EpochRow]) -> Vec<String> {
    let mut losses: Vec<String> = Vec::new();
    for row in rows {
        if !losses.contains(&row.loss) {
            losses.push(row.loss.clone());
        }
    }
    losses
}

/// Writes `metrics.csv`: the header [`METRICS_HEADER`] and a line a row; what is absent is an empty field.
///
/// # Errors
/// [`ReportError::Csv`] where the file cannot be written.
pub fn write_metrics_csv(path: &Path, rows: &[EpochRow]) -> Result<(), ReportError> {
    let mut writer = create();
    // Written here rather than by serde, so that a file without rows has its header too.
    writer.write_record(METRICS_HEADER).map_err(csv_error(path))?;
    for row in rows {
        writer.serialize(row).map_err(csv_error(path))?;
    }
    finish(path, writer)
}

/// Reads what [`write_metrics_csv`] writes.
///
/// # Errors
/// [`ReportError::Csv`] for an unreadable file or field, [`ReportError::Contents`] for other columns.
pub fn read_metrics_csv(path: &Path) -> Result<Vec<EpochRow>, ReportError> {
    let mut reader = open(path)?;
    let header = reader.headers().map_err(csv_error(path))?;
    if header != METRICS_HEADER.as_slice() {
        let problem = format!(
            "the columns are {:?} where {:?} are expected",
            header.iter().collect::<Vec<_>>().join(","),
            METRICS_HEADER.join(",")
        );
        return Err(contents(path, problem));
    }
    let rows: Result<_, csv::Error> = reader.deserialize().collect();
    rows.map_err(csv_error(path))
}

/// Writes a C x C matrix with the class names as header line and as first column.
///
/// # Errors
/// [`ReportError::Shape`] for a matrix that is not C x C, [`ReportError::Csv`] where the file cannot be written.
pub fn write_matrix_csv(path: &Path, classes: &[String], matrix: &[f64]) -> Result<(), ReportError> {
    write_square(path, "", classes, matrix)
}

/// Reads what [`write_matrix_csv`] writes: the class names and the matrix, C x C row-major.
///
/// # Errors
/// [`ReportError::Csv`] for an unreadable file, [`ReportError::Contents`] for one that holds no such matrix.
pub fn read_matrix_csv(path: &Path) -> Result<(Vec<String>, Vec<f64>), ReportError> {
    read_square(path)
}

/// Writes a confusion matrix like [`write_matrix_csv`]; rows are the truth, columns the prediction.
///
/// # Errors
/// Those of [`write_matrix_csv`].
pub fn write_confusion_csv(path: &Path, classes: &[String], confusion: &Confusion) -> Result<(), ReportError> {
    write_square(path, "truth \\ prediction", classes, confusion.counts())
}

/// Reads what [`write_confusion_csv`] writes.
///
/// # Errors
/// Those of [`read_matrix_csv`].
pub fn read_confusion_csv(path: &Path) -> Result<(Vec<String>, Confusion), ReportError> {
    let (classes, counts) = read_square(path)?;
    let confusion = Confusion::from_counts(classes.len(), counts).map_err(|error| contents(path, error.to_string()))?;
    Ok((classes, confusion))
}

fn write_square<T: ToString>(path: &Path, corner: &str, classes: &[String], matrix: &[T]) -> Result<(), ReportError> {
    expect_shape("the matrix", classes.len() * classes.len(), matrix.len())?;
    let mut writer = create();
    let header = std::iter::once(corner).chain(classes.iter().map(String::as_str));
    writer.write_record(header).map_err(csv_error(path))?;
    for (name, row) in classes.iter().zip(matrix.chunks(classes.len().max(1))) {
        let fields = std::iter::once(name.clone()).chain(row.iter().map(ToString::to_string));
        writer.write_record(fields).map_err(csv_error(path))?;
    }
    finish(path, writer)
}

fn read_square<T: FromStr>(path: &Path) -> Result<(Vec<String>, Vec<T>), ReportError> {
    let mut reader = open(path)?;
    let header = reader.headers().map_err(csv_error(path))?;
    let classes: Vec<String> = header.iter().skip(1).map(str::to_owned).collect();
    let mut matrix = Vec::with_capacity(classes.len() * classes.len());
    let mut names = Vec::new();
    for record in reader.records() {
        let record = record.map_err(csv_error(path))?;
        names.push(record[0].to_owned());
        for (field, class) in record.iter().skip(1).zip(&classes) {
            let value = field.parse().map_err(|_| {
                contents(path, format!("{field:?} in row {:?}, column {class:?} is not a number", &record[0]))
            })?;
            matrix.push(value);
        }
    }
    if names != classes {
        let problem = format!("its rows are {names:?} where the header names {classes:?}");
        return Err(contents(path, problem));
    }
    Ok((classes, matrix))
}

/// A table to be written; [`finish`] puts it into its file.
pub(super) fn create() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new())
}

pub(super) fn finish(path: &Path, table: csv::Writer<Vec<u8>>) -> Result<(), ReportError> {
    let bytes = table.into_inner().map_err(|error| error.into_error()).and_then(|bytes| files::write(path, &bytes));
    bytes.map_err(io_error(path))
}

/// A table's file.
pub(super) fn open(path: &Path) -> Result<csv::Reader<Cursor<Vec<u8>>>, ReportError> {
    let bytes = files::read(path).map_err(|error| csv_error(path)(error.into()))?;
    Ok(csv::Reader::from_reader(Cursor::new(bytes)))
}

pub(super) fn csv_error(path: &Path) -> impl Fn(csv::Error) -> ReportError + '_ {
    move |source| ReportError::Csv { path: path.to_owned(), source }
}

pub(super) fn contents(path: &Path, problem: String) -> ReportError {
    ReportError::Contents { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn row(epoch: usize, loss: &str) -> EpochRow {
        EpochRow {
            epoch,
            loss: loss.to_owned(),
            train_loss: 1.0 / 3.0,
            aem: 61.5,
            aeo: 94.2,
            mae: 0.1 + 0.2,
            spearman: Some(-0.0),
            lambda: None,
            sdd: Some(1e-300),
            seconds: 12.25,
            train_aem: 65.5,
            amae: 0.25,
            ..EpochRow::default()
        }
    }

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn metrics_read_back_to_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let mut rows = vec![row(1, "xe"), row(2, "a \"quoted\", name\nof two lines")];
        rows[1].spearman = None;
        rows[1].sdd = None;
        rows[1].lambda = Some(f64::MIN_POSITIVE);
        write_metrics_csv(&path, &rows).unwrap();
        assert_eq!(read_metrics_csv(&path).unwrap(), rows);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        let header =
            "epoch,loss,train_loss,aem,aeo,mae,spearman,lambda,sdd,seconds,train_aem,qwk,amae,rps,ece,top5_error";
        assert_eq!(lines.next(), Some(header));
        let first = "1,xe,0.3333333333333333,61.5,94.2,0.30000000000000004,-0.0,,1e-300,12.25,65.5,,0.25,,,";
        assert_eq!(lines.next(), Some(first));
    }

    #[test]
    fn diverged_losses_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let mut rows = vec![row(1, "emd"), row(2, "emd")];
        rows[0].train_loss = f64::INFINITY;
        rows[1].train_loss = f64::NAN;
        write_metrics_csv(&path, &rows).unwrap();
        let found = read_metrics_csv(&path).unwrap();
        assert_eq!(found[0].train_loss, f64::INFINITY);
        assert!(found[1].train_loss.is_nan());
    }

    #[test]
    fn a_run_without_epochs_has_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        write_metrics_csv(&path, &[]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", METRICS_HEADER.join(",")));
        assert!(read_metrics_csv(&path).unwrap().is_empty());
    }

    #[test]
    fn other_columns_and_bad_fields_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        std::fs::write(&path, "epoch,loss\n1,xe\n").unwrap();
        let text = read_metrics_csv(&path).unwrap_err().to_string();
        assert!(text.contains("metrics.csv") && text.contains("train_loss"), "{text}");
        let header = METRICS_HEADER.join(",");
        std::fs::write(&path, format!("{header}\n1,xe,many,1,1,1,,,,1,1,,1,,,\n")).unwrap();
        let text = read_metrics_csv(&path).unwrap_err().to_string();
        assert!(text.contains("line: 2"), "{text}");
        assert!(read_metrics_csv(&folder.path().join("absent.csv")).is_err());
    }

    #[test]
    fn matrices_read_back_with_awkward_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ground.csv");
        let classes = names(&["0-2", "a, b", "\"c\"", "naïve\nclass"]);
        let matrix: Vec<f64> = (0..16).map(|i| f64::from(i) / 7.0).collect();
        write_matrix_csv(&path, &classes, &matrix).unwrap();
        assert_eq!(read_matrix_csv(&path).unwrap(), (classes.clone(), matrix));
        assert!(write_matrix_csv(&path, &classes, &[0.0; 3]).is_err());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(",0-2,\"a, b\",\"\"\"c\"\"\","), "{text}");
    }

    #[test]
    fn confusions_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion.csv");
        let confusion = Confusion::from_counts(2, vec![5, 0, u64::MAX, 7]).unwrap();
        write_confusion_csv(&path, &names(&["no", "yes"]), &confusion).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("truth \\ prediction,no,yes\nno,5,0\nyes,{},7\n", u64::MAX));
        assert_eq!(read_confusion_csv(&path).unwrap(), (names(&["no", "yes"]), confusion));
    }

    #[test]
    fn broken_matrices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ground.csv");
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_matrix_csv(&path).unwrap_err().to_string()
        };
        assert!(refused(",a,b\na,0,x\nb,1,0\n").contains("\"x\" in row \"a\", column \"b\""));
        assert!(refused(",a,b\na,0,1\n").contains("rows"));
        assert!(refused(",a,b\nb,0,1\na,1,0\n").contains("rows"));
        assert!(refused(",a,b\na,0\nb,1,0\n").contains("line: 2"));
    }

    #[test]
    fn losses_keep_their_order() {
        let rows = [row(1, "xemd2"), row(1, "xe"), row(2, "xemd2")];
        assert_eq!(losses_of(&rows), ["xemd2", "xe"]);
    }
}
