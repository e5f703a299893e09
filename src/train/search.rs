//! The learning rate of a loss, chosen on a validation split by successive halving: all rates are trained a little, the
//! better half of them on, until the last have had all epochs: two, or of A-EMD, whose regulariser is chosen with the rate, six.

use super::event::{EpochRow, Event};
use super::run::{RunError, write_whole};
use super::settings::Settings;
use super::snapshot::Snapshot;
use super::trainer::{Advance, TrainError, Trainer};
use crate::data::Dataset;
use crate::nn::Loss;
use crate::plan::Executor;
use crate::plan::executor::tune_now;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

mod memory;

pub use memory::Memory;

/// The paper's rates (section 4.1): 10 to the power of -1.5, -2 … -4.5.
pub const RATES: [f32; 7] = [0.031_622_776, 0.01, 0.003_162_277_7, 0.001, 3.162_277_6e-4, 1e-4, 3.162_277_8e-5];

/// The paper's weights of the entropy in A-EMD (section 4.3).
pub const REGULARISERS: [f32; 3] = [0.1, 1.0, 10.0];

/// Share of the training images on which candidates are judged; they are trained on the others.
pub const VALIDATION: f64 = 0.2;

/// One learning rate tried for one loss, as far as it was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// The loss's name.
    pub loss: String,
    /// The learning rate.
    pub learning_rate: f32,
    /// Weight of the entropy, for A-EMD alone.
    #[serde(default)]
    pub regulariser: Option<f32>,
    /// Epochs it was trained.
    pub epochs: usize,
    /// Exact matches, percent of the validation images; absent where training diverged.
    pub aem: Option<f64>,
    /// Matches within one class, percent of the validation images; absent where training diverged.
    pub aeo: Option<f64>,
    /// The step, from 1, at which training diverged.
    #[serde(default)]
    pub diverged_at: Option<u32>,
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

    /// Whether both are of the same candidate, however far each was taken.
    fn is_of_the_same(&self, other: &Self) -> bool {
        (&self.loss, self.learning_rate, self.regulariser) == (&other.loss, other.learning_rate, other.regulariser)
    }
}

/// What there is to choose from for a loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// Learning rates.
    pub rates: Vec<f32>,
    /// Weights of the entropy, for A-EMD alone.
    pub regularisers: Vec<f32>,
}

impl Choices {
    /// These for a loss: every regulariser at every rate.
    fn tries(&self, loss: Loss) -> Vec<Try> {
        let of = |learning_rate: f32, regulariser: Option<f32>| Try {
            loss: loss.to_string(),
            learning_rate,
            regulariser,
            epochs: 0,
            aem: None,
            aeo: None,
            diverged_at: None,
            chosen: false,
        };
        match loss {
            Loss::AEmd => {
                let at = |&rate: &f32| self.regularisers.iter().map(move |&weight| of(rate, Some(weight)));
                self.rates.iter().flat_map(at).collect()
            }
            _ => self.rates.iter().map(|&rate| of(rate, None)).collect(),
        }
    }

    /// How many candidates there are for a loss: with a single one there is nothing to search for.
    #[must_use]
    pub fn count(&self, loss: Loss) -> usize {
        self.tries(loss).len()
    }

    /// Epochs that a search for a loss trains in all.
    #[must_use]
    pub fn epochs(&self, settings: &Settings, loss: Loss) -> usize {
        let (mut left, mut before, mut all) = (self.count(loss), 0, 0);
        for epochs in rungs(settings, loss) {
            all += left * (epochs - before);
            (left, before) = (kept(left), epochs);
        }
        all
    }
}

/// Whoever has a search done: it opens devices, remembers what was measured before, and may end it.
pub trait Searcher {
    /// Why it ends.
    type Error: From<TrainError>;

    /// Opens a device for a try.
    ///
    /// # Errors
    /// When it does not open.
    fn open(&mut self) -> Result<Box<dyn Executor>, Self::Error>;

    /// What is known of a candidate that was taken as many epochs far, from a search that was ended.
    fn recall(&self, wanted: &Try) -> Option<Try>;

    /// Is told what was measured.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn keep(&mut self, tried: &Try) -> Result<(), Self::Error>;

    /// Is asked between steps whether to go on, and told which share of the search is done.
    ///
    /// # Errors
    /// Whatever ends the search.
    fn go_on(&mut self, share: f64) -> Result<(), Self::Error>;
}

/// Epochs that candidates are trained for, rung by rung: of those of a whole run a quarter, a half, all. Those of a jump
/// start, in which a self-guided loss is cross-entropy, are in none of the shares: they come before the first rung.
fn rungs(settings: &Settings, loss: Loss) -> [usize; 3] {
    let Settings { epochs, jump_start, .. } = *settings;
    let before = if loss.is_self_guided() && jump_start < epochs { jump_start } else { 0 };
    let guided = epochs - before;
    [before + guided.div_ceil(4), before + guided.div_ceil(2), epochs]
}

/// How many of so many candidates are taken on from a rung.
fn kept(candidates: usize) -> usize {
    candidates.div_ceil(2).max(2).min(candidates)
}

