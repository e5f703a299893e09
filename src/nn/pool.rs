//! Pooling layers.

use super::layer::Shape;
use super::tower::{Activation, Backward, Tower};
use crate::plan::{Element, Op, Pool};

fn pooled(tower: &Tower<'_>, input: Shape, window: [usize; 2], stride: usize, padding: usize) -> (Pool, Shape) {
    let pool = Pool {
        planes: tower.batch * input.channels,
        in_height: input.height,
        in_width: input.width,
        window_height: window[0],
        window_width: window[1],
        stride,
        padding,
    };
    (pool, Shape { height: pool.out_height(), width: pool.out_width(), ..input })
}

/// Max pooling, of the ReLU of its input where that is said; the place of each maximum is kept for the backward pass.
pub(super) fn max_pool(
    tower: &mut Tower<'_>,
    input: Activation,
    relu: bool,
    window: usize,
    stride: usize,
    padding: usize,
) -> (Activation, Backward) {
    let (pool, shape) = pooled(tower, input.shape, [window; 2], stride, padding);
    let output = tower.tensor("out", pool.output_len());
    let name = tower.name("argmax");
    let argmax = tower.plan.transient(&name, Element::U32, pool.output_len());
    let op = if relu { Op::MaxPoolReluForward(pool) } else { Op::MaxPoolForward(pool) };
    tower.push(op, &[input.view, output, argmax]);

    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        wanted.then(|| {
            let input_gradient = tower.named(&name, pool.input_len());
            tower.push(Op::MaxPoolBackward(pool), &[gradient, argmax, input_gradient]);
            input_gradient
        })
    });
    (Activation { view: output, shape }, backward)
}

/// Average pooling.
pub(super) fn average_pool(
    tower: &mut Tower<'_>,
    input: Activation,
    window: [usize; 2],
    stride: usize,
    padding: usize,
) -> (Activation, Backward) {
    let (pool, shape) = pooled(tower, input.shape, window, stride, padding);
    let output = tower.tensor("out", pool.output_len());
    tower.push(Op::AveragePoolForward(pool), &[input.view, output]);

    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        wanted.then(|| {
            let input_gradient = tower.named(&name, pool.input_len());
            tower.push(Op::AveragePoolBackward(pool), &[gradient, input_gradient]);
            input_gradient
        })
    });
    (Activation { view: output, shape }, backward)
}
