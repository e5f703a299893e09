//! What the test images say: accuracies from a confusion matrix, rank correlations, and the spread of
//! the class distances. Everything is computed on the host in f64; portable.
//!
//! A quantity that does not exist (the accuracy of no images, the correlation with a constant) is `None`,
//! never NaN.

mod correlation;

use serde::{Deserialize, Serialize};

pub use correlation::{kendall, spearman};

/// Why a set of predictions cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// Two inputs that belong together have different lengths.
    #[error("{what} has {found} entries where {expected} are needed")]
    Length {
        /// The input with the wrong length.
        what: &'static str,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// A class index that the data set does not have.
    #[error("{what} {index} is class {class}, but the data set has {classes} classes (0 to {classes} exclusive)")]
    Class {
        /// "label" or "prediction".
        what: &'static str,
        /// Which sample.
        index: usize,
        /// The class it names.
        class: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// There is nothing to evaluate.
    #[error("there are no test images to evaluate; give the data set a test split")]
    Empty,
}

/// How often each class was taken for each other: C x C counts, rows = truth, columns = prediction.
///
/// C is the data set's number of classes, whether or not all of them occur.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// An empty matrix over `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// A matrix of given counts, C x C row-major (truth, prediction).
    ///
    /// # Errors
    /// [`MetricsError::Length`] unless there are `classes` squared counts.
    pub fn from_counts(classes: usize, counts: Vec<u64>) -> Result<Self, MetricsError> {
        expect_length("the confusion matrix", classes * classes, counts.len())?;
        Ok(Self { classes, counts })
    }

    /// The matrix of N labels and N predicted classes.
    ///
    /// # Errors
    /// [`MetricsError::Length`] where the lengths differ, [`MetricsError::Class`] for a class out of range.
    pub fn from_pairs(classes: usize, truth: &[u32], predicted: &[u32]) -> Result<Self, MetricsError> {
        expect_length("the list of predictions", truth.len(), predicted.len())?;
        let mut confusion = Self::new(classes);
        for (index, (&t, &p)) in truth.iter().zip(predicted).enumerate() {
            let t = expect_class("label", index, t as usize, classes)?;
            let p = expect_class("prediction", index, p as usize, classes)?;
            confusion.counts[t * classes + p] += 1;
        }
        Ok(confusion)
    }

    /// C, the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The counts, C x C row-major (truth, prediction).
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many images of class `truth` were predicted as `predicted`; both below C.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes + predicted]
    }

    /// How many images the matrix counts.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Share of images predicted at most `k` classes off, 0 to 1; `None` when empty.
    pub fn within(&self, k: usize) -> Option<f64> {
        self.mean(|truth, predicted| f64::from(truth.abs_diff(predicted) <= k))
    }

    /// Accuracy of exact match (AEM), 0 to 1; `None` when empty.
    pub fn aem(&self) -> Option<f64> {
        self.within(0)
    }

    /// Accuracy within one category off (AEO), 0 to 1; `None` when empty.
    pub fn aeo(&self) -> Option<f64> {
        self.within(1)
    }

    /// Mean absolute error in classes; `None` when empty.
    pub fn mae(&self) -> Option<f64> {
        self.mean(|truth, predicted| truth.abs_diff(predicted) as f64)
    }

    /// Quadratic weighted kappa, -1 to 1: one minus the mean squared error over the one that chance would
    /// make with the same row and column sums.
    ///
    /// `None` when empty, and when every image is of one class and predicted as that class, where chance
    /// cannot err.
    pub fn qwk(&self) -> Option<f64> {
        let total = self.total() as f64;
        let rows = self.sums(|row, _| row);
        let columns = self.sums(|_, column| column);
        let (mut observed, mut expected) = (0.0, 0.0);
        for (i, row) in rows.iter().enumerate() {
            for (j, column) in columns.iter().enumerate() {
                let weight = (i.abs_diff(j) as f64).powi(2);
                observed += weight * self.count(i, j) as f64;
                expected += weight * *row as f64 * *column as f64;
            }
        }
        (expected > 0.0).then(|| 1.0 - observed * total / expected)
    }

    /// Mean of a function of (truth, prediction) over the images.
    fn mean(&self, of: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let total = self.total();
        let sum: f64 = self.cells().map(|(t, p, n)| of(t, p) * n as f64).sum();
        (total > 0).then(|| sum / total as f64)
    }

    /// Counts added up by a key of (truth, prediction) that is below C.
    fn sums(&self, key: impl Fn(usize, usize) -> usize) -> Vec<u64> {
        let mut sums = vec![0; self.classes];
        self.cells().for_each(|(t, p, n)| sums[key(t, p)] += n);
        sums
    }

    /// Every cell as (truth, prediction, count).
    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        let classes = self.classes;
        self.counts.iter().enumerate().map(move |(at, &n)| (at / classes, at % classes, n))
    }
}

