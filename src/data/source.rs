//! Where a run's data comes from, as named on the command line and in `run.json`.

use super::digits::{Digits, DigitsError, MOST_SIDE};
use super::faces::{self, Drawing, Faces, FacesError};
use super::folder::{Folder, FolderError, Grouping, GroupingError, Loaded, Reading, Skipped};
use super::{Dataset, MAX_SIDE};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Training and test images of the faces where nothing is said.
pub const FACES: [usize; 2] = [1600, 400];
/// Share of the images that is tested on where nothing is said.
pub const TEST_FRACTION: f64 = 0.2;

/// A data set to be made or read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "data", rename_all = "kebab-case")]
pub enum Source {
    /// Generated portraits in eight age groups.
    Faces {
        /// Training images.
        train: usize,
        /// Test images.
        test: usize,
    },
    /// The scanned digits of the UCI Optical Recognition set.
    Digits {
        /// Share of the images that is tested on.
        test_fraction: f64,
    },
    /// A folder of class folders.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Share of the images that is tested on, where the folder has no `test/`.
        test_fraction: f64,
        /// Whether an unreadable image is an error.
        strict: bool,
    },
}

/// Why data could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Of the faces.
    #[error(transparent)]
    Faces(#[from] FacesError),
    /// Of the digits.
    #[error(transparent)]
    Digits(#[from] DigitsError),
    /// Of a folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl Source {
    /// A short name, by which runs are called: `faces`, `digits`, or the folder's own.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Faces { .. } => "faces".to_owned(),
            Self::Digits { .. } => "digits".to_owned(),
            Self::Folder { path, .. } => {
                path.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned())
            }
        }
    }

    /// Largest side of its images that shows more than a smaller one.
    #[must_use]
    pub fn most_side(&self) -> usize {
        match self {
            Self::Faces { .. } => *faces::SIDES.end(),
            Self::Digits { .. } => MOST_SIDE,
            Self::Folder { .. } => MAX_SIDE,
        }
    }

    /// Makes or reads the data, images `side` pixels wide, and tells from time to time how many are done of how many. Also tells
    /// which files were passed over.
    ///
    /// # Errors
    /// As the sources' own.
    pub fn load(
        &self,
        side: usize,
        seed: u64,
        progress: &dyn Fn(usize, usize),
    ) -> Result<(Dataset, Vec<Skipped>), SourceError> {
        let mut loading = self.begin(side, seed)?;
        loop {
            let [done, total] = loading.progress();
            progress(done, total);
            if !loading.advance()? {
                return loading.finish();
            }
        }
    }

    /// Prepares to make the data, or looks for the images; none of them is made or read yet.
    ///
    /// # Errors
    /// As the sources' own.
    pub fn begin(&self, side: usize, seed: u64) -> Result<Loading, SourceError> {
        Ok(match self {
            Self::Faces { train, test } => {
                Loading::Drawn(Box::new(Faces { train: *train, test: *test, side, seed }.begin()?))
            }
            Self::Digits { test_fraction } => {
                Loading::Made(Box::new(Digits { side, test_fraction: *test_fraction, seed }.dataset()?))
            }
            Self::Folder { path, test_fraction, strict } => {
                let folder = Folder { path: path.clone(), side, test_fraction: *test_fraction, seed, strict: *strict };
                Loading::Read(Box::new(folder.read()?))
            }
        })
    }

    /// What the data says of its images beside their classes.
    ///
    /// # Errors
    /// [`GroupingError::File`] for a file that is there and cannot be read.
    pub fn grouping(&self) -> Result<Grouping, GroupingError> {
        match self {
            Self::Folder { path, .. } => Grouping::in_folder(path),
            Self::Faces { .. } | Self::Digits { .. } => Ok(Grouping::default()),
        }
    }
}

/// Data that are there, or are being made or read some images at a time.
pub enum Loading {
    /// All there.
    Made(Box<Dataset>),
    /// Faces.
    Drawn(Box<Drawing>),
    /// Of a folder.
    Read(Box<Reading>),
}

impl Loading {
    /// Images done, and images in all.
    #[must_use]
    pub fn progress(&self) -> [usize; 2] {
        match self {
            Self::Made(data) => [data.train.len() + data.test.len(); 2],
            Self::Drawn(drawing) => drawing.progress(),
            Self::Read(reading) => reading.progress(),
        }
    }

    /// Makes or reads some more images; whether there are more.
    ///
    /// # Errors
    /// As the sources' own.
    pub fn advance(&mut self) -> Result<bool, SourceError> {
        Ok(match self {
            Self::Made(_) => false,
            Self::Drawn(drawing) => drawing.advance(),
            Self::Read(reading) => reading.advance()?,
        })
    }

    /// The data, once all images are there, and which files were passed over.
    ///
    /// # Errors
    /// As the sources' own.
    pub fn finish(self) -> Result<(Dataset, Vec<Skipped>), SourceError> {
        Ok(match self {
            Self::Made(data) => (*data, Vec::new()),
            Self::Drawn(drawing) => (drawing.finish(), Vec::new()),
            Self::Read(reading) => {
                let Loaded { dataset, skipped } = reading.finish()?;
                (dataset, skipped)
            }
        })
    }
}
