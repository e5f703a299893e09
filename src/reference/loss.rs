//! Softmax, the losses of the paper, and their gradients with respect to the logits.
//!
//! Differences of nearly equal numbers are avoided by taking the complement of a probability as the
//! sum of the others; apart from that these are the paper's formulas.

use super::{is_padding, mismatch};
use crate::plan::{LossKind, LossShape, Op};

/// Added to every probability inside the logarithm (section 4.1).
pub const EPSILON: f64 = 1e-6;

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    let Op::Loss(kind, shape) = *op else { mismatch(op, operands) };
    let Some((given, [probabilities, logit_gradient, terms])) = operands.split_last_chunk_mut() else {
        mismatch(op, operands)
    };
    let (logits, targets, ground, settings) = match &*given {
        [logits, targets] => (logits, targets, &[][..], &[][..]),
        [logits, targets, ground] => (logits, targets, &ground[..], &[][..]),
        [logits, targets, ground, settings] => (logits, targets, &ground[..], &settings[..]),
        _ => mismatch(op, operands),
    };
    let weighting = Weighting::of(settings);
    let Mean { probabilities: p, logit_gradient: g, terms: t } =
        mean_loss(kind, &shape, logits, targets, ground, weighting);
    (*probabilities, *logit_gradient, *terms) = (p, g, t);
}

/// The constants of equation 16.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weighting {
    /// Weight of the distance term.
    pub lambda: f64,
    /// Power of the ground distance.
    pub omega: f64,
    /// Bias of the ground distance.
    pub mu: f64,
}

impl Weighting {
    /// From the words of [`crate::plan::StepSettings`]; zeros where there are none.
    #[must_use]
    pub fn of(settings: &[f64]) -> Self {
        match *settings {
            [_, _, _, lambda, omega, mu, ..] => Self { lambda, omega, mu },
            _ => Self::default(),
        }
    }
}