fn expect_length(what: &'static str, expected: usize, found: usize) -> Result<(), MetricsError> {
    if expected == found {
        return Ok(());
    }
    Err(MetricsError::Length { what, expected, found })
}

fn expect_class(what: &'static str, index: usize, class: usize, classes: usize) -> Result<usize, MetricsError> {
    if class < classes {
        return Ok(class);
    }
    Err(MetricsError::Class { what, index, class, classes })
}

/// Index of the largest entry; the first of several. NaN counts as smaller than everything; 0 for an empty row.
pub fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, &value) in row.iter().enumerate() {
        if value > row[best] || (row[best].is_nan() && !value.is_nan()) {
            best = i;
        }
    }
    best
}

/// Expectation of the class value under one row of probabilities (section 4.6 of the paper):
/// sum of `probabilities[i] * class_values[i]`, over C classes.
pub fn expected_class(probabilities: &[f32], class_values: &[f64]) -> f64 {
    probabilities.iter().zip(class_values).map(|(&p, value)| f64::from(p) * value).sum()
}

/// The class whose value is nearest to a regression output; the first of several, 0 for NaN.
pub fn nearest_class(output: f64, class_values: &[f64]) -> usize {
    let mut best = 0;
    for (i, value) in class_values.iter().enumerate() {
        if (output - value).abs() < (output - class_values[best]).abs() {
            best = i;
        }
    }
    best
}

/// What a network scores on a test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Counts by true and predicted class.
    pub confusion: Confusion,
    /// Accuracy of exact match, 0 to 1.
    pub aem: f64,
    /// Accuracy within one category off, 0 to 1.
    pub aeo: f64,
    /// Mean absolute error in classes.
    pub mae: f64,
    /// Quadratic weighted kappa; absent where it is undefined ([`Confusion::qwk`]).
    pub qwk: Option<f64>,
    /// Spearman's rho between the expected class (or the regression output) and the real value; absent
    /// where either is constant or not a number.
    pub spearman: Option<f64>,
}

impl Evaluation {
    /// Scores N x C probabilities: the prediction is the most probable class, the score the expected class value.
    ///
    /// `class_values` holds the C values the classes stand for, `labels` the N true classes, `values` the N real labels.
    ///
    /// # Errors
    /// [`MetricsError`] where lengths do not fit together, a label is out of range, or N is 0.
    pub fn new(
        probabilities: &[f32],
        class_values: &[f64],
        labels: &[u32],
        values: &[f64],
    ) -> Result<Self, MetricsError> {
        let classes = class_values.len();
        expect_length("the table of probabilities", labels.len() * classes, probabilities.len())?;
        let rows = || probabilities.chunks_exact(classes.max(1));
        let predicted: Vec<u32> = rows().map(|row| argmax(row) as u32).collect();
        let scores: Vec<f64> = rows().map(|row| expected_class(row, class_values)).collect();
        Self::score(classes, labels, &predicted, &scores, values)
    }

