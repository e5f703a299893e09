//! Softmax, the losses and their gradients with respect to the logits, sample by sample.
//!
//! Near certainty the chain rule through softmax, `p_i (g_i - sum over j of p_j g_j)`, cancels.
//! With m the most probable class it is computed from `g_i - g_m`, in which small terms stay small.

use super::ordinal;
use super::task::{Cut, Task};
use crate::plan::{LossKind, LossShape, Op, PADDING, StepSettings, TERMS};

/// Added to a probability inside the logarithm (section 4.1).
const EPSILON: f32 = 1e-6;

/// One sample: its logits, their softmax, the most probable class, and the class or the row of a table that it is
/// trained on.
#[derive(Clone, Copy)]
struct Sample<'a> {
    logits: &'a [f32],
    p: &'a [f32],
    top: usize,
    wanted: usize,
}

/// A loss of one sample: writes its gradient with respect to the logits and returns the terms.
type Loss<'a> = &'a dyn Fn(Sample<'_>, &mut [f32]) -> [f32; TERMS];

/// Prediction, loss and gradient of every sample.
pub(super) fn loss(op: &Op, kind: LossKind, shape: &LossShape) -> Task {
    let LossShape { batch, classes } = *shape;
    let (whole, row) = (Cut::Whole, Cut::Each(classes));
    let (labels, terms) = (Cut::Each(1), Cut::Each(TERMS));
    match kind {
        LossKind::CrossEntropy | LossKind::Emd => {
            Task::new(op, batch, [row, labels, row, row, terms], move |_, [logits, targets, p, g, terms]| {
                let loss: Loss<'_> = if kind == LossKind::Emd { &squared_emd } else { &cross_entropy };
                let results = [p.floats_mut(), g.floats_mut(), terms.floats_mut()];
                each(batch, classes, logits.floats(), [targets.integers(); 2], results, loss);
            })
        }
        LossKind::EmdLinear => {
            let cuts = [row, labels, whole, row, row, terms];
            Task::new(op, batch, cuts, move |_, [logits, targets, ground, p, g, terms]| {
                let loss: Loss<'_> = &|sample, g| linear_emd(sample, ground.floats(), g);
                let results = [p.floats_mut(), g.floats_mut(), terms.floats_mut()];
                each(batch, classes, logits.floats(), [targets.integers(); 2], results, loss);
            })
        }
        LossKind::Xemd | LossKind::ApproximateEmd => {
            let cuts = [row, labels, whole, whole, row, row, terms];
            Task::new(op, batch, cuts, move |_, [logits, targets, ground, settings, p, g, terms]| {
                let settings: &StepSettings = bytemuck::from_bytes(bytemuck::cast_slice(settings.integers()));
                let of = if kind == LossKind::Xemd { xemd } else { approximate_emd };
                let loss: Loss<'_> = &|sample, g| of(sample, ground.floats(), settings, g);
                let results = [p.floats_mut(), g.floats_mut(), terms.floats_mut()];
                each(batch, classes, logits.floats(), [targets.integers(); 2], results, loss);
            })
        }
        LossKind::SoftCrossEntropy { .. } | LossKind::SoftEmd { .. } => {
            let cuts = [row, labels, labels, whole, row, row, terms];
            let of = if matches!(kind, LossKind::SoftEmd { .. }) { soft_emd } else { soft_cross_entropy };
            Task::new(op, batch, cuts, move |_, [logits, targets, rows, table, p, g, terms]| {
                let loss: Loss<'_> = &|sample, g| of(sample, &table.floats()[sample.wanted * classes..][..classes], g);
                let results = [p.floats_mut(), g.floats_mut(), terms.floats_mut()];
                each(batch, classes, logits.floats(), [targets.integers(), rows.integers()], results, loss);
            })
        }
        LossKind::Qwk => ordinal::qwk(op, shape),
        LossKind::Corn => ordinal::corn(op, shape),
        LossKind::Regression { .. } => ordinal::regression(op, shape),
    }
}

/// Does all samples that are not padding by `targets`; `wanted` is what each is trained on; `results` are
/// probabilities, gradients and terms.
fn each(
    batch: usize,
    classes: usize,
    logits: &[f32],
    [targets, wanted]: [&[u32]; 2],
    [probabilities, gradients, terms]: [&mut [f32]; 3],
    loss: Loss<'_>,
) {
    let rows = probabilities.chunks_exact_mut(classes).zip(gradients.chunks_exact_mut(classes));
    let rows = rows.zip(terms.chunks_exact_mut(TERMS));
    let given = logits.chunks_exact(classes).zip(targets.iter().zip(wanted));
    for ((logits, (target, wanted)), ((p, g), terms)) in given.zip(rows) {
        let top = softmax(logits, p);
        if *target == PADDING {
            g.fill(0.0);
            terms.fill(0.0);
            continue;
        }
        terms.copy_from_slice(&loss(Sample { logits, p, top, wanted: *wanted as usize }, g));
        g.iter_mut().for_each(|g| *g /= batch as f32);
    }
}

/// Writes p and returns the most probable class, the first of equals.
pub(super) fn softmax(logits: &[f32], p: &mut [f32]) -> usize {
    let top = most(logits);
    for (p, logit) in p.iter_mut().zip(logits) {
        *p = (logit - logits[top]).exp();
    }
    let total: f32 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= total);
    top
}

