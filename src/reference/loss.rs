//! The losses and their gradients with respect to the network's outputs. Those of the softmax stand here.
//!
//! Differences of nearly equal numbers are avoided by taking the complement of a probability as the
//! sum of the others; apart from that these are the paper's formulas.

pub mod ordinal;
mod soft;
mod transport;

use super::{is_padding, mismatch};
use crate::plan::{LossKind, LossShape, Op};

/// Added to every probability inside the logarithm (section 4.1).
pub const EPSILON: f64 = 1e-6;

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    let Op::Loss(kind, shape) = *op else { mismatch(op, operands) };
    let names = op.operands();
    let Some((given, [probabilities, logit_gradient, terms])) = operands.split_last_chunk_mut() else {
        mismatch(op, operands)
    };
    let of_name = |name: &str| {
        let place = names.iter().position(|operand| operand.name == name);
        place.map_or(&[][..], |place| given[place].as_slice())
    };
    let given = Given {
        logits: of_name("logits"),
        targets: of_name("targets"),
        rows: of_name("rows"),
        table: of_name("table"),
        class_values: of_name("class_values"),
        ground: of_name("ground"),
        weighting: Weighting::of(of_name("settings")),
    };
    let Mean { probabilities: p, logit_gradient: g, terms: t } = mean_loss(kind, &shape, &given);
    (*probabilities, *logit_gradient, *terms) = (p, g, t);
}

/// What a batch's loss is computed from; empty where the loss reads no such thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The network's outputs, batch x outputs.
    pub logits: &'a [f64],
    /// The class of each row, or [`crate::plan::PADDING`].
    pub targets: &'a [f64],
    /// The row of `table` that each row is trained on.
    pub rows: &'a [f64],
    /// Real values, or distributions over the classes.
    pub table: &'a [f64],
    /// What the classes stand for.
    pub class_values: &'a [f64],
    /// The ground distance D, classes x classes.
    pub ground: &'a [f64],
    /// The constants of equation 16 and of A-EMD.
    pub weighting: Weighting,
}

/// The constants of equation 16 and of A-EMD.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weighting {
    /// Weight of the distance term.
    pub lambda: f64,
    /// Power of the ground distance.
    pub omega: f64,
    /// Bias of the ground distance.
    pub mu: f64,
    /// Weight of the entropy in A-EMD.
    pub regulariser: f64,
}

impl Weighting {
    /// From the words of [`crate::plan::StepSettings`]; zeros where there are none.
    #[must_use]
    pub fn of(settings: &[f64]) -> Self {
        match *settings {
            [_, _, _, lambda, omega, mu, regulariser, _] => Self { lambda, omega, mu, regulariser },
            _ => Self::default(),
        }
    }
}

/// What a batch's loss yields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mean {
    /// Softmax of every row, batch x classes.
    pub probabilities: Vec<f64>,
    /// The gradient of the mean loss over the batch's rows, batch x classes.
    pub logit_gradient: Vec<f64>,
    /// Loss, cross-entropy and distance term of each row, batch x 3.
    pub terms: Vec<f64>,
}

/// Probabilities, loss terms and the gradient of the mean over all rows of the batch. A row of
/// padding has probabilities alone.
#[must_use]
pub fn mean_loss(kind: LossKind, shape: &LossShape, given: &Given<'_>) -> Mean {
    match kind {
        LossKind::ApproximateEmd => transport::approximate_emd(shape, given),
        LossKind::SoftCrossEntropy { .. } => soft::cross_entropy(shape, given),
        LossKind::SoftEmd { .. } => soft::squared_emd(shape, given),
        LossKind::Qwk => ordinal::weighted_kappa(shape, given),
        LossKind::Corn => ordinal::corn(shape, given),
        LossKind::Regression { .. } => ordinal::regression(shape, given),
        _ => mean_of_samples(kind, shape, given),
    }
}

/// Losses of the softmax that are a mean over samples.
fn mean_of_samples(kind: LossKind, shape: &LossShape, given: &Given<'_>) -> Mean {
    let mut mean = Mean::default();
    for (row, &target) in given.logits.chunks(shape.classes).zip(given.targets) {
        let p = softmax(row);
        if is_padding(target) {
            mean.logit_gradient.extend(vec![0.0; shape.classes]);
            mean.terms.extend([0.0; 3]);
        } else {
            let k = target as usize;
            let to_label: Vec<f64> = given.ground.chunks(shape.classes).map(|row| row[k]).collect();
            let sample = sample_loss(kind, &p, k, &to_label, given.weighting);
            let gradient = through_softmax(&p, &sample.gradient);
            mean.logit_gradient.extend(gradient.iter().map(|value| value / shape.batch as f64));
            mean.terms.extend(sample.terms);
        }
        mean.probabilities.extend(p);
    }
    mean
}

