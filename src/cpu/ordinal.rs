//! Losses of networks whose outputs are not one a class, with the gradient of the batch's loss with
//! respect to them.

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
