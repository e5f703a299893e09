//! Losses of a batch as a whole, and those of networks whose outputs are not one a class.

use super::super::is_padding;
use super::{Given, Mean, softmax, through_softmax};
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

/// Added to the errors expected of chance.
const CHANCE: f64 = 1e-10;

/// `N / (D + 1e-10)` with weights `w_ij = (i - j)^2 / (C - 1)^2`: N sums `w_ij` over samples of class i by the
/// probabilities of j, D over every pair of a sample's class and another sample's prediction, over their number.
pub(super) fn weighted_kappa(shape: &LossShape, given: &Given<'_>) -> Mean {
    let classes = shape.classes;
    let weight = |i: usize, j: usize| (i.abs_diff(j) as f64 / (classes - 1) as f64).powi(2);
    let rows: Vec<Vec<f64>> = given.logits.chunks(classes).map(softmax).collect();
    let labels: Vec<usize> = given.targets.iter().filter(|t| !is_padding(**t)).map(|t| *t as usize).collect();
    let samples = labels.len() as f64;
    let expected = |j: usize| labels.iter().map(|&i| weight(i, j)).sum::<f64>() / samples;
    let own = |p: &[f64], k: usize| (0..classes).map(|j| p[j] * weight(k, j)).sum::<f64>();
    let chance = |p: &[f64]| (0..classes).map(|j| p[j] * expected(j)).sum::<f64>();
    let counted = || rows.iter().zip(given.targets).filter(|(_, target)| !is_padding(**target));
    let observed: f64 = counted().map(|(p, target)| own(p, *target as usize)).sum();
    let by_chance: f64 = counted().map(|(p, _)| chance(p)).sum::<f64>() + CHANCE;
    let mut mean = Mean::default();
    for (p, &target) in rows.iter().zip(given.targets) {
        if is_padding(target) {
            mean.logit_gradient.extend(vec![0.0; classes]);
            mean.terms.extend([0.0; 3]);
        } else {
            let k = target as usize;
            // (w D - N e) / D^2, which is nothing where all is of one class.
            let slope = |j: usize| (weight(k, j) * by_chance - observed * expected(j)) / by_chance.powi(2);
            mean.logit_gradient.extend(through_softmax(p, &(0..classes).map(slope).collect::<Vec<_>>()));
            let share = own(p, k) * samples / by_chance;
            mean.terms.extend([share, 0.0, share]);
        }
        mean.probabilities.extend(p);
    }
    mean
}

/// The mean over all questions that are asked of `-log P(right answer)`. Question i asks whether the class is above
/// i, of the samples above i - 1; `P(yes) = 1 / (1 + exp(-z_i))`.
pub(super) fn corn(shape: &LossShape, given: &Given<'_>) -> Mean {
    let questions = shape.classes - 1;
    let asked = |target: f64| if is_padding(target) { 0 } else { (target as usize + 1).min(questions) };
    let answers = given.targets.iter().map(|target| asked(*target)).sum::<usize>() as f64;
    let samples = given.targets.iter().filter(|target| !is_padding(**target)).count() as f64;
    let mut mean = Mean::default();
    for (z, &target) in given.logits.chunks(questions).zip(given.targets) {
        let mut loss = 0.0;
        for (i, &z) in z.iter().enumerate() {
            // Of the question's answer by its output's sign: exp(x) is how much likelier the wrong one is.
            let sign = if (i as f64) < target { -1.0 } else { 1.0 };
            let asked = i < asked(target);
            loss += if asked { softplus(sign * z) } else { 0.0 };
            mean.logit_gradient.push(if asked { sign * sigmoid(sign * z) / answers } else { 0.0 });
        }
        mean.probabilities.extend(chain(z));
        mean.terms.extend([if loss == 0.0 { 0.0 } else { loss * samples / answers }, 0.0, 0.0]);
    }
    mean
}

/// The distribution over one class more than there are questions: a class is the one that all questions before say
/// yes to, and its own says no.
#[must_use]
pub fn chain(z: &[f64]) -> Vec<f64> {
    let above = |i: usize| z[..i].iter().map(|z| sigmoid(*z)).product::<f64>();
    (0..=z.len()).map(|i| above(i) * z.get(i).map_or(1.0, |z| sigmoid(-z))).collect()
}

fn sigmoid(z: f64) -> f64 {
    let e = (-z.abs()).exp();
    if z < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// `log(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
