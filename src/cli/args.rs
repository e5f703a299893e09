//! What can be asked for.

use backhoe::data::source::Source;
use backhoe::device::DeviceChoice;
use backhoe::nn::Loss;
use backhoe::plan::Augmentation;
use backhoe::train::Lambda;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Trains image classifiers that know how far apart their classes are.
///
/// Without a subcommand: trains three losses side by side on generated faces, as `backhoe train` does.
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
    /// Measure trained weights on a data set
    Eval(EvalArguments),
    /// Predict the classes of images
    Predict(PredictArguments),
    /// Test every kernel on this adapter against the f64 reference
    Check(CheckArguments),
    /// List the adapters of this machine
    Devices,
    /// Look at a data set
    Data(DataArguments),
    /// Measure speed
    Bench(BenchArguments),
}

/// The ground distance asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum GroundChoice {
    /// Learned by each racer.
    Learned,
    /// That of ordered classes.
    Ordered,
    /// In a file.
    File(PathBuf),
}

impl std::str::FromStr for GroundChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "learned" => Self::Learned,
            "ordered" => Self::Ordered,
            file => Self::File(file.into()),
        })
    }
}

/// Which device.
#[derive(Clone, Debug, Args)]
pub struct DeviceArguments {
    /// What computes: `cpu`, `gpu`, a graphics adapter by name or index (see `backhoe devices`), or `auto`: a GPU where
    /// there is one, else the processor
    #[arg(long, visible_alias = "adapter", default_value = "auto")]
    pub device: DeviceChoice,
    /// Threads of the processor; by default one a core
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// Which data.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct DataChoice {
    /// `faces` (generated, taken where nothing is said), `digits` (embedded) or a folder of class folders
    #[arg(long)]
    pub data: Option<String>,
    /// Generated training images (faces)
    #[arg(long, default_value_t = 1600)]
    pub train_images: usize,
    /// Generated test images (faces)
    #[arg(long, default_value_t = 400)]
    pub test_images: usize,
    /// Share of the images to test on (digits, and folders without `test/`)
    #[arg(long, default_value_t = 0.2)]
    pub test_fraction: f64,
    /// Make an unreadable image an error instead of passing it over (folders)
    #[arg(long)]
    pub strict: bool,
}

impl DataChoice {
    /// The data's name or folder.
    pub fn name(&self) -> &str {
        self.data.as_deref().unwrap_or("faces")
    }

    /// Whether nothing was said of the data.
    pub fn is_default(&self) -> bool {
        let nothing = (None, 1600, 400, 0.2, false);
        (self.data.as_deref(), self.train_images, self.test_images, self.test_fraction, self.strict) == nothing
    }

    /// The source meant.
    pub fn source(&self) -> Source {
        match self.name() {
            "faces" => Source::Faces { train: self.train_images, test: self.test_images },
            "digits" => Source::Digits { test_fraction: self.test_fraction },
            folder => Source::Folder { path: whole(folder), test_fraction: self.test_fraction, strict: self.strict },
        }
    }
}

/// A folder's whole path, so that a run can be resumed from anywhere.
fn whole(folder: &str) -> PathBuf {
    std::fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder))
}

