//! Workloads: a network, a batch, and data to train it on.

use super::BenchError;
use crate::nn::plans::{Batches, evaluation, training};
use crate::nn::{Loss, Model, zoo};
use crate::plan::executor::{settle, tune_now};
use crate::plan::random::pcg4d;
use crate::plan::{Augmentation, Clock, Executor, ExecutorError, Plan, PlanHandle, StepSettings};
use web_time::Instant;

/// Stored images are so many pixels wider than the network's input.
const MARGIN: usize = 4;
/// Batches' worth of different images.
const DISTINCT: usize = 4;
/// Batches of an epoch; then the clock is set back.
pub(super) const EPOCH: usize = 64;

/// A network of the default kind and the batches it trains on.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The network.
    pub model: Model,
    /// Samples a batch.
    pub batch: usize,
    /// Different images that lie on the device.
    pub images: usize,
    /// Random changes of the images.
    pub augmentation: Augmentation,
}

/// A training step that has been done once.
#[derive(Debug)]
pub struct Started {
    /// The step.
    pub plan: Plan,
    /// The same, prepared.
    pub handle: PlanHandle,
    /// Seconds in which kernels were tried to find the fastest.
    pub tune_s: f64,
    /// Seconds to prepare it otherwise.
    pub prepare_s: f64,
    /// Seconds to write images, weights and settings.
    pub fill_s: f64,
    /// Seconds of the first replay.
    pub replay_s: f64,
}

/// The samples of an epoch's rows: all of them in turn or, where there are fewer rows, some from one end to the other.
fn order(rows: usize, samples: usize) -> Vec<u32> {
    let apart = (samples / rows).max(1);
    (0..rows).map(|row| (row * apart % samples) as u32).collect()
}

impl Workload {
    /// A network, its batches, and a few batches' worth of different images.
    #[must_use]
    pub fn new(model: Model, batch: usize, augmentation: Augmentation) -> Self {
        Self { model, batch, images: DISTINCT * batch, augmentation }
    }

    /// R1 or R2: 64 images of 3x32x32 and 8 classes.
    ///
    /// # Errors
    /// When the name is another.
    pub fn named(name: &str) -> Result<Self, BenchError> {
        match name {
            "R1" => Self::plain(64, 32, &[16, 32, 64], 128, 8),
            "R2" => Self::plain(64, 32, &[32, 64, 128], 256, 8),
            other => Err(BenchError::NoWorkload(other.to_owned())),
        }
    }

