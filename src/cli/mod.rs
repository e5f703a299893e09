//! The command line: arguments in, files and words out. Everything it does, the library does.

pub mod args;
mod bench;
mod cells;
mod compare;
mod gui;
mod history;
mod inspect;
mod kept;
mod predict;
mod reproduce;
mod searches;
mod summary;
mod sweep;
mod train;
mod watch;

use args::{Arguments, Command, DeviceArguments, TrainArguments};
use backhoe::bench::BenchError;
use backhoe::data::folder::FolderError;
use backhoe::data::protocol::ProtocolError;
use backhoe::data::source::SourceError;
use backhoe::device;
use backhoe::gpu::DeviceError;
use backhoe::plan::{Executor, ExecutorError};
use backhoe::report::ReportError;
use backhoe::train::cell::CellError;
use backhoe::train::metrics::MetricsError;
use backhoe::train::run::RunError;
use backhoe::train::{SettingsError, TrainError};
use backhoe::worker::WorkError;
use std::io::Write;

/// Why the program ends with 1 (or 130 after Ctrl-C).
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// No device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The data, grouped and divided.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// How the data are grouped and divided.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A folder of images.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A run's files.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Speed.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// Figures and tables.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The device while it worked.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// A run that begins, goes on or leaves its files.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The test split.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A folder keeps something else than what is wanted.
    #[error("{0}")]
    Refused(String),
    /// Something else, in words.
    #[error("{0}")]
    Words(String),
    /// The user stopped it; says how to go on.
    #[error("stopped; {0}")]
    Stopped(String),
}

/// Does what was asked for.
///
/// # Errors
/// Whatever kept it from being done.
pub fn run(arguments: Arguments) -> Result<(), CliError> {
    match arguments.command.unwrap_or_else(gui::or_train) {
        Command::Gui(arguments) => gui::run(&arguments),
        Command::Train(train) => train::run(&train),
        Command::Eval(eval) => predict::eval(&eval),
        Command::Predict(predict) => predict::predict(&predict),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Merge(merge) => sweep::merge(&merge),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Reproduce(reproduce) => reproduce::run(&reproduce),
        Command::Check(check) => inspect::check(&check),
        Command::Devices => inspect::devices(),
        Command::Data(data) => inspect::data(&data),
        Command::Bench(bench) => bench::run(&bench),
    }
}

/// Opens the device that was asked for, and says which it is and why where not quiet.
fn open(arguments: &DeviceArguments, quiet: bool) -> Result<Box<dyn Executor>, CliError> {
    let opened = device::open(&arguments.device, arguments.opening())?;
    say(quiet, format_args!("on {} ({})", opened.executor.adapter(), opened.why))?;
    Ok(opened.executor)
}

/// A line on standard output: nothing where quiet, an error where nobody can take it.
fn say(quiet: bool, line: impl std::fmt::Display) -> Result<(), CliError> {
    if quiet {
        return Ok(());
    }
    let mut output = std::io::stdout().lock();
    let written = writeln!(output, "{line}").and_then(|()| output.flush());
    written.map_err(|error| CliError::Words(format!("standard output: {error}")))
}

/// A line on standard error, also where nobody can take it: nothing depends on it.
pub fn warn(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Default for TrainArguments {
    fn default() -> Self {
        use clap::Parser;
        let Some(Command::Train(train)) = Arguments::parse_from(["backhoe", "train"]).command else {
            unreachable!("these arguments name the command train");
        };
        *train
    }
}
