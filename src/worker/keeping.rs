//! The runs that lie in `runs/`: listed, and removed.

use super::WorkError;
use super::message::Kept;
use crate::files;
use crate::report::read_metrics_csv;
use crate::train::run::{RUNS, RunFolder};
use std::path::Path;

/// All runs that can be opened, in natural order of their names.
pub fn list() -> Vec<Kept> {
    // Without the folder there are none.
    let mut names = files::names(Path::new(RUNS)).unwrap_or_default();
    names.sort_by(|a, b| natord::compare(a, b));
    names.into_iter().filter_map(|name| kept(RunFolder { path: Path::new(RUNS).join(name) })).collect()
}

/// What is told of a run; nothing of a folder that holds none, or none that can be read.
fn kept(folder: RunFolder) -> Option<Kept> {
    if !folder.has_checkpoint() {
        return None;
    }
    let record = folder.read_record().ok()?;
    // Before the first epoch there are no rows.
    let rows = read_metrics_csv(&folder.path.join("metrics.csv")).unwrap_or_default();
    let done = rows.iter().map(|row| row.epoch).max().unwrap_or(0);
    let names = files::names(&folder.path).ok()?;
    Some(Kept {
        data: record.source.name(),
        losses: record.settings.losses,
        epochs: [done, record.settings.epochs],
        bytes: names.iter().filter_map(|name| files::len(&folder.path.join(name))).sum(),
        place: folder.path,
    })
}

/// Removes a run that [`list`] tells of.
///
/// # Errors
/// When there is none, or a file cannot be removed.
pub fn remove(place: &Path) -> Result<(), WorkError> {
    if !list().iter().any(|kept| kept.place == place) {
        return Err(WorkError::Words(format!("{} is none of the runs in {RUNS}/", place.display())));
    }
    Ok(RunFolder { path: place.to_owned() }.remove()?)
}
