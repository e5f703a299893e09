//! Convolution (cross-correlation, as in PyTorch) and its two gradients.
//!
//! `output(n, o, y, x) = bias(o) + sum over c, i, j of input(n, c, y s + i - p, x s + j - p) weight(o, c, i, j)`
//! with stride s and padding p, the input being 0 outside.

use super::mismatch;
use crate::plan::{Conv, Op};

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    match (op, &mut *operands) {
        (Op::ConvForward(c), [input, weight, bias, output]) => {
            *output = conv_forward(c, input, weight, Some(bias));
        }
        (Op::ConvForward(c), [input, weight, output]) => *output = conv_forward(c, input, weight, None),
        (Op::ConvBackwardData(c), [output_gradient, weight, input_gradient]) => {
            *input_gradient = conv_backward_data(c, output_gradient, weight);
        }
        (Op::ConvBackwardWeight(c), [input, output_gradient, weight_gradient, bias_gradient @ ..]) => {
            *weight_gradient = conv_backward_weight(c, input, output_gradient);
            for bias_gradient in bias_gradient {
                *bias_gradient = channel_sums(c.out_channels, c.out_height() * c.out_width(), output_gradient);
            }
        }
        _ => mismatch(op, operands),
    }
}

/// The convolution of `input` with `weight`, plus `bias` where there is one.
#[must_use]
pub fn conv_forward(c: &Conv, input: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let plane = c.out_height() * c.out_width();
    let channel = |out: usize| out / plane % c.out_channels;
    let mut output: Vec<f64> = (0..c.output_len()).map(|out| bias.map_or(0.0, |bias| bias[channel(out)])).collect();
    each_product(c, |out, at, w| output[out] += input[at] * weight[w]);
    output
}

/// The gradient with respect to the input: the derivative of each product by its input.
#[must_use]
pub fn conv_backward_data(c: &Conv, output_gradient: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut input_gradient = vec![0.0; c.input_len()];
    each_product(c, |out, at, w| input_gradient[at] += output_gradient[out] * weight[w]);
    input_gradient
}

/// The gradient with respect to the weight: the derivative of each product by its weight.
#[must_use]
pub fn conv_backward_weight(c: &Conv, input: &[f64], output_gradient: &[f64]) -> Vec<f64> {
    let mut weight_gradient = vec![0.0; c.weight_len()];
    each_product(c, |out, at, w| weight_gradient[w] += output_gradient[out] * input[at]);
    weight_gradient
}

/// The gradient with respect to a bias, which is added at every place: the sum of its channel over batch and plane.
#[must_use]
pub fn channel_sums(channels: usize, plane: usize, output_gradient: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for (index, gradient) in output_gradient.iter().enumerate() {
        sums[index / plane % channels] += gradient;
    }
    sums
}

/// Visits every product of the convolution: the indices of the output that it is added to, of its
/// input and of its weight.
fn each_product(c: &Conv, mut visit: impl FnMut(usize, usize, usize)) {
    let (out_height, out_width) = (c.out_height(), c.out_width());
    for n in 0..c.batch {
        for o in 0..c.out_channels {
            for y in 0..out_height {
                for x in 0..out_width {
                    let out = ((n * c.out_channels + o) * out_height + y) * out_width + x;
                    each_tap(c, y, x, |channel, in_y, in_x, i, j| {
                        let at = ((n * c.in_channels + channel) * c.in_height + in_y) * c.in_width + in_x;
                        let w = ((o * c.in_channels + channel) * c.kernel_height + i) * c.kernel_width + j;
                        visit(out, at, w);
                    });
                }
            }
        }
    }
}

/// Visits the taps of one window that lie on the input: channel, place on the input, place in the
/// kernel.
fn each_tap(c: &Conv, y: usize, x: usize, mut visit: impl FnMut(usize, usize, usize, usize, usize)) {
    for channel in 0..c.in_channels {
        for i in 0..c.kernel_height {
            for j in 0..c.kernel_width {
                let place = (on_input(c, y, i, c.in_height), on_input(c, x, j, c.in_width));
                if let (Some(in_y), Some(in_x)) = place {
                    visit(channel, in_y, in_x, i, j);
                }
            }
        }
    }
}

