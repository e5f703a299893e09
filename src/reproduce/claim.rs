//! A claim of the paper held against what was measured.

use super::ReproduceError;
use super::results::Outcome;
use crate::report::Predicted;
use crate::train::metrics::{spearman, top_error};
use crate::train::statistics::{Basis, Interval, Spread, paired_interval};

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

    /// What it takes to compute it for some of the images.
    fn scored(self, predicted: &Predicted) -> Scored<'_> {
        let share = |hit: &dyn Fn(usize) -> bool| {
            Scored::Shares((0..predicted.len()).map(|image| if hit(image) { 100.0 } else { 0.0 }).collect())
        };
        match self {
            Self::Aem => share(&|image| predicted.off(image) == 0),
            Self::Aeo => share(&|image| predicted.off(image) <= 1),
            Self::Rho => Scored::Ranks(&predicted.scores, &predicted.values),
            Self::Top5 => {
                share(&|image| top_error(predicted.row(image), &predicted.labels[image..=image], 5) == Some(0.0))
            }
        }
    }

    /// Of all images.
    #[must_use]
    pub fn of(self, predicted: &Predicted) -> Option<f64> {
        self.scored(predicted).over(&(0..predicted.len()).collect::<Vec<_>>())
    }

    /// Mean and spread over repetitions; `None` where it is undefined in one.
    #[must_use]
    pub fn spread(self, predicted: &[&Predicted]) -> Option<Spread> {
        Spread::of(&predicted.iter().map(|predicted| self.of(predicted)).collect::<Option<Vec<f64>>>()?)
    }

    /// Whether two score the same images; a rank correlation may be of other classes.
    fn can_pair(self, first: &Predicted, second: &Predicted) -> bool {
        if self == Self::Rho { first.has_images_of(second) } else { first.is_paired_with(second) }
    }

    /// By how much the first of two methods is above the second, repetition by repetition; `None` where they are not of the
    /// same images.
    #[must_use]
    pub fn difference(self, first: &[&Predicted], second: &[&Predicted]) -> Option<Interval> {
        let pairs = || first.iter().zip(second);
        if first.len() != second.len() || !pairs().all(|(first, second)| self.can_pair(first, second)) {
            return None;
        }
        let images: Vec<usize> = first.iter().map(|predicted| predicted.len()).collect();
        let shared = first.iter().all(|predicted| predicted.has_images_of(first[0]));
        let scored: Vec<_> = pairs().map(|(first, second)| (self.scored(first), self.scored(second))).collect();
        let difference = |run: usize, some: &[usize]| Some(scored[run].0.over(some)? - scored[run].1.over(some)?);
        paired_interval(&images, shared, difference)
    }
}

/// A metric before it is known of which images.
enum Scored<'a> {
    /// The mean of a number an image.
    Shares(Vec<f64>),
    /// The rank correlation of two numbers an image.
    Ranks(&'a [f64], &'a [f64]),
}

impl Scored<'_> {
    /// Of these images, repeated as often as they come.
    fn over(&self, images: &[usize]) -> Option<f64> {
        match self {
            Self::Shares(_) if images.is_empty() => None,
            Self::Shares(shares) => Some(images.iter().map(|&image| shares[image]).sum::<f64>() / images.len() as f64),
            Self::Ranks(scores, values) => {
                let of = |all: &[f64]| -> Vec<f64> { images.iter().map(|&image| all[image]).collect() };
                spearman(&of(scores), &of(values))
            }
        }
    }
}

/// How the first of two methods shall stand to the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// Above it.
    Above,
    /// As good: not below it by more than another seed or fold would change, which is the standard deviation of the second
    /// method's repetitions.
    AsGood,
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

    /// Of a claim that is made of several: holds where all do, does not where one does not.
    #[must_use]
    pub fn of_all(parts: &[Self]) -> Self {
        match () {
            () if parts.contains(&Self::DoesNot) => Self::DoesNot,
            () if parts.is_empty() || parts.contains(&Self::CannotTell) => Self::CannotTell,
            () => Self::Holds,
        }
    }
}

