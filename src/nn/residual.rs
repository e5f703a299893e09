//! The residual join.

use super::layer::Layer;
use super::tower::{Activation, Backward, Tower};
use crate::plan::Op;

/// `body(x) + shortcut(x)`; an empty shortcut is the identity.
pub(super) fn residual(
    tower: &mut Tower<'_>,
    input: Activation,
    body: &[Layer],
    shortcut: &[Layer],
) -> (Activation, Backward) {
    let (left, left_tape) = tower.at("body", |tower| tower.layers(body, 0, input));
    let (right, right_tape) = tower.at("shortcut", |tower| tower.layers(shortcut, 0, input));
    let len = left.view.len;
    let output = tower.tensor("out", len);
    tower.push(Op::Add(len), &[left.view, right.view, output]);

    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        let left = tower.backward_through(left_tape, gradient, wanted);
        let right = tower.backward_through(right_tape, gradient, wanted);
        let (left, right) = left.zip(right).filter(|_| wanted)?;
        let input_gradient = tower.named(&name, left.len);
        tower.push(Op::Add(left.len), &[left, right, input_gradient]);
        Some(input_gradient)
    });
    (Activation { view: output, shape: left.shape }, backward)
}
