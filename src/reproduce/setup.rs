//! On what, how often and how long the studies train.

use super::trial::{Method, Trial, Variant};
use crate::data::source::Source;
use crate::nn::Loss;
use crate::train::Settings;
use crate::train::search::{Choices, RATES, REGULARISERS, VALIDATION};

/// On what, how often and how long the studies train.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Data with ordered classes.
    pub ordered: Source,
    /// Data with classes that have no order.
    pub unordered: Source,
    /// Repetitions: seeds, each with data, split and first weights of its own.
    pub seeds: usize,
    /// Folds in place of seeds, where wanted.
    pub folds: Option<usize>,
    /// Epochs of a training.
    pub epochs: usize,
    /// Samples a batch.
    pub batch: usize,
    /// Momentum of SGD.
    pub momentum: f32,
    /// The learning rate of all methods; searched for each where absent.
    pub learning_rate: Option<f32>,
}

/// The paper's momentum (section 4.1).
const PAPER_MOMENTUM: f32 = 0.98;

impl Default for Setup {
    fn default() -> Self {
        Self {
            ordered: Source::Faces { train: 1600, test: 400 },
            unordered: Source::Digits { test_fraction: 0.2 },
            seeds: 5,
            folds: None,
            epochs: 16,
            batch: 32,
            momentum: 0.9,
            learning_rate: None,
        }
    }
}

impl Setup {
    /// The data of a variant.
    pub(super) fn source(&self, variant: Variant) -> Source {
        match (variant, &self.ordered) {
            (Variant::Unordered, _) => self.unordered.clone(),
            (Variant::Half, Source::Faces { train, test }) => Source::Faces { train: train.div_ceil(2), test: *test },
            (_, source) => source.clone(),
        }
    }

    /// The share of a variant's training images that is trained on: of faces fewer are drawn in the first place.
    pub(super) fn share(&self, variant: Variant) -> Option<f64> {
        let drawn = matches!(self.ordered, Source::Faces { .. });
        (variant == Variant::Half && !drawn).then_some(0.5)
    }

    /// What the data of a variant are called in titles.
    #[must_use]
    pub fn data_name(&self, variant: Variant) -> String {
        let name = match self.source(variant) {
            Source::Faces { train, test } => format!("the generated faces, {train} to train and {test} to test on"),
            Source::Digits { .. } => "the scanned digits".to_owned(),
            Source::Folder { path, .. } => path.display().to_string(),
        };
        match variant {
            Variant::Bins(bins) => format!("{name}, real-valued labels in {bins} bins"),
            Variant::Half if self.share(variant).is_some() => format!("{name}, half of its training images"),
            _ => name,
        }
    }