/// Where tap `tap` of window `window` lies on an input of `length`; none in the padding.
fn on_input(c: &Conv, window: usize, tap: usize, length: usize) -> Option<usize> {
    (window * c.stride + tap).checked_sub(c.padding).filter(|place| *place < length)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, assert_gradient, dot, noise};
    use super::*;

    fn shapes() -> Vec<Conv> {
        let odd = Conv {
            batch: 2,
            in_channels: 3,
            out_channels: 2,
            in_height: 7,
            in_width: 5,
            kernel_height: 3,
            kernel_width: 3,
            stride: 1,
            padding: 0,
            bias: true,
        };
        vec![
            odd,
            Conv { stride: 2, padding: 1, ..odd },
            Conv { stride: 3, padding: 2, bias: false, ..odd },
            Conv { kernel_height: 3, kernel_width: 1, padding: 1, stride: 2, ..odd },
            Conv { kernel_height: 1, kernel_width: 1, stride: 2, batch: 1, ..odd },
            Conv { kernel_height: 5, kernel_width: 5, padding: 3, in_channels: 1, ..odd },
        ]
    }

    /// Rows 1 2 3 / 4 5 6 and the kernel 1 10 / 100 1000 by hand, with stride 2 and padding 1: the
    /// windows begin at (-1, -1) and (-1, 1), then at (1, -1) and (1, 1).
    #[test]
    fn a_convolution_by_hand() {
        let c = Conv {
            batch: 1,
            in_channels: 1,
            out_channels: 1,
            in_height: 2,
            in_width: 3,
            kernel_height: 2,
            kernel_width: 2,
            stride: 2,
            padding: 1,
            bias: true,
        };
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let output = conv_forward(&c, &input, &[1.0, 10.0, 100.0, 1000.0], Some(&[0.5]));
        assert_eq!(output, [1000.5, 3200.5, 40.5, 65.5]);
    }

    /// Two images, two channels in, two out, kernel 1 x 1: a matrix product at every place.
    #[test]
    fn channels_and_images_by_hand() {
        let c = Conv {
            batch: 2,
            in_channels: 2,
            out_channels: 2,
            in_height: 1,
            in_width: 2,
            kernel_height: 1,
            kernel_width: 1,
            stride: 1,
            padding: 0,
            bias: false,
        };
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let output = conv_forward(&c, &input, &[1.0, 10.0, 100.0, 1000.0], None);
        assert_eq!(output, [31.0, 42.0, 3100.0, 4200.0, 75.0, 86.0, 7500.0, 8600.0]);
    }

    #[test]
    fn gradients_are_those_of_the_convolution() {
        for c in shapes() {
            let (input, weight) = (noise(1, c.input_len()), noise(2, c.weight_len()));
            let (bias, upstream) = (noise(3, c.out_channels), noise(4, c.output_len()));
            let bias = c.bias.then_some(&bias[..]);
            assert_gradient(&input, &conv_backward_data(&c, &upstream, &weight), |input| {
                dot(&conv_forward(&c, input, &weight, bias), &upstream)
            });
            assert_gradient(&weight, &conv_backward_weight(&c, &input, &upstream), |weight| {
                dot(&conv_forward(&c, &input, weight, bias), &upstream)
            });
        }
    }

    #[test]
    fn the_gradient_of_a_bias_is_the_sum_of_its_channel() {
        for c in shapes().into_iter().filter(|c| c.bias) {
            let (input, weight) = (noise(1, c.input_len()), noise(2, c.weight_len()));
            let (bias, upstream) = (noise(3, c.out_channels), noise(4, c.output_len()));
            let plane = c.out_height() * c.out_width();
            let sums = channel_sums(c.out_channels, plane, &upstream);
            assert_gradient(&bias, &sums, |bias| dot(&conv_forward(&c, &input, &weight, Some(bias)), &upstream));
        }
    }

    #[test]
    fn channels_are_summed_over_batch_and_plane() {
        let input: Vec<f64> = (0..12).map(f64::from).collect();
        let sums = [0.0 + 1.0 + 6.0 + 7.0, 2.0 + 3.0 + 8.0 + 9.0, 4.0 + 5.0 + 10.0 + 11.0];
        assert_eq!(channel_sums(3, 2, &input), sums);
    }

    #[test]
    fn the_operation_runs_with_and_without_bias() {
        let c = shapes()[1];
        let (input, weight, bias) = (noise(1, c.input_len()), noise(2, c.weight_len()), vec![0.0; 2]);
        let output = vec![f64::NAN; c.output_len()];
        let mut biased = [input.clone(), weight.clone(), bias, output.clone()];
        super::super::run(&Op::ConvForward(c), &mut biased);
        let mut unbiased = [input, weight, output];
        super::super::run(&Op::ConvForward(Conv { bias: false, ..c }), &mut unbiased);
        assert_close(&biased[3], &unbiased[2], 0.0);
    }
}