    /// Scores N outputs of a regression network: the prediction is the class of the nearest value.
    ///
    /// The other inputs are those of [`Evaluation::new`].
    ///
    /// # Errors
    /// [`MetricsError`] where lengths do not fit together, a label is out of range, or N is 0.
    pub fn from_outputs(
        outputs: &[f32],
        class_values: &[f64],
        labels: &[u32],
        values: &[f64],
    ) -> Result<Self, MetricsError> {
        expect_length("the list of outputs", labels.len(), outputs.len())?;
        let scores: Vec<f64> = outputs.iter().map(|&output| f64::from(output)).collect();
        let predicted: Vec<u32> = scores.iter().map(|&score| nearest_class(score, class_values) as u32).collect();
        Self::score(class_values.len(), labels, &predicted, &scores, values)
    }

    fn score(
        classes: usize,
        labels: &[u32],
        predicted: &[u32],
        scores: &[f64],
        values: &[f64],
    ) -> Result<Self, MetricsError> {
        expect_length("the list of real values", labels.len(), values.len())?;
        let confusion = Confusion::from_pairs(classes, labels, predicted)?;
        Ok(Self {
            aem: confusion.aem().ok_or(MetricsError::Empty)?,
            aeo: confusion.aeo().ok_or(MetricsError::Empty)?,
            mae: confusion.mae().ok_or(MetricsError::Empty)?,
            qwk: confusion.qwk(),
            spearman: spearman(scores, values),
            confusion,
        })
    }
}