    /// Repetitions of each method.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.folds.unwrap_or(self.seeds)
    }

    /// Every repetition of a method.
    #[must_use]
    pub fn trials(&self, method: Method) -> Vec<Trial> {
        (1..=self.repeats()).map(|repeat| Trial { method, repeat }).collect()
    }

    /// The training on whose training images the choices of a trial are made: a part of them is kept from training and
    /// measured on. Where every repetition draws faces of its own, one search does for all. Everywhere else the images that
    /// one repetition tests on are among those that another trains on, so that each has a search of its own.
    #[must_use]
    pub fn searched(&self, trial: Trial) -> Trial {
        let method = trial.method.searched();
        Trial { method, repeat: if self.is_apart(method.data) { 1 } else { trial.repeat } }
    }

    /// Whether every repetition draws images of its own.
    fn is_apart(&self, data: Variant) -> bool {
        matches!(self.source(data), Source::Faces { .. }) && self.folds.is_none()
    }

    /// What is chosen from on a validation split.
    #[must_use]
    pub fn choices(&self) -> Choices {
        let rates = self.learning_rate.map_or_else(|| RATES.to_vec(), |rate| vec![rate]);
        Choices { rates, regularisers: REGULARISERS.to_vec() }
    }

    /// What a search costs, in trainings of the default network on the whole data.
    #[must_use]
    pub fn cost_of_search(&self, method: Method) -> f64 {
        let settings = Settings { epochs: self.epochs, ..Settings::default() };
        let epochs = match self.choices() {
            choices if choices.count(method.loss) == 1 => 0,
            choices => choices.epochs(&settings, method.loss),
        };
        (1.0 - VALIDATION) * method.weight() * epochs as f64 / self.epochs as f64
    }

    /// What all of these methods cost with their searches, in trainings of the default network on the whole data.
    #[must_use]
    pub fn cost(&self, methods: &[Method]) -> f64 {
        let trials: Vec<Trial> = methods.iter().flat_map(|&method| self.trials(method)).collect();
        let mut searched: Vec<Trial> = Vec::new();
        for trial in trials.iter().map(|&trial| self.searched(trial)) {
            if !searched.contains(&trial) {
                searched.push(trial);
            }
        }
        let trainings: f64 = trials.iter().map(|trial| trial.method.weight()).sum();
        trainings + searched.iter().map(|trial| self.cost_of_search(trial.method)).sum::<f64>()
    }

    /// What repetitions are, in words.
    #[must_use]
    pub fn repeats_in_words(&self) -> String {
        match self.folds {
            Some(folds) => format!("{folds} folds"),
            None if self.seeds == 1 => "one seed".to_owned(),
            None => format!("{} seeds", self.seeds),
        }
    }

    /// The losses worth comparing: all but the one that stands there to show that it collapses.
    #[must_use]
    pub fn losses() -> Vec<Loss> {
        Loss::ALL.into_iter().filter(|&loss| loss != Loss::EmdLinear).collect()
    }

    /// What a report says first, a paragraph each.
    #[must_use]
    pub fn preface(&self) -> Vec<String> {
        let data = self.data_name(Variant::Whole);
        let mut paragraphs = vec![format!(
            "Measured on {data}{}, {} epochs, {}, momentum {}, all five augmentations. The paper's numbers stand beside ours to \
             compare how losses stand to each other: its data and its networks are others.",
            match self.ordered {
                Source::Faces { .. } => " (drawings, not photographs)",
                _ => "",
            },
            self.epochs,
            self.repeats_in_words(),
            self.momentum
        )];
        if self.momentum < PAPER_MOMENTUM {
            paragraphs.push(format!(
                "The paper's momentum is {PAPER_MOMENTUM}, which averages the gradients of some fifty steps. These trainings have \
                 so few steps that networks die of it: --momentum {PAPER_MOMENTUM} with more --epochs is the paper's own way."
            ));
        }
        if self.epochs <= Settings::default().jump_start {
            paragraphs.push("The jump start covers all epochs: self-guided losses are cross-entropy here.".to_owned());
        }
        paragraphs.push(match self.learning_rate {
            Some(rate) => format!(
                "The learning rate of all methods is {rate}. A fifth of the training images is kept for what is chosen else."
            ),
            None => "Learning rates were searched for each method among 10^-1.5, 10^-2 … 10^-4.5 on a fifth of the training \
                     images: of the first repetition where each has images of its own, else of every repetition anew, so that \
                     no search sees an image that its training is tested on."
                .to_owned(),
        });
        paragraphs.push(
            "The regulariser of a-emd, where it is trained, was chosen among 0.1, 1 and 10 on such a fifth.".to_owned(),
        );
        paragraphs.push(format!(
            "A claim holds where the whole 95 % interval agrees with it, and does not where the whole interval contradicts it; else \
             these runs cannot tell. Intervals are Student's t over the paired differences of repetitions{}; one repetition decides \
             nothing. That a method performs as well as another means: at most a standard deviation of the other's repetitions \
             below it, which is what another repetition would change (the margin). No interval allows for the number of claims: of \
             forty about two come out wrong by chance.",
            match [Variant::Whole, Variant::Unordered].map(|data| self.is_apart(data)) {
                [true, true] => ", each on images of its own",
                [true, false] => ", of the ordered data each on images of its own; those of the data without an order share training \
                                  images, so that their intervals are somewhat too narrow",
                [false, _] => ", and a bootstrap of the images where all repetitions share them; where they share training images, as \
                      folds do, they are somewhat too narrow",
            }
        ));
        paragraphs
    }

    /// Settings, name and value.
    #[must_use]
    pub fn rows(&self) -> Vec<(String, String)> {
        let row = |name: &str, value: String| (name.to_owned(), value);
        vec![
            row("ordered data", self.data_name(Variant::Whole)),
            row("fewer images", self.data_name(Variant::Half)),
            row("data without an order", self.data_name(Variant::Unordered)),
            row("repetitions", self.repeats_in_words()),
            row("epochs", self.epochs.to_string()),
            row("batch", self.batch.to_string()),
            row("momentum", self.momentum.to_string()),
            row("networks", "channels 8, 16, 32 and hidden 64 (small); 16, 32, 64 and 128 (default)".to_owned()),
        ]
    }
}
