//! `backhoe reproduce`: the paper's tables and figures, measured again.

use super::DeviceArguments;
use backhoe::reproduce::STUDIES;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::path::PathBuf;

/// `backhoe reproduce`.
#[derive(Debug, Args)]
pub struct ReproduceArguments {
    /// What to measure again
    #[arg(default_value = "all", value_parser = PossibleValuesParser::new(
        STUDIES.iter().map(|study| study.name).chain(["all"])
    ))]
    pub studies: Vec<String>,
    /// Data with ordered classes: `faces` (generated, taken where nothing is said) or a folder of class folders
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Data whose classes have no order: a folder of class folders; by default the embedded digits
    #[arg(long)]
    pub unordered: Option<PathBuf>,
    /// Generated training images (faces)
    #[arg(long, default_value_t = 1600)]
    pub train_images: usize,
    /// Generated test images (faces)
    #[arg(long, default_value_t = 400)]
    pub test_images: usize,
    /// Repetitions of each training: seeds 1, 2 …
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub seeds: u32,
    /// Folds in place of seeds
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub folds: Option<u32>,
    /// Epochs of each training
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: u32,
    /// Samples a batch
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// Momentum of SGD; the paper's 0.98 wants many more epochs
    #[arg(long, default_value_t = 0.9)]
    pub momentum: f32,
    /// One learning rate for all instead of a search for each
    #[arg(long)]
    pub lr: Option<f32>,
    /// Folder of trainings and report; what is finished there is not done again
    #[arg(long, default_value = "runs/reproduction")]
    pub out: PathBuf,
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Say nothing but errors
    #[arg(long)]
    pub quiet: bool,
}
