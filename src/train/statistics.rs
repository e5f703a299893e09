//! What several runs say together: mean and standard deviation over seeds and folds, and the paired bootstrap interval
//! of a difference, so that no claim rests on one lucky run.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// Times that a bootstrap draws anew.
pub const RESAMPLES: usize = 2000;

/// Mean and spread of some numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (of the sample: n - 1); absent for a single one.
    pub deviation: Option<f64>,
    /// How many there are.
    pub count: usize,
}

impl Spread {
    /// Of these numbers; `None` where there are none or one is not finite.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let count = numbers.len();
        if count == 0 || numbers.iter().any(|number| !number.is_finite()) {
            return None;
        }
        let mean = numbers.iter().sum::<f64>() / count as f64;
        let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
        let deviation = (count > 1).then(|| (squares / (count - 1) as f64).sqrt());
        Some(Self { mean, deviation, count })
    }

    /// `61.3 ± 0.8`, with so many decimals.
    #[must_use]
    pub fn text(&self, decimals: usize) -> String {
        match self.deviation {
            Some(deviation) => format!("{:.decimals$} ± {deviation:.decimals$}", self.mean),
            None => format!("{:.decimals$}", self.mean),
        }
    }
}

/// A difference with the interval in which 95 of 100 drawn anew lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The difference as measured.
    pub mean: f64,
    /// 2.5 of 100 lie below.
    pub low: f64,
    /// 2.5 of 100 lie above.
    pub high: f64,
}

impl Interval {
    /// `+2.1 [+0.4, +3.9]`, with so many decimals.
    #[must_use]
    pub fn text(&self, decimals: usize) -> String {
        let Self { mean, low, high } = self;
        format!("{mean:+.decimals$} [{low:+.decimals$}, {high:+.decimals$}]")
    }
}

/// Student's t of which 2.5 of 100 lie above, for 1 to 30 degrees of freedom; beyond them that of the last, which is a little
/// too wide.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The interval around a number of which the variance is estimated with so many degrees of freedom, rounded down.
fn student(mean: f64, variance: f64, freedom: f64) -> Interval {
    let degrees = (freedom as usize).clamp(1, STUDENT.len());
    let reach = STUDENT[degrees - 1] * variance.sqrt();
    Interval { mean, low: mean - reach, high: mean + reach }
}

/// Student's interval of the mean of a few numbers, one a run: a bootstrap of so few would be far too narrow. `None` where
/// there are fewer than two, which tell nothing of their spread, or one is not finite.
#[must_use]
pub fn mean_interval(numbers: &[f64]) -> Option<Interval> {
    let Spread { mean, deviation, count } = Spread::of(numbers)?;
    Some(student(mean, deviation?.powi(2) / count as f64, count as f64 - 1.0))
}

/// Welch's interval of the difference of the means of two lists that are not paired. `None` as for [`mean_interval`].
#[must_use]
pub fn difference_interval(first: &[f64], second: &[f64]) -> Option<Interval> {
    let (first, second) = (Spread::of(first)?, Spread::of(second)?);
    let share = |spread: &Spread| Some(spread.deviation?.powi(2) / spread.count as f64);
    let (a, b) = (share(&first)?, share(&second)?);
    let squares = a * a / (first.count - 1) as f64 + b * b / (second.count - 1) as f64;
    // Without any spread there is nothing to be wide.
    let freedom = if squares > 0.0 { (a + b).powi(2) / squares } else { 1.0 };
    Some(student(first.mean - second.mean, a + b, freedom))
}

/// The paired bootstrap interval of a difference over runs (seeds or folds), each on test images of its own: draws runs
/// with replacement, and within each drawn run its images with replacement, so that both what the seed and what the
/// images leave to chance count. A single run leaves the images alone.
///
/// `images` holds the number of test images of each run; `difference` says, of a run and some of its images (repeated as
/// drawn), by how much the first of two methods scores above the second on the same images, or nothing where that is
/// undefined. The same inputs give the same interval. `None` where nothing is defined.
pub fn paired_bootstrap(
    images: &[usize],
    difference: impl Fn(usize, &[usize]) -> Option<f64>,
    resamples: usize,
) -> Option<Interval> {
    let whole: Vec<Vec<usize>> = images.iter().map(|&count| (0..count).collect()).collect();
    let mean = mean(whole.iter().enumerate().map(|(run, all)| difference(run, all)))?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut drawn = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        let runs: Vec<usize> = images.iter().map(|_| rng.random_range(0..images.len())).collect();
        let of_run = |run: usize| {
            let count = images[run];
            let some: Vec<usize> = (0..count).map(|_| rng.random_range(0..count)).collect();
            difference(run, &some)
        };
        drawn.extend(self::mean(runs.into_iter().map(of_run)));
    }
    drawn.sort_by(f64::total_cmp);
    Some(Interval { mean, low: quantile(&drawn, 0.025)?, high: quantile(&drawn, 0.975)? })
}

