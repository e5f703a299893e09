//! The learning rate of a loss, chosen on a validation split by successive halving: all rates are trained a little, the
//! better half of them on, until the last two have had all epochs.

use super::event::{EpochRow, Event};
use super::run::{RunError, write_whole};
use super::settings::Settings;
use super::snapshot::Snapshot;
use super::trainer::{Advance, TrainError, Trainer};
use crate::data::Dataset;
use crate::nn::Loss;
use crate::plan::Executor;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

/// The paper's rates (section 4.1): 10 to the power of -1.5, -2 … -4.5.
pub const RATES: [f32; 7] = [0.031_622_776, 0.01, 0.003_162_277_7, 0.001, 3.162_277_6e-4, 1e-4, 3.162_277_8e-5];

/// One learning rate tried for one loss, as far as it was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// The loss's name.
    pub loss: String,
    /// The learning rate.
    pub learning_rate: f32,
    /// Epochs it was trained.
    pub epochs: usize,
    /// Exact matches, percent of the validation images; absent where training diverged.
    pub aem: Option<f64>,
    /// Matches within one class, percent of the validation images; absent where training diverged.
    pub aeo: Option<f64>,
    /// Whether it is the one to train with.
    pub chosen: bool,
}

impl Try {
    /// The better of two comes first: what diverged last, then by exact matches, then by those within one class.
    fn order(&self, other: &Self) -> Ordering {
        let key = |tried: &Self| (tried.aem.unwrap_or(-1.0), tried.aeo.unwrap_or(-1.0));
        let (a, b) = (key(self), key(other));
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
    }
}

/// Epochs that so many rates are trained for, rung by rung: of those of a whole run a quarter, a half, all.
fn rungs(epochs: usize) -> [usize; 3] {
    [epochs.div_ceil(4), epochs.div_ceil(2), epochs]
}

/// Tries `rates` for one loss on data whose test images are the validation split; `open` opens a device for a try. The
/// last of the tries is the one to train with, and equal ones keep the order of `rates`. Waits for the device.
///
/// # Errors
/// When every rate diverges, and what else keeps a run from training.
pub fn search<E: From<TrainError>>(
    open: &mut dyn FnMut() -> Result<Box<dyn Executor>, E>,
    data: &Arc<Dataset>,
    settings: &Settings,
    loss: Loss,
    rates: &[f32],
) -> Result<Vec<Try>, E> {
    let mut left: Vec<Candidate> = rates.iter().map(|&rate| Candidate::new(settings, loss, rate)).collect();
    let mut done = Vec::new();
    let rungs = rungs(settings.epochs);
    for (rung, &epochs) in rungs.iter().enumerate() {
        for candidate in &mut left {
            if candidate.diverged_at.is_none() && candidate.tried.epochs < epochs {
                candidate.train(open()?, data, epochs)?;
            }
        }
        left.sort_by(|a, b| a.tried.order(&b.tried));
        let kept = if rung + 1 == rungs.len() { 1 } else { left.len().div_ceil(2).max(2) };
        done.extend(left.drain(kept.min(left.len())..).map(|candidate| candidate.tried));
    }
    let Some(mut best) = left.pop() else { return Ok(done) };
    if best.tried.aem.is_none() {
        let (step, learning_rate) = (best.diverged_at.unwrap_or(0), best.tried.learning_rate);
        return Err(TrainError::Diverged { loss, step, learning_rate }.into());
    }
    best.tried.chosen = true;
    done.push(best.tried);
    Ok(done)
}

/// Writes a table of tries, a line each.
///
/// # Errors
/// When the file cannot be written.
pub fn write_tries(path: &Path, tries: &[Try]) -> Result<(), RunError> {
    let refused = |error: &dyn std::fmt::Display| RunError::File { path: path.to_owned(), why: error.to_string() };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for tried in tries {
        writer.serialize(tried).map_err(|error| refused(&error))?;
    }
    write_whole(path, &writer.into_inner().map_err(|error| refused(&error))?)
}

/// Reads what [`write_tries`] wrote.
///
/// # Errors
/// When the file is missing or damaged.
pub fn read_tries(path: &Path) -> Result<Vec<Try>, RunError> {
    let tries: Result<Vec<Try>, csv::Error> =
        csv::Reader::from_path(path).and_then(|mut reader| reader.deserialize().collect());
    tries.map_err(|error| RunError::File { path: path.to_owned(), why: error.to_string() })
}

/// A learning rate on trial.
struct Candidate {
    settings: Settings,
    tried: Try,
    snapshot: Option<Snapshot>,
    diverged_at: Option<u32>,
}

impl Candidate {
    fn new(settings: &Settings, loss: Loss, rate: f32) -> Self {
        let losses = vec![loss];
        let settings = Settings { losses, learning_rate: rate, rates: Vec::new(), ..settings.clone() };
        let loss = loss.to_string();
        let tried = Try { loss, learning_rate: rate, epochs: 0, aem: None, aeo: None, chosen: false };
        Self { settings, tried, snapshot: None, diverged_at: None }
    }

    /// Trains on to so many epochs in all.
    fn train(&mut self, executor: Box<dyn Executor>, data: &Arc<Dataset>, epochs: usize) -> Result<(), TrainError> {
        let settings = Settings { epochs, ..self.settings.clone() };
        let trainer = match &self.snapshot {
            Some(snapshot) => Trainer::resume(executor, Arc::clone(data), snapshot, epochs)?,
            None => Trainer::new(executor, Arc::clone(data), settings)?,
        };
        self.tried.epochs = epochs;
        match finish(trainer) {
            Ok((row, snapshot)) => {
                (self.tried.aem, self.tried.aeo) = (Some(row.aem), Some(row.aeo));
                self.snapshot = Some(snapshot);
                Ok(())
            }
            Err(TrainError::Diverged { step, .. }) => {
                (self.tried.aem, self.tried.aeo, self.diverged_at) = (None, None, Some(step));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Trains to the end: the last epoch's numbers and the state.
fn finish(mut trainer: Trainer) -> Result<(EpochRow, Snapshot), TrainError> {
    let mut events = Vec::new();
    let mut row = EpochRow::default();
    loop {
        let advance = trainer.advance(&mut events)?;
        for event in events.drain(..) {
            match event {
                Event::Epoch(result) => row = result.row,
                Event::Snapshot(snapshot) if advance == Advance::Finished => return Ok((row, *snapshot)),
                _ => {}
            }
        }
        if advance == Advance::Waiting {
            trainer.executor().wait()?;
        }
    }
}

#[cfg(test)]
mod tests;
