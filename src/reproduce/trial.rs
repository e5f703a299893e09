//! The trainings that studies are made of: which data, network, loss and repetition; and as cells.

use super::setup::Setup;
use crate::data::protocol::Protocol;
use crate::nn::Loss;
use crate::plan::Augmentation;
use crate::train::cell::Cell;
use crate::train::{Lambda, Settings};
use std::path::Path;

/// Which data, of those that a setup has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// The ordered classes, whole: in the place of Adience.
    Whole,
    /// Half of the training images: in the place of Images of Groups, the smaller set.
    Half,
    /// The real-valued labels in so many bins: in the place of AADB.
    Bins(usize),
    /// Classes without an order: in the place of ImageNet.
    Unordered,
}

impl Variant {
    fn name(self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::Half => "half".to_owned(),
            Self::Bins(bins) => format!("bins{bins}"),
            Self::Unordered => "unordered".to_owned(),
        }
    }
}

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Net {
    /// Channels 8, 16, 32 and a hidden layer of 64.
    Small,
    /// Channels 16, 32, 64 and a hidden layer of 128.
    Default,
}

impl Net {
    /// Both, the smaller first.
    pub const ALL: [Self; 2] = [Self::Small, Self::Default];

    /// What it is called in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Default => "default",
        }
    }

    fn layers(self) -> (Vec<usize>, usize) {
        match self {
            Self::Small => (vec![8, 16, 32], 64),
            Self::Default => (vec![16, 32, 64], 128),
        }
    }
}

/// A loss on a network and data: what one learning rate is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    /// Which data.
    pub data: Variant,
    /// Which network.
    pub net: Net,
    /// Which loss.
    pub loss: Loss,
    /// A weight of the distance term other than the automatic one.
    pub lambda: Option<f32>,
}

impl Method {
    /// With the automatic lambda.
    #[must_use]
    pub fn new(data: Variant, net: Net, loss: Loss) -> Self {
        Self { data, net, loss, lambda: None }
    }

    /// The method whose learning rate it takes: that of ten bins for any number of them, that of the automatic lambda for
    /// any other. What is compared there is the number and nothing else.
    #[must_use]
    pub fn searched(self) -> Self {
        let data = if let Variant::Bins(_) = self.data { Variant::Bins(10) } else { self.data };
        Self { data, lambda: None, ..self }
    }

    /// About what a training costs, in those of the default network on the whole data.
    #[must_use]
    pub fn weight(self) -> f64 {
        let net = if self.net == Net::Small { 0.4 } else { 1.0 };
        let data = match self.data {
            Variant::Half => 0.55,
            // Of the digits.
            Variant::Unordered => 0.9,
            Variant::Whole | Variant::Bins(_) => 1.0,
        };
        net * data
    }

    /// A name for files.
    #[must_use]
    pub fn name(self) -> String {
        let lambda = self.lambda.map_or(String::new(), |lambda| format!("-lambda{lambda}"));
        format!("{}-{}-{}{lambda}", self.data.name(), self.net.name(), self.loss)
    }
}

/// What is chosen on a validation split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuned {
    /// The learning rate.
    pub learning_rate: f32,
    /// Weight of the entropy, for A-EMD alone.
    pub regulariser: Option<f32>,
}

impl std::fmt::Display for Tuned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.learning_rate)?;
        self.regulariser.map_or(Ok(()), |weight| write!(f, ", regulariser {weight}"))
    }
}

/// One training: a method in one repetition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What is trained.
    pub method: Method,
    /// Which repetition, from 1: a seed, or a fold.
    pub repeat: usize,
}

impl Trial {
    /// The name of its folder.
    #[must_use]
    pub fn name(self, setup: &Setup) -> String {
        let kind = if setup.folds.is_some() { "fold" } else { "seed" };
        format!("{}-{kind}{}", self.method.name(), self.repeat)
    }

    /// The training whose final ground distance it reads: approximate EMD has none of its own, and takes that of XEMD2 on
    /// the same network (section 4.3).
    #[must_use]
    pub fn teacher(self) -> Option<Self> {
        let method = Method { loss: Loss::Xemd2, ..self.method };
        (self.method.loss == Loss::AEmd).then_some(Self { method, ..self })
    }

    /// What is to be trained with what was chosen for it, where all trainings lie in `folder`.
    #[must_use]
    pub fn cell(self, setup: &Setup, folder: &Path, tuned: Tuned) -> Cell {
        let Method { data, net, loss, lambda } = self.method;
        let (channels, hidden) = net.layers();
        let bins = if let Variant::Bins(bins) = data { Some(bins) } else { None };
        let seed = if setup.folds.is_some() { 1 } else { self.repeat as u32 };
        let fold = setup.folds.map(|_| self.repeat);
        Cell {
            source: setup.source(data),
            protocol: Protocol { folds: setup.folds, fold, bins, share: setup.share(data), validation: None },
            settings: Settings {
                losses: vec![loss],
                epochs: setup.epochs,
                batch: setup.batch,
                learning_rate: tuned.learning_rate,
                regulariser: tuned.regulariser.unwrap_or(Settings::default().regulariser),
                momentum: setup.momentum,
                seed,
                channels,
                hidden,
                lambda: lambda.map_or(Lambda::Auto, Lambda::Fixed),
                augmentation: Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true },
                ..Settings::default()
            },
            ground: self.teacher().map(|teacher| {
                folder.join(teacher.name(setup)).join(format!("ground-distance-{}.csv", teacher.method.loss))
            }),
            search: false,
        }
    }
}