/// `backhoe train`.
#[derive(Clone, Debug, Args)]
#[command(allow_negative_numbers = true)]
pub struct TrainArguments {
    /// Which data.
    #[command(flatten)]
    pub data: DataChoice,
    /// Losses that race, separated by commas: xe, reg, emd, emd-linear, xemd1, xemd2, a-emd, corn, sord, qwk, binomial
    #[arg(long, value_delimiter = ',', default_value = "xe,emd,xemd2")]
    pub loss: Vec<Loss>,
    /// Epochs to train; with --resume, epochs in all
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Samples a batch
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// Learning rate
    #[arg(long, default_value_t = 0.03)]
    pub lr: f32,
    /// Momentum of SGD
    #[arg(long, default_value_t = 0.9)]
    pub momentum: f32,
    /// L2 weight decay
    #[arg(long, default_value_t = 5e-4)]
    pub weight_decay: f32,
    /// Width and height of the network's input in pixels
    #[arg(long, default_value_t = 32)]
    pub size: usize,
    /// Seed of data, weights, order, augmentation and dropout
    #[arg(long, default_value_t = 1)]
    pub seed: u32,
    /// Channels of the 3x3 convolutions; by default 8,16,32 on a software driver and else 16,32,64
    #[arg(long, value_delimiter = ',')]
    pub channels: Vec<usize>,
    /// Outputs of the hidden layer; by default 64 on a software driver and else 128
    #[arg(long)]
    pub hidden: Option<usize>,
    /// Weight of the distance term of xemd1 and xemd2: a number, or `auto` to choose it after the jump start
    #[arg(long, default_value = "auto")]
    pub lambda: Lambda,
    /// Power of the ground distance; by default 1 for xemd1 and 2 for xemd2
    #[arg(long)]
    pub omega: Option<f32>,
    /// Bias of the ground distance; by default -0.5 for xemd1 and -0.25 for xemd2
    #[arg(long)]
    pub mu: Option<f32>,
    /// Ground distance of the losses that read one (xemd1, xemd2, a-emd, emd-linear): `learned` from each racer's features,
    /// `ordered`, or a CSV file as a run leaves it (ground-distance-LOSS.csv)
    #[arg(long, value_name = "FILE|ordered|learned", default_value = "learned")]
    pub ground: GroundChoice,
    /// Weight of the entropy in a-emd; the paper tries 0.1, 1 and 10
    #[arg(long, default_value_t = 0.1)]
    pub regulariser: f32,
    /// Epochs of cross-entropy alone before the distance term
    #[arg(long, default_value_t = 4)]
    pub jump_start: usize,
    /// Random changes of training images, separated by commas: crop, flip, rotation, aspect, colour; or all, or none
    #[arg(long, default_value = "crop,flip,colour", value_parser = augmentation)]
    pub augment: Augmentation,
    /// Folder of the run; by default the first free runs/DATA-1, runs/DATA-2 …
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Seconds between checkpoints within an epoch; each epoch ends with one too
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub checkpoint_every: u64,
    /// Go on with the run in this folder; its own settings count
    #[arg(long, conflicts_with_all = [
        "out", "data", "train_images", "test_images", "test_fraction", "strict", "loss", "batch", "lr", "momentum",
        "weight_decay", "size", "seed", "channels", "hidden", "lambda", "omega", "mu", "ground", "regulariser",
        "jump_start", "augment",
    ])]
    pub resume: Option<PathBuf>,
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Say nothing but errors
    #[arg(long)]
    pub quiet: bool,
    /// A JSON object an epoch and loss on standard output, and nothing else
    #[arg(long)]
    pub json: bool,
}

fn augmentation(text: &str) -> Result<Augmentation, String> {
    let all = text == "all";
    let mut chosen = Augmentation { crop: all, flip: all, rotation: all, aspect: all, colour: all };
    if all || text == "none" {
        return Ok(chosen);
    }
    for name in text.split(',') {
        let switch = match name {
            "crop" => &mut chosen.crop,
            "flip" => &mut chosen.flip,
            "rotation" => &mut chosen.rotation,
            "aspect" => &mut chosen.aspect,
            "colour" | "color" => &mut chosen.colour,
            other => {
                return Err(format!(
                    "there is no `{other}`; there are crop, flip, rotation, aspect, colour, all, none"
                ));
            }
        };
        *switch = true;
    }
    Ok(chosen)
}

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

/// `backhoe data`.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// `faces`, `digits` or a folder of class folders
    #[arg(default_value = "faces")]
    pub data: String,
    /// Write a contact sheet, a row a class, to this PNG
    #[arg(long)]
    pub sheet: Option<PathBuf>,
    /// Images a row of the sheet
    #[arg(long, default_value_t = 12)]
    pub columns: usize,
    /// Side of the images in pixels
    #[arg(long, default_value_t = 64)]
    pub size: usize,
    /// Seed
    #[arg(long, default_value_t = 1)]
    pub seed: u32,
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
}
