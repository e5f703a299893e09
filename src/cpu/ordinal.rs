//! Losses of a batch as a whole, and those of networks whose outputs are not one a class.

use super::loss::{most, softmax, through_softmax};
use super::task::{Cut, Task};
use crate::plan::{LossShape, Op, PADDING, TERMS};

/// REG: `E = (y - v)^2` of the output y and the sample's value v; `dE/dy = 2 (y - v)`. The prediction is sure of the
/// class of the nearest value.
pub(super) fn regression(op: &Op, shape: &LossShape) -> Task {
    let LossShape { batch, classes } = *shape;
    let (whole, one, row, terms) = (Cut::Whole, Cut::Each(1), Cut::Each(classes), Cut::Each(TERMS));
    let cuts = [one, one, one, whole, whole, row, one, terms];
    Task::new(op, batch, cuts, move |_, [outputs, targets, rows, table, values, p, g, terms]| {
        let samples = outputs.floats().iter().zip(targets.integers()).zip(rows.integers());
        let predictions = p.floats_mut().chunks_exact_mut(classes);
        let results = g.floats_mut().iter_mut().zip(terms.floats_mut().chunks_exact_mut(TERMS));
        for (((y, target), value), (p, (g, terms))) in samples.zip(predictions.zip(results)) {
            p.fill(0.0);
            p[nearest_class(*y, values.floats())] = 1.0;
            terms.fill(0.0);
            *g = 0.0;
            if *target != PADDING {
                let error = y - table.floats()[*value as usize];
                *g = 2.0 * error / batch as f32;
                terms[0] = error * error;
            }
        }
    })
}

/// The class whose value is nearest to y, the first of equals. Beyond the outermost values the differences would be
/// rounded until all are equal: y is moved onto the outermost first.
fn nearest_class(y: f32, values: &[f32]) -> usize {
    let low = values.iter().fold(f32::MAX, |low, value| low.min(*value));
    let high = values.iter().fold(f32::MIN, |high, value| high.max(*value));
    let off = |class: usize| (y.max(low).min(high) - values[class]).abs();
    (1..values.len()).fold(0, |best, class| if off(class) < off(best) { class } else { best })
}

/// Added to the errors expected of chance, which are none where all is of one class and predicted so.
const CHANCE: f32 = 1e-10;

/// Number, mean and variance of a batch's labels.
struct Labels {
    count: f32,
    mean: f32,
    variance: f32,
}

impl Labels {
    fn of(targets: &[u32]) -> Self {
        let labels = || targets.iter().filter(|target| **target != PADDING);
        let count = labels().count().max(1) as f32;
        let mean = labels().map(|label| u64::from(*label)).sum::<u64>() as f32 / count;
        let squares: f32 = labels().map(|label| (*label as f32 - mean).powi(2)).sum();
        Self { count, mean, variance: squares / count }
    }

    /// The weights of class i for a label, `(i - label)^2`, and for all labels in the mean; both over
    /// `(classes - 1)^2`.
    fn weights(&self, i: usize, label: u32, classes: usize) -> [f32; 2] {
        let widest = ((classes - 1) * (classes - 1)) as f32;
        let off = (i as f32 - label as f32).powi(2);
        [off / widest, (self.variance + (i as f32 - self.mean).powi(2)) / widest]
    }
}

/// The weighted kappa of a batch: `E = N / (D + 1e-10)`, N the sum over rows and classes of `p_i w_i` with the weights
/// of the row's label, D the same with those of all labels in the mean. A row's term is its share of N, so that the
/// mean of the terms is E, whose gradient with respect to p is `(w_i - E e_i) / D`.
pub(super) fn qwk(op: &Op, shape: &LossShape) -> Task {
    let classes = shape.classes;
    Task::new(op, 1, [Cut::Whole; 5], move |_, [logits, targets, p, g, terms]| {
        let targets = targets.integers();
        let labels = Labels::of(targets);
        let (mut observed, mut chance) = (0.0, CHANCE);
        let rows = logits.floats().chunks_exact(classes).zip(p.floats_mut().chunks_exact_mut(classes));
        let terms = terms.floats_mut().as_chunks_mut::<TERMS>().0;
        for (((logits, p), target), terms) in rows.zip(targets).zip(&mut *terms) {
            softmax(logits, p);
            *terms = [0.0; TERMS];
            if *target != PADDING {
                let weighted = |which: usize| -> f32 {
                    p.iter().enumerate().map(|(i, p)| p * labels.weights(i, *target, classes)[which]).sum()
                };
                terms[0] = weighted(0);
                observed += terms[0];
                chance += weighted(1);
            }
        }
        let rows = p.floats().chunks_exact(classes).zip(g.floats_mut().chunks_exact_mut(classes));
        for (((p, g), target), terms) in rows.zip(targets).zip(terms) {
            g.fill(0.0);
            if *target != PADDING {
                for (i, g) in g.iter_mut().enumerate() {
                    let [own, mean] = labels.weights(i, *target, classes);
                    *g = (own - observed / chance * mean) / chance;
                }
                through_softmax(p, most(p), g);
            }
            let share = terms[0] * labels.count / chance;
            *terms = [share, 0.0, share];
        }
    })
}

/// CORN: output i answers whether the class is above i, and is asked by the samples above i - 1 alone. E is the sum
/// over answers of `log(1 + exp(-z))` for yes and `log(1 + exp(z))` for no, over their number in the batch; a row's
/// term is its share, so that the mean of the terms is E.
pub(super) fn corn(op: &Op, shape: &LossShape) -> Task {
    let LossShape { batch, classes } = *shape;
    let (outputs, row) = (Cut::Each(classes - 1), Cut::Each(classes));
    Task::new(op, batch, [outputs, Cut::Whole, row, outputs, Cut::Each(TERMS)], move |units, arguments| {
        let [logits, targets, p, g, terms] = arguments;
        let labels = || targets.integers().iter().filter(|target| **target != PADDING);
        let answers: usize = labels().map(|label| (*label as usize + 1).min(classes - 1)).sum();
        let (answers, samples) = (answers.max(1) as f32, labels().count() as f32);
        let rows = logits.floats().chunks_exact(classes - 1).zip(g.floats_mut().chunks_exact_mut(classes - 1));
        let results = p.floats_mut().chunks_exact_mut(classes).zip(terms.floats_mut().chunks_exact_mut(TERMS));
        for (((logits, g), target), (p, terms)) in rows.zip(&targets.integers()[units]).zip(results) {
            chain(logits, p);
            g.fill(0.0);
            terms.fill(0.0);
            let asked = if *target == PADDING { 0 } else { (*target as usize + 1).min(classes - 1) };
            for (i, (z, g)) in logits.iter().zip(g).take(asked).enumerate() {
                let sign = if i < *target as usize { -1.0 } else { 1.0 };
                let wrong = sign * z;
                *g = sign * sigmoid(wrong) / answers;
                terms[0] += wrong.max(0.0) + (-wrong.abs()).exp().ln_1p();
            }
            terms[0] *= samples / answers;
        }
    })
}

/// The distribution of a chain of conditional probabilities: `p_i = P(above i - 1) P(not above i, given above i - 1)`.
pub(super) fn chain(logits: &[f32], p: &mut [f32]) {
    let mut above = 1.0;
    for (z, p) in logits.iter().zip(&mut *p) {
        *p = above * sigmoid(-z);
        above *= sigmoid(*z);
    }
    p[logits.len()] = above;
}

/// `1 / (1 + exp(-z))`, of which nothing overflows.
fn sigmoid(z: f32) -> f32 {
    let e = (-z.abs()).exp();
    if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}
