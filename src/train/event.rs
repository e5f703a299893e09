//! What a trainer tells those who watch it.

use super::metrics::Evaluation;
use super::snapshot::Snapshot;
use crate::nn::Loss;

/// One epoch of one racer.
#[derive(Clone, Debug)]
pub struct EpochResult {
    /// The loss.
    pub loss: Loss,
    /// Epochs done, from 1.
    pub epoch: usize,
    /// Mean training loss of the epoch.
    pub train_loss: f64,
    /// Lambda during the epoch.
    pub lambda: f64,
    /// Standard deviation of the raw distances (section 4.7).
    pub sdd: f64,
    /// Seconds of training since the run began, evaluation included.
    pub seconds: f64,
    /// Metrics on the test images.
    pub evaluation: Evaluation,
    /// Mean prediction of crop and mirror image of each test image, samples x classes.
    pub outcomes: Vec<f32>,
    /// Raw distances between the classes' centroids, classes x classes.
    pub distances: Vec<f64>,
    /// The ground distance matrix D (equation 13), classes x classes.
    pub ground: Vec<f64>,
    /// Names of classes that had no sample in the epoch and kept their last centroid.
    pub absent: Vec<String>,
}

/// What a trainer tells those who watch it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A batch was submitted.
    Step {
        /// Epoch, from 0.
        epoch: usize,
        /// Batches done in the epoch.
        batch: usize,
        /// Batches of an epoch.
        batches: usize,
    },
    /// The mean training loss of the epoch so far.
    Loss {
        /// The loss.
        loss: Loss,
        /// Its mean.
        mean: f64,
    },
    /// An epoch of one racer is over.
    Epoch(Box<EpochResult>),
    /// The state of the run, complete.
    Snapshot(Box<Snapshot>),
}