/// The mean; `None` where there is none or one is undefined.
fn mean(numbers: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let numbers: Vec<f64> = numbers.collect::<Option<_>>()?;
    Spread::of(&numbers).map(|spread| spread.mean)
}

/// The quantile of ascending numbers, between two of them in proportion.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_those_of_the_sample() {
        let spread = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((spread.mean, spread.count), (5.0, 8));
        assert!((spread.deviation.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() <= 1e-12);
        assert_eq!(spread.text(1), "5.0 ± 2.1");
        assert_eq!(Spread::of(&[3.0]).unwrap().text(2), "3.00");
        assert_eq!((Spread::of(&[]), Spread::of(&[1.0, f64::NAN])), (None, None));
    }

    /// Against SciPy's `ttest_1samp` and, with `equal_var=False`, `ttest_ind`, whose 2.14 degrees of freedom are not rounded
    /// down to 2: it has [-1.6255, 5.6255].
    #[test]
    fn intervals_of_few_numbers_are_students() {
        let near = |found: Option<Interval>, low: f64, high: f64| {
            let found = found.unwrap();
            assert!((found.low - low).abs() <= 1e-3 && (found.high - high).abs() <= 1e-3, "{found:?}");
        };
        near(mean_interval(&[1.0, 2.0, 4.0]), -1.4612, 6.1279);
        near(mean_interval(&[5.0; 4]), 5.0, 5.0);
        assert_eq!((mean_interval(&[1.0]), mean_interval(&[1.0, f64::NAN])), (None, None));
        let found = difference_interval(&[1.0, 2.0, 4.0], &[0.0, 0.5, 0.5]).unwrap();
        assert!((found.mean - 2.0).abs() <= 1e-12 && found.low < -1.6255 && found.high > 5.6255, "{found:?}");
        near(Some(found), -1.8621, 5.8621);
        near(difference_interval(&[2.0, 2.0], &[1.0, 1.0]), 1.0, 1.0);
        assert_eq!(difference_interval(&[1.0, 2.0], &[1.0]), None);
    }

    #[test]
    fn quantiles_are_numpys() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!((quantile(&sorted, 0.0), quantile(&sorted, 1.0)), (Some(1.0), Some(8.0)));
        assert_eq!((quantile(&sorted, 0.5), quantile(&sorted, 0.25)), (Some(3.0), Some(1.75)));
        assert_eq!(quantile(&[], 0.5), None);
    }

    /// Against `scipy.stats.bootstrap(method="percentile", paired=True)` of 2,000 draws, which gave [0.0467, 0.1567]; both
    /// ends vary by chance.
    #[test]
    fn one_runs_interval_is_scipys() {
        let differences: Vec<f64> =
            (0..300).map(|i| f64::from(i * 37 % 100 < 20) - f64::from(i * 53 % 100 < 10)).collect();
        let mean = |_, some: &[usize]| Some(some.iter().map(|&i| differences[i]).sum::<f64>() / some.len() as f64);
        let found = paired_bootstrap(&[300], mean, RESAMPLES).unwrap();
        assert!((found.mean - 0.1).abs() <= 1e-12, "{found:?}");
        let far = |found: f64, expected: f64| (found - expected).abs();
        assert!(far(found.low, 0.0467) <= 0.01 && far(found.high, 0.1567) <= 0.01, "{found:?}");
        assert_eq!(found, paired_bootstrap(&[300], mean, RESAMPLES).unwrap(), "the same each time");
    }

    #[test]
    fn runs_that_disagree_widen_the_interval() {
        let steady = paired_bootstrap(&[50; 4], |_, some| Some(some.len() as f64), RESAMPLES).unwrap();
        assert_eq!((steady.low, steady.high), (50.0, 50.0));
        let by_run = paired_bootstrap(&[50; 4], |run, _| Some(run as f64), RESAMPLES).unwrap();
        assert_eq!(by_run.mean, 1.5);
        assert!(by_run.low < 0.8 && by_run.high > 2.2, "{by_run:?}");
    }

    #[test]
    fn what_is_undefined_has_no_interval() {
        assert_eq!(paired_bootstrap(&[], |_, _| Some(1.0), 10), None);
        assert_eq!(paired_bootstrap(&[5, 5], |run, _| (run == 0).then_some(1.0), 10), None);
        assert_eq!(paired_bootstrap(&[5], |_, _| Some(f64::NAN), 10), None);
    }
}
