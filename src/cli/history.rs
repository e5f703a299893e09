//! The history of speed: a table in the repository, a row a measurement, by the commit that was measured.

use super::CliError;
use backhoe::bench::Measurement;
use backhoe::files::{read, write_whole};
use serde::Serialize;
use std::path::Path;
use std::process::Command;

/// A row. The commit is that of the repository in which the table lies; `+` behind it stands for changes that are in no commit.
#[derive(Default, Serialize)]
struct Row {
    committed: String,
    commit: String,
    build: &'static str,
    machine: String,
    device: String,
    workload: String,
    train_images_per_s: String,
    infer_images_per_s: String,
    step_ms: String,
    of_peak: String,
    peak_gflops: String,
    copy_gb_per_s: String,
}

impl Row {
    fn new([committed, commit]: [String; 2], m: &Measurement) -> Self {
        let tenths = |value: f64| format!("{value:.1}");
        let known = |value: Option<f64>| value.map_or(String::new(), tenths);
        let rate = 1e3 * m.step_gflop / m.step_ms;
        Self {
            committed,
            commit,
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            machine: machine(),
            device: m.adapter.to_string(),
            workload: m.workload.clone(),
            train_images_per_s: tenths(m.train_images_per_s),
            infer_images_per_s: tenths(m.infer_images_per_s),
            step_ms: format!("{:.3}", m.step_ms),
            of_peak: m.peak_gflops.map_or(String::new(), |peak| format!("{:.3}", rate / peak)),
            peak_gflops: known(m.peak_gflops),
            copy_gb_per_s: known(m.copy_gb_per_s),
        }
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH)
}

/// A table of measurements, and the commit that is measured.
pub struct History<'a> {
    table: &'a Path,
    before: Vec<u8>,
    commit: [String; 2],
}

impl<'a> History<'a> {
    /// The table in this file, or one that shall lie there.
    pub fn open(table: &'a Path) -> Result<Self, CliError> {
        let before = if table.exists() { read(table).map_err(|error| failed(table, &error))? } else { Vec::new() };
        let commit = commit(table).map_err(|why| failed(table, &why))?;
        Ok(Self { table, before, commit })
    }

    /// Appends a measurement.
    pub fn append(self, measured: &Measurement) -> Result<(), CliError> {
        let row = Row::new(self.commit, measured);
        let after = appended(&self.before, &row).map_err(|why| failed(self.table, &why))?;
        write_whole(self.table, &after).map_err(|error| failed(self.table, &error))
    }
}

fn failed(table: &Path, why: &dyn std::fmt::Display) -> CliError {
    CliError::Words(format!("{}: {why}", table.display()))
}

/// The table with one more row, after its headings.
fn appended(before: &[u8], row: &Row) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.serialize(row).map_err(|error| error.to_string())?;
    let written = writer.into_inner().map_err(|error| error.to_string())?;
    let after_headings = written.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (headings, line) = written.split_at(after_headings);
    match before {
        [] => Ok(written),
        _ if before.starts_with(headings) && before.ends_with(b"\n") => Ok([before, line].concat()),
        _ => Err("is there, and has other columns than this table".to_owned()),
    }
}

/// Date and name of the commit that is checked out around a file.
fn commit(file: &Path) -> Result<[String; 2], String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = git(folder, &["log", "-1", "--format=%cs %h"])?;
    let (date, name) = named.trim().split_once(' ').ok_or("there is no commit yet")?;
    let own = file.file_name().unwrap_or_default().to_string_lossy();
    let changes = git(folder, &["status", "--porcelain", "--untracked-files=no"])?;
    let changed = changes.lines().any(|line| !line.ends_with(&*own));
    Ok([date.to_owned(), format!("{name}{}", if changed { "+" } else { "" })])
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let lies = "a row names the commit of the repository in which its table lies";
    let output = Command::new("git").current_dir(folder).args(arguments).output();
    let output = output.map_err(|error| format!("git: {error}; {lies}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{}; {lies}", String::from_utf8_lossy(&output.stderr).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(workload: &str) -> Row {
        Row { workload: workload.to_owned(), device: "a, b".to_owned(), ..Row::default() }
    }

    #[test]
    fn rows_follow_each_other_below_one_line_of_headings() {
        let table = ["R1", "R2"].iter().fold(Vec::new(), |table, name| appended(&table, &row(name)).unwrap());
        let mut reader = csv::Reader::from_reader(table.as_slice());
        assert_eq!(reader.headers().unwrap().iter().next(), Some("committed"));
        let workloads: Vec<String> = reader.records().map(|record| record.unwrap()[5].to_owned()).collect();
        assert_eq!(workloads, ["R1", "R2"]);
    }

    #[test]
    fn other_tables_and_broken_ones_stay_as_they_are() {
        let whole = appended(&[], &row("R1")).unwrap();
        for other in [&b"a,b\n1,2\n"[..], &whole[..whole.len() - 1], &whole[..9]] {
            assert!(appended(other, &row("R2")).is_err(), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn a_row_names_the_commit_and_whether_anything_else_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let table = at("history.csv");
        assert!(commit(&table).unwrap_err().contains("the repository in which its table lies"));
        let run = |arguments: &[&str]| git(folder.path(), arguments).unwrap();
        std::fs::write(&table, "").unwrap();
        std::fs::write(at("code.rs"), "").unwrap();
        run(&["init", "-q"]);
        run(&["add", "."]);
        run(&["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "first"]);
        let [date, name] = commit(&table).unwrap();
        assert_eq!((date.len(), name.contains('+')), (10, false));
        std::fs::write(&table, "a row").unwrap();
        assert_eq!(commit(&table).unwrap()[1], name, "the table's own rows are no change");
        std::fs::write(at("code.rs"), "changed").unwrap();
        assert_eq!(commit(&table).unwrap()[1], format!("{name}+"));
    }
}
