//! A run as one file: its folder packed, for another machine or a browser to go on from.

use super::{RUNS, RunError, RunFolder, at, write_whole};
use crate::files::packed::{pack, unpack};
use crate::files::{self, Kind};
use std::path::{Path, PathBuf};

/// How the names of packed runs end.
pub const PACKED: &str = "backhoe";

/// What was made for a run before it began or went on, to be removed where it does not.
#[derive(Clone, Debug)]
pub enum Made {
    /// Nothing: its folder was there.
    Nothing,
    /// An empty folder.
    Folder(RunFolder),
    /// The folder of a packed run.
    Unpacked(RunFolder),
}

impl Made {
    /// Removes it, as far as that is possible: whoever does so has another error to tell. A packed run's file is still there.
    pub fn undo(&self) {
        match self {
            Self::Nothing => {}
            Self::Folder(folder) => folder.remove_empty(),
            Self::Unpacked(folder) => drop(folder.remove()),
        }
    }
}

impl RunFolder {
    /// The run of a folder, or of a file into which one was packed: that is unpacked into an unused folder of `runs/`, of the
    /// run's own name where that is free. Also tells what was made for it.
    ///
    /// # Errors
    /// When the file holds no run or its files cannot be written.
    pub fn at(place: &Path) -> Result<(Self, Made), RunError> {
        if matches!(files::kind(place), Ok(Kind::File)) {
            let folder = Self::unpacked(place)?;
            return Ok((folder.clone(), Made::Unpacked(folder)));
        }
        Ok((Self { path: place.to_owned() }, Made::Nothing))
    }

    fn unpacked(file: &Path) -> Result<Self, RunError> {
        let refused = |why: String| RunError::Packed { path: file.to_owned(), why };
        let (bytes, mut found) = (at(file, files::read(file))?, Vec::new());
        let broken = unpack(&bytes, |path, bytes| {
            found.push((path, bytes));
            Ok(())
        });
        if let Some(broken) = broken.map_err(|error| refused(error.to_string()))?.first() {
            return Err(refused(format!("{}: {}", broken.name, broken.why)));
        }
        let folder = Self { path: unused_like(file) };
        // The checkpoint comes last: with it there is a run.
        let checkpoint = folder.checkpoint();
        let is_checkpoint = |path: &Path| folder.path.join(path) == checkpoint;
        found.sort_by_key(|(path, _)| is_checkpoint(path));
        if !found.last().is_some_and(|(path, _)| is_checkpoint(path)) {
            return Err(refused("there is no checkpoint in it".to_owned()));
        }
        if let Some((odd, _)) = found.iter().find(|(path, _)| path.components().count() != 1) {
            return Err(refused(format!("there is a folder in it: {}", odd.display())));
        }
        at(&folder.path, files::create_folder(&folder.path))?;
        let written = found.iter().try_for_each(|(path, bytes)| write_whole(&folder.path.join(path), bytes));
        if written.is_err() {
            // The error that counts is the other.
            let _ = folder.remove();
        }
        written.map(|()| folder)
    }

    /// The bytes of a file that [`RunFolder::at`] takes.
    ///
    /// # Errors
    /// When there is no checkpoint, or a file cannot be read.
    pub fn pack(&self) -> Result<Vec<u8>, RunError> {
        if !self.has_checkpoint() {
            return Err(RunError::NoCheckpoint(self.path.display().to_string()));
        }
        pack(&self.path).map_err(|error| RunError::Packed { path: self.path.clone(), why: error.to_string() })
    }

    /// Removes the run with all its files; what else lies in the folder stays, and the folder with it.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove(&self) -> Result<(), RunError> {
        for name in self.names()? {
            let path = self.path.join(name);
            if matches!(files::kind(&path), Ok(Kind::File)) {
                at(&path, files::remove(&path))?;
            }
        }
        at(&self.path, files::remove_folder(&self.path))
    }
}

/// An unused folder for the run of a packed file: called as that, or by its next number.
fn unused_like(file: &Path) -> PathBuf {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let own = Path::new(RUNS).join(&*name);
    if !files::exists(&own) {
        return own;
    }
    let base =
        name.rsplit_once('-').filter(|(_, number)| number.parse::<usize>().is_ok()).map_or(&*name, |(base, _)| base);
    RunFolder::unused(base)
}
