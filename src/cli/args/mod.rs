//! What can be asked for.

mod data;
mod measure;
mod reproduce;
mod sweep;
mod train;

use backhoe::device::{DeviceChoice, Opening};
use clap::{Args, Parser, Subcommand};

pub use data::{DataArguments, DataChoice};
pub use measure::{BenchArguments, CheckArguments, EvalArguments, PredictArguments};
pub use reproduce::ReproduceArguments;
pub use sweep::{CompareArguments, MergeArguments, Network, SweepArguments};
pub use train::{GroundChoice, GuiArguments, Rate, Recipe, TrainArguments};

/// Trains image classifiers that know how far apart their classes are.
///
/// Without a subcommand: opens the window where there is a display, and else trains three losses side by side on generated
/// faces, as `backhoe train` does.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train one or several losses from the same first weights on the same batches
    Train(Box<TrainArguments>),
    /// Open the window: train, watch and steer
    Gui(Box<GuiArguments>),
    /// Measure trained weights on a data set
    Eval(EvalArguments),
    /// Predict the classes of images
    Predict(PredictArguments),
    /// Train a grid of losses, learning rates, seeds, folds and networks, whole or in parts
    Sweep(Box<SweepArguments>),
    /// Join the parts of a sweep
    Merge(MergeArguments),
    /// Put runs side by side on one page
    Compare(CompareArguments),
    /// Measure the paper's tables and figures again, and say which of its claims hold
    Reproduce(ReproduceArguments),
    /// Test every kernel on this adapter against the f64 reference
    Check(CheckArguments),
    /// List the adapters of this machine
    Devices,
    /// Look at a data set
    Data(DataArguments),
    /// Measure speed
    Bench(BenchArguments),
}

/// Which device.
#[derive(Clone, Debug, Args)]
pub struct DeviceArguments {
    /// What computes: `cpu`, `gpu`, a graphics adapter by name or index (see `backhoe devices`), or `auto`: a GPU where
    /// there is one, else the processor
    #[arg(long, visible_alias = "adapter", default_value = "auto")]
    pub device: DeviceChoice,
    /// Threads of the processor; by default one a core
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Whether a graphics adapter times kernels for shapes that it has not met before, which takes up to two seconds, and
    /// remembers the fastest: `on`, `off`; by default GPUs do. No result depends on it
    #[arg(long, value_name = "ON|OFF", value_parser = clap::builder::BoolishValueParser::new())]
    pub tune: Option<bool>,
}

impl DeviceArguments {
    /// How the device computes.
    pub fn opening(&self) -> Opening {
        Opening { threads: self.threads.map(usize::from), tune: self.tune }
    }
}
