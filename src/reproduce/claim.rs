//! A claim of the paper held against what was measured.

use super::results::Outcome;
use crate::report::Predicted;
use crate::train::metrics::{spearman, top_error};
use crate::train::statistics::{Interval, RESAMPLES, Spread, paired_bootstrap};

/// What is compared; of each, more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Accuracy of exact match, percent.
    Aem,
    /// Accuracy within one class, percent.
    Aeo,
    /// Spearman's rank correlation.
    Rho,
    /// Accuracy within the five most probable classes, percent.
    Top5,
}

impl Metric {
    /// What it is called in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aem => "AEM %",
            Self::Aeo => "AEO %",
            Self::Rho => "ρ",
            Self::Top5 => "top-5 %",
        }
    }

    /// Decimals that are worth showing.
    #[must_use]
    pub fn decimals(self) -> usize {
        if self == Self::Rho { 4 } else { 1 }
    }

    /// Of these images, repeated as often as they come.
    #[must_use]
    pub fn of(self, predicted: &Predicted, images: &[usize]) -> Option<f64> {
        let share = |within: usize| {
            let hits = images.iter().filter(|&&image| predicted.off(image) <= within).count();
            (!images.is_empty()).then(|| 100.0 * hits as f64 / images.len() as f64)
        };
        match self {
            Self::Aem => share(0),
            Self::Aeo => share(1),
            Self::Rho => {
                let of = |all: &[f64]| -> Vec<f64> { images.iter().map(|&image| all[image]).collect() };
                spearman(&of(&predicted.scores), &of(&predicted.values))
            }
            Self::Top5 => {
                let labels: Vec<u32> = images.iter().map(|&image| predicted.labels[image]).collect();
                let rows: Vec<f32> = images.iter().flat_map(|&image| predicted.row(image)).copied().collect();
                top_error(&rows, &labels, 5).map(|error| 100.0 * (1.0 - error))
            }
        }
    }

    /// Mean and spread over repetitions; `None` where it is undefined in one.
    #[must_use]
    pub fn spread(self, predicted: &[&Predicted]) -> Option<Spread> {
        let of = |predicted: &&Predicted| self.of(predicted, &(0..predicted.len()).collect::<Vec<_>>());
        Spread::of(&predicted.iter().map(of).collect::<Option<Vec<f64>>>()?)
    }

    /// Whether two score the same images; a rank correlation may be of other classes.
    fn can_pair(self, first: &Predicted, second: &Predicted) -> bool {
        if self == Self::Rho { first.names == second.names } else { first.is_paired_with(second) }
    }

    /// By how much the first of two methods is above the second, repetition by repetition and image by image; `None` where
    /// they are not of the same images.
    #[must_use]
    pub fn difference(self, first: &[&Predicted], second: &[&Predicted]) -> Option<Interval> {
        let pairs = || first.iter().zip(second);
        if first.len() != second.len() || !pairs().all(|(first, second)| self.can_pair(first, second)) {
            return None;
        }
        let images: Vec<usize> = first.iter().map(|predicted| predicted.len()).collect();
        let difference = |run: usize, some: &[usize]| Some(self.of(first[run], some)? - self.of(second[run], some)?);
        paired_bootstrap(&images, difference, RESAMPLES)
    }
}

/// How the first of two methods shall stand to the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// Above it.
    Above,
    /// Not below it by more than this.
    NotBelow(f64),
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The whole interval agrees with it.
    Holds,
    /// The whole interval contradicts it.
    DoesNot,
    /// The interval leaves both open.
    CannotTell,
}

impl Judgement {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNot => "does not hold",
            Self::CannotTell => "cannot tell",
        }
    }
}

impl Relation {
    /// Whether an interval of the difference agrees.
    #[must_use]
    pub fn judge(self, interval: &Interval) -> Judgement {
        let least = match self {
            Self::Above => 0.0,
            Self::NotBelow(margin) => -margin,
        };
        match (interval.low > least, interval.high <= least) {
            (true, _) => Judgement::Holds,
            (_, true) => Judgement::DoesNot,
            _ => Judgement::CannotTell,
        }
    }
}

