//! `backhoe train`, and the recipe that it shares with `sweep`.

use super::{DataChoice, DeviceArguments};
use backhoe::nn::Loss;
use backhoe::plan::Augmentation;
use backhoe::train::Lambda;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Settings that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// The paper's section 4.1: momentum 0.98, the learning rate searched for, all five augmentations
    Paper,
}

/// A learning rate, or that it be searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// This one.
    Fixed(f32),
    /// The best of the paper's on a validation split, for each loss.
    Search,
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "search" {
            return Ok(Self::Search);
        }
        text.parse().map(Self::Fixed).map_err(|_| format!("`{text}` is neither `search` nor a number"))
    }
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

/// How to train, whatever the data, the loss and the network.
#[derive(Clone, Debug, Args)]
pub struct Recipe {
    /// Take the paper's settings for what is not said
    #[arg(long)]
    pub preset: Option<Preset>,
    /// Epochs to train; with --resume, epochs in all
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Samples a batch
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// Momentum of SGD [default: 0.9]
    #[arg(long)]
    pub momentum: Option<f32>,
    /// L2 weight decay
    #[arg(long, default_value_t = 5e-4)]
    pub weight_decay: f32,
    /// Width and height of the network's input in pixels
    #[arg(long, default_value_t = 32)]
    pub size: usize,
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
    /// Give the classes shuffled numbers, so that their order is hidden from the network
    #[arg(long)]
    pub shuffle_ids: bool,
    /// Random changes of training images, separated by commas: crop, flip, rotation, aspect, colour; or all, or none
    /// [default: crop,flip,colour]
    #[arg(long, value_parser = augmentation)]
    pub augment: Option<Augmentation>,
    /// Seconds between checkpoints within an epoch; each epoch ends with one too
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub checkpoint_every: u64,
}

impl Recipe {
    /// Whether the paper's settings are wanted.
    pub fn as_in_the_paper(&self) -> bool {
        self.preset == Some(Preset::Paper)
    }
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
    /// How.
    #[command(flatten)]
    pub recipe: Recipe,
    /// Learning rate [default: 0.03]; or `search`: for each loss the best of 10^-1.5, 10^-2 … 10^-4.5 on a fifth of the training
    /// images
    #[arg(long)]
    pub lr: Option<Rate>,
    /// Seed of data, weights, order, augmentation and dropout
    #[arg(long, default_value_t = 1)]
    pub seed: u32,
    /// Channels of the 3x3 convolutions; by default 8,16,32 on a software driver and else 16,32,64
    #[arg(long, value_delimiter = ',')]
    pub channels: Vec<usize>,
    /// Outputs of the hidden layer; by default 64 on a software driver and else 128
    #[arg(long)]
    pub hidden: Option<usize>,
    /// Folder of the run; by default the first free runs/DATA-1, runs/DATA-2 …
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on with the run in this folder, or packed into this .backhoe file; its own settings count
    #[arg(long, conflicts_with_all = [
        "out", "data", "train_images", "test_images", "test_fraction", "strict", "folds", "fold", "bins", "validation",
        "loss", "preset", "batch", "lr", "momentum", "weight_decay", "size", "seed", "channels", "hidden", "lambda",
        "omega", "mu", "ground", "regulariser", "jump_start", "shuffle_ids", "augment",
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

/// `backhoe gui`: what is chosen when the window opens.
#[derive(Clone, Debug, Default, Args)]
pub struct GuiArguments {
    /// Begin at once
    #[arg(long, conflicts_with = "resume")]
    pub autostart: bool,
    /// What is chosen at first.
    #[command(flatten)]
    pub train: TrainArguments,
}