    /// The default network of these sizes (see [`zoo::plain`]).
    ///
    /// # Errors
    /// When the images are too small for so many poolings.
    pub fn plain(
        batch: usize,
        side: usize,
        channels: &[usize],
        hidden: usize,
        classes: usize,
    ) -> Result<Self, BenchError> {
        let augmentation = Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true };
        Ok(Self::new(zoo::plain(side, channels, hidden, classes)?, batch, augmentation))
    }

    fn batches(&self, split: &'static str) -> Batches {
        Batches {
            split,
            batch: self.batch,
            samples: self.images,
            count: EPOCH,
            stored_side: self.model.side + MARGIN,
            resident: true,
            votes: false,
        }
    }

    /// One training step of these losses.
    #[must_use]
    pub fn training(&self, losses: &[Loss]) -> Plan {
        training(&self.model, losses, &self.batches("train"), self.augmentation)
    }

    /// Fills the slots of a training step that was prepared: images, first weights, settings.
    ///
    /// # Errors
    /// When the device fails.
    pub fn fill_training(&self, executor: &mut dyn Executor, losses: &[Loss]) -> Result<(), ExecutorError> {
        self.fill(executor, "train")?;
        losses.iter().try_for_each(|&loss| self.fill_racer(executor, loss))
    }

    /// Tries kernels for a training step, prepares it, fills its slots and does it once.
    ///
    /// # Errors
    /// When it does not fit or the device fails.
    pub fn start(&self, executor: &mut dyn Executor, losses: &[Loss]) -> Result<Started, ExecutorError> {
        let plan = self.training(losses);
        let began = Instant::now();
        executor.announce(&plan);
        tune_now(executor);
        let tuned = Instant::now();
        let handle = executor.prepare(&plan)?;
        let prepared = Instant::now();
        self.fill_training(executor, losses)?;
        let filled = Instant::now();
        executor.submit(handle)?;
        settle(executor)?;
        Ok(Started {
            plan,
            handle,
            tune_s: (tuned - began).as_secs_f64(),
            prepare_s: (prepared - tuned).as_secs_f64(),
            fill_s: (filled - prepared).as_secs_f64(),
            replay_s: filled.elapsed().as_secs_f64(),
        })
    }

    /// Tries kernels for the evaluation of a racer that trains on this executor, prepares it, and fills its data.
    ///
    /// # Errors
    /// When it does not fit or the device fails.
    pub fn examine(&self, executor: &mut dyn Executor, racer: Loss) -> Result<PlanHandle, ExecutorError> {
        let plan = evaluation(&self.model, &[racer], &self.batches("test"));
        executor.announce(&plan);
        tune_now(executor);
        let handle = executor.prepare(&plan)?;
        self.fill(executor, "test")?;
        Ok(handle)
    }

    /// Random images and labels in a fixed order.
    fn fill(&self, executor: &mut dyn Executor, split: &'static str) -> Result<(), ExecutorError> {
        let (samples, rows) = (self.images, EPOCH * self.batch);
        let side = self.model.side + MARGIN;
        let words = (samples * 3 * side * side).div_ceil(4);
        let pixels: Vec<u32> = (0..words as u32).map(|word| pcg4d([1, 0, word, 0])[0]).collect();
        let labels: Vec<u32> =
            (0..samples as u32).map(|sample| pcg4d([1, 0, sample, 1])[0] % self.model.classes() as u32).collect();
        let order = order(rows, samples);
        for (slot, words) in [("pixels", &pixels), ("labels", &labels), ("order", &order)] {
            executor.write(&format!("{split}/{slot}"), 0, bytemuck::cast_slice(words))?;
        }
        rewind(executor, split)
    }

    /// First weights, a learning rate, and where the loss reads them distances of ordered classes.
    fn fill_racer(&self, executor: &mut dyn Executor, loss: Loss) -> Result<(), ExecutorError> {
        let parameters = loss.network(&self.model).parameters();
        let weights = parameters.to_arena(&parameters.initial(1));
        executor.write(&format!("{loss}/weights"), 0, bytemuck::cast_slice(&weights))?;
        let (omega, mu) = loss.omega_and_mu();
        let (learning_rate, momentum, weight_decay) = (0.01, 0.9, 5e-4);
        let settings = StepSettings {
            learning_rate,
            momentum,
            weight_decay,
            lambda: 0.1,
            omega,
            mu,
            regulariser: 0.1,
            ..Default::default()
        };
        executor.write(&format!("{loss}/settings"), 0, bytemuck::bytes_of(&settings))?;
        if loss.reads_ground() {
            let classes = self.model.classes();
            let distance = |at: usize| (at / classes).abs_diff(at % classes) as f32 / classes as f32;
            let ground: Vec<f32> = (0..classes * classes).map(distance).collect();
            executor.write(&format!("{loss}/ground"), 0, bytemuck::cast_slice(&ground))?;
        }
        Ok(())
    }
}

/// Sets a split's clock to the first batch.
pub(super) fn rewind(executor: &mut dyn Executor, split: &str) -> Result<(), ExecutorError> {
    executor.write(&format!("{split}/clock"), 0, bytemuck::bytes_of(&Clock::default()))
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn rows_take_samples_in_turn_or_all_over_them() {
        assert_eq!(order(7, 3), [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(order(4, 12), [0, 3, 6, 9]);
        assert_eq!(order(4, 15), [0, 3, 6, 9]);
    }
}
