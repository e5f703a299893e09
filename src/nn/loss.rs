//! The losses by name, with what the paper sets for each (section 4.3).

use super::labels;
use super::model::Model;
use crate::plan::{Link, LossKind};
use serde::{Deserialize, Serialize};

/// What the training data have to say of their samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labelling {
    /// Samples.
    pub samples: usize,
    /// Classes.
    pub classes: usize,
    /// Whether there is a distribution over the classes for each sample.
    pub votes: bool,
}

/// What a loss is trained on in place of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The sample's real value.
    Values,
    /// The sample's own distribution over the classes.
    Votes,
    /// The distribution of its class.
    Classes,
}

/// A loss by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Cross-entropy.
    Xe,
    /// The squared error of one linear output against the sample's real value (section 4.3).
    Reg,
    /// The squared earth mover's distance of ordered classes (equation 10).
    Emd,
    /// The linear earth mover's distance (equation 14), which collapses when it stands alone.
    EmdLinear,
    /// Self-guided with omega 1 and mu -0.5 (equation 16).
    Xemd1,
    /// Self-guided with omega 2 and mu -0.25 (equation 16).
    Xemd2,
    /// The entropy-regularised earth mover's distance (Frogner et al.).
    AEmd,
    /// Conditional probabilities of a class above each (Shi, Cao and Raschka).
    Corn,
    /// Cross-entropy against labels that fall off with the distance in classes (Diaz and Marathe).
    Sord,
    /// One minus the quadratic weighted kappa of a batch (de la Torre, Puig and Valls).
    Qwk,
    /// Cross-entropy against binomial distributions (Liu et al.).
    Binomial,
}

impl Loss {
    /// All losses.
    pub const ALL: [Self; 11] = [
        Self::Xe,
        Self::Emd,
        Self::EmdLinear,
        Self::Xemd1,
        Self::Xemd2,
        Self::Reg,
        Self::AEmd,
        Self::Corn,
        Self::Sord,
        Self::Qwk,
        Self::Binomial,
    ];

    /// The name on the command line, in files and in figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Xe => "xe",
            Self::Reg => "reg",
            Self::Emd => "emd",
            Self::EmdLinear => "emd-linear",
            Self::Xemd1 => "xemd1",
            Self::Xemd2 => "xemd2",
            Self::AEmd => "a-emd",
            Self::Corn => "corn",
            Self::Sord => "sord",
            Self::Qwk => "qwk",
            Self::Binomial => "binomial",
        }
    }

    /// Which kernel computes it on such data.
    #[must_use]
    pub fn kind(self, labelling: Labelling) -> LossKind {
        match self {
            Self::Xe if labelling.votes => LossKind::SoftCrossEntropy { rows: labelling.samples },
            Self::Xe => LossKind::CrossEntropy,
            Self::Reg => LossKind::Regression { rows: labelling.samples },
            Self::Emd if labelling.votes => LossKind::SoftEmd { rows: labelling.samples },
            Self::Emd => LossKind::Emd,
            Self::EmdLinear => LossKind::EmdLinear,
            Self::Xemd1 | Self::Xemd2 => LossKind::Xemd,
            Self::Sord | Self::Binomial => LossKind::SoftCrossEntropy { rows: labelling.classes },
            Self::AEmd => LossKind::ApproximateEmd,
            Self::Corn => LossKind::Corn,
            Self::Qwk => LossKind::Qwk,
        }
    }

    /// Omega and mu of equation 16. The paper's text says that mu is negative, its list of
    /// methods prints 0.5 and 0.25: these signs make the term zero at D = 0.5 and reward the
    /// classes nearer than that.
    #[must_use]
    pub fn omega_and_mu(self) -> (f32, f32) {
        match self {
            Self::Xemd2 => (2.0, -0.25),
            _ => (1.0, -0.5),
        }
    }

    /// Whether lambda of equation 16 plays a part.
    #[must_use]
    pub fn is_self_guided(self) -> bool {
        matches!(self, Self::Xemd1 | Self::Xemd2)
    }

    /// Whether it reads a ground distance.
    #[must_use]
    pub fn reads_ground(self) -> bool {
        self.is_self_guided() || matches!(self, Self::EmdLinear | Self::AEmd)
    }

    /// What it is trained on in place of the class, where the data have votes or have none.
    #[must_use]
    pub fn table(self, votes: bool) -> Option<Table> {
        match self {
            Self::Reg => Some(Table::Values),
            Self::Xe | Self::Emd => votes.then_some(Table::Votes),
            Self::Sord | Self::Binomial => Some(Table::Classes),
            _ => None,
        }
    }

    /// The distribution that it trains each class on, classes x classes, where it has its own.
    #[must_use]
    pub fn class_labels(self, classes: usize) -> Option<Vec<f64>> {
        match self {
            Self::Sord => Some(labels::sord(classes)),
            Self::Binomial => Some(labels::binomial(classes)),
            _ => None,
        }
    }

    /// How the outputs that it trains become a prediction.
    #[must_use]
    pub fn link(self) -> Link {
        match self {
            Self::Reg => Link::Identity,
            Self::Corn => Link::Conditional,
            _ => Link::Softmax,
        }
    }

    /// The network that it trains in place of one with an output a class: the same but for the last layer's outputs.
    #[must_use]
    pub fn network(self, model: &Model) -> Model {
        model.with_outputs(self.link().outputs(model.classes()))
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Loss {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|loss| loss.name() == name);
        found.ok_or_else(|| format!("there is no loss `{name}`; there are {}", known()))
    }
}
