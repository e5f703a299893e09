//! The convolution layer.

use super::layer::Shape;
use super::tower::{Activation, Backward, Mode, Tower};
use crate::plan::{Conv, Op};

/// A convolution to `channels` with the given kernel and `[stride, padding]`.
pub(super) fn conv(
    tower: &mut Tower<'_>,
    input: Activation,
    channels: usize,
    [kernel_height, kernel_width]: [usize; 2],
    [stride, padding]: [usize; 2],
    bias: bool,
) -> (Activation, Backward) {
    let shape = Conv {
        batch: tower.batch,
        in_channels: input.shape.channels,
        out_channels: channels,
        in_height: input.shape.height,
        in_width: input.shape.width,
        kernel_height,
        kernel_width,
        stride,
        padding,
        bias,
    };
    let weight = tower.weight("weight");
    let output = tower.tensor("out", shape.output_len());
    let mut views = vec![input.view, weight];
    if bias {
        views.push(tower.weight("bias"));
    }
    views.push(output);
    tower.push(Op::ConvForward(shape), &views);

    let weight_gradient = tower.gradient("weight");
    let bias_gradient = bias.then(|| tower.gradient("bias"));
    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        if tower.mode == Mode::Training {
            let mut views = vec![input.view, gradient, weight_gradient];
            views.extend(bias_gradient);
            tower.push(Op::ConvBackwardWeight(shape), &views);
        }
        wanted.then(|| {
            let input_gradient = tower.named(&name, shape.input_len());
            tower.push(Op::ConvBackwardData(shape), &[gradient, weight, input_gradient]);
            input_gradient
        })
    });
    let out = Shape { channels, height: shape.out_height(), width: shape.out_width() };
    (Activation { view: output, shape: out }, backward)
}
