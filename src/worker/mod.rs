//! The worker: trains in its own thread (in a page, in its own Worker), and talks with an interface in messages alone, so that
//! neither ever waits for the other.

pub mod artifacts;
mod aside;
mod bytes;
mod checker;
mod exporting;
mod keeping;
mod measuring;
pub mod message;
pub mod opening;
mod preparing;
mod reading;
mod run;
#[cfg(test)]
mod tests;
#[cfg(not(target_arch = "wasm32"))]
mod thread;
mod words;
mod work;

pub use bytes::{from_bytes, to_bytes};
pub use message::{Command, Link, Message};
#[cfg(not(target_arch = "wasm32"))]
pub use thread::Thread;
pub use words::device_words;
pub use work::{Next, OpenDevice, Tell, Worker};

use crate::gpu::DeviceError;
use crate::report::ReportError;
use crate::train::cell::CellError;
use crate::train::run::RunError;
use crate::train::{SettingsError, TrainError};

/// Why a run cannot begin, go on, or leave what it should.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The data.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file of the run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A figure or table.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Something else, in words.
    #[error("{0}")]
    Words(String),
}