/// SDD (section 4.7 of the paper): the population standard deviation over all C x C entries of the raw distance
/// matrix D-bar, its zero diagonal included; 0 for an empty matrix.
pub fn sdd(dbar: &[f64]) -> f64 {
    let n = dbar.len().max(1) as f64;
    let mean = dbar.iter().sum::<f64>() / n;
    let variance = dbar.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn fixture(name: &str) -> Vec<serde_json::Value> {
        let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["cases"].as_array().unwrap().clone()
    }

    pub(super) fn floats(value: &serde_json::Value) -> Vec<f64> {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[track_caller]
    pub(super) fn close(found: f64, expected: f64) {
        let error = (found - expected).abs();
        assert!(error <= 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn confusion_agrees_with_scikit_learn() {
        let cases = fixture("metrics.json");
        assert_eq!(cases.len(), 3);
        for case in cases {
            let ints = |key: &str| -> Vec<u32> { serde_json::from_value(case[key].clone()).unwrap() };
            let classes = case["classes"].as_u64().unwrap() as usize;
            let confusion = Confusion::from_pairs(classes, &ints("truth"), &ints("predicted")).unwrap();
            let expected = |key: &str| case[key].as_f64().unwrap();
            close(confusion.aem().unwrap(), expected("aem"));
            close(confusion.aeo().unwrap(), expected("aeo"));
            close(confusion.mae().unwrap(), expected("mae"));
            close(confusion.qwk().unwrap(), expected("qwk"));
            assert_eq!(confusion.total() as usize, ints("truth").len());
        }
    }

    #[test]
    fn sdd_agrees_with_numpy() {
        for case in fixture("ground.json") {
            let rows: Vec<Vec<f64>> = serde_json::from_value(case["dbar"].clone()).unwrap();
            close(sdd(&rows.concat()), case["sdd"].as_f64().unwrap());
        }
        assert_eq!(sdd(&[]), 0.0);
    }

    #[test]
    fn confusion_keeps_truth_in_rows() {
        let confusion = Confusion::from_pairs(3, &[0, 0, 2], &[1, 1, 0]).unwrap();
        assert_eq!(confusion.counts(), [0, 2, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(confusion.count(0, 1), 2);
        assert_eq!((confusion.classes(), confusion.total()), (3, 3));
        close(confusion.within(1).unwrap(), 2.0 / 3.0);
        close(confusion.within(2).unwrap(), 1.0);
    }

    #[test]
    fn undefined_quantities_are_absent() {
        let empty = Confusion::new(4);
        assert_eq!((empty.aem(), empty.mae(), empty.qwk()), (None, None, None));
        assert_eq!(Confusion::new(0).aeo(), None);
        let single = Confusion::from_pairs(3, &[1, 1], &[1, 1]).unwrap();
        assert_eq!((single.aem(), single.qwk()), (Some(1.0), None));
    }

    #[test]
    fn errors_name_the_sample_and_the_classes() {
        let error = Confusion::from_pairs(3, &[0, 3], &[0, 0]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("label 1") && text.contains("3 classes"), "{text}");
        assert!(Confusion::from_pairs(3, &[0], &[0, 1]).is_err());
        assert!(Confusion::from_counts(2, vec![1; 3]).is_err());
        assert!(Confusion::from_counts(2, vec![1; 4]).is_ok());
    }

    #[test]
    fn predictions_take_the_first_maximum_and_the_nearest_value() {
        assert_eq!(argmax(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(argmax(&[f32::NAN, 0.1, f32::NAN, 0.3]), 3);
        assert_eq!((argmax(&[f32::NAN; 2]), argmax(&[])), (0, 0));
        close(expected_class(&[0.25, 0.75], &[10.0, 20.0]), 17.5);
        let ages = [1.0, 5.0, 10.5];
        assert_eq!([-3.0, 3.0, 3.1, 99.0].map(|y| nearest_class(y, &ages)), [0, 0, 1, 2]);
        assert_eq!(nearest_class(f64::NAN, &ages), 0);
    }

    #[test]
    fn evaluation_of_probabilities() {
        let probabilities = [0.5, 0.25, 0.25, 0.0, 0.25, 0.75, 0.125, 0.75, 0.125];
        let found = Evaluation::new(&probabilities, &[0.0, 1.0, 2.0], &[0, 1, 1], &[0.1, 0.9, 0.8]).unwrap();
        assert_eq!(found.confusion.counts(), [1, 0, 0, 0, 1, 1, 0, 0, 0]);
        close(found.aem, 2.0 / 3.0);
        close(found.aeo, 1.0);
        close(found.mae, 1.0 / 3.0);
        close(found.spearman.unwrap(), 1.0);
        assert_eq!(found.qwk, found.confusion.qwk());
        // The expected class values are 3.75, 6.25 and 8.125 here: two of three in another order than the real ones.
        let other = Evaluation::new(&probabilities, &[0.0, 10.0, 5.0], &[0, 1, 1], &[0.1, 0.9, 0.8]).unwrap();
        close(other.spearman.unwrap(), 0.5);
        assert_eq!(other.confusion, found.confusion);
    }

    #[test]
    fn evaluation_of_regression_outputs() {
        let found =
            Evaluation::from_outputs(&[-0.4, 1.6, 0.4], &[0.0, 1.0, 2.0], &[0, 1, 1], &[0.0, 1.0, 1.0]).unwrap();
        assert_eq!(found.confusion.counts(), [1, 0, 0, 1, 0, 1, 0, 0, 0]);
        close(found.spearman.unwrap(), 0.75_f64.sqrt());
    }

    #[test]
    fn evaluation_refuses_what_does_not_fit() {
        let values = [0.0, 1.0];
        let none = Evaluation::new(&[], &values, &[], &[]);
        assert_eq!(none.unwrap_err(), MetricsError::Empty);
        assert!(Evaluation::new(&[1.0], &values, &[0], &[0.0]).is_err());
        assert!(Evaluation::new(&[1.0, 0.0], &values, &[2], &[0.0]).is_err());
        assert!(Evaluation::from_outputs(&[1.0], &values, &[0], &[]).is_err());
        assert!(Evaluation::new(&[], &[], &[0], &[0.0]).is_err());
    }
}
