//! Losses as operations, and how the outputs of a network become a prediction.

/// A loss with its gradient with respect to the network's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LossKind {
    /// Cross-entropy with 1e-6 added to the probability inside the logarithm (section 2.1).
    CrossEntropy,
    /// The squared earth mover's distance between ordered classes (equation 10).
    Emd,
    /// The linear earth mover's distance to a single label (equation 14), which collapses when it
    /// stands alone.
    EmdLinear,
    /// Cross-entropy with the self-guided squared distance term (equation 16).
    Xemd,
    /// Transport to a single label with an entropy term (A-EMD in section 4.3): the linear distance and
    /// `regulariser` times the sum of p log p.
    ApproximateEmd,
    /// Cross-entropy against a distribution over the classes.
    SoftCrossEntropy {
        /// Distributions in the table of which each sample names one.
        rows: usize,
    },
    /// The squared earth mover's distance of ordered classes to a distribution over them (equation 10).
    SoftEmd {
        /// Distributions in the table of which each sample names one.
        rows: usize,
    },
    /// One minus the quadratic weighted kappa of a batch: its squared errors over those that chance would make with
    /// the same labels and the same predictions. A loss of the batch, not of its samples.
    Qwk,
    /// CORN: of `classes - 1` outputs, the i-th is the logit of a class above i, given one above i - 1. The mean
    /// log-loss of all the questions that the batch's samples answer.
    Corn,
    /// The squared error of a single output against a sample's real value (REG in section 4.3).
    Regression {
        /// Values in the table of which each sample names one.
        rows: usize,
    },
}

impl LossKind {
    /// Whether the loss reads a ground distance matrix.
    #[must_use]
    pub fn reads_ground(self) -> bool {
        matches!(self, Self::EmdLinear | Self::Xemd | Self::ApproximateEmd)
    }

    /// Whether the loss reads a racer's settings.
    #[must_use]
    pub fn reads_settings(self) -> bool {
        matches!(self, Self::Xemd | Self::ApproximateEmd)
    }

    /// Rows and columns of the table of targets, of which each sample names a row.
    #[must_use]
    pub fn table(self, classes: usize) -> Option<[usize; 2]> {
        match self {
            Self::SoftCrossEntropy { rows } | Self::SoftEmd { rows } => Some([rows, classes]),
            Self::Regression { rows } => Some([rows, 1]),
            _ => None,
        }
    }

    /// How the outputs that it trains become a prediction.
    #[must_use]
    pub fn link(self) -> Link {
        match self {
            Self::Corn => Link::Conditional,
            Self::Regression { .. } => Link::Identity,
            _ => Link::Softmax,
        }
    }

    /// The operation's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "loss_xe",
            Self::Emd => "loss_emd",
            Self::EmdLinear => "loss_emd_linear",
            Self::Xemd => "loss_xemd",
            Self::ApproximateEmd => "loss_a_emd",
            Self::SoftCrossEntropy { .. } => "loss_soft_xe",
            Self::SoftEmd { .. } => "loss_soft_emd",
            Self::Qwk => "loss_qwk",
            Self::Corn => "loss_corn",
            Self::Regression { .. } => "loss_reg",
        }
    }
}

/// How the outputs of a network become a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    /// An output a class, whose softmax is the distribution over the classes.
    Softmax,
    /// An output a class but the last: the i-th is the logit of a class above i, given one above i - 1.
    Conditional,
    /// A single output, which is the prediction itself: a real number.
    Identity,
}

impl Link {
    /// Outputs of a network for so many classes.
    #[must_use]
    pub fn outputs(self, classes: usize) -> usize {
        match self {
            Self::Softmax => classes,
            Self::Conditional => classes.saturating_sub(1),
            Self::Identity => 1,
        }
    }

    /// Numbers of a prediction: a probability a class, or the output alone.
    #[must_use]
    pub fn columns(self, classes: usize) -> usize {
        match self {
            Self::Softmax | Self::Conditional => classes,
            Self::Identity => 1,
        }
    }
}
