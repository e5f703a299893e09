//! The columns of an epoch's row that make a curve.

use crate::train::EpochRow;

/// A column that makes a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Exact matches, percent.
    Aem,
    /// At most one class off, percent.
    Aeo,
    /// Mean training loss.
    Loss,
    /// Mean absolute error in classes.
    Mae,
    /// Spearman's rank correlation.
    Spearman,
    /// Quadratic weighted kappa.
    Qwk,
    /// Mean absolute error, averaged over classes.
    Amae,
    /// Ranked probability score.
    Rps,
    /// Expected calibration error.
    Ece,
    /// Exact matches on the training images, percent.
    TrainAem,
    /// Not among the five most probable, percent.
    TopFive,
    /// Spread of the raw distances.
    Sdd,
    /// Weight of the distance term.
    Lambda,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Aem,
        Self::Aeo,
        Self::Loss,
        Self::Mae,
        Self::Spearman,
        Self::Qwk,
        Self::Amae,
        Self::Rps,
        Self::Ece,
        Self::TrainAem,
        Self::TopFive,
        Self::Sdd,
        Self::Lambda,
    ];

    /// Its term, by which it has its tooltip.
    pub fn term(self) -> &'static str {
        match self {
            Self::Aem => "AEM",
            Self::Aeo => "AEO",
            Self::Loss => "loss",
            Self::Mae => "MAE",
            Self::Spearman => "Spearman",
            Self::Qwk => "QWK",
            Self::Amae => "AMAE",
            Self::Rps => "RPS",
            Self::Ece => "ECE",
            Self::TrainAem => "training AEM",
            Self::TopFive => "top-5 error",
            Self::Sdd => "SDD",
            Self::Lambda => "lambda",
        }
    }

    /// Its title: the term with its unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::Aem => "AEM: exact match, %",
            Self::Aeo => "AEO: at most one class off, %",
            Self::Loss => "training loss",
            Self::Mae => "MAE, classes",
            Self::Spearman => "Spearman's correlation",
            Self::Qwk => "quadratic weighted kappa",
            Self::Amae => "AMAE: MAE averaged over classes",
            Self::Rps => "ranked probability score",
            Self::Ece => "expected calibration error",
            Self::TrainAem => "AEM on training images, %",
            Self::TopFive => "top-5 error, %",
            Self::Sdd => "SDD: spread of raw distances",
            Self::Lambda => "lambda",
        }
    }

    /// Its value in a row; nothing where it does not exist or is no finite number.
    pub fn of(self, row: &EpochRow) -> Option<f64> {
        let value = match self {
            Self::Aem => Some(row.aem),
            Self::Aeo => Some(row.aeo),
            Self::Loss => Some(row.train_loss),
            Self::Mae => Some(row.mae),
            Self::Spearman => row.spearman,
            Self::Qwk => row.qwk,
            Self::Amae => Some(row.amae),
            Self::Rps => row.rps,
            Self::Ece => row.ece,
            Self::TrainAem => Some(row.train_aem),
            Self::TopFive => row.top5_error,
            Self::Sdd => row.sdd,
            Self::Lambda => row.lambda,
        };
        value.filter(|value| value.is_finite())
    }

    /// Whether it is a share in percent.
    pub fn is_percent(self) -> bool {
        matches!(self, Self::Aem | Self::Aeo | Self::TrainAem | Self::TopFive)
    }

    /// A value in as many digits as say something.
    pub fn text(self, value: f64) -> String {
        match self {
            _ if self.is_percent() => format!("{value:.1}"),
            Self::Sdd => format!("{value:.4}"),
            _ => format!("{value:.3}"),
        }
    }
}
