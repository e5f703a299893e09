//! What a loss is worth for one prediction, and its gradient with respect to the logits: the paper's formulas on a
//! distribution, in f64, for those who look at single images. Steps are trained by kernels, which work from the logits.

use super::Loss;

/// Added to every probability inside the logarithm (section 4.1).
const EPSILON: f64 = 1e-6;

/// A prediction for one sample of class k, and what losses read beside it.
#[derive(Clone, Copy, Debug)]
pub struct Prediction<'a> {
    /// The softmax of the logits, one probability a class.
    pub p: &'a [f64],
    /// The class k.
    pub truth: usize,
    /// `D_ik`, the ground distance of each class i to class k.
    pub to_truth: &'a [f64],
    /// Lambda of equation 16.
    pub lambda: f64,
    /// Omega of equation 16.
    pub omega: f64,
    /// Mu of equation 16.
    pub mu: f64,
    /// Weight of the entropy in A-EMD.
    pub regulariser: f64,
}

/// A loss of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Worth {
    /// The loss.
    pub loss: f64,
    /// Its gradient with respect to the logits, one a class.
    pub gradient: Vec<f64>,
}

impl Loss {
    /// The loss of a prediction for a sample of a single class; nothing where it is no function of one softmax (`reg`,
    /// `corn`, `qwk`) or the class is none of the prediction's.
    #[must_use]
    pub fn worth(self, given: &Prediction<'_>) -> Option<Worth> {
        let Prediction { p, truth, to_truth, .. } = *given;
        if truth >= p.len() || (self.reads_ground() && to_truth.len() != p.len()) {
            return None;
        }
        let (loss, slopes) = match self {
            Self::Xe => cross_entropy(p, truth),
            Self::Emd => squared_emd(p, truth),
            Self::EmdLinear => linear_emd(p, to_truth),
            Self::Xemd1 | Self::Xemd2 => self_guided(given),
            Self::AEmd => approximate_emd(given),
            Self::Sord | Self::Binomial => return self.against_labels(p, truth),
            Self::Reg | Self::Corn | Self::Qwk => return None,
        };
        Some(Worth { loss, gradient: through_softmax(p, &slopes) })
    }

    /// `-sum over i of t_i log p_i` against the class's own distribution t; its gradient is `p - t`.
    fn against_labels(self, p: &[f64], truth: usize) -> Option<Worth> {
        let labels = self.class_labels(p.len())?;
        let t = labels.get(truth * p.len()..(truth + 1) * p.len())?;
        let loss = p.iter().zip(t).map(|(p, t)| -t * p.ln()).sum();
        Some(Worth { loss, gradient: p.iter().zip(t).map(|(p, t)| p - t).collect() })
    }
}

/// `p_j (g_j - sum over l of p_l g_l)`: the gradient with respect to the logits, of the one with respect to p.
fn through_softmax(p: &[f64], slopes: &[f64]) -> Vec<f64> {
    let mean: f64 = p.iter().zip(slopes).map(|(p, slope)| p * slope).sum();
    p.iter().zip(slopes).map(|(p, slope)| p * (slope - mean)).collect()
}

/// `-log(p_k + 1e-6)` (section 2.1) with its gradient with respect to p, as all that follow.
fn cross_entropy(p: &[f64], truth: usize) -> (f64, Vec<f64>) {
    let mut slopes = vec![0.0; p.len()];
    slopes[truth] = -1.0 / (p[truth] + EPSILON);
    (-(p[truth] + EPSILON).ln(), slopes)
}

/// `sum over i of (CDF_i(p) - CDF_i(t))^2` (equation 10); the slope at p_j is twice the sum of the differences from j on.
fn squared_emd(p: &[f64], truth: usize) -> (f64, Vec<f64>) {
    let mut sum = 0.0;
    let difference = |(class, p): (usize, &f64)| {
        sum += p;
        sum - f64::from(class >= truth)
    };
    let mut slopes: Vec<f64> = p.iter().enumerate().map(difference).collect();
    let loss = slopes.iter().map(|difference| difference * difference).sum();
    let mut after = 0.0;
    for slope in slopes.iter_mut().rev() {
        after += *slope;
        *slope = 2.0 * after;
    }
    (loss, slopes)
}

/// `sum over i of p_i D_ik` (equations 14 and 15).
fn linear_emd(p: &[f64], to_truth: &[f64]) -> (f64, Vec<f64>) {
    (p.iter().zip(to_truth).map(|(p, d)| p * d).sum(), to_truth.to_vec())
}

/// Cross-entropy and `lambda sum over i of p_i^2 (D_ik^omega + mu)` (equation 16).
fn self_guided(given: &Prediction<'_>) -> (f64, Vec<f64>) {
    let (mut loss, mut slopes) = cross_entropy(given.p, given.truth);
    for ((p, d), slope) in given.p.iter().zip(given.to_truth).zip(&mut slopes) {
        let cost = given.lambda * (d.powf(given.omega) + given.mu);
        loss += p * p * cost;
        *slope += 2.0 * p * cost;
    }
    (loss, slopes)
}

