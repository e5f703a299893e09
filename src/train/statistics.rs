//! What several runs say together: mean and standard deviation over seeds and folds, and the interval of a difference, so
//! that no claim rests on one lucky run. Runs are what is counted, not images: a thousand images of one run are one run.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// Times that a bootstrap draws anew.
const RESAMPLES: usize = 2000;

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

/// What an interval is made of, and so what it allows for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// Student's t over so many runs, each with test images of its own: allows for both.
    Runs(usize),
    /// Student's t over so many runs, and a bootstrap of the test images that all of them share.
    RunsAndImages(usize),
    /// A bootstrap of the test images of a single run: says nothing of what another seed would have given.
    Images,
}

impl Basis {
    /// In words.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Runs(runs) => format!("t over {runs} runs"),
            Self::RunsAndImages(runs) => format!("t over {runs} runs and bootstrap of their images"),
            Self::Images => "bootstrap of one run's images".to_owned(),
        }
    }
}

/// A difference with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The difference as measured.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// What it is made of.
    pub basis: Basis,
}

impl Interval {
    /// `+2.1 [+0.4, +3.9]`, with so many decimals.
    #[must_use]
    pub fn text(&self, decimals: usize) -> String {
        let Self { mean, low, high, .. } = self;
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
fn student(mean: f64, variance: f64, freedom: f64, basis: Basis) -> Interval {
    let degrees = (freedom as usize).clamp(1, STUDENT.len());
    let reach = STUDENT[degrees - 1] * variance.sqrt();
    Interval { mean, low: mean - reach, high: mean + reach, basis }
}

/// Degrees of freedom of a sum of estimated variances, each with its own (Welch and Satterthwaite).
fn freedom(variances: [(f64, usize); 2]) -> f64 {
    let sum: f64 = variances.iter().map(|(variance, _)| variance).sum();
    let squares: f64 = variances.iter().map(|(variance, freedom)| variance * variance / *freedom as f64).sum();
    // Without any spread there is nothing to be wide.
    if squares > 0.0 { sum * sum / squares } else { 1.0 }
}

/// Student's interval of the mean of a few numbers, one a run: a bootstrap of so few would be far too narrow. `None` where
/// there are fewer than two, which tell nothing of their spread, or one is not finite.
#[must_use]
pub fn mean_interval(numbers: &[f64]) -> Option<Interval> {
    let Spread { mean, deviation, count } = Spread::of(numbers)?;
    Some(student(mean, deviation?.powi(2) / count as f64, count as f64 - 1.0, Basis::Runs(count)))
}

/// Welch's interval of the difference of the means of two lists that are not paired. `None` as for [`mean_interval`].
#[must_use]
pub fn difference_interval(first: &[f64], second: &[f64]) -> Option<Interval> {
    let (first, second) = (Spread::of(first)?, Spread::of(second)?);
    let share = |spread: &Spread| Some(spread.deviation?.powi(2) / spread.count as f64);
    let (a, b) = (share(&first)?, share(&second)?);
    let freedom = freedom([(a, first.count - 1), (b, second.count - 1)]);
    Some(student(first.mean - second.mean, a + b, freedom, Basis::Runs(first.count.min(second.count))))
}

/// The interval of a paired difference over runs (seeds or folds).
///
/// `images` holds the number of test images of each run; `difference` says, of a run and some of its images (repeated as
/// drawn), by how much the first of two methods scores above the second on the same images, or nothing where that is
/// undefined. Several runs: Student's interval of their differences. Where all are tested on the same images (`shared`), what
/// these leave to chance is in no difference between runs: the variance of the mean under a bootstrap of the images, one draw
/// for all runs, is added. A single run: the percentile bootstrap of its images. The same inputs give the same interval.
/// `None` where there is no run, or nothing is defined in one.
pub fn paired_interval(
    images: &[usize],
    shared: bool,
    difference: impl Fn(usize, &[usize]) -> Option<f64>,
) -> Option<Interval> {
    let all = |run: usize| difference(run, &(0..images[run]).collect::<Vec<_>>());
    let differences: Vec<f64> = (0..images.len()).map(all).collect::<Option<_>>()?;
    let Spread { mean, deviation, count } = Spread::of(&differences)?;
    let resampled = || {
        let mean = |some: &[usize]| {
            let of_runs = (0..count).map(|run| difference(run, some));
            Spread::of(&of_runs.collect::<Option<Vec<f64>>>()?).map(|spread| spread.mean)
        };
        bootstrap(images[0], mean, RESAMPLES)
    };
    let Some(deviation) = deviation else {
        let drawn = resampled();
        let (low, high) = (quantile(&drawn, 0.025)?, quantile(&drawn, 0.975)?);
        return Some(Interval { mean, low, high, basis: Basis::Images });
    };
    let of_runs = (deviation.powi(2) / count as f64, count - 1);
    if !shared {
        return Some(student(mean, of_runs.0, of_runs.1 as f64, Basis::Runs(count)));
    }
    let of_images = (Spread::of(&resampled())?.deviation?.powi(2), images[0].saturating_sub(1).max(1));
    let variance = of_runs.0 + of_images.0;
    Some(student(mean, variance, freedom([of_runs, of_images]), Basis::RunsAndImages(count)))
}

/// A number of so many images, drawn anew with replacement, ascending; draws of which it is undefined are left out.
fn bootstrap(images: usize, of: impl Fn(&[usize]) -> Option<f64>, resamples: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut some = vec![0; images];
    let mut drawn = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        some.iter_mut().for_each(|image| *image = rng.random_range(0..images));
        drawn.extend(of(&some));
    }
    drawn.sort_by(f64::total_cmp);
    drawn
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

    fn differences() -> Vec<f64> {
        (0..300).map(|i| f64::from(i * 37 % 100 < 20) - f64::from(i * 53 % 100 < 10)).collect()
    }

    /// Against `scipy.stats.bootstrap(method="percentile", paired=True)` of 2,000 draws, which gave [0.0467, 0.1567]; both
    /// ends vary by chance.
    #[test]
    fn one_runs_interval_is_scipys() {
        let differences = differences();
        let mean = |_, some: &[usize]| Some(some.iter().map(|&i| differences[i]).sum::<f64>() / some.len() as f64);
        let found = paired_interval(&[300], false, mean).unwrap();
        assert!((found.mean - 0.1).abs() <= 1e-12 && found.basis == Basis::Images, "{found:?}");
        let far = |found: f64, expected: f64| (found - expected).abs();
        assert!(far(found.low, 0.0467) <= 0.01 && far(found.high, 0.1567) <= 0.01, "{found:?}");
        assert_eq!(found, paired_interval(&[300], false, mean).unwrap(), "the same each time");
    }

    /// Four runs are four numbers, however many images they have: `ttest_rel` of SciPy.
    #[test]
    fn runs_are_what_is_counted() {
        let by_run = [1.0, 2.0, 4.0];
        let of_run = |run: usize, _: &[usize]| Some(by_run[run]);
        let found = paired_interval(&[10_000; 3], false, of_run).unwrap();
        assert_eq!(Some(found), mean_interval(&by_run));
        assert_eq!(found.basis, Basis::Runs(3));
        let steady = paired_interval(&[50; 4], true, |_, some| Some(some.len() as f64)).unwrap();
        assert_eq!((steady.low, steady.high), (50.0, 50.0));
    }

    /// Runs that agree on the images that they share say nothing of other images: the bootstrap of these does. Its standard
    /// deviation is that of the images' mean, 0.0275 here.
    #[test]
    fn shared_images_are_drawn_once_for_all_runs() {
        let differences = differences();
        let mean = |run: usize, some: &[usize]| {
            Some(some.iter().map(|&i| differences[i]).sum::<f64>() / some.len() as f64 + [0.0, 1e-6][run % 2])
        };
        let alone = paired_interval(&[300; 4], false, mean).unwrap();
        assert!(alone.high - alone.low < 1e-5, "{alone:?}");
        let shared = paired_interval(&[300; 4], true, mean).unwrap();
        let deviation = Spread::of(&differences).unwrap().deviation.unwrap() / 300_f64.sqrt();
        let reach = (shared.high - shared.low) / 2.0;
        assert!((reach / (2.042 * deviation) - 1.0).abs() <= 0.1, "{shared:?} against {deviation}");
        assert_eq!(shared.basis, Basis::RunsAndImages(4));
    }

    #[test]
    fn what_is_undefined_has_no_interval() {
        assert_eq!(paired_interval(&[], false, |_, _| Some(1.0)), None);
        assert_eq!(paired_interval(&[5, 5], false, |run, _| (run == 0).then_some(1.0)), None);
        assert_eq!(paired_interval(&[5], false, |_, _| Some(f64::NAN)), None);
    }
}
