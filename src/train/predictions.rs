//! What the networks of all losses say in one form: a distribution over the classes and a score for each sample.

use super::metrics::{Evaluation, MetricsError, expected_class, nearest_class};
use super::targets::Units;
use crate::nn::Loss;
use crate::plan::Link;

/// The most that the class next to the nearest may have: less than half, so that the nearest wins.
const NEXT: f64 = 0.499_999_97;

/// The predictions of one network over some samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// A distribution a sample, samples x classes.
    Distributions(Vec<f32>),
    /// A real number a sample, in the units of the class values.
    Outputs(Vec<f32>),
}

impl Predictions {
    /// From the outcomes of an evaluation.
    #[must_use]
    pub fn of(loss: Loss, outcomes: Vec<f32>, class_values: &[f64]) -> Self {
        match loss.link() {
            Link::Softmax | Link::Conditional => Self::Distributions(outcomes),
            Link::Identity => {
                let units = Units::of(class_values);
                Self::Outputs(outcomes.iter().map(|&y| units.value(f64::from(y)) as f32).collect())
            }
        }
    }

    /// Measures them: [`Evaluation::new`] or [`Evaluation::from_outputs`].
    ///
    /// # Errors
    /// As these.
    pub fn evaluate(&self, class_values: &[f64], labels: &[u32], values: &[f64]) -> Result<Evaluation, MetricsError> {
        match self {
            Self::Distributions(rows) => Evaluation::new(rows, class_values, labels, values),
            Self::Outputs(outputs) => Evaluation::from_outputs(outputs, class_values, labels, values),
        }
    }

    /// The score of each sample: the expected class value, or the output itself.
    #[must_use]
    pub fn scores(&self, class_values: &[f64]) -> Vec<f64> {
        match self {
            Self::Distributions(rows) => {
                let rows = rows.chunks_exact(class_values.len().max(1));
                rows.map(|row| expected_class(row, class_values)).collect()
            }
            Self::Outputs(outputs) => outputs.iter().map(|&y| f64::from(y)).collect(),
        }
    }

    /// A distribution a sample, samples x classes. That of an output is shared by the two classes whose values lie
    /// around it, so that its most probable class is the nearest and its expected value is the output; an output beyond
    /// all values belongs to the outermost class alone.
    #[must_use]
    pub fn distributions(self, class_values: &[f64]) -> Vec<f32> {
        match self {
            Self::Distributions(rows) => rows,
            Self::Outputs(outputs) => outputs.iter().flat_map(|&y| shared(f64::from(y), class_values)).collect(),
        }
    }
}

/// An output as a distribution over the classes.
fn shared(y: f64, class_values: &[f64]) -> Vec<f32> {
    let mut row = vec![0.0; class_values.len()];
    let nearest = nearest_class(y, class_values);
    let off = y - class_values[nearest];
    // Of the classes on the other side of y, the nearest.
    let beyond = |class: &usize| (class_values[*class] - y) * off > 0.0;
    let distance = |class: usize| (class_values[class] - y).abs();
    let next = (0..class_values.len()).filter(beyond).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
    let share = next.map_or(0.0, |next| (off.abs() / (off.abs() + distance(next))).min(NEXT));
    row[nearest] = (1.0 - share) as f32;
    if let Some(next) = next {
        row[next] = share as f32;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::super::metrics::argmax;
    use super::*;

    #[test]
    fn an_output_lies_between_the_classes_around_it() {
        let ages = [1.0, 5.0, 10.5, 70.0];
        assert_eq!(shared(2.0, &ages), [0.75, 0.25, 0.0, 0.0]);
        assert_eq!(shared(5.0, &ages), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(shared(-3.0, &ages), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(shared(99.0, &ages), [0.0, 0.0, 0.0, 1.0]);
        // Classes out of order, and two of one value.
        assert_eq!(shared(2.0, &[5.0, 1.0, 1.0]), [0.25, 0.75, 0.0]);
        for y in (-50..800).map(|tenth| f64::from(tenth) / 10.0) {
            let row = shared(y, &ages);
            assert_eq!(argmax(&row), nearest_class(y, &ages), "{y}");
            assert!((expected_class(&row, &ages) - y.clamp(1.0, 70.0)).abs() < 1e-5, "{y}");
        }
    }

    #[test]
    fn the_nearest_class_wins_also_by_less_than_can_be_told() {
        // Nearer to the second class by 1e-12.
        let row = shared(0.5 + 1e-12, &[0.0, 1.0]);
        assert_eq!(argmax(&row), 1);
        assert_eq!(argmax(&shared(0.5, &[0.0, 1.0])), 0, "the first of equals");
    }

    #[test]
    fn outputs_are_scored_as_they_are_beyond_all_classes_too() {
        let values = [10.0, 20.0, 40.0];
        // The least value is -1 in a network's outputs, the greatest 1.
        let predictions = Predictions::of(Loss::Reg, vec![-1.0, 0.0, 2.0], &values);
        assert_eq!(predictions.scores(&values), [10.0, 25.0, 55.0]);
        let found = predictions.evaluate(&values, &[0, 1, 2], &[11.0, 22.0, 44.0]).unwrap();
        assert_eq!((found.aem, found.spearman), (1.0, Some(1.0)));
        assert_eq!(predictions.distributions(&values)[..3], [1.0, 0.0, 0.0]);
        let rows = Predictions::of(Loss::Xe, vec![0.25, 0.5, 0.25], &values);
        assert_eq!(rows.scores(&values), [22.5]);
        assert_eq!(rows.distributions(&values), [0.25, 0.5, 0.25]);
    }
}
