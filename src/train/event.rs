//! What a trainer tells those who watch it.

use super::looking::Seen;
use super::metrics::Evaluation;
use super::snapshot::Snapshot;
use crate::nn::Loss;
use crate::plan::Adapter;
use serde::{Deserialize, Serialize};

/// A row of `metrics.csv`: one epoch of one racer in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// The loss's name.
    pub loss: String,
    /// Mean training loss of the epoch.
    pub train_loss: f64,
    /// Exact matches, percent of the test images.
    pub aem: f64,
    /// Matches within one class, percent of the test images.
    pub aeo: f64,
    /// Mean absolute error in classes.
    pub mae: f64,
    /// Spearman's rank correlation of the expected class with the real label, where it exists.
    pub spearman: Option<f64>,
    /// Lambda during the epoch, for losses that have one.
    pub lambda: Option<f64>,
    /// Standard deviation of the raw distances (section 4.7).
    pub sdd: Option<f64>,
    /// Seconds since the run began, evaluation included.
    pub seconds: f64,
    /// Exact matches, percent of the epoch's training images, augmented and each as it was when its batch was taken.
    pub train_aem: f64,
    /// Quadratic weighted kappa on the test images, where it exists.
    pub qwk: Option<f64>,
    /// Mean absolute error in classes, averaged over the classes.
    pub amae: f64,
    /// Ranked probability score: the mean squared earth mover's distance of the predictions; none of a regression.
    pub rps: Option<f64>,
    /// Expected calibration error, 0 to 1; none of a regression.
    pub ece: Option<f64>,
    /// Test images whose class is not among the five most probable, percent; none of a regression.
    pub top5_error: Option<f64>,
}

/// One epoch of one racer, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochResult {
    /// The epoch in numbers.
    pub row: EpochRow,
    /// Metrics on the test images.
    pub evaluation: Evaluation,
    /// Mean prediction of crop and mirror image of each test image, samples x classes.
    pub outcomes: Vec<f32>,
    /// Expected class value of each test image, or the output of a regression.
    pub scores: Vec<f64>,
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
    /// The device was lost and opened again; the run goes on from its last snapshot, or from its
    /// beginning where there was none.
    Recovered {
        /// Why it was lost.
        why: String,
        /// What it runs on now.
        adapter: Adapter,
        /// Steps done before the one that comes next.
        step: usize,
    },
    /// What a look into a network saw.
    Seen(Box<Seen>),
    /// The state of the run, complete.
    Snapshot(Box<Snapshot>),
}
