//! Everything that determines a run, apart from the data itself.

use crate::nn::model::MOST_SIDE;
use crate::nn::{Loss, Model, ModelError, zoo};
use crate::plan::{Augmentation, Link};
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

/// The ground distance of the losses that read one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// Each racer's own, from its features of the epoch before; 0.5 between all classes in the first.
    #[default]
    Learned,
    /// That of ordered classes, `|i - j| / (classes - 1)`.
    Ordered,
    /// One from a file.
    Given {
        /// The file's name.
        file: String,
        /// Classes x classes, in the order of the data's classes.
        matrix: Vec<f32>,
    },
}

/// Largest weight of the entropy.
const MOST_REGULARISER: f32 = 1e6;

/// Largest ground distance, whose square is a number of 32 bits.
pub const MOST_DISTANCE: f64 = 1e6;

impl Ground {
    /// One of these class names and their matrix, in the order of `classes`.
    ///
    /// # Errors
    /// When the names are not those of the classes, or an entry is no distance.
    pub fn given(file: &str, names: &[String], matrix: &[f64], classes: &[String]) -> Result<Self, SettingsError> {
        let refused = |why: String| SettingsError::Ground { file: file.to_owned(), why };
        let place = |class: &String| {
            let place = names.iter().position(|name| name == class);
            place.ok_or_else(|| refused(format!("it has no row for class `{class}`")))
        };
        let places = classes.iter().map(place).collect::<Result<Vec<usize>, _>>()?;
        if names.len() != classes.len() {
            let other = names.iter().find(|name| !classes.contains(name)).map_or("a class twice", String::as_str);
            return Err(refused(format!("it tells of {other}, which is no class of the data")));
        }
        let at = |(i, j): (&usize, &usize)| matrix[i * names.len() + j];
        let ordered: Vec<f64> = places.iter().flat_map(|i| places.iter().map(move |j| at((i, j)))).collect();
        match not_a_distance(&ordered, classes) {
            Some(why) => Err(refused(why)),
            None => Ok(Self::Given {
                file: file.to_owned(),
                matrix: ordered.into_iter().map(|distance| distance as f32).collect(),
            }),
        }
    }

    /// The matrix for so many classes, classes x classes, where it is not learned.
    #[must_use]
    pub fn matrix(&self, classes: usize) -> Option<Vec<f32>> {
        let ordered = |at: usize| (at / classes).abs_diff(at % classes) as f32 / (classes - 1).max(1) as f32;
        match self {
            Self::Learned => None,
            Self::Ordered => Some((0..classes * classes).map(ordered).collect()),
            Self::Given { matrix, .. } => Some(matrix.clone()),
        }
    }
}

/// Why a matrix, classes x classes, is no ground distance: an entry out of range, one that is not 0 from a class to itself,
/// or two that are not the same there and back. A confusion matrix, which looks like one, is none.
fn not_a_distance(matrix: &[f64], classes: &[String]) -> Option<String> {
    let pairs = (0..classes.len()).flat_map(|i| (0..classes.len()).map(move |j| (i, j)));
    let wrong = |(i, j): (usize, usize)| {
        let (there, back) = (matrix[i * classes.len() + j], matrix[j * classes.len() + i]);
        let must = match () {
            () if !(0.0..=MOST_DISTANCE).contains(&there) => "it must be from 0 to 1000000".to_owned(),
            () if i == j && there != 0.0 => "it must be 0 from a class to itself".to_owned(),
            () if (there - back).abs() > 1e-6 * there.max(back) => format!("and back {back}: both must be the same"),
            () => return None,
        };
        Some(format!("from {} to {} it is {there}; {must}", classes[i], classes[j]))
    };
    pairs.into_iter().find_map(wrong)
}

impl std::fmt::Display for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Learned => "learned",
            Self::Ordered => "ordered",
            Self::Given { file, .. } => file,
        })
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
    /// Learning rate of each loss in turn where they have rates of their own; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<f32>,
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
    /// The ground distance of the losses that read one.
    #[serde(default)]
    pub ground: Ground,
    /// Weight of the entropy in A-EMD.
    #[serde(default = "regulariser")]
    pub regulariser: f32,
    /// Epochs of cross-entropy alone before the distance term.
    pub jump_start: usize,
    /// Random changes of training images.
    pub augmentation: Augmentation,
    /// Whether the network knows the classes by shuffled numbers, so that their order is hidden from it.
    #[serde(default)]
    pub shuffled_ids: bool,
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
    /// A file holds no ground distance of the data's classes.
    #[error("{file}: no ground distance of these classes: {why}")]
    Ground {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
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
            rates: Vec::new(),
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
            ground: Ground::Learned,
            regulariser: regulariser(),
            jump_start: 4,
            augmentation: Augmentation { crop: true, flip: true, rotation: false, aspect: false, colour: true },
            shuffled_ids: false,
        }
    }
}

impl Settings {
    /// Channels and hidden layer of the default network, smaller where a graphics driver computes on the processor.
    #[must_use]
    pub fn network_for(software: bool) -> (Vec<usize>, usize) {
        if software { (vec![8, 16, 32], 64) } else { (vec![16, 32, 64], 128) }
    }

    /// Sets the side of the stored images: room for random crops, an eighth more than the network sees, as far as the data
    /// reaches.
    pub fn make_room(&mut self, most: usize) {
        let margin = if self.augmentation.crop { self.side / 8 } else { 0 };
        self.stored_side = self.side.saturating_add(margin).min(most.max(self.side));
    }

    /// The network for so many classes.
    ///
    /// # Errors
    /// When the images are too small for it.
    pub fn model(&self, classes: usize) -> Result<Model, SettingsError> {
        Ok(zoo::plain(self.side, &self.channels, self.hidden, classes)?)
    }

