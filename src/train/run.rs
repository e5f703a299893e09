//! A run's folder: what it is, its checkpoint and its weights. Files are written beside their
//! place and renamed into it, so that a full disk or a killed process destroys nothing.

mod epochs;
mod packed;

pub use epochs::Epochs;
pub use packed::{Made, PACKED};

use super::cell::Cell;
use super::ids::Ids;
use super::settings::Settings;
use super::snapshot::{Snapshot, SnapshotError};
use crate::data::MAX_SIDE;
use crate::data::folder::RECORD;
use crate::data::protocol::Protocol;
use crate::data::source::Source;
use crate::files::{self, UNFINISHED};
use crate::nn::weights::{Tensors, WeightsError, metadata};
use crate::nn::{Loss, Model};
use crate::plan::Adapter;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What `run.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The data.
    pub source: Source,
    /// How they are grouped and divided.
    #[serde(default)]
    pub protocol: Protocol,
    /// Everything else that determines the run.
    pub settings: Settings,
    /// Class names in their order.
    pub classes: Vec<String>,
    /// Training and test images.
    pub images: [usize; 2],
    /// What it ran on and by what, from its beginning and from each time it was resumed.
    pub sittings: Vec<Sitting>,
}

impl Record {
    /// The training that it tells of.
    #[must_use]
    pub fn cell(&self) -> Cell {
        let (source, protocol, settings) = (self.source.clone(), self.protocol.clone(), self.settings.clone());
        Cell { source, protocol, settings, ground: None, search: false }
    }
}

/// A part of a run that one process did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sitting {
    /// Version of this program.
    pub version: String,
    /// Version of wgpu that it was built with.
    pub wgpu: String,
    /// Version of naga, which compiles the shaders, that it was built with.
    pub naga: String,
    /// What it ran on.
    pub adapter: Adapter,
    /// Epochs that were done when it began.
    pub epoch: usize,
    /// Steps that were done when it began.
    pub step: usize,
}

impl Sitting {
    /// One of this program, beginning after so many epochs and steps.
    #[must_use]
    pub fn new(adapter: &Adapter, epoch: usize, step: usize) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { version, wgpu: locked("wgpu"), naga: locked("naga"), adapter: adapter.clone(), epoch, step }
    }
}

/// The version of a package in the lock file that this program was built with.
fn locked(package: &str) -> String {
    let (_, entry) = include_str!("../../Cargo.lock").split_once(&format!("name = \"{package}\"")).unwrap_or_default();
    entry.split('"').nth(1).unwrap_or_default().to_owned()
}

/// What a weights file says of its network, in its header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The layers.
    pub model: Model,
    /// Side of the images out of which the centre crop is taken.
    pub stored_side: usize,
    /// Class names in their order.
    pub classes: Vec<String>,
    /// What each class stands for as a number.
    pub class_values: Vec<f64>,
    /// The loss it was trained with.
    pub loss: Loss,
}

/// Why a run's files could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The file system refused.
    #[error("{path}: {why}", path = .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The folder holds a run.
    #[error("{0} already holds a run; choose another --out, or go on with it by --resume {0}")]
    Occupied(String),
    /// The folder of a new run holds other things.
    #[error("{0} already holds {1}; choose another --out: a run has a folder of its own")]
    NotEmpty(String, String),
    /// The folder holds no run, or one that never came to its first step.
    #[error("{0} holds no checkpoint, which a run leaves before its first step: begin one there with --out {0}")]
    NoCheckpoint(String),
    /// A file holds no run that could be unpacked, or a run cannot be packed.
    #[error("{path}: no run packed into a file: {why}", path = .path.display())]
    Packed {
        /// The file, or the run's folder.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// `run.json` is damaged.
    #[error("{path}: not a run's settings: {why}", path = .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The checkpoint is damaged.
    #[error("{path}: {error}", path = .path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: SnapshotError,
    },
    /// The matrices of the epochs are damaged.
    #[error("{path}: no matrices of this run's epochs: {why}; remove the file to go on without replaying them", path = .path.display())]
    Epochs {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A weights file is damaged or foreign.
    #[error("{path}: {error}", path = .path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: WeightsError,
    },
}

/// The table of the learning rates that were tried for a run.
pub const TRIES: &str = "rates.csv";
/// What a search for learning rates remembers in a run's folder.
pub const SEARCH: &str = "rates.json";
/// What a run that was killed before its first step may have left.
const BEFORE: [&str; 3] = [RECORD, TRIES, SEARCH];
/// The folder of runs that nobody gave another place.
pub const RUNS: &str = "runs";
/// Key of [`Network`] in a weights file's metadata.
const KEY: &str = "backhoe.network";

fn at<T>(path: &Path, result: std::io::Result<T>) -> Result<T, RunError> {
    result.map_err(|error| RunError::File { path: path.to_owned(), why: error.to_string() })
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When the folder is not writable or the disk is full; the old file is then still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    at(path, files::write_whole(path, bytes))
}

/// Has `write` write a file beside its place, then renames it into it. Returns what `write` does.
///
/// # Errors
/// Those of `write`, and when the file cannot be renamed.
pub fn replace<T, E: From<RunError>>(path: &Path, write: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    let mut failed = None;
    let replaced = files::replace(path, |place| {
        write(place).map_err(|error| {
            failed = Some(error);
            std::io::Error::other("not written")
        })
    });
    match (replaced, failed) {
        (_, Some(error)) => Err(error),
        (replaced, None) => Ok(at(path, replaced)?),
    }
}

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    /// Where it is.
    pub path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a new run, or takes that of one which was killed before its first step. An empty `run.json`
    /// shows that it can be written to, and tells those who read a data folder around it that it is no class.
    ///
    /// # Errors
    /// When it holds a run or anything else already, or is not writable.
    pub fn create(path: &Path) -> Result<Self, RunError> {
        let folder = Self { path: path.to_owned() };
        if files::exists(&folder.checkpoint()) {
            return Err(RunError::Occupied(path.display().to_string()));
        }
        at(path, files::create_folder(path))?;
        folder.sweep()?;
        if let Some(name) =
            folder.names()?.into_iter().find(|name| !name.starts_with('.') && !BEFORE.contains(&name.as_str()))
        {
            return Err(RunError::NotEmpty(path.display().to_string(), name));
        }
        write_whole(&folder.record(), b"")?;
        Ok(folder)
    }

    /// Removes the folder again where its run never began, and no search for its learning rates either.
    pub fn remove_empty(&self) {
        if !files::exists(&self.path.join(SEARCH)) && files::len(&self.record()) == Some(0) {
            // What cannot be removed, or holds something, stays: it hinders no other run.
            let _ = files::remove(&self.record()).and_then(|()| files::remove_folder(&self.path));
            let _ = self.path.parent().filter(|parent| *parent == Path::new(RUNS)).map(files::remove_folder);
        }
    }

    /// Removes files that a killed run left unfinished.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn sweep(&self) -> Result<(), RunError> {
        for name in self.names()?.into_iter().filter(|name| name.starts_with(UNFINISHED)) {
            let path = self.path.join(name);
            at(&path, files::remove(&path))?;
        }
        Ok(())
    }

    /// The names in the folder, in their order.
    fn names(&self) -> Result<Vec<String>, RunError> {
        at(&self.path, files::names(&self.path))
    }

    /// Checks that `run.json` and a checkpoint tell of the same run.
    ///
    /// # Errors
    /// When settings, but for those that may change while a run goes on, or classes differ.
    pub fn agrees(&self, record: &Record, snapshot: &Snapshot) -> Result<(), RunError> {
        let progress = &snapshot.progress;
        if record.settings.are_of_one_run(&progress.settings) && record.classes == progress.data.classes {
            return Ok(());
        }
        let why = "it tells of another run than the checkpoint beside it".to_owned();
        Err(RunError::Record { path: self.record(), why })
    }

    /// The first of `runs/NAME-1`, `runs/NAME-2` … that does not exist.
    #[must_use]
    pub fn unused(name: &str) -> PathBuf {
        Self::numbered(name).find(|path| !files::exists(path)).unwrap_or_else(|| Path::new(RUNS).join(name))
    }

    /// `runs/NAME-1`, `runs/NAME-2` …
    pub fn numbered(name: &str) -> impl Iterator<Item = PathBuf> {
        (1usize..).map(move |number| Path::new(RUNS).join(format!("{name}-{number}")))
    }

    /// Whether there is a checkpoint to go on from.
    #[must_use]
    pub fn has_checkpoint(&self) -> bool {
        files::exists(&self.checkpoint())
    }

    /// Whether a run has done so many epochs here and left all of its files.
    #[must_use]
    pub fn is_complete(&self, epochs: usize) -> bool {
        self.has_checkpoint() && self.read_checkpoint().is_ok_and(|snapshot| snapshot.progress.epoch >= epochs)
    }

    fn record(&self) -> PathBuf {
        self.path.join(RECORD)
    }

    fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    /// Where the weights of a loss lie.
    #[must_use]
    pub fn weights(&self, loss: &str) -> PathBuf {
        self.path.join(format!("weights-{loss}.safetensors"))
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_record(&self, record: &Record) -> Result<(), RunError> {
        let path = self.record();
        let json = serde_json::to_vec_pretty(record)
            .map_err(|error| RunError::Record { path: path.clone(), why: error.to_string() })?;
        write_whole(&path, &json)
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// When it is missing or damaged, or the run never began.
    pub fn read_record(&self) -> Result<Record, RunError> {
        let path = self.record();
        let json = at(&path, files::read(&path))?;
        if json.is_empty() && !files::exists(&self.checkpoint()) {
            return Err(RunError::NoCheckpoint(self.path.display().to_string()));
        }
        serde_json::from_slice(&json).map_err(|error| RunError::Record { path, why: error.to_string() })
    }

    /// Writes the checkpoint.
    ///
    /// # Errors
    /// When the file cannot be written; the last checkpoint is then still there.
    pub fn write_checkpoint(&self, snapshot: &Snapshot) -> Result<(), RunError> {
        let path = self.checkpoint();
        let bytes = snapshot.to_bytes().map_err(|error| RunError::Checkpoint { path: path.clone(), error })?;
        write_whole(&path, &bytes)
    }

    /// Reads the checkpoint.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn read_checkpoint(&self) -> Result<Snapshot, RunError> {
        let path = self.checkpoint();
        if !files::exists(&path) {
            return Err(RunError::NoCheckpoint(self.path.display().to_string()));
        }
        let bytes = at(&path, files::read(&path))?;
        Snapshot::from_bytes(&bytes).map_err(|error| RunError::Checkpoint { path, error })
    }

    /// Writes a loss's weights from a snapshot, with the network in the header; its outputs stand in the classes' order,
    /// whatever the network knew the classes by.
    ///
    /// # Errors
    /// When the file cannot be written or the snapshot lacks the weights.
    pub fn write_weights(&self, snapshot: &Snapshot, network: &Network) -> Result<(), RunError> {
        let loss = network.loss.name();
        let path = self.weights(loss);
        let weights = |error| RunError::Weights { path: path.clone(), error };
        let parameters = network.model.parameters();
        let arena = snapshot.floats(&format!("{loss}/weights"));
        let arena = arena.ok_or_else(|| weights(WeightsError::Missing("weights".to_owned())))?;
        let mut tensors = parameters.from_arena(&arena);
        for statistic in parameters.list.iter().filter(|parameter| !parameter.trained) {
            if let Some(values) = snapshot.floats(&format!("{loss}/{}", statistic.name)) {
                tensors.insert(statistic.name.clone(), values);
            }
        }
        let ids = Ids::of(&snapshot.progress.settings, network.classes.len());
        let head = format!("{}.", network.model.layers.len() - 1);
        for (_, values) in tensors.iter_mut().filter(|(name, _)| name.starts_with(&head)) {
            *values = ids.outputs_by_class(std::mem::take(values));
        }
        let json = serde_json::to_string(network)
            .map_err(|error| RunError::Record { path: path.clone(), why: error.to_string() })?;
        let bytes = parameters.to_bytes(&tensors, HashMap::from([(KEY.to_owned(), json)])).map_err(weights)?;
        write_whole(&path, &bytes)
    }
}

/// Reads a weights file: its network and its values by name.
///
/// # Errors
/// When the file is missing, damaged, or not one of this program's.
pub fn read_weights(path: &Path) -> Result<(Network, Tensors), RunError> {
    let weights = |error| RunError::Weights { path: path.to_owned(), error };
    let foreign = |why: &str| weights(WeightsError::Damaged(why.to_owned()));
    let bytes = at(path, files::read(path))?;
    let metadata = metadata(&bytes).map_err(weights)?;
    let json = metadata.get(KEY).ok_or_else(|| foreign("its header does not describe a network"))?;
    let network: Network = serde_json::from_str(json).map_err(|error| foreign(&error.to_string()))?;
    let checked = Model::new(network.model.side, network.model.layers.clone());
    let model = checked.map_err(|error| foreign(&error.to_string()))?;
    let classes = network.classes.len();
    let outputs = network.loss.link().outputs(classes);
    if classes < 2
        || network.class_values.len() != classes
        || model.classes() != outputs
        || !(model.side..=MAX_SIDE).contains(&network.stored_side)
    {
        return Err(foreign("its header contradicts itself"));
    }
    let tensors = model.parameters().from_bytes(&bytes).map_err(weights)?;
    Ok((network, tensors))
}
