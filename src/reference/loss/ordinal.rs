//! Losses of networks whose outputs are not one a class.

use super::super::is_padding;
use super::{Given, Mean};
use crate::plan::LossShape;

/// REG: `(y - v)^2` between the output and the sample's real value; the prediction is sure of the
/// class whose value is nearest to the output, the first of equals.
pub(super) fn regression(shape: &LossShape, given: &Given<'_>) -> Mean {
    let mut mean = Mean::default();
    for ((&y, &target), &row) in given.logits.iter().zip(given.targets).zip(given.rows) {
        let off: Vec<f64> = given.class_values.iter().map(|value| -(y - value).abs()).collect();
        let nearest = super::super::first_largest(&off);
        mean.probabilities.extend((0..shape.classes).map(|class| f64::from(class == nearest)));
        let error = if is_padding(target) { 0.0 } else { y - given.table[row as usize] };
        mean.logit_gradient.push(2.0 * error / shape.batch as f64);
        mean.terms.extend([error * error, 0.0, 0.0]);
    }
    mean
}