/// The place of the largest, the first of equals.
pub(super) fn most(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |top, at| if values[at] > values[top] { at } else { top })
}

/// Turns g = dE/dp into the gradient with respect to the logits.
pub(super) fn through_softmax(p: &[f32], top: usize, g: &mut [f32]) {
    let base = g[top];
    let others = (0..p.len()).filter(|i| *i != top);
    let expected: f32 = others.map(|i| p[i] * (g[i] - base)).sum();
    for (g, p) in g.iter_mut().zip(p) {
        *g = p * ((*g - base) - expected);
    }
}

/// `E = -log(p_k + 1e-6)` (section 2.1), `g_k = -1 / (p_k + 1e-6)`, else 0 (equation 1).
fn cross_entropy(s: Sample<'_>, g: &mut [f32]) -> [f32; TERMS] {
    let loss = log_loss(s, g);
    through_softmax(s.p, s.top, g);
    [loss, loss, 0.0]
}

/// Cross-entropy with its gradient with respect to p. Near certainty the sum is rounded to 1: ln_1p of what is
/// missing keeps its digits.
fn log_loss(Sample { p, wanted: label, .. }: Sample<'_>, g: &mut [f32]) -> f32 {
    let others: f32 = p[..label].iter().chain(&p[label + 1..]).sum();
    g.fill(0.0);
    g[label] = -1.0 / (p[label] + EPSILON);
    let missing = others - EPSILON;
    if missing < 0.0625 { -(-missing).ln_1p() } else { -(p[label] + EPSILON).ln() }
}

/// Equation 10: `E = sum over i of (CDF_i(p) - CDF_i(t))^2`. Below the label the difference is the
/// mass up to i, from it on minus the mass above i; both sums only grow, so nothing cancels.
fn squared_emd(Sample { p, top, wanted: label, .. }: Sample<'_>, g: &mut [f32]) -> [f32; TERMS] {
    let (mut below, mut above, mut loss) = (0.0, 0.0, 0.0);
    for i in 0..label {
        below += p[i];
        g[i] = below;
        loss += below * below;
    }
    for i in (label..p.len()).rev() {
        g[i] = -above;
        loss += above * above;
        above += p[i];
    }
    relative_to(top, g);
    through_softmax(p, top, g);
    [loss, 0.0, loss]
}

/// Equation 10 against a distribution t. Below the most probable class the difference is what p has more than t up to
/// i, from there on minus what it has more above i.
fn soft_emd(Sample { p, top, .. }: Sample<'_>, t: &[f32], g: &mut [f32]) -> [f32; TERMS] {
    let (mut below, mut above, mut loss) = (0.0, 0.0, 0.0);
    let more = |i: usize| f64::from(p[i] - t[i]);
    for (i, g) in g[..top].iter_mut().enumerate() {
        below += more(i);
        *g = below as f32;
        loss += below * below;
    }
    for i in (top..p.len()).rev() {
        g[i] = -above as f32;
        loss += above * above;
        above += more(i);
    }
    relative_to(top, g);
    through_softmax(p, top, g);
    [loss as f32, 0.0, loss as f32]
}