impl Relation {
    /// Whether an interval of the difference agrees; `deviation` is that of the second method's repetitions. A single run
    /// decides nothing, and neither do runs that differ by the same number, as a few do by chance: which is above, they do not
    /// tell.
    #[must_use]
    pub fn judge(self, interval: &Interval, deviation: Option<f64>) -> Judgement {
        let least = match (self, deviation) {
            (Self::Above, _) => 0.0,
            (Self::AsGood, Some(deviation)) => -deviation,
            (Self::AsGood, None) => return Judgement::CannotTell,
        };
        match (interval.low > least, interval.high <= least) {
            _ if interval.basis == Basis::Images => Judgement::CannotTell,
            _ if self == Self::Above && interval.low == interval.high => Judgement::CannotTell,
            (true, _) => Judgement::Holds,
            // Without any spread both may be equal, which is as good.
            _ if self == Self::AsGood && interval.low >= 0.0 => Judgement::Holds,
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
    /// Whether the paper says so in words, rather than by the numbers of a table alone.
    pub said: bool,
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
    /// Whether it counts as a claim of the paper: one that the paper makes, that its own numbers agree with, and that
    /// trainings can decide.
    pub counted: bool,
}

impl Verdict {
    /// A claim of which nothing is told yet.
    #[must_use]
    pub fn open(claim: impl Into<String>, paper: impl Into<String>, counted: bool) -> Self {
        let (claim, paper) = (claim.into(), paper.into());
        Self { claim, paper, ours: String::new(), judgement: Judgement::CannotTell, counted }
    }

    /// The same with what was found.
    #[must_use]
    pub fn found(self, (ours, judgement): (String, Judgement)) -> Self {
        Self { ours, judgement, ..self }
    }

    /// The same with what outcomes say of it. Where a training had a mishap nothing can be told: what is left is the better
    /// part.
    ///
    /// # Errors
    /// When a training is missing or damaged.
    pub fn judged<T>(
        self,
        outcomes: Result<T, ReproduceError>,
        judge: impl FnOnce(T) -> (String, Judgement),
    ) -> Result<Self, ReproduceError> {
        match outcomes {
            Ok(outcomes) => Ok(self.found(judge(outcomes))),
            Err(ReproduceError::Mishap(mishap)) => Ok(self.found((mishap.to_string(), Judgement::CannotTell))),
            Err(error) => Err(error),
        }
    }
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
        Interval { mean: (low + high) / 2.0, low, high, basis: Basis::Runs(4) }
    }

    #[test]
    fn only_a_whole_interval_decides() {
        use Judgement::{CannotTell, DoesNot, Holds};
        let above = [(0.1, 2.0), (-1.0, 2.0), (-2.0, -0.1), (0.0, 0.0), (f64::NAN, f64::NAN)];
        let found = above.map(|(low, high)| Relation::Above.judge(&interval(low, high), None));
        assert_eq!(found, [Holds, CannotTell, DoesNot, CannotTell, CannotTell]);
        let close = [(-0.9, 0.0), (-1.1, 0.0), (-4.0, -1.1), (f64::NAN, f64::NAN)];
        let found = close.map(|(low, high)| Relation::AsGood.judge(&interval(low, high), Some(1.0)));
        assert_eq!(found, [Holds, CannotTell, DoesNot, CannotTell]);
        assert_eq!(Relation::AsGood.judge(&interval(0.0, 0.0), Some(0.0)), Holds, "equal in all runs");
        assert_eq!(Relation::AsGood.judge(&interval(0.0, 0.0), None), CannotTell);
        let single = Interval { basis: Basis::Images, ..interval(1.0, 2.0) };
        assert_eq!(Relation::Above.judge(&single, None), CannotTell, "another seed may say otherwise");
        assert_eq!(Judgement::of_all(&[Holds, Holds]), Holds);
        assert_eq!(Judgement::of_all(&[Holds, CannotTell]), CannotTell);
        assert_eq!(Judgement::of_all(&[Holds, CannotTell, DoesNot]), DoesNot);
        assert_eq!(Judgement::of_all(&[]), CannotTell);
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
        assert_eq!(Metric::Aem.of(&better), Some(90.0));
        assert_eq!(Metric::Aeo.of(&worse), Some(100.0));
        assert_eq!(Metric::Top5.of(&worse), Some(100.0));
        assert_eq!(Metric::Aem.scored(&worse).over(&[9, 9, 0, 9]), Some(25.0));
        assert_eq!(Metric::Aem.scored(&worse).over(&[]), None);
        assert_eq!(Metric::Aem.spread(&[&better, &worse]).unwrap().mean, 70.0);
        assert_eq!(Metric::Rho.scored(&better).over(&[1, 1]), None);
        let other = Predicted { names: (0..10).map(|at| format!("other {at}")).collect(), ..predicted(5) };
        assert_eq!(Metric::Aem.difference(&[&better], &[&other]), None);
        assert_eq!(Metric::Rho.difference(&[&better], &[&other]), None);
        assert_eq!(Metric::Aem.difference(&[&better], &[&worse, &worse]), None);
        let renamed = Predicted { classes: vec!["c".into(), "d".into()], ..predicted(5) };
        assert!(Metric::Aem.difference(&[&better], &[&renamed]).is_none());
        assert!(Metric::Rho.difference(&[&better], &[&renamed]).is_some());
    }

    /// What runs are tested on decides what their differences allow for.
    #[test]
    fn runs_that_share_their_images_are_told_from_those_that_do_not() {
        let (better, worse) = (predicted(9), predicted(5));
        let shared = Metric::Aem.difference(&[&better, &better], &[&worse, &worse]).unwrap();
        assert!(shared.mean == 40.0 && shared.low < 40.0 && shared.basis == Basis::RunsAndImages(2), "{shared:?}");
        // Faces drawn anew: names and classes as before, other ages.
        let drawn = |right| Predicted { values: (0..10).map(|at| f64::from(at) + 0.5).collect(), ..predicted(right) };
        let apart = Metric::Aem.difference(&[&better, &drawn(8)], &[&worse, &drawn(5)]).unwrap();
        assert_eq!((apart.mean, apart.basis), (35.0, Basis::Runs(2)));
        assert!((apart.high - (35.0 + 12.706 * 5.0)).abs() <= 1e-9, "{apart:?}");
        assert_eq!(Metric::Aem.difference(&[&better], &[&drawn(5)]), None, "other faces");
        assert_eq!(Metric::Aem.difference(&[&better], &[&worse]).unwrap().basis, Basis::Images);
    }
}