/// What a batch's loss yields.
#[derive(Clone, Debug, PartialEq)]
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
pub fn mean_loss(
    kind: LossKind,
    shape: &LossShape,
    logits: &[f64],
    targets: &[f64],
    ground: &[f64],
    weighting: Weighting,
) -> Mean {
    let mut mean = Mean { probabilities: Vec::new(), logit_gradient: Vec::new(), terms: Vec::new() };
    for (row, &target) in logits.chunks(shape.classes).zip(targets) {
        let p = softmax(row);
        if is_padding(target) {
            mean.logit_gradient.extend(vec![0.0; shape.classes]);
            mean.terms.extend([0.0; 3]);
        } else {
            let k = target as usize;
            let to_label: Vec<f64> = ground.chunks(shape.classes).map(|row| row[k]).collect();
            let sample = sample_loss(kind, &p, k, &to_label, weighting);
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
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Loss, its cross-entropy, its distance term without lambda.
    pub terms: [f64; 3],
    /// The gradient of the loss with respect to the probabilities.
    pub gradient: Vec<f64>,
}

/// A loss between probabilities `p` and label `k`; `to_label` is the column `D_ik` of the ground
/// distance where the loss reads one.
#[must_use]
pub fn sample_loss(kind: LossKind, p: &[f64], k: usize, to_label: &[f64], weighting: Weighting) -> Sample {
    match kind {
        LossKind::CrossEntropy => cross_entropy(p, k),
        LossKind::Emd => squared_emd(p, k),
        LossKind::EmdLinear => linear_emd(p, to_label),
        LossKind::Xemd => xemd(p, k, to_label, weighting),
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
    let Weighting { lambda, omega, mu } = weighting;
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
mod tests {
    use super::super::testing::{assert_close, assert_gradient, fixture, noise, numbers};
    use super::*;
    use crate::plan::PADDING;

    const KINDS: [LossKind; 4] = [LossKind::CrossEntropy, LossKind::Emd, LossKind::EmdLinear, LossKind::Xemd];

    fn symmetric(classes: usize) -> Vec<f64> {
        let draws = noise(5, classes * classes);
        let entry = |i: usize, j: usize| {
            if i == j { 0.0 } else { (draws[i * classes + j] + draws[j * classes + i]).abs() / 2.0 }
        };
        (0..classes * classes).map(|at| entry(at / classes, at % classes)).collect()
    }

    fn labels(batch: usize, classes: usize) -> Vec<f64> {
        (0..batch).map(|row| (row * 5 % classes) as f64).collect()
    }

    /// The mean over the rows, computed here from the terms.
    fn mean_of(terms: &[f64]) -> f64 {
        terms.chunks(3).map(|row| row[0]).sum::<f64>() / (terms.len() / 3) as f64
    }

    #[test]
    fn gradients_are_those_of_the_mean_loss() {
        for kind in KINDS {
            for (batch, classes) in [(3, 2), (4, 3), (5, 8), (2, 101)] {
                let shape = LossShape { batch, classes };
                let (targets, ground) = (labels(batch, classes), symmetric(classes));
                let weighting = Weighting { lambda: 0.7, omega: 1.5, mu: -0.25 };
                let logits: Vec<f64> = noise(1, batch * classes).iter().map(|z| 3.0 * z).collect();
                let loss = |logits: &[f64]| mean_loss(kind, &shape, logits, &targets, &ground, weighting);
                let gradient = loss(&logits).logit_gradient;
                assert_gradient(&logits, &gradient, |logits| mean_of(&loss(logits).terms));
            }
        }
    }

    /// To 1e-10 of the largest entry, or of PyTorch's own rounding where differences of
    /// probabilities near 1 left it nothing else.
    fn assert_near(got: &[f64], want: &[f64]) {
        let largest = want.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() <= 1e-10 * largest + 1e-15, "got {got}, want {want} of {largest}");
        }
    }

    /// Losses and gradients computed by PyTorch.
    #[test]
    fn losses_are_those_of_the_fixtures() {
        let losses = fixture("losses.json");
        assert_eq!(losses["epsilon"].as_f64(), Some(EPSILON));
        let cases = losses["cases"].as_array().unwrap();
        assert!(cases.len() >= 24);
        for case in cases {
            let classes = case["classes"].as_u64().unwrap() as usize;
            let shape = LossShape { batch: 1, classes };
            let (logits, ground) = (numbers(&case["logits"]), numbers(&case["ground"]));
            let targets = numbers(&case["label"]);
            let lambda = case["lambda"].as_f64().unwrap();
            for (name, kind, omega, mu) in [
                ("xe", LossKind::CrossEntropy, 1.0, 0.0),
                ("emd", LossKind::Emd, 1.0, 0.0),
                ("emd_linear", LossKind::EmdLinear, 1.0, 0.0),
                ("xemd1", LossKind::Xemd, 1.0, -0.5),
                ("xemd2", LossKind::Xemd, 2.0, -0.25),
            ] {
                let weighting = Weighting { lambda, omega, mu };
                let got = mean_loss(kind, &shape, &logits, &targets, &ground, weighting);
                let want = &case["expect"][name];
                assert_near(&got.terms[..1], &numbers(&want["loss"]));
                assert_near(&got.logit_gradient, &numbers(&want["grad"]));
            }
        }
    }

    /// Where p_k is nearly 1 the gradients are tiny and known: with two classes, other
    /// probability q and label 0, cross-entropy has `p q / (p + 1e-6)`, the squared distance q^2
    /// and its gradient 2 p q^2.
    #[test]
    fn a_saturated_prediction_keeps_its_digits() {
        let shape = LossShape { batch: 1, classes: 2 };
        for gap in [20.0, 40.0, 300.0] {
            let q = 1.0 / (1.0 + f64::exp(gap));
            let loss = |kind| mean_loss(kind, &shape, &[gap, 0.0], &[0.0], &[], Weighting::default());
            let (xe, emd) = (loss(LossKind::CrossEntropy), loss(LossKind::Emd));
            let xe_gradient = (1.0 - q) * q / (1.0 - q + 1e-6);
            assert_close(&xe.logit_gradient, &[-xe_gradient, xe_gradient], 1e-12);
            assert_close(&xe.terms[..1], &[-f64::ln_1p(1e-6 - q)], 1e-12);
            assert_close(&emd.terms[..1], &[q * q], 1e-12);
            assert_close(&emd.logit_gradient, &[-2.0 * (1.0 - q) * q * q, 2.0 * (1.0 - q) * q * q], 1e-12);
        }
    }

    /// Softmax does not change when all logits move together; these move without rounding.
    #[test]
    fn large_logits_are_as_good_as_small_ones() {
        let shape = LossShape { batch: 2, classes: 5 };
        let logits: Vec<f64> = noise(1, 10).iter().map(|z| (z * 8192.0).round() / 1024.0).collect();
        let (targets, ground) = (labels(2, 5), symmetric(5));
        let weighting = Weighting { lambda: 2.0, omega: 2.0, mu: -0.25 };
        for kind in KINDS {
            let small = mean_loss(kind, &shape, &logits, &targets, &ground, weighting);
            for shift in [1e4, -1e4] {
                let moved: Vec<f64> = logits.iter().map(|z| z + shift).collect();
                assert_eq!(mean_loss(kind, &shape, &moved, &targets, &ground, weighting), small);
            }
        }
    }

    #[test]
    fn a_wrong_prediction_without_doubt_costs_what_the_formulas_say() {
        let shape = LossShape { batch: 1, classes: 3 };
        let ground = [0.0, 0.5, 0.75, 0.5, 0.0, 0.25, 0.75, 0.25, 0.0];
        let weighting = Weighting { lambda: 2.0, omega: 2.0, mu: -0.25 };
        let logits = [1e4, 0.0, -1e4];
        let xe = -f64::ln(1e-6);
        let distance = 0.75f64.powi(2) - 0.25;
        for (kind, terms) in [
            (LossKind::CrossEntropy, [xe, xe, 0.0]),
            (LossKind::Emd, [2.0, 0.0, 2.0]),
            (LossKind::EmdLinear, [0.75, 0.0, 0.75]),
            (LossKind::Xemd, [xe + 2.0 * distance, xe, distance]),
        ] {
            let got = mean_loss(kind, &shape, &logits, &[2.0], &ground, weighting);
            assert_close(&got.terms, &terms, 1e-14);
            assert_eq!(got.probabilities, [1.0, 0.0, 0.0]);
            assert_eq!(got.logit_gradient, [0.0; 3]);
        }
    }

    #[test]
    fn padding_has_probabilities_alone_but_counts_in_the_mean() {
        let logits = noise(1, 6);
        let (padded, alone) = (LossShape { batch: 2, classes: 3 }, LossShape { batch: 1, classes: 3 });
        for kind in KINDS {
            let loss = |shape: &LossShape, logits: &[f64], targets: &[f64]| {
                mean_loss(kind, shape, logits, targets, &symmetric(3), Weighting { lambda: 1.0, omega: 1.0, mu: 0.5 })
            };
            let got = loss(&padded, &logits, &[f64::from(PADDING), 1.0]);
            let want = loss(&alone, &logits[3..], &[1.0]);
            assert_eq!(got.terms[..3], [0.0; 3]);
            assert_eq!(got.terms[3..], want.terms);
            assert_eq!(got.logit_gradient[..3], [0.0; 3]);
            let halves: Vec<f64> = want.logit_gradient.iter().map(|value| value / 2.0).collect();
            assert_close(&got.logit_gradient[3..], &halves, 1e-15);
            assert_close(&got.probabilities[..3], &softmax(&logits[..3]), 0.0);
        }
    }

    #[test]
    fn no_distance_stays_none_at_any_power() {
        for omega in [0.5, 1.0, 2.0, 1.7] {
            let sample = xemd(&[1.0, 0.0], 0, &[0.0, 0.5], Weighting { lambda: 1.0, omega, mu: -0.5 });
            assert_eq!(sample.terms[2], -0.5);
        }
    }
}
