//! All that one network scores on a split.

use super::distribution::{calibration_error, ranked_probability_score, top_error};
use super::{Confusion, MetricsError, argmax, expect_length, expected_class, nearest_class, spearman};
use serde::{Deserialize, Serialize};

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
    /// Mean absolute error of the classes' means: a rare class counts as much as a common one.
    pub amae: f64,
    /// Mean squared earth mover's distance of the predicted distribution (equation 10); absent for a regression.
    pub rps: Option<f64>,
    /// Expected calibration error, 0 to 1; absent for a regression.
    pub ece: Option<f64>,
    /// Share of images whose class is not among the five most probable; absent for a regression.
    pub top5_error: Option<f64>,
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
        let scored = Self::score(classes, labels, &predicted, &scores, values)?;
        Ok(Self {
            rps: ranked_probability_score(probabilities, labels),
            ece: calibration_error(probabilities, labels),
            top5_error: top_error(probabilities, labels, 5),
            ..scored
        })
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
            amae: confusion.amae().ok_or(MetricsError::Empty)?,
            rps: None,
            ece: None,
            top5_error: None,
            spearman: spearman(scores, values),
            confusion,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::close;
    use super::*;

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
