//! `eval`, `predict`, `check` and `bench`: trained weights and devices measured.

use super::{DataChoice, DeviceArguments};
use backhoe::nn::Loss;
use clap::Args;
use std::path::PathBuf;

/// `backhoe eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// A run's folder, or a weights file
    pub weights: PathBuf,
    /// Which data.
    #[command(flatten)]
    pub data: DataChoice,
    /// Seed of generated data and of the split; by default the run's own, else 1
    #[arg(long)]
    pub seed: Option<u32>,
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArguments,
    /// A JSON object a loss on standard output, and nothing else
    #[arg(long)]
    pub json: bool,
}

/// `backhoe predict`.
#[derive(Debug, Args)]
pub struct PredictArguments {
    /// A weights file
    pub weights: PathBuf,
    /// Images, or folders of images
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// Write the rows to this file instead of standard output
    #[arg(long)]
    pub csv: Option<PathBuf>,
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArguments,
}

/// `backhoe check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArguments,
    /// The rows as JSON
    #[arg(long)]
    pub json: bool,
}

/// `backhoe bench`.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// R1: channels 16,32,64 and hidden 128; R2: 32,64,128 and 256. Batch 64 of 3x32x32, 8 classes
    #[arg(long, default_value = "R1")]
    pub workload: String,
    /// Also measure a race of these losses, separated by commas, against the one loss of the workload
    #[arg(long, value_delimiter = ',')]
    pub loss: Vec<Loss>,
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArguments,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Append a row to this table: commit, machine, device, images a second; the table lies in the repository whose commit it
    /// names
    #[arg(long, value_name = "FILE.csv", conflicts_with = "submit")]
    pub history: Option<PathBuf>,
    /// A block of text that tells others what this machine does: both workloads, and whether its kernels agree with the
    /// reference
    #[arg(long, conflicts_with_all = ["json", "loss", "workload"])]
    pub submit: bool,
}
