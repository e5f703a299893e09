//! What folders keep of former calls, held against what is wanted now: a training of other settings or data would pass for
//! a result of these.

use super::CliError;
use backhoe::data::identity::Identity;
use backhoe::data::protocol::Protocol;
use backhoe::data::source::Source;
use backhoe::report::read_matrix_csv;
use backhoe::train::cell::{Cell, load};
use backhoe::train::run::{Record, RunFolder};
use backhoe::train::{Ground, Settings};
use std::path::Path;

/// Everything that determines a cell's data.
pub type Key = (Source, Protocol, usize, u32);

/// That of a cell.
pub fn key(cell: &Cell) -> Key {
    (cell.source.clone(), cell.protocol.clone(), cell.settings.stored_side, cell.settings.seed)
}

/// Knows data by their sums, each read once.
#[derive(Default)]
pub struct Known {
    identities: Vec<(Key, Identity)>,
}

impl Known {
    /// What the cell's data are today.
    fn identity(&mut self, cell: &Cell) -> Result<&Identity, CliError> {
        let key = key(cell);
        let at = match self.identities.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None => {
                let (source, protocol, side, seed) = &key;
                let (data, _) = load(source, protocol, *side, *seed, &|_, _| ())?;
                self.identities.push((key, Identity::of(&data)));
                self.identities.len() - 1
            }
        };
        Ok(&self.identities[at].1)
    }

    /// Why what a folder keeps is no training of this cell; nothing where it is, or keeps none.
    ///
    /// # Errors
    /// When the cell's data or the folder cannot be read.
    pub fn refusal(&mut self, cell: &Cell, path: &Path) -> Result<Option<String>, CliError> {
        let folder = RunFolder { path: path.to_owned() };
        if !folder.has_checkpoint() {
            return Ok(None);
        }
        let refused =
            |what: &str| format!("{} holds a training of {what}; choose another --out, or remove it", path.display());
        let record = folder.read_record()?;
        if !is_of(&record, cell, ground(&record, cell)?) {
            return Ok(Some(refused("other data or settings")));
        }
        let change = folder.read_checkpoint()?.progress.data.change(self.identity(cell)?);
        Ok(change.map(|change| refused(&format!("the data as they were: {change}"))))
    }
}

/// The cell's ground distance as it is today. A file that was moved is the same as long as its matrix is.
fn ground(record: &Record, cell: &Cell) -> Result<Ground, CliError> {
    let Some(path) = &cell.ground else { return Ok(cell.settings.ground.clone()) };
    let file = match &record.settings.ground {
        Ground::Given { file, .. } => file.clone(),
        Ground::Learned | Ground::Ordered => path.display().to_string(),
    };
    let (names, matrix) = read_matrix_csv(path)?;
    Ok(Ground::given(&file, &names, &matrix, &record.classes)?)
}

/// Whether a record is one of this cell with this ground distance, or of its first epochs.
fn is_of(record: &Record, cell: &Cell, ground: Ground) -> bool {
    let kept = &record.settings;
    // Rates that were searched for are in the record alone.
    let rates = if cell.search { kept.rates.clone() } else { cell.settings.rates.clone() };
    let settings = Settings { epochs: kept.epochs, ground, rates, ..cell.settings.clone() };
    let same = record.source == cell.source && record.protocol == cell.protocol && *kept == settings;
    same && kept.epochs <= cell.settings.epochs
}
