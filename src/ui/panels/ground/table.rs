//! The matrices that can be shown of an epoch, each made once.

use crate::train::{EpochResult, Ground};
use crate::ui::theme::{ColorMap, difference};
use eframe::egui::Color32;

/// Which matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The ground distance (equation 13).
    #[default]
    Ground,
    /// Raw distances between centroids (equation 2).
    Raw,
    /// Ranks by row (equation 12).
    Ranks,
    /// The ground distance less that of ordered classes.
    Difference,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ground, Self::Raw, Self::Ranks, Self::Difference];

    /// A short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ground => "D",
            Self::Raw => "raw",
            Self::Ranks => "ranks",
            Self::Difference => "D - ordered",
        }
    }

    /// What it is, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ground => "ground distance D",
            Self::Raw => "raw distances",
            Self::Ranks => "ranks R",
            Self::Difference => "D less |i - j| / (C - 1)",
        }
    }

    /// The term that tells of it.
    pub fn term(self) -> &'static str {
        match self {
            Self::Ground => "D",
            Self::Raw => "distances",
            Self::Ranks => "ranks",
            Self::Difference => "difference",
        }
    }

    /// The values of the first and the last colour, where this is the largest entry.
    pub fn range(self, most: f64) -> [f64; 2] {
        match self {
            Self::Ground | Self::Ranks => [0.0, 1.0],
            Self::Raw => [0.0, most],
            Self::Difference => [-1.0, 1.0],
        }
    }

    /// The colour of a value.
    pub fn color(self, value: f64, most: f64, map: ColorMap) -> Color32 {
        match self {
            Self::Ground | Self::Ranks => map.color(value),
            Self::Raw => map.color(value / most),
            Self::Difference => difference(value),
        }
    }

    /// A value as it stands in a cell.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Raw if value != 0.0 && value.abs() < 0.095 => format!("{value:.3}"),
            _ => format!("{value:.2}"),
        }
    }

    /// A value in more digits.
    pub fn precise(self, value: f64) -> String {
        format!("{value:.4}")
    }

    fn values(self, result: &EpochResult) -> Vec<f64> {
        let classes = result.ground.len().isqrt();
        match self {
            Self::Ground => result.ground.clone(),
            Self::Raw => result.distances.clone(),
            Self::Ranks => ranks(&result.distances, classes),
            Self::Difference => {
                let ordered = Ground::Ordered.matrix(classes).unwrap_or_default();
                result.ground.iter().zip(ordered).map(|(learned, ordered)| learned - f64::from(ordered)).collect()
            }
        }
    }
}

/// Ranks by row: the share of a row's distances that are smaller (equation 12), classes x classes.
pub fn ranks(distances: &[f64], classes: usize) -> Vec<f64> {
    let (mut ranks, row_of) = (vec![0.0; distances.len()], classes.max(1));
    for (row, ranks) in distances.chunks_exact(row_of).zip(ranks.chunks_exact_mut(row_of)) {
        let mut ascending: Vec<(f64, usize)> = row.iter().copied().zip(0..).collect();
        ascending.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let (mut smaller, mut before) = (0, f64::INFINITY);
        for (at, (distance, class)) in ascending.into_iter().enumerate() {
            // Equal distances share a rank.
            smaller = if before < distance { at } else { smaller };
            before = distance;
            ranks[class] = smaller as f64 / classes as f64;
        }
    }
    ranks
}

/// The matrix that was shown last.
#[derive(Default)]
pub struct Tables {
    /// Which it is: kind, loss, epoch and the seconds at which the epoch was over.
    key: Option<(Kind, String, usize, f64)>,
    values: Vec<f64>,
    most: f64,
}

impl Tables {
    /// A matrix of an epoch with its largest entry, classes x classes.
    pub fn of(&mut self, kind: Kind, result: &EpochResult) -> (&[f64], f64) {
        let row = &result.row;
        let is_it = |(of, loss, epoch, seconds): &(Kind, String, usize, f64)| {
            (*of, loss, *epoch, *seconds) == (kind, &row.loss, row.epoch, row.seconds)
        };
        if !self.key.as_ref().is_some_and(is_it) {
            self.key = Some((kind, row.loss.clone(), row.epoch, row.seconds));
            self.values = kind.values(result);
            let most = self.values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
            self.most = if most > 0.0 { most } else { 1.0 };
        }
        (&self.values, self.most)
    }
}

#[cfg(test)]
mod tests;