/// `exp(z_i) / sum over j of exp(z_j)`, shifted by the largest logit.
#[must_use]
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().fold(f64::NEG_INFINITY, |largest, logit| largest.max(*logit));
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// The gradient with respect to the logits of a function of their softmax with gradient `g`:
/// `p_j (g_j - sum over l of p_l g_l)`, which is `sum over l of p_j p_l (g_j - g_l)`.
#[must_use]
pub fn through_softmax(p: &[f64], g: &[f64]) -> Vec<f64> {
    let difference = |j: usize| (0..p.len()).map(|l| p[j] * p[l] * (g[j] - g[l])).sum();
    (0..p.len()).map(difference).collect()
}

/// The loss of one sample.
struct Sample {
    /// Loss, its cross-entropy, its distance term without lambda.
    terms: [f64; 3],
    /// The gradient of the loss with respect to the probabilities.
    gradient: Vec<f64>,
}

/// A loss between probabilities `p` and label `k`; `to_label` is the column `D_ik` of the ground
/// distance where the loss reads one.
fn sample_loss(kind: LossKind, p: &[f64], k: usize, to_label: &[f64], weighting: Weighting) -> Sample {
    match kind {
        LossKind::CrossEntropy => cross_entropy(p, k),
        LossKind::Emd => squared_emd(p, k),
        LossKind::EmdLinear => linear_emd(p, to_label),
        LossKind::Xemd => xemd(p, k, to_label, weighting),
        other => unreachable!("{other:?} is computed elsewhere"),
    }
}

/// `E_X = -log(p_k + 1e-6)` (section 2.1).
fn cross_entropy(p: &[f64], k: usize) -> Sample {
    let others: f64 = p.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, p)| p).sum();
    let loss = if p[k] > 0.5 { -(EPSILON - others).ln_1p() } else { -(p[k] + EPSILON).ln() };
    let mut gradient = vec![0.0; p.len()];
    gradient[k] = -1.0 / (p[k] + EPSILON);
    Sample { terms: [loss, loss, 0.0], gradient }
}

/// `E_E = sum over i of (CDF_i(p) - CDF_i(t))^2` (equation 10). Below the label the difference is
/// the sum of the probabilities up to i; from the label on it is minus the sum of those after i.
/// Probability j is in every CDF from j on, hence the gradient `sum over i >= j of 2 (...)_i`.
fn squared_emd(p: &[f64], k: usize) -> Sample {
    let up_to = |i: usize| p[..=i].iter().sum::<f64>();
    let after = |i: usize| p[i + 1..].iter().sum::<f64>();
    let differences: Vec<f64> = (0..p.len()).map(|i| if i < k { up_to(i) } else { -after(i) }).collect();
    let loss = differences.iter().map(|difference| difference * difference).sum();
    let gradient = (0..p.len()).map(|j| 2.0 * differences[j..].iter().sum::<f64>()).collect();
    Sample { terms: [loss, 0.0, loss], gradient }
}

/// `EMD = sum over i of p_i D_ik` (equation 14); its gradient is `D_ik` (equation 15).
fn linear_emd(p: &[f64], to_label: &[f64]) -> Sample {
    let loss = p.iter().zip(to_label).map(|(p, d)| p * d).sum();
    Sample { terms: [loss, 0.0, loss], gradient: to_label.to_vec() }
}

/// `E_H = E_X + lambda sum over i of p_i^2 (D_ik^omega + mu)` (equation 16).
fn xemd(p: &[f64], k: usize, to_label: &[f64], weighting: Weighting) -> Sample {
    let Weighting { lambda, omega, mu, .. } = weighting;
    let Sample { terms: [cross_entropy, ..], mut gradient } = cross_entropy(p, k);
    let mut distance = 0.0;
    for i in 0..p.len() {
        let cost = to_label[i].powf(omega) + mu;
        distance += p[i] * p[i] * cost;
        gradient[i] += lambda * 2.0 * p[i] * cost;
    }
    Sample { terms: [cross_entropy + lambda * distance, cross_entropy, distance], gradient }
}

#[cfg(test)]
mod tests;
