//! What a search measured, kept in a file as it goes: one that is ended, by Ctrl-C or otherwise, is gone on with.

use super::Try;
use crate::data::Dataset;
use crate::data::identity::Identity;
use crate::train::run::{RunError, write_whole};
use crate::train::settings::Settings;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a search measured, and of what: nothing of it counts where settings or data are others.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    kept: Kept,
}

/// What the file holds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    settings: Settings,
    data: Identity,
    tries: Vec<Try>,
}

impl Memory {
    /// What the file at `path` remembers of a search with these settings on these data, which is nothing where there is no
    /// such file, or one of another search.
    #[must_use]
    pub fn at(path: &Path, settings: &Settings, data: &Dataset) -> Self {
        let (path, data) = (path.to_owned(), Identity::of(data));
        let read = std::fs::read(&path).ok().and_then(|json| serde_json::from_slice::<Kept>(&json).ok());
        let kept = read.filter(|kept| kept.settings == *settings && kept.data == data);
        let nothing = || Kept { settings: settings.clone(), data, tries: Vec::new() };
        Self { path, kept: kept.unwrap_or_else(nothing) }
    }

    /// What was measured of the same candidate when it was taken as many epochs far.
    #[must_use]
    pub fn recall(&self, wanted: &Try) -> Option<Try> {
        let same = |tried: &&Try| tried.is_of_the_same(wanted) && tried.epochs == wanted.epochs;
        self.kept.tries.iter().find(same).cloned()
    }

    /// Remembers what was measured, in the file too.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&mut self, tried: &Try) -> Result<(), RunError> {
        self.kept.tries.push(tried.clone());
        let refused = |error: serde_json::Error| RunError::File { path: self.path.clone(), why: error.to_string() };
        write_whole(&self.path, &serde_json::to_vec_pretty(&self.kept).map_err(refused)?)
    }
}
