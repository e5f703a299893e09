//! The fully connected layer.

use super::layer::Shape;
use super::tower::{Activation, Backward, Mode, Tower};
use crate::plan::{Linear, Op};

/// A fully connected layer to `outputs` columns.
pub(super) fn linear(tower: &mut Tower<'_>, input: Activation, outputs: usize, bias: bool) -> (Activation, Backward) {
    let shape = Linear { batch: tower.batch, inputs: input.shape.len(), outputs, bias };
    let weight = tower.weight("weight");
    let output = tower.tensor("out", shape.batch * outputs);
    let mut views = vec![input.view, weight];
    if bias {
        views.push(tower.weight("bias"));
    }
    views.push(output);
    tower.push(Op::LinearForward(shape), &views);

    let weight_gradient = tower.gradient("weight");
    let bias_gradient = bias.then(|| tower.gradient("bias"));
    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        if tower.mode == Mode::Training {
            let mut views = vec![input.view, gradient, weight_gradient];
            views.extend(bias_gradient);
            tower.push(Op::LinearBackwardWeight(shape), &views);
        }
        wanted.then(|| {
            let input_gradient = tower.named(&name, shape.batch * shape.inputs);
            tower.push(Op::LinearBackwardData(shape), &[gradient, weight, input_gradient]);
            input_gradient
        })
    });
    (Activation { view: output, shape: Shape { channels: outputs, height: 1, width: 1 } }, backward)
}
