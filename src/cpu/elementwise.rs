//! Operations on each element by itself, and the optimiser.

use super::task::{Cut, Task};
use super::tile::vectorised;
use crate::plan::random::{draw, purpose, unit};
use crate::plan::{Clock, Dropout, Op, StepSettings};

const EACH: Cut = Cut::Each(1);

/// `max(input, 0)`; what is not a number stays so, that a network's end shows it.
pub(super) fn relu_forward(op: &Op, len: usize) -> Task {
    Task::new(op, len, [EACH, EACH], |_, [input, output]| {
        let pairs = output.floats_mut().iter_mut().zip(input.floats());
        vectorised!(pairs.for_each(|(output, input)| *output = if *input < 0.0 { 0.0 } else { *input }));
    })
}

/// The gradient where the output is above 0, else 0.
pub(super) fn relu_backward(op: &Op, len: usize) -> Task {
    Task::new(op, len, [EACH, EACH, EACH], |_, [output, gradient, result]| {
        let given = output.floats().iter().zip(gradient.floats());
        let pairs = result.floats_mut().iter_mut().zip(given);
        vectorised!(pairs.for_each(|(result, (output, g))| *result = if *output > 0.0 { *g } else { 0.0 }));
    })
}

/// Zeroes elements at random, keyed by (seed, step, layer, element).
pub(super) fn dropout(op: &Op, d: &Dropout) -> Task {
    let d = *d;
    Task::new(op, d.len, [EACH, Cut::Whole, EACH], move |elements, [input, clock, output]| {
        let clock: &Clock = bytemuck::from_bytes(bytemuck::cast_slice(clock.integers()));
        let pairs = output.floats_mut().iter_mut().zip(input.floats());
        vectorised!({
            for (element, (output, input)) in elements.zip(pairs) {
                let words = draw(clock.seed, purpose::DROPOUT + d.layer, clock.step, element as u32);
                let kept = unit(words[0]) >= d.rate;
                *output = if kept { input / (1.0 - d.rate) } else { 0.0 };
            }
        });
    })
}

/// `sum = a + b`.
pub(super) fn add(op: &Op, len: usize) -> Task {
    Task::new(op, len, [EACH, EACH, EACH], |_, [a, b, sum]| {
        let terms = a.floats().iter().zip(b.floats());
        let sums = sum.floats_mut().iter_mut().zip(terms);
        vectorised!(sums.for_each(|(sum, (a, b))| *sum = a + b));
    })
}

/// PyTorch's SGD: v = momentum v + gradient + weight decay w; w -= learning rate v.
pub(super) fn sgd(op: &Op, len: usize) -> Task {
    Task::new(op, len, [EACH, Cut::Whole, EACH, EACH], |_, [gradients, settings, weights, momenta]| {
        let s: &StepSettings = bytemuck::from_bytes(bytemuck::cast_slice(settings.integers()));
        let state = weights.floats_mut().iter_mut().zip(momenta.floats_mut());
        let each = state.zip(gradients.floats());
        vectorised!({
            each.for_each(|((w, v), gradient)| {
                *v = s.momentum * *v + gradient + s.weight_decay * *w;
                *w -= s.learning_rate * *v;
            });
        });
    })
}