/// `sum over i of p_i D_ik + r p_i log p_i`: all mass goes to class k, so the transport is p itself.
fn approximate_emd(given: &Prediction<'_>) -> (f64, Vec<f64>) {
    let r = given.regulariser;
    // Nothing of a class without mass counts, in the loss or in the gradient.
    let slope = |(&p, d): (&f64, &f64)| if p > 0.0 { d + r * p.ln() } else { 0.0 };
    let slopes: Vec<f64> = given.p.iter().zip(given.to_truth).map(slope).collect();
    (given.p.iter().zip(&slopes).map(|(p, slope)| p * slope).sum(), slopes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::loss::Labelling;
    use crate::plan::LossShape;
    use crate::reference::loss::{Given, Weighting, mean_loss, softmax};

    const CLASSES: usize = 7;

    /// Logits and distances of which no two are equal.
    fn made_up(truth: usize) -> (Vec<f64>, Vec<f64>) {
        let logits = (0..CLASSES).map(|i| f64::sin(3.0 * i as f64 + truth as f64) * 2.0).collect();
        let distance = |at: usize| {
            let (i, j) = (at / CLASSES, at % CLASSES);
            if i == j { 0.0 } else { 0.3 + 0.1 * i.abs_diff(j) as f64 + 0.011 * (i + j) as f64 }
        };
        (logits, (0..CLASSES * CLASSES).map(distance).collect())
    }

    /// The loss and gradient by the reference.
    fn reference(loss: Loss, truth: usize, logits: &[f64], ground: &[f64], weighting: Weighting) -> Worth {
        let labelling = Labelling { samples: 1, classes: CLASSES, votes: false };
        let shape = LossShape { batch: 1, classes: CLASSES };
        let table = loss.class_labels(CLASSES).unwrap_or_default();
        let (targets, rows) = ([truth as f64], [truth as f64]);
        let given =
            Given { logits, targets: &targets, rows: &rows, table: &table, class_values: &[], ground, weighting };
        let mean = mean_loss(loss.kind(labelling), &shape, &given);
        Worth { loss: mean.terms[0], gradient: mean.logit_gradient }
    }

    #[test]
    fn losses_and_gradients_are_those_of_the_reference() {
        let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-12 * (1.0 + expected.abs());
        let mut compared = 0;
        for (loss, truth) in Loss::ALL.into_iter().flat_map(|loss| (0..CLASSES).map(move |truth| (loss, truth))) {
            let (logits, ground) = made_up(truth);
            let p = softmax(&logits);
            let to_truth: Vec<f64> = ground.chunks(CLASSES).map(|row| row[truth]).collect();
            let (lambda, omega, mu, regulariser) = (1.7, 1.3, -0.4, 0.2);
            let given = Prediction { p: &p, truth, to_truth: &to_truth, lambda, omega, mu, regulariser };
            let Some(found) = loss.worth(&given) else { continue };
            let weighting = Weighting { lambda, omega, mu, regulariser };
            let expected = reference(loss, truth, &logits, &ground, weighting);
            assert!(close(found.loss, expected.loss), "{loss}, {truth}: {} is not {}", found.loss, expected.loss);
            for (j, (&found, &expected)) in found.gradient.iter().zip(&expected.gradient).enumerate() {
                assert!(close(found, expected), "{loss}, {truth}, logit {j}: {found} is not {expected}");
            }
            compared += 1;
        }
        assert_eq!(compared, 8 * CLASSES, "all but reg, corn and qwk");
    }

    #[test]
    fn a_prediction_without_doubt_is_a_number_too() {
        let (p, to_truth) = ([0.0, 1.0, 0.0], [0.5, 0.0, 0.7]);
        let given = |truth| Prediction {
            p: &p,
            truth,
            to_truth: &to_truth,
            lambda: 1.0,
            omega: 1.0,
            mu: -0.5,
            regulariser: 0.1,
        };
        for loss in [Loss::Xe, Loss::Emd, Loss::EmdLinear, Loss::Xemd1, Loss::AEmd] {
            for truth in [0, 1] {
                let worth = loss.worth(&given(truth)).unwrap();
                assert!(worth.loss.is_finite() && worth.gradient.iter().all(|slope| slope.is_finite()), "{loss}");
            }
        }
        assert_eq!(Loss::Xe.worth(&given(3)), None);
        let short = Prediction { to_truth: &[], ..given(1) };
        assert_eq!((Loss::Xemd1.worth(&short), Loss::Emd.worth(&short).is_some()), (None, true));
    }
}
