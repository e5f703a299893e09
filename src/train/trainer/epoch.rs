//! An epoch's beginning and end: what it writes, what is read of it, what it comes to.

use super::{Advance, Phase, READINGS, TrainError, Trainer};
use crate::nn::plans::SUMS;
use crate::plan::{Clock, StepSettings};
use crate::train::batches::{shuffled, slot};
use crate::train::event::{EpochResult, EpochRow, Event};
use crate::train::metrics::{Confusion, MetricsError, sdd};
use crate::train::predictions::Predictions;
use crate::train::settings::Lambda;
use crate::train::snapshot::Progress;

/// The distance term shall be so many times smaller than cross-entropy (section 4.3: 3 to 4).
const LAMBDA_RATIO: f64 = 3.5;

/// The floats of a reading.
fn wide(bytes: &[u8]) -> Vec<f64> {
    bytemuck::pod_collect_to_vec::<u8, f32>(bytes).into_iter().map(f64::from).collect()
}

impl Trainer {
    /// Writes what the present epoch needs: its order, its clock, the racers' settings.
    pub(super) fn begin_epoch(&mut self) -> Result<(), TrainError> {
        let Progress { epoch, cursor, step, .. } = self.progress;
        let clock = Clock { seed: self.settings.seed, epoch: epoch as u32, step: step as u32, cursor: cursor as u32 };
        self.order = self.batches.fill(shuffled(self.batches.samples, self.settings.seed, epoch as u32));
        self.executor.write(&slot(&self.batches, "order"), 0, bytemuck::cast_slice(&self.order))?;
        self.executor.write(&slot(&self.batches, "clock"), 0, bytemuck::bytes_of(&clock))?;
        if std::mem::take(&mut self.grounds_due) {
            self.write_grounds(&self.progress.held.clone())?;
        }
        self.write_step_settings()
    }

    /// Writes what every step reads of the settings.
    pub(super) fn write_step_settings(&mut self) -> Result<(), TrainError> {
        for racer in 0..self.settings.losses.len() {
            let loss = self.settings.losses[racer];
            let (omega, mu) = self.settings.omega_and_mu(loss);
            let settings = StepSettings {
                learning_rate: self.settings.rate(racer),
                momentum: self.settings.momentum,
                weight_decay: self.settings.weight_decay,
                lambda: self.lambda(racer, self.progress.epoch),
                omega,
                mu,
                regulariser: self.settings.regulariser,
                reserved: 0.0,
            };
            self.executor.write(&format!("{loss}/settings"), 0, bytemuck::bytes_of(&settings))?;
        }
        Ok(())
    }

    /// The same first weights for every racer, as far as their networks have the same layers, and the ground distance that is
    /// given, or one that knows nothing: 0 to itself, 0.5 to every other class.
    pub(super) fn write_first_state(&mut self) -> Result<(), TrainError> {
        let classes = self.model.classes();
        let unknown = |at: usize| if at / classes == at % classes { 0.0 } else { 0.5 };
        let given = self.given_ground();
        let ground = given.unwrap_or_else(|| (0..classes * classes).map(unknown).collect::<Vec<f32>>());
        self.learned = vec![ground.clone(); self.settings.losses.len()];
        for loss in &self.settings.losses {
            let parameters = loss.network(&self.model).parameters();
            let tensors = parameters.initial(self.settings.seed);
            let weights = parameters.to_arena(&tensors);
            self.executor.write(&format!("{loss}/weights"), 0, bytemuck::cast_slice(&weights))?;
            self.executor.write(&format!("{loss}/ground"), 0, bytemuck::cast_slice(&ground))?;
            for statistic in parameters.list.iter().filter(|parameter| !parameter.trained) {
                let values = &tensors[&statistic.name];
                self.executor.write(&format!("{loss}/{}", statistic.name), 0, bytemuck::cast_slice(values))?;
            }
        }
        Ok(())
    }

    /// Submits the distances, asks for the epoch's readings, clears its sums, begins to evaluate.
    pub(super) fn end_epoch(&mut self) -> Result<(), TrainError> {
        self.executor.submit(self.distance_plan)?;
        self.readings = self.request(&READINGS)?;
        let (classes, features) = (self.model.classes(), self.model.features());
        for loss in &self.settings.losses {
            for (name, words) in [
                ("sums", SUMS),
                ("class_sums", classes * features),
                ("class_counts", classes),
                ("train_confusion", classes * classes),
            ] {
                self.executor.write(&format!("{loss}/{name}"), 0, &vec![0; 4 * words])?;
            }
        }
        self.examiner.begin(&mut *self.executor)?;
        self.phase = Phase::Evaluating;
        Ok(())
    }

    pub(super) fn evaluate(&mut self, events: &mut Vec<Event>) -> Result<Advance, TrainError> {
        if self.measured.is_none() {
            self.measured = self.collect()?;
        }
        if self.predicted.is_none() {
            self.predicted = self.examiner.advance(&mut *self.executor, &self.data.test)?;
        }
        if self.measured.is_none() || self.predicted.is_none() {
            return Ok(Advance::Waiting);
        }
        let readings = self.measured.take().unwrap_or_default();
        let outcomes = self.predicted.take().unwrap_or_default();
        let again = std::mem::take(&mut self.reviewing);
        if !again {
            self.progress.epoch += 1;
            self.progress.cursor = 0;
        }
        for (racer, (outcomes, readings)) in outcomes.into_iter().zip(readings.chunks(READINGS.len())).enumerate() {
            self.check_fault(racer, &readings[0])?;
            self.check_outcomes(racer, &outcomes)?;
            let mut result = self.result(racer, outcomes, readings)?;
            if again {
                self.remember(&mut result);
            } else {
                self.count(&mut result, racer, readings)?;
            }
            events.push(Event::Epoch(Box::new(result)));
        }
        self.begin_snapshot()?;
        Ok(Advance::Working)
    }

