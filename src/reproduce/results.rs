//! What finished trainings left, read from their folders.

use super::ReproduceError;
use super::overhead::{Cost, FILE as OVERHEAD};
use super::setup::Setup;
use super::trial::{Method, Trial};
use crate::report::{EpochRow, Predicted, ReportError, read_matrix_csv, read_metrics_csv};
use crate::train::run::RunFolder;
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

/// All finished trainings of a setup.
pub struct Results<'a> {
    /// How they were done.
    pub setup: &'a Setup,
    folder: PathBuf,
}

impl<'a> Results<'a> {
    /// Those in a folder, each in a folder of its own below.
    #[must_use]
    pub fn new(setup: &'a Setup, folder: &Path) -> Self {
        Self { setup, folder: folder.to_owned() }
    }

    /// Every repetition of a method.
    ///
    /// # Errors
    /// When one is missing or damaged.
    pub fn of(&self, method: Method) -> Result<Vec<Outcome>, ReproduceError> {
        self.setup.trials(method).into_iter().map(|trial| self.one(trial)).collect()
    }

    /// Seconds of all trainings of these methods, as far as they are there.
    #[must_use]
    pub fn seconds(&self, methods: &[Method]) -> f64 {
        let trials = methods.iter().flat_map(|&method| self.setup.trials(method));
        trials.filter_map(|trial| self.one(trial).ok()).map(|outcome| outcome.last().seconds).sum()
    }

    /// What the first of these methods was trained on.
    #[must_use]
    pub fn device(&self, methods: &[Method]) -> Option<String> {
        let trial = self.setup.trials(*methods.first()?).into_iter().next()?;
        let record = RunFolder { path: self.folder.join(trial.name(self.setup)) }.read_record().ok()?;
        record.sittings.first().map(|sitting| sitting.adapter.to_string())
    }

    /// What each loss was measured to cost.
    ///
    /// # Errors
    /// When that is missing or damaged.
    pub fn costs(&self) -> Result<Vec<Cost>, ReproduceError> {
        let path = self.folder.join(OVERHEAD);
        let costs: Result<Vec<Cost>, csv::Error> =
            csv::Reader::from_path(&path).and_then(|mut reader| reader.deserialize().collect());
        costs.map_err(|source| ReportError::Csv { path, source }.into())
    }

    fn one(&self, trial: Trial) -> Result<Outcome, ReproduceError> {
        let folder = self.folder.join(trial.name(self.setup));
        let loss = trial.method.loss;
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