/// Against a distribution t: `E = -sum over i of t_i log p_i`, `dE/dz_i = p_i - t_i`. The logarithm comes from the
/// logits, so that nothing need be added to p. The slopes add up to 0, by which that of the most probable class is found
/// without the difference of two numbers near 1.
fn soft_cross_entropy(Sample { logits, p, top, .. }: Sample<'_>, t: &[f32], g: &mut [f32]) -> [f32; TERMS] {
    let least = least_surprise(p, top);
    let (mut loss, mut others) = (0.0, 0.0);
    for i in 0..p.len() {
        loss += t[i] * ((logits[top] - logits[i]) + least);
        g[i] = if i == top { 0.0 } else { p[i] - t[i] };
        others += g[i];
    }
    g[top] = -others;
    [loss, loss, 0.0]
}

/// `-log p` of the most probable class.
fn least_surprise(p: &[f32], top: usize) -> f32 {
    let others: f32 = p[..top].iter().chain(&p[top + 1..]).sum();
    if others < 0.0625 { -(-others).ln_1p() } else { -p[top].ln() }
}

/// Equation 11: `g_i = 2 sum over n from i on of the differences`, here less g of class `m`: summed
/// from `m` outwards, so that small ones are not lost beside large ones, and in 64 bits, since terms of both signs may
/// cancel and would leave the roundings of the large sums in between.
fn relative_to(m: usize, g: &mut [f32]) {
    let mut sum = 0.0;
    for i in (0..m).rev() {
        sum += 2.0 * f64::from(g[i]);
        g[i] = sum as f32;
    }
    sum = 0.0;
    let mut difference = std::mem::take(&mut g[m]);
    for g in &mut g[m + 1..] {
        sum -= 2.0 * f64::from(difference);
        difference = std::mem::replace(g, sum as f32);
    }
}

/// Equation 14: `E = sum over i of p_i D_ik`; g_i = D_ik (equation 15).
fn linear_emd(Sample { p, top, wanted: label, .. }: Sample<'_>, ground: &[f32], g: &mut [f32]) -> [f32; TERMS] {
    let mut loss = 0.0;
    for i in 0..p.len() {
        g[i] = ground[i * p.len() + label];
        loss += p[i] * g[i];
    }
    through_softmax(p, top, g);
    [loss, 0.0, loss]
}

/// A-EMD (Frogner et al.): the transport F from p to the label that makes `<F, D> + r sum of F log F` least, r the
/// regulariser. Of matrix scaling towards a single label the first iteration is the last: the dual potential, which is
/// the gradient with respect to p, is `D_ik + r log p_i` but for a constant.
fn approximate_emd(
    Sample { logits, p, top, wanted: label }: Sample<'_>,
    ground: &[f32],
    s: &StepSettings,
    g: &mut [f32],
) -> [f32; TERMS] {
    let least = least_surprise(p, top);
    let (mut distance, mut entropy) = (0.0, 0.0);
    for i in 0..p.len() {
        let (d, from_top) = (ground[i * p.len() + label], logits[i] - logits[top]);
        distance += p[i] * d;
        entropy += p[i] * (least - from_top);
        g[i] = d + s.regulariser * from_top;
    }
    through_softmax(p, top, g);
    [distance - s.regulariser * entropy, 0.0, distance]
}

/// Equation 16: `E = cross-entropy + lambda sum over i of p_i^2 (D_ik^omega + mu)`.
fn xemd(sample: Sample<'_>, ground: &[f32], s: &StepSettings, g: &mut [f32]) -> [f32; TERMS] {
    let xe = log_loss(sample, g);
    let p = sample.p;
    let mut distance = 0.0;
    for i in 0..p.len() {
        let cost = ground[i * p.len() + sample.wanted].powf(s.omega) + s.mu;
        distance += p[i] * p[i] * cost;
        g[i] += s.lambda * 2.0 * p[i] * cost;
    }
    through_softmax(p, sample.top, g);
    [xe + s.lambda * distance, xe, distance]
}
