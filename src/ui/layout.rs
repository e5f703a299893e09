//! Layouts of the classes by epoch, each turned to where the one before it was, so that nothing flips or jumps.

use super::known::Known;
use super::scaling::{align, scale};
use crate::nn::Loss;
use crate::train::EpochResult;
use crate::train::seriation::{order_tau, seriate};
use std::collections::BTreeMap;
use std::time::Duration;
use web_time::Instant;

/// Most classes that are laid out; the time of it grows with their cube.
pub const MOST_CLASSES: usize = 100;
/// Time in a frame for layouts; what is left waits for the next.
const TIME: Duration = Duration::from_millis(10);

/// Which distances the classes are laid out by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// The ground distance D.
    #[default]
    Ground,
    /// The raw distances.
    Raw,
}

impl Basis {
    /// Those distances of an epoch, classes x classes.
    pub fn of(self, result: &EpochResult) -> &[f64] {
        match self {
            Self::Ground => &result.ground,
            Self::Raw => &result.distances,
        }
    }
}

/// The classes of one epoch laid out by their distances.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The place of each class in one dimension.
    pub line: Vec<f64>,
    /// The place of each class in two dimensions.
    pub plane: Vec<[f64; 2]>,
    /// Share of the distances that one dimension shows, and that two do.
    pub shares: [f64; 2],
    /// The classes in the order that the distances tell.
    pub order: Vec<usize>,
    /// How well that order agrees with the true one, 0 to 1.
    pub tau: f64,
}

impl Layout {
    /// That of these distances, turned to where another was; without one, such that classes ascend to the right
    /// and those in the middle are above.
    pub fn new(distances: &[f64], classes: usize, before: Option<&Self>) -> Option<Self> {
        let scaled = scale(distances, classes)?;
        let order = seriate(distances, classes);
        let mut line: Vec<f64> = scaled.places.iter().map(|place| place[0]).collect();
        let mut plane = scaled.places;
        let middle = classes.saturating_sub(1) as f64 / 2.0;
        let ascending: Vec<[f64; 2]> = (0..classes).map(|class| [class as f64 - middle, 0.0]).collect();
        let old_line: Vec<f64> =
            before.map_or_else(|| ascending.iter().map(|place| place[0]).collect(), |before| before.line.clone());
        if line.iter().zip(&old_line).map(|(x, y)| x * y).sum::<f64>() < 0.0 {
            line.iter_mut().for_each(|place| *place = -*place);
        }
        match before {
            Some(before) => align(&mut plane, &before.plane),
            None => {
                // Ordered classes lie on a bow; its ends are below.
                let bow: f64 = plane.iter().zip(&ascending).map(|(place, at)| place[1] * at[0].abs()).sum();
                let up = if bow > 0.0 { -1.0 } else { 1.0 };
                plane.iter_mut().zip(&line).for_each(|(place, &along)| *place = [along, up * place[1]]);
            }
        }
        let tau = order_tau(&order);
        Some(Self { line, plane, shares: scaled.shares, order, tau })
    }
}

/// Layouts of one racer by epoch.
#[derive(Default)]
pub struct Layouts {
    /// The run, the racer and the distances.
    of: Option<(usize, Loss, Basis)>,
    /// With the seconds at which the epoch was over, by which it is known again; nothing where it cannot be laid out.
    by_epoch: BTreeMap<usize, (f64, Option<Layout>)>,
}

impl Layouts {
    /// The layout of an epoch, and whether it is there yet. Epochs are laid out one after the other from the first, as far
    /// as there is time in this frame.
    pub fn at(&mut self, known: &Known, loss: Loss, basis: Basis, epoch: usize) -> (Option<&Layout>, bool) {
        self.forget_others(known, loss, basis);
        let begun = Instant::now();
        let classes = known.classes().len();
        for (&epoch, results) in known.epochs.range(..=epoch) {
            if self.by_epoch.contains_key(&epoch) {
                continue;
            }
            let Some(result) = of_loss(results, loss) else { continue };
            let before = self.by_epoch.range(..epoch).rev().find_map(|(_, (_, layout))| layout.as_ref());
            let layout = Layout::new(basis.of(result), classes, before);
            self.by_epoch.insert(epoch, (result.row.seconds, layout));
            if begun.elapsed() >= TIME {
                break;
            }
        }
        let ready = self.by_epoch.contains_key(&epoch);
        (self.by_epoch.get(&epoch).and_then(|(_, layout)| layout.as_ref()), ready)
    }

    /// Forgets all where they are another racer's, another run's, or of an epoch that was trained again.
    fn forget_others(&mut self, known: &Known, loss: Loss, basis: Basis) {
        let is_known = |(epoch, (seconds, _)): (&usize, &(f64, Option<Layout>))| {
            let result = known.epochs.get(epoch).and_then(|results| of_loss(results, loss));
            result.is_some_and(|result| result.row.seconds == *seconds)
        };
        let of = Some((known.run, loss, basis));
        if self.of != of || !self.by_epoch.iter().all(is_known) {
            self.of = of;
            self.by_epoch.clear();
        }
    }
}

fn of_loss(results: &[EpochResult], loss: Loss) -> Option<&EpochResult> {
    results.iter().find(|result| result.row.loss == loss.name())
}

#[cfg(test)]
mod tests;
