//! Losses against distributions over the classes.

use super::super::is_padding;
use super::{Given, Mean, softmax, through_softmax};
use crate::plan::LossShape;

/// The mean over the batch of a loss that tells, of logits and target distribution, its terms and its gradient with
/// respect to the logits.
fn mean(shape: &LossShape, given: &Given<'_>, loss: impl Fn(&[f64], &[f64]) -> ([f64; 3], Vec<f64>)) -> Mean {
    let mut mean = Mean::default();
    let samples = given.targets.iter().zip(given.rows);
    for (logits, (&target, &row)) in given.logits.chunks(shape.classes).zip(samples) {
        let (terms, gradient) = match is_padding(target) {
            true => ([0.0; 3], vec![0.0; shape.classes]),
            false => loss(logits, &given.table[row as usize * shape.classes..][..shape.classes]),
        };
        mean.probabilities.extend(softmax(logits));
        mean.logit_gradient.extend(gradient.iter().map(|slope| slope / shape.batch as f64));
        mean.terms.extend(terms);
    }
    mean
}

/// `-sum over i of t_i log p_i`, with the logarithm of the softmax taken from the logits; its gradient is `p - t`, for
/// the t_i add up to 1.
pub(super) fn cross_entropy(shape: &LossShape, given: &Given<'_>) -> Mean {
    mean(shape, given, |z, t| {
        let largest = z.iter().fold(f64::NEG_INFINITY, |largest, z| largest.max(*z));
        let total = z.iter().map(|z| (z - largest).exp()).sum::<f64>().ln();
        let loss = z.iter().zip(t).map(|(z, t)| t * (total - (z - largest))).sum();
        ([loss, loss, 0.0], softmax(z).iter().zip(t).map(|(p, t)| p - t).collect())
    })
}

/// `sum over i of (CDF_i(p) - CDF_i(t))^2` (equation 10).
pub(super) fn squared_emd(shape: &LossShape, given: &Given<'_>) -> Mean {
    mean(shape, given, |z, t| {
        let p = softmax(z);
        let difference = |i: usize| p[..=i].iter().sum::<f64>() - t[..=i].iter().sum::<f64>();
        let differences: Vec<f64> = (0..p.len()).map(difference).collect();
        let loss = differences.iter().map(|difference| difference * difference).sum();
        let gradient: Vec<f64> = (0..p.len()).map(|j| 2.0 * differences[j..].iter().sum::<f64>()).collect();
        ([loss, 0.0, loss], through_softmax(&p, &gradient))
    })
}
