//! Errors in the words of an interface, where the command line's would name its own ways out.

use super::WorkError;
use crate::data::folder::FolderError;
use crate::data::source::SourceError;
use crate::gpu::DeviceError;
use crate::train::TrainError;
use crate::train::cell::CellError;
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
        WorkError::Cell(CellError::Source(SourceError::Folder(FolderError::Missing(path)))) if IN_PAGE => format!(
            "the images {} are not in the page, which keeps none once it is closed: drop their folder or .zip on it again, then \
             try again",
            path.display()
        ),
        WorkError::Device(error) => device_words(error),
        other => other.to_string(),
    }
}

/// Whether this is a page, in which nobody can install anything or put files into folders.
const IN_PAGE: bool = cfg!(target_arch = "wasm32");

/// Why a device does not open, and what to do in an interface.
#[must_use]
pub fn device_words(error: &DeviceError) -> String {
    device_words_where(error, IN_PAGE)
}

fn device_words_where(error: &DeviceError, in_page: bool) -> String {
    let processor = "the device `cpu` needs none";
    match error {
        DeviceError::NoAdapter if in_page => {
            format!("this browser offers no graphics adapter to compute on (WebGPU); {processor}")
        }
        DeviceError::NoAdapter => {
            format!("no graphics adapter was found: install a driver for your GPU; {processor}")
        }
        DeviceError::NoGpu => format!("no GPU was found; {processor}"),
        DeviceError::NoMatch { wanted, there } => {
            format!("no adapter matches `{wanted}`; there are: {there}. {processor}")
        }
        DeviceError::Open { .. } => format!("{error}; {processor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_gives_no_advice_for_the_command_line() {
        let errors = [
            DeviceError::NoAdapter,
            DeviceError::NoGpu,
            DeviceError::NoMatch { wanted: "x".to_owned(), there: "0: y".to_owned() },
            DeviceError::Open { adapter: "z".to_owned(), why: "it is busy".to_owned() },
        ];
        for error in &errors {
            for words in [device_words_where(error, true), device_words_where(error, false)] {
                assert!(!words.contains("--device") && !words.contains("backhoe devices"), "{words}");
                assert!(words.contains("`cpu`"), "{words}");
            }
            assert!(!device_words_where(error, true).contains("install"));
        }
    }
}
