//! A-EMD (Frogner et al., "Learning with a Wasserstein loss"): transport with an entropy term, by matrix scaling.

use super::super::is_padding;
use super::{Given, Mean, softmax, through_softmax};
use crate::plan::LossShape;

/// Iterations of the scaling (section 4.3).
const ITERATIONS: usize = 100;

/// The transport from p to a class, and what it tells of p.
pub(super) struct Transport {
    /// The mass that comes from each class.
    pub flow: Vec<f64>,
    /// The dual potential of p: the gradient of the regularised cost with respect to p, up to a constant.
    pub dual: Vec<f64>,
}

/// Scales `exp(-D / r)` in logarithms until its rows add up to p and its columns to the target. Of a target that is all
/// on one class only that class's column, `cost`, has any mass; nothing here makes use of the scaling ending at once.
pub(super) fn scaled(log_p: &[f64], cost: &[f64], regulariser: f64) -> Transport {
    let (mut log_u, mut log_v) = (vec![0.0; log_p.len()], 0.0);
    for _ in 0..ITERATIONS {
        for ((log_u, log_p), cost) in log_u.iter_mut().zip(log_p).zip(cost) {
            *log_u = log_p - (log_v - cost / regulariser);
        }
        let column: Vec<f64> = log_u.iter().zip(cost).map(|(log_u, cost)| log_u - cost / regulariser).collect();
        log_v = -log_sum(&column);
    }
    let flow = log_u.iter().zip(cost).map(|(log_u, cost)| (log_u - cost / regulariser + log_v).exp());
    Transport { flow: flow.collect(), dual: log_u.iter().map(|log_u| regulariser * log_u).collect() }
}

/// `log sum of exp`.
fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().fold(f64::NEG_INFINITY, |largest, log| largest.max(*log));
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}

/// The least of `<F, D> + r sum of F log F` over the transports F from p to the label. The distance term is `<F, D>`.
pub(super) fn approximate_emd(shape: &LossShape, given: &Given<'_>) -> Mean {
    let regulariser = given.weighting.regulariser;
    let mut mean = Mean::default();
    for (z, &target) in given.logits.chunks(shape.classes).zip(given.targets) {
        let p = softmax(z);
        if is_padding(target) {
            mean.logit_gradient.extend(vec![0.0; shape.classes]);
            mean.terms.extend([0.0; 3]);
        } else {
            let largest = z.iter().fold(f64::NEG_INFINITY, |largest, z| largest.max(*z));
            let shifted: Vec<f64> = z.iter().map(|z| z - largest).collect();
            let total = log_sum(&shifted);
            let log_p: Vec<f64> = shifted.iter().map(|z| z - total).collect();
            let cost: Vec<f64> = given.ground.chunks(shape.classes).map(|row| row[target as usize]).collect();
            let Transport { flow, dual } = scaled(&log_p, &cost, regulariser);
            let distance: f64 = flow.iter().zip(&cost).map(|(flow, cost)| flow * cost).sum();
            let entropy: f64 = flow.iter().filter(|flow| **flow > 0.0).map(|flow| -flow * flow.ln()).sum();
            let gradient = through_softmax(&p, &dual);
            mean.logit_gradient.extend(gradient.iter().map(|slope| slope / shape.batch as f64));
            mean.terms.extend([distance - regulariser * entropy, 0.0, distance]);
        }
        mean.probabilities.extend(p);
    }
    mean
}