/// Tries `choices` for one loss on data whose test images are the validation split. The last of the tries is the one to
/// train with, and equal ones keep the order of the choices. Waits for the device.
///
/// # Errors
/// When every candidate diverges, what else keeps a run from training, and what ends the searcher.
pub fn search<S: Searcher>(
    searcher: &mut S,
    data: &Arc<Dataset>,
    settings: &Settings,
    loss: Loss,
    choices: &Choices,
) -> Result<Vec<Try>, S::Error> {
    let mut left: Vec<Candidate> =
        choices.tries(loss).into_iter().map(|tried| Candidate::new(settings, loss, tried)).collect();
    let mut extent = Extent { done: 0, all: choices.epochs(settings, loss) };
    let mut done = Vec::new();
    let rungs = rungs(settings, loss);
    for (rung, &epochs) in rungs.iter().enumerate() {
        for candidate in &mut left {
            candidate.reach(searcher, data, epochs, &mut extent)?;
        }
        left.sort_by(|a, b| a.tried.order(&b.tried));
        let kept = if rung + 1 == rungs.len() { 1 } else { kept(left.len()) };
        done.extend(left.drain(kept.min(left.len())..).map(|candidate| candidate.tried));
    }
    let Some(mut best) = left.pop() else { return Ok(done) };
    if best.tried.aem.is_none() {
        let (step, learning_rate) = (best.tried.diverged_at.unwrap_or(0), best.tried.learning_rate);
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

/// Epochs of a search, done and in all.
struct Extent {
    done: usize,
    all: usize,
}

impl Extent {
    /// The share that is done once so many more epochs are.
    fn share(&self, more: usize) -> f64 {
        ((self.done + more) as f64 / self.all.max(1) as f64).min(1.0)
    }
}

/// A learning rate on trial.
struct Candidate {
    settings: Settings,
    tried: Try,
    /// Where it stands; absent where that is remembered from another search.
    snapshot: Option<Snapshot>,
}

impl Candidate {
    fn new(settings: &Settings, loss: Loss, tried: Try) -> Self {
        let (losses, learning_rate) = (vec![loss], tried.learning_rate);
        let regulariser = tried.regulariser.unwrap_or(settings.regulariser);
        let settings = Settings { losses, learning_rate, rates: Vec::new(), regulariser, ..settings.clone() };
        Self { settings, tried, snapshot: None }
    }

    /// Is taken so many epochs far in all, where it was not and has not diverged.
    fn reach<S: Searcher>(
        &mut self,
        searcher: &mut S,
        data: &Arc<Dataset>,
        epochs: usize,
        extent: &mut Extent,
    ) -> Result<(), S::Error> {
        let before = self.tried.epochs;
        if self.tried.diverged_at.is_some() || before >= epochs {
            return Ok(());
        }
        self.tried.epochs = epochs;
        match searcher.recall(&self.tried) {
            Some(known) => (self.tried, self.snapshot) = (known, None),
            None => {
                self.train(searcher, data, before, extent)?;
                searcher.keep(&self.tried)?;
            }
        }
        extent.done += epochs - before;
        searcher.go_on(extent.share(0))
    }

    /// Trains on, or from the beginning where it is not known where it stood: `before` of its epochs are counted already.
    fn train<S: Searcher>(
        &mut self,
        searcher: &mut S,
        data: &Arc<Dataset>,
        before: usize,
        extent: &Extent,
    ) -> Result<(), S::Error> {
        let (mut executor, epochs) = (searcher.open()?, self.tried.epochs);
        Trainer::announce(&mut *executor, data, &self.settings);
        tune_now(&mut *executor);
        let trainer = match &self.snapshot {
            Some(snapshot) => Trainer::resume(executor, Arc::clone(data), snapshot, epochs),
            None => Trainer::new(executor, Arc::clone(data), Settings { epochs, ..self.settings.clone() }),
        };
        let (mut trainer, mut events) = (trainer?, Vec::new());
        let mut more = 0;
        loop {
            let advance = match trainer.advance(&mut events) {
                Err(TrainError::Diverged { step, .. }) => {
                    (self.tried.aem, self.tried.aeo, self.tried.diverged_at) = (None, None, Some(step));
                    return Ok(());
                }
                other => other?,
            };
            for event in events.drain(..) {
                match event {
                    Event::Epoch(result) => {
                        let EpochRow { epoch, aem, aeo, .. } = result.row;
                        (self.tried.aem, self.tried.aeo) = (Some(aem), Some(aeo));
                        more = epoch.saturating_sub(before);
                    }
                    Event::Snapshot(snapshot) => self.snapshot = Some(*snapshot),
                    _ => {}
                }
            }
            match advance {
                Advance::Resting | Advance::Finished => return Ok(()),
                Advance::Waiting => trainer.executor().wait().map_err(TrainError::from)?,
                Advance::Working => {}
            }
            searcher.go_on(extent.share(more))?;
        }
    }
}

#[cfg(test)]
mod tests;