/// A claim that two losses compare so.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The claim, in a sentence.
    pub says: &'static str,
    /// Name of the first loss.
    pub first: &'static str,
    /// Name of the second.
    pub second: &'static str,
    /// What is compared.
    pub metric: Metric,
    /// How they shall stand.
    pub relation: Relation,
}

/// A claim with what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The claim, in a sentence.
    pub claim: String,
    /// The paper's numbers.
    pub paper: String,
    /// Ours, with the interval.
    pub ours: String,
    /// What became of it.
    pub judgement: Judgement,
}

/// What each repetition of a method predicted.
#[must_use]
pub fn predictions(outcomes: &[Outcome]) -> Vec<&Predicted> {
    outcomes.iter().map(|outcome| &outcome.predicted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;

    fn interval(low: f64, high: f64) -> Interval {
        Interval { mean: (low + high) / 2.0, low, high }
    }

    #[test]
    fn only_a_whole_interval_decides() {
        use Judgement::{CannotTell, DoesNot, Holds};
        let above = [(0.1, 2.0), (-1.0, 2.0), (-2.0, -0.1), (0.0, 0.0), (f64::NAN, f64::NAN)];
        let found = above.map(|(low, high)| Relation::Above.judge(&interval(low, high)));
        assert_eq!(found, [Holds, CannotTell, DoesNot, DoesNot, CannotTell]);
        let close = [(-1.9, 0.0), (-2.1, 0.0), (-4.0, -2.1)];
        let found = close.map(|(low, high)| Relation::NotBelow(2.0).judge(&interval(low, high)));
        assert_eq!(found, [Holds, CannotTell, DoesNot]);
    }

    /// Ten images of two classes, the first `right` of them predicted right.
    fn predicted(right: usize) -> Predicted {
        let mut images = Images::with_capacity(1, 10);
        (0..10).for_each(|at| images.push(vec![0; 3], at % 2, f64::from(at), format!("{at}")));
        let probabilities: Vec<f32> =
            (0..10_usize).flat_map(|at| if (at % 2 == 0) == (at < right) { [0.9, 0.1] } else { [0.1, 0.9] }).collect();
        let scores: Vec<f64> = probabilities.chunks(2).map(|row| f64::from(row[1])).collect();
        Predicted::new(&["a".into(), "b".into()], &images, &probabilities, &scores).unwrap()
    }

    #[test]
    fn metrics_and_differences_are_those_of_the_images() {
        let (better, worse) = (predicted(9), predicted(5));
        let all: Vec<usize> = (0..10).collect();
        assert_eq!(Metric::Aem.of(&better, &all), Some(90.0));
        assert_eq!(Metric::Aeo.of(&worse, &all), Some(100.0));
        assert_eq!(Metric::Top5.of(&worse, &all), Some(100.0));
        assert_eq!(Metric::Aem.of(&worse, &[9, 9, 0, 9]), Some(25.0));
        assert_eq!(Metric::Aem.spread(&[&better, &worse]).unwrap().mean, 70.0);
        let found = Metric::Aem.difference(&[&better, &better], &[&worse, &worse]).unwrap();
        assert!(found.mean == 40.0 && found.low > 0.0 && found.high < 100.0, "{found:?}");
        assert_eq!(Metric::Rho.of(&better, &[1, 1]), None);
        let other = Predicted { names: (0..10).map(|at| format!("other {at}")).collect(), ..predicted(5) };
        assert_eq!(Metric::Aem.difference(&[&better], &[&other]), None);
        assert_eq!(Metric::Rho.difference(&[&better], &[&other]), None);
        assert_eq!(Metric::Aem.difference(&[&better], &[&worse, &worse]), None);
        let renamed = Predicted { classes: vec!["c".into(), "d".into()], ..predicted(5) };
        assert!(Metric::Aem.difference(&[&better], &[&renamed]).is_none());
        assert!(Metric::Rho.difference(&[&better], &[&renamed]).is_some());
    }
}
