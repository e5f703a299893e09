//! Why training cannot begin or go on.

use crate::nn::Loss;
use crate::plan::{ExecutorError, Misfit};
use crate::train::metrics::MetricsError;
use crate::train::settings::SettingsError;
use crate::train::snapshot::SnapshotError;

/// Why training cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting is out of its range.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The plan does not fit the device.
    #[error("{misfit}; {}", match .batch {
        Some(batch) => format!("a batch of {batch} would fit (--batch {batch})"),
        None => "no batch would fit: use smaller images, fewer --channels or a smaller --hidden".to_owned(),
    })]
    TooLarge {
        /// What does not fit.
        misfit: Misfit,
        /// The largest batch, halving, that would fit.
        batch: Option<usize>,
    },
    /// The device failed.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// A loss stopped being a number.
    #[error(
        "the loss of {loss} was not a finite number at step {step} with a learning rate of {learning_rate}; try a smaller --lr{}. The last good checkpoint is kept",
        if .loss.is_self_guided() { ", or a smaller --lambda" } else { "" }
    )]
    Diverged {
        /// The loss.
        loss: Loss,
        /// The step, from 1.
        step: u32,
        /// The learning rate.
        learning_rate: f32,
    },
    /// The test split cannot be scored.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The checkpoint does not belong to this run.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The device was lost again and again.
    #[error(
        "the device was lost {times} times since the last checkpoint ({why}); try a smaller --batch or another --adapter and go on with --resume"
    )]
    LostAgain {
        /// Losses without a checkpoint in between.
        times: usize,
        /// The last reason.
        why: String,
    },
    /// The device was lost and is being opened again.
    #[error("the device was lost and is being opened again: say it once more when it is back")]
    Opening,
    /// The device was lost and could not be opened again.
    #[error("the device was lost ({lost}) and could not be opened again: {why}; go on with --resume once it is back")]
    Gone {
        /// Why it was lost.
        lost: String,
        /// Why it did not open.
        why: String,
    },
}
