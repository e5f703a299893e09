//! Errors in the words of an interface, where the command line's would name its own ways out.

use super::WorkError;
use crate::train::TrainError;
use crate::train::run::RunError;

/// An error, and what to do.
pub fn words(error: &WorkError) -> String {
    match error {
        WorkError::Train(TrainError::TooLarge { misfit, batch }) => {
            let way_out = match batch {
                Some(batch) => format!("a batch of {batch} would fit"),
                None => "no batch would fit: use smaller images, fewer channels or a smaller hidden layer".to_owned(),
            };
            format!("{misfit}; {way_out}")
        }
        WorkError::Train(TrainError::Diverged { loss, step, learning_rate }) => {
            let lambda = if loss.is_self_guided() { ", or with a smaller lambda" } else { "" };
            format!(
                "the loss of {loss} was not a finite number at step {step} with a learning rate of {learning_rate}: start \
                 again with a smaller one{lambda}, or open the run from its folder to go on from its last good checkpoint"
            )
        }
        WorkError::Train(TrainError::LostAgain { times, why }) => format!(
            "the device was lost {times} times since the last checkpoint ({why}): choose a smaller batch or another device, \
             then open the run from its folder"
        ),
        WorkError::Train(TrainError::Gone { lost, why }) => format!(
            "the device was lost ({lost}) and could not be opened again: {why}; choose another device, then open the run from \
             its folder"
        ),
        WorkError::Run(RunError::Occupied(place)) => {
            format!("{place} already holds a run: choose another folder, or open that run")
        }
        WorkError::Run(RunError::NotEmpty(place, name)) => {
            format!("{place} already holds {name}: choose another folder, a run has one of its own")
        }
        WorkError::Run(RunError::NoCheckpoint(place)) => {
            format!("{place} holds no run: choose a folder with a checkpoint")
        }
        other => other.to_string(),
    }
}
