//! Layers without parameters: ReLU, dropout, flatten.

use super::layer::Shape;
use super::tower::{Activation, Backward, Mode, Tower};
use crate::plan::{Dropout, Op};

/// max(x, 0).
pub(super) fn relu(tower: &mut Tower<'_>, input: Activation) -> (Activation, Backward) {
    let len = input.view.len;
    let output = tower.tensor("out", len);
    tower.push(Op::ReluForward(len), &[input.view, output]);

    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        wanted.then(|| {
            let input_gradient = tower.named(&name, len);
            tower.push(Op::ReluBackward(len), &[output, gradient, input_gradient]);
            input_gradient
        })
    });
    (Activation { view: output, shape: input.shape }, backward)
}

/// Dropout in training; nothing in evaluation. The gradient undergoes the same draw.
pub(super) fn dropout(tower: &mut Tower<'_>, input: Activation, rate: f32) -> (Activation, Backward) {
    let layer = tower.next_dropout();
    if tower.mode == Mode::Evaluation {
        return (input, pass_through());
    }
    let shape = Dropout { len: input.view.len, rate, layer };
    let clock = tower.clock;
    let output = tower.tensor("out", shape.len);
    tower.push(Op::Dropout(shape), &[input.view, clock, output]);

    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        wanted.then(|| {
            let input_gradient = tower.named(&name, shape.len);
            tower.push(Op::Dropout(shape), &[gradient, clock, input_gradient]);
            input_gradient
        })
    });
    (Activation { view: output, shape: input.shape }, backward)
}

/// A sample as a flat vector: the same memory, another shape.
pub(super) fn flatten(input: Activation) -> (Activation, Backward) {
    let shape = Shape { channels: input.shape.len(), height: 1, width: 1 };
    (Activation { view: input.view, shape }, pass_through())
}

/// The gradient of a layer that changes nothing.
pub(super) fn pass_through() -> Backward {
    Box::new(|_, gradient, wanted| wanted.then_some(gradient))
}
