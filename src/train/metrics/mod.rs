//! What the test images say: accuracies from a confusion matrix, rank correlations, and the spread of
//! the class distances. Everything is computed on the host in f64; portable.
//!
//! A quantity that does not exist (the accuracy of no images, the correlation with a constant) is `None`,
//! never NaN.

mod confusion;
mod correlation;
mod distribution;
mod evaluation;

pub use confusion::Confusion;
pub use correlation::{kendall, spearman};
pub use distribution::{calibration_error, ranked_probability_score, top_error};
pub use evaluation::Evaluation;

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
    fn sdd_agrees_with_numpy() {
        for case in fixture("ground.json") {
            let rows: Vec<Vec<f64>> = serde_json::from_value(case["dbar"].clone()).unwrap();
            close(sdd(&rows.concat()), case["sdd"].as_f64().unwrap());
        }
        assert_eq!(sdd(&[]), 0.0);
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
}
