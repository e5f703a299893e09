//! Everything that determines a run, apart from the data itself.

use crate::nn::model::MOST_SIDE;
use crate::nn::{Loss, Model, ModelError, zoo};
use crate::plan::Augmentation;
use serde::{Deserialize, Serialize};

/// Largest batch and hidden layer: beyond it a dispatch would not fit its grid.
const MOST_ROWS: usize = 1 << 16;

/// The weight of the distance term in equation 16.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lambda {
    /// Chosen after the jump start: the mean cross-entropy divided by 3.5 times the mean absolute
    /// distance term of its last epoch (section 4.3: 3 to 4 times smaller).
    Auto,
    /// This value.
    Fixed(f32),
}

impl std::str::FromStr for Lambda {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let value = text.parse::<f32>().ok().filter(|value| value.is_finite());
        value.map(Self::Fixed).ok_or_else(|| format!("`{text}` is neither `auto` nor a number"))
    }
}

/// Everything that determines a run, apart from the data itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The losses that race.
    pub losses: Vec<Loss>,
    /// Epochs to train.
    pub epochs: usize,
    /// Samples a batch.
    pub batch: usize,
    /// Learning rate of SGD.
    pub learning_rate: f32,
    /// Momentum of SGD.
    pub momentum: f32,
    /// L2 weight decay.
    pub weight_decay: f32,
    /// Width and height of the network's input.
    pub side: usize,
    /// Width and height of the stored images, out of which crops are taken.
    pub stored_side: usize,
    /// Seed of weights, order, augmentation and dropout.
    pub seed: u32,
    /// Channels of the convolutions.
    pub channels: Vec<usize>,
    /// Outputs of the hidden layer.
    pub hidden: usize,
    /// Weight of the distance term.
    pub lambda: Lambda,
    /// Power of the ground distance; the paper's for each loss where absent.
    pub omega: Option<f32>,
    /// Bias of the ground distance; the paper's for each loss where absent.
    pub mu: Option<f32>,
    /// Epochs of cross-entropy alone before the distance term.
    pub jump_start: usize,
    /// Random changes of training images.
    pub augmentation: Augmentation,
}

/// Why settings cannot be trained with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A value outside its range.
    #[error("{name} is {value}; it must be {range}")]
    Range {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// The network does not fit the images.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            losses: vec![Loss::Xe, Loss::Emd, Loss::Xemd2],
            epochs: 8,
            batch: 32,
            learning_rate: 0.03,
            momentum: 0.9,
            weight_decay: 5e-4,
            side: 32,
            stored_side: 36,
            seed: 1,
            channels: vec![16, 32, 64],
            hidden: 128,
            lambda: Lambda::Auto,
            omega: None,
            mu: None,
            jump_start: 4,
            augmentation: Augmentation { crop: true, flip: true, rotation: false, aspect: false, colour: true },
        }
    }
}

impl Settings {
    /// The network for so many classes.
    ///
    /// # Errors
    /// When the images are too small for it.
    pub fn model(&self, classes: usize) -> Result<Model, SettingsError> {
        Ok(zoo::plain(self.side, &self.channels, self.hidden, classes)?)
    }

    /// Omega and mu of a loss.
    #[must_use]
    pub fn omega_and_mu(&self, loss: Loss) -> (f32, f32) {
        let (omega, mu) = loss.omega_and_mu();
        (self.omega.unwrap_or(omega), self.mu.unwrap_or(mu))
    }

    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let positive = |value: f32| value.is_finite() && value > 0.0;
        require(!self.losses.is_empty(), "losses", "none", "at least one")?;
        let repeated = self.losses.iter().enumerate().find(|(at, loss)| self.losses[..*at].contains(loss));
        let twice = repeated.map_or_else(String::new, |(_, loss)| format!("{loss} twice"));
        require(repeated.is_none(), "losses", twice, "each loss once")?;
        require(self.epochs > 0, "epochs", self.epochs, "at least 1")?;
        require((1..=MOST_ROWS).contains(&self.batch), "batch", self.batch, "from 1 to 65536")?;
        require(positive(self.learning_rate), "lr", self.learning_rate, "a number above 0")?;
        require((0.0..1.0).contains(&self.momentum), "momentum", self.momentum, "at least 0 and below 1")?;
        let decay = self.weight_decay;
        require(decay.is_finite() && decay >= 0.0, "weight-decay", decay, "a number of at least 0")?;
        require((1..=MOST_SIDE).contains(&self.side), "size", self.side, "from 1 to 2048")?;
        require(self.stored_side >= self.side, "stored side", self.stored_side, "at least the input's")?;
        require(!self.channels.contains(&0), "channels", 0, "at least 1 each")?;
        require((1..=MOST_ROWS).contains(&self.hidden), "hidden", self.hidden, "from 1 to 65536 outputs")?;
        require(self.omega.is_none_or(positive), "omega", self.omega.unwrap_or(0.0), "a number above 0")?;
        require(self.mu.is_none_or(f32::is_finite), "mu", self.mu.unwrap_or(0.0), "a finite number")?;
        let guided = self.losses.iter().any(|loss| loss.is_self_guided());
        let chosen = self.lambda != Lambda::Auto || self.jump_start > 0;
        require(!guided || chosen, "jump-start", 0, "at least 1 where lambda is auto: it is chosen by that epoch")
    }
}

fn require(
    holds: bool,
    name: &'static str,
    value: impl std::fmt::Display,
    range: &'static str,
) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::Range { name, value: value.to_string(), range }) }
}