    /// Tells the results of the last epoch once more, measured anew: for those who open a run where an epoch ended. Nothing
    /// of the run changes.
    ///
    /// # Errors
    /// When the device fails.
    pub fn review(&mut self) -> Result<(), TrainError> {
        if self.progress.cursor > 0 || self.progress.epoch == 0 {
            return Ok(());
        }
        self.lay_ground_bare()?;
        self.readings = self.request(&READINGS)?;
        self.examiner.begin(&mut *self.executor)?;
        self.reviewing = true;
        self.phase = Phase::Evaluating;
        Ok(())
    }

    /// What an epoch's state and predictions say of a racer; of its row, the loss's name and the test images' part.
    fn result(&mut self, racer: usize, outcomes: Vec<f32>, readings: &[Vec<u8>]) -> Result<EpochResult, TrainError> {
        let loss = self.settings.losses[racer];
        let [distances, ground] = [3, 4].map(|at| self.ids.matrix_by_class(wide(&readings[at])));
        self.learned[racer] = bytemuck::pod_collect_to_vec(&readings[4]);
        let test = &self.data.test;
        let class_values = &self.data.class_values;
        let predictions = Predictions::of(loss, self.ids.rows_by_class(outcomes), class_values);
        let evaluation = predictions.evaluate(class_values, &test.labels, &test.values)?;
        let scores = predictions.scores(class_values);
        let outcomes = predictions.distributions(class_values);
        let row = EpochRow {
            epoch: self.progress.epoch,
            loss: loss.to_string(),
            aem: 100.0 * evaluation.aem,
            aeo: 100.0 * evaluation.aeo,
            mae: evaluation.mae,
            spearman: evaluation.spearman,
            sdd: Some(sdd(&distances)),
            seconds: self.seconds(),
            qwk: evaluation.qwk,
            amae: evaluation.amae,
            rps: evaluation.rps,
            ece: evaluation.ece,
            top5_error: evaluation.top5_error.map(|error| 100.0 * error),
            ..EpochRow::default()
        };
        Ok(EpochResult { row, evaluation, outcomes, scores, distances, ground, absent: Vec::new() })
    }

    /// Adds what was counted while a racer trained, and chooses its lambda when the jump start is over.
    fn count(&mut self, result: &mut EpochResult, racer: usize, readings: &[Vec<u8>]) -> Result<(), TrainError> {
        let loss = self.settings.losses[racer];
        let sums = wide(&readings[1]);
        let counts: Vec<u32> = self.ids.rows_by_class(bytemuck::pod_collect_to_vec(&readings[2]));
        let trained: Vec<u32> = bytemuck::pod_collect_to_vec(&readings[5]);
        let trained = Confusion::from_counts(counts.len(), trained.into_iter().map(u64::from).collect())?;
        let lambda = self.lambda(racer, self.progress.epoch - 1);
        self.choose_lambda(racer, &sums);
        result.row.train_loss = sums[0] / sums[3];
        result.row.train_aem = 100.0 * trained.aem().ok_or(MetricsError::Empty)?;
        result.row.lambda = loss.is_self_guided().then_some(f64::from(lambda));
        let absent = counts.iter().zip(&self.data.classes).filter(|(count, _)| **count == 0);
        result.absent = absent.map(|(_, class)| class.clone()).collect();
        self.progress.history.push(result.row.clone());
        Ok(())
    }

    /// The row that was kept of an epoch and loss.
    fn remember(&self, result: &mut EpochResult) {
        let same = |row: &&EpochRow| row.epoch == result.row.epoch && row.loss == result.row.loss;
        if let Some(row) = self.progress.history.iter().find(same) {
            result.row = row.clone();
        }
    }

    /// Lambda of a racer in an epoch (from 0): none during the jump start.
    pub(super) fn lambda(&self, racer: usize, epoch: usize) -> f32 {
        let guided = self.settings.losses[racer].is_self_guided();
        match self.settings.lambda {
            _ if !guided || epoch < self.settings.jump_start => 0.0,
            Lambda::Fixed(lambda) => lambda,
            Lambda::Auto => self.progress.lambdas[racer].unwrap_or(0.0),
        }
    }

    /// After the last epoch of the jump start (or the present one, where lambda was not automatic by then): the mean
    /// cross-entropy term divided by 3.5 times the mean absolute distance term.
    fn choose_lambda(&mut self, racer: usize, sums: &[f64]) {
        let due = self.progress.epoch >= self.settings.jump_start && self.progress.lambdas[racer].is_none();
        if due && self.settings.lambda == Lambda::Auto {
            let lambda = sums[1] / (LAMBDA_RATIO * sums[2]);
            self.progress.lambdas[racer] = Some(if lambda.is_finite() { lambda as f32 } else { 0.0 });
        }
    }
}