    /// Checks that the ground distance is one of these classes.
    ///
    /// # Errors
    /// When a given matrix has another size, or an entry is no distance.
    pub fn check_ground(&self, classes: &[String]) -> Result<(), SettingsError> {
        let Ground::Given { file, matrix } = &self.ground else { return Ok(()) };
        let why = match matrix.len() == classes.len() * classes.len() {
            false => Some(format!("{} entries for {} classes", matrix.len(), classes.len())),
            true => not_a_distance(&matrix.iter().map(|&entry| f64::from(entry)).collect::<Vec<_>>(), classes),
        };
        why.map_or(Ok(()), |why| Err(SettingsError::Ground { file: file.clone(), why }))
    }

    /// Learning rate of the racer at this place.
    #[must_use]
    pub fn rate(&self, racer: usize) -> f32 {
        self.rates.get(racer).copied().unwrap_or(self.learning_rate)
    }

    /// Omega and mu of a loss.
    #[must_use]
    pub fn omega_and_mu(&self, loss: Loss) -> (f32, f32) {
        let (omega, mu) = loss.omega_and_mu();
        (self.omega.unwrap_or(omega), self.mu.unwrap_or(mu))
    }

    /// Whether these are of one run: the same but for what may change while it goes on ([`super::Change`]).
    #[must_use]
    pub fn are_of_one_run(&self, other: &Self) -> bool {
        let Self { epochs, learning_rate, momentum, lambda, omega, mu, .. } = *other;
        let rates = other.rates.clone();
        Self { epochs, learning_rate, rates, momentum, lambda, omega, mu, ..self.clone() } == *other
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
        let (rates, losses) = (self.rates.len(), self.losses.len());
        require(rates == 0 || rates == losses, "rates", format!("{rates} numbers"), "none, or one for each loss")?;
        let bad = self.rates.iter().copied().find(|&rate| !positive(rate));
        require(bad.is_none(), "rates", bad.unwrap_or(0.0), "numbers above 0")?;
        require((0.0..1.0).contains(&self.momentum), "momentum", self.momentum, "at least 0 and below 1")?;
        let decay = self.weight_decay;
        require(decay.is_finite() && decay >= 0.0, "weight-decay", decay, "a number of at least 0")?;
        require((1..=MOST_SIDE).contains(&self.side), "size", self.side, "from 1 to 2048")?;
        require(self.stored_side >= self.side, "stored side", self.stored_side, "at least the input's")?;
        require(!self.channels.contains(&0), "channels", 0, "at least 1 each")?;
        require((1..=MOST_ROWS).contains(&self.hidden), "hidden", self.hidden, "from 1 to 65536 outputs")?;
        require(self.omega.is_none_or(positive), "omega", self.omega.unwrap_or(0.0), "a number above 0")?;
        let weight = if let Lambda::Fixed(lambda) = self.lambda { lambda } else { 0.0 };
        require(weight.is_finite() && weight >= 0.0, "lambda", weight, "auto, or a number of at least 0")?;
        require(self.mu.is_none_or(f32::is_finite), "mu", self.mu.unwrap_or(0.0), "a finite number")?;
        let regulariser = self.regulariser;
        let fits = positive(regulariser) && regulariser <= MOST_REGULARISER;
        require(fits, "regulariser", regulariser, "a number above 0, at most 1000000; without it a-emd is emd-linear")?;
        let alone = self.batch == 1 && self.losses.contains(&Loss::Qwk);
        require(!alone, "batch", 1, "at least 2 for qwk, better 32: kappa is of a batch, and one sample has none")?;
        let unordered = |loss: &&Loss| loss.link() != Link::Softmax;
        let ordered = self.losses.iter().find(unordered).map_or("", |loss| loss.name());
        let fit = ordered.is_empty() || !self.shuffled_ids;
        require(
            fit,
            "shuffled class ids",
            ordered,
            "with losses that have an output a class: its outputs have an order",
        )?;
        let guided = self.losses.iter().any(|loss| loss.is_self_guided());
        let chosen = self.lambda != Lambda::Auto || self.jump_start > 0;
        require(!guided || chosen, "jump-start", 0, "at least 1 where lambda is auto: it is chosen by that epoch")
    }
}

/// The least of the paper's; runs from before there was a choice have it, too.
fn regulariser() -> f32 {
    0.1
}

fn require(
    holds: bool,
    name: &'static str,
    value: impl std::fmt::Display,
    range: &'static str,
) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::Range { name, value: value.to_string(), range }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it may come out of an edited `run.json`, which names no file that could be checked again.
    #[test]
    fn a_given_ground_distance_is_one_of_the_classes() {
        let classes = ["a", "b"].map(str::to_owned);
        let check = |matrix: &[f32]| {
            let ground = Ground::Given { file: "d.csv".to_owned(), matrix: matrix.to_vec() };
            Settings { ground, ..Settings::default() }.check_ground(&classes).map_err(|error| error.to_string())
        };
        assert_eq!(check(&[0.0, 0.5, 0.5, 0.0]), Ok(()));
        assert!(check(&[0.0; 9]).unwrap_err().contains("9 entries for 2 classes"));
        assert!(check(&[0.0, f32::NAN, 0.5, 0.0]).unwrap_err().contains("from a to b"));
        assert!(check(&[0.0, 0.5, 0.25, 0.0]).unwrap_err().contains("both must be the same"));
        assert!(check(&[1.0, 0.5, 0.5, 0.0]).unwrap_err().contains("0 from a class to itself"));
    }
}
