//! One training to be done, as plain data: what `train`, `sweep` and `reproduce` are made of.

use super::settings::Settings;
use crate::data::protocol::{Protocol, ProtocolError};
use crate::data::source::{Source, SourceError};
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

/// Makes or reads the data of a run, images `side` pixels wide, grouped and divided. Also tells which files were passed over.
///
/// # Errors
/// As [`Source::load`] and [`Protocol::apply`].
pub fn load(
    source: &Source,
    protocol: &Protocol,
    side: usize,
    seed: u32,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(Dataset, Vec<Skipped>), CellError> {
    let seed = u64::from(seed);
    let (data, skipped) = source.load(side, seed, progress)?;
    let grouping = source.grouping().map_err(ProtocolError::from)?;
    Ok((protocol.apply(data, &grouping, seed)?, skipped))
}
