//! What finished trainings left, read from their folders.

use super::ReproduceError;
use super::overhead::{Costs, FILE as OVERHEAD, NAME};
use super::setup::Setup;
use super::trial::{Method, Trial};
use crate::report::{EpochRow, Predicted, read_matrix_csv, read_metrics_csv};
use crate::train::run::{RunFolder, Sitting};
use std::path::{Path, PathBuf};

/// What one finished training left.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// A row an epoch.
    pub rows: Vec<EpochRow>,
    /// What it said of each test image in the end.
    pub predicted: Predicted,
    /// The ground distance matrix in the end, C x C.
    pub ground: Vec<f64>,
    /// The learning rate it was trained with.
    pub learning_rate: f32,
}

impl Outcome {
    /// The last epoch's numbers.
    ///
    /// # Panics
    /// Never: [`Results::of`] refuses an outcome that lacks an epoch.
    #[must_use]
    pub fn last(&self) -> &EpochRow {
        &self.rows[self.rows.len() - 1]
    }
}

/// A training that did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// Its name.
    pub name: String,
    /// What went wrong.
    pub why: String,
}

impl std::fmt::Display for Mishap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} did not come to its end: {}", self.name, self.why)
    }
}

/// All finished trainings of a setup.
pub struct Results<'a> {
    /// How they were done.
    pub setup: &'a Setup,
    folder: PathBuf,
    mishaps: &'a [Mishap],
}

impl<'a> Results<'a> {
    /// Those in a folder, each in a folder of its own below, but for those with a mishap.
    #[must_use]
    pub fn new(setup: &'a Setup, folder: &Path, mishaps: &'a [Mishap]) -> Self {
        Self { setup, folder: folder.to_owned(), mishaps }
    }

    /// Every repetition of a method.
    ///
    /// # Errors
    /// When one is missing or damaged, or had a mishap.
    pub fn of(&self, method: Method) -> Result<Vec<Outcome>, ReproduceError> {
        self.setup.trials(method).into_iter().map(|trial| self.one(trial)).collect()
    }

    /// The repetitions of a method that had no mishap.
    ///
    /// # Errors
    /// When another is missing or damaged.
    pub fn ended(&self, method: Method) -> Result<Vec<Outcome>, ReproduceError> {
        let ended = |outcome: &Result<Outcome, ReproduceError>| !matches!(outcome, Err(ReproduceError::Mishap(_)));
        self.setup.trials(method).into_iter().map(|trial| self.one(trial)).filter(ended).collect()
    }

    /// Seconds of all trainings of these methods, as far as they are there.
    #[must_use]
    pub fn seconds(&self, methods: &[Method]) -> f64 {
        let trials = methods.iter().flat_map(|&method| self.setup.trials(method));
        trials.filter_map(|trial| self.one(trial).ok()).map(|outcome| outcome.last().seconds).sum()
    }

    /// What these methods were trained on and by which version, each once, as rows of settings.
    #[must_use]
    pub fn sittings(&self, methods: &[Method]) -> Vec<(String, String)> {
        let trials = methods.iter().flat_map(|&method| self.setup.trials(method));
        let folders = trials.map(|trial| RunFolder { path: self.folder.join(trial.name(self.setup)) });
        let sittings = folders.filter_map(|folder| folder.read_record().ok()).flat_map(|record| record.sittings);
        let mut rows: Vec<(String, String)> = Vec::new();
        for Sitting { version, adapter, .. } in sittings {
            for row in [("device".to_owned(), adapter.to_string()), ("version".to_owned(), version)] {
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        rows
    }

    /// What each loss was measured to cost.
    ///
    /// # Errors
    /// When that is missing or damaged, or could not be measured now.
    pub fn costs(&self) -> Result<Costs, ReproduceError> {
        self.check(NAME)?;
        Ok(Costs::read(&self.folder.join(OVERHEAD))?)
    }

    /// That a training or measurement of this name had no mishap: what lies there of former calls is not its result.
    fn check(&self, name: &str) -> Result<(), ReproduceError> {
        let mishap = self.mishaps.iter().find(|mishap| mishap.name == name);
        mishap.map_or(Ok(()), |mishap| Err(ReproduceError::Mishap(mishap.clone())))
    }

    fn one(&self, trial: Trial) -> Result<Outcome, ReproduceError> {
        let name = trial.name(self.setup);
        self.check(&name)?;
        let (folder, loss) = (self.folder.join(name), trial.method.loss);
        let rows = read_metrics_csv(&folder.join("metrics.csv"))?;
        if rows.len() < self.setup.epochs {
            return Err(ReproduceError::Unfinished(folder));
        }
        let predicted = Predicted::read_csv(&folder.join(format!("predictions-{loss}.csv")))?;
        let (_, ground) = read_matrix_csv(&folder.join(format!("ground-distance-{loss}.csv")))?;
        let learning_rate = RunFolder { path: folder }.read_record()?.settings.rate(0);
        Ok(Outcome { rows, predicted, ground, learning_rate })
    }
}
