//! One training to be done, as plain data: what `train`, `sweep` and `reproduce` are made of.

use super::settings::Settings;
use crate::data::protocol::{Protocol, ProtocolError};
use crate::data::source::{self, Source, SourceError};
use crate::data::{Dataset, folder::Skipped};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One training to be done: everything that determines what comes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The data.
    pub source: Source,
    /// How they are grouped and divided.
    pub protocol: Protocol,
    /// Everything else.
    pub settings: Settings,
    /// A file of the ground distance that the losses read in place of what the settings say.
    pub ground: Option<PathBuf>,
    /// Whether the learning rate of each loss is searched for first ([`super::search`]).
    pub search: bool,
}

/// Why a cell has no data.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// They cannot be made or read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// They cannot be divided as asked.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// Makes or reads the data of a run, images `side` pixels wide, grouped and divided, and tells from time to time how many are
/// done of how many. Also tells which files were passed over.
///
/// # Errors
/// As [`Source::load`] and [`Protocol::apply`].
pub fn load(
    source: &Source,
    protocol: &Protocol,
    side: usize,
    seed: u32,
    progress: &dyn Fn(usize, usize),
) -> Result<(Dataset, Vec<Skipped>), CellError> {
    let mut loading = Loading::begin(source, protocol, side, seed)?;
    loop {
        let [done, total] = loading.progress();
        progress(done, total);
        if !loading.advance()? {
            return loading.finish();
        }
    }
}

/// The data of a run, being made or read some images at a time.
pub struct Loading {
    source: Source,
    protocol: Protocol,
    seed: u64,
    images: source::Loading,
}

impl Loading {
    /// Prepares to make the data, images `side` pixels wide, or looks for the images; none of them is made or read yet.
    ///
    /// # Errors
    /// As [`Source::begin`].
    pub fn begin(source: &Source, protocol: &Protocol, side: usize, seed: u32) -> Result<Self, CellError> {
        let seed = u64::from(seed);
        let images = source.begin(side, seed)?;
        Ok(Self { source: source.clone(), protocol: protocol.clone(), seed, images })
    }

    /// Images done, and images in all.
    #[must_use]
    pub fn progress(&self) -> [usize; 2] {
        self.images.progress()
    }

    /// Makes or reads some more images; whether there are more.
    ///
    /// # Errors
    /// As [`Source::load`].
    pub fn advance(&mut self) -> Result<bool, CellError> {
        Ok(self.images.advance()?)
    }

    /// The data, grouped and divided, once all images are there, and which files were passed over.
    ///
    /// # Errors
    /// As [`load`].
    pub fn finish(self) -> Result<(Dataset, Vec<Skipped>), CellError> {
        let (data, skipped) = self.images.finish()?;
        let grouping = self.source.grouping().map_err(ProtocolError::from)?;
        Ok((self.protocol.apply(data, &grouping, self.seed)?, skipped))
    }
}
