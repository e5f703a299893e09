//! How runs begin and go on: data, device and folder joined.

use super::WorkError;
use super::artifacts::Artifacts;
use crate::data::Dataset;
use crate::data::source::Source;
use crate::files;
use crate::plan::Executor;
use crate::report::read_matrix_csv;
use crate::train::cell::Cell;
use crate::train::run::{Epochs, Record, RunFolder, Sitting};
use crate::train::session::Opener;
use crate::train::{Ground, Session, Settings, Snapshot};
use std::path::Path;
use std::sync::Arc;

/// Where a page puts folders of images that it is given.
pub const IMAGES: &str = "images";

/// A run that has begun, before its next step.
pub struct Begun {
    /// What trains.
    pub session: Session,
    /// What it leaves in its folder.
    pub artifacts: Artifacts,
    /// What it is trained and tested on.
    pub data: Arc<Dataset>,
}

/// A matrix file with its classes' names, as a cell names it.
pub type GroundFile = (Vec<String>, Vec<f64>);

/// Reads the ground distance that a cell names.
///
/// # Errors
/// When it cannot be read: better before the images than after them.
pub fn ground_file(cell: &Cell) -> Result<Option<GroundFile>, WorkError> {
    Ok(cell.ground.as_deref().map(read_matrix_csv).transpose()?)
}

/// The settings of a cell with the ground distance of its file.
///
/// # Errors
/// When that is no ground distance of these classes.
pub fn settings(cell: &Cell, file: Option<GroundFile>, classes: &[String]) -> Result<Settings, WorkError> {
    let mut settings = cell.settings.clone();
    if let (Some((names, matrix)), Some(path)) = (file, &cell.ground) {
        settings.ground = Ground::given(&path.display().to_string(), &names, &matrix, classes)?;
    }
    Ok(settings)
}

/// Begins a run in a folder made for it, `run.json` written last. Its first checkpoint is asked for: once that lies
/// there, a killed run can be resumed.
///
/// # Errors
/// When a setting is out of range, the plan does not fit, the device fails or the folder is not writable.
pub fn begin(
    folder: &RunFolder,
    cell: &Cell,
    settings: Settings,
    data: Arc<Dataset>,
    executor: Box<dyn Executor>,
    open: Opener,
) -> Result<Begun, WorkError> {
    let record = Record {
        source: cell.source.clone(),
        protocol: cell.protocol.clone(),
        settings: settings.clone(),
        classes: data.classes.clone(),
        images: [data.train.len(), data.test.len()],
        sittings: vec![Sitting::new(executor.adapter(), 0, 0)],
    };
    let mut session = Session::new(executor, open, Arc::clone(&data), settings, None)?;
    folder.write_record(&record)?;
    session.save();
    let epochs = Epochs::new(record.classes.len());
    let artifacts = Artifacts::new(folder.clone(), record, Arc::clone(&data), epochs);
    Ok(Begun { session, artifacts, data })
}

/// Goes on with a run from its checkpoint, for as many epochs as the record says.
///
/// # Errors
/// When record, checkpoint and data do not belong together, and as [`begin`].
pub fn resume(
    folder: RunFolder,
    mut record: Record,
    snapshot: Snapshot,
    mut epochs: Epochs,
    data: Arc<Dataset>,
    executor: Box<dyn Executor>,
    open: Opener,
) -> Result<Begun, WorkError> {
    folder.agrees(&record, &snapshot)?;
    epochs.forget_after(snapshot.progress.epoch);
    let sitting = Sitting::new(executor.adapter(), snapshot.progress.epoch, snapshot.progress.step);
    let settings = Settings { epochs: record.settings.epochs, ..snapshot.progress.settings.clone() };
    let session = Session::new(executor, open, Arc::clone(&data), settings.clone(), Some(snapshot))?;
    record.settings = settings;
    record.sittings.push(sitting);
    folder.sweep()?;
    folder.write_record(&record)?;
    let artifacts = Artifacts::new(folder, record, Arc::clone(&data), epochs);
    Ok(Begun { session, artifacts, data })
}

/// A folder of images that is no longer where it was is looked for by its name in `images/`: there a page has what it was given,
/// and a run that comes from elsewhere finds what was put there for it.
#[must_use]
pub fn found(source: Source) -> Source {
    match source {
        Source::Folder { path, test_fraction, strict } if !files::exists(&path) => {
            let here = path.file_name().map(|name| Path::new(IMAGES).join(name)).filter(|here| files::exists(here));
            Source::Folder { path: here.unwrap_or(path), test_fraction, strict }
        }
        source => source,
    }
}

/// The folder of a new run: the one asked for, or the next unused one of this name.
///
/// # Errors
/// When it holds a run or anything else already, or is not writable.
pub fn place(place: Option<&Path>, name: &str) -> Result<RunFolder, WorkError> {
    let path = place.map_or_else(|| RunFolder::unused(name), Path::to_owned);
    Ok(RunFolder::create(&path)?)
}
