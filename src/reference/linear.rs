//! Fully connected layers: `output(b, o) = bias(o) + sum over i of input(b, i) weight(o, i)`.

use super::conv::channel_sums;
use super::mismatch;
use crate::plan::{Linear, Op};

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    match (op, &mut *operands) {
        (Op::LinearForward(l), [input, weight, bias, output]) => {
            *output = linear_forward(l, input, weight, Some(bias));
        }
        (Op::LinearForward(l), [input, weight, output]) => *output = linear_forward(l, input, weight, None),
        (Op::LinearBackwardData(l), [output_gradient, weight, input_gradient]) => {
            *input_gradient = linear_backward_data(l, output_gradient, weight);
        }
        (Op::LinearBackwardWeight(l), [input, output_gradient, weight_gradient, bias_gradient @ ..]) => {
            *weight_gradient = linear_backward_weight(l, input, output_gradient);
            for bias_gradient in bias_gradient {
                *bias_gradient = channel_sums(l.outputs, 1, output_gradient);
            }
        }
        _ => mismatch(op, operands),
    }
}

/// `input * weight^T + bias`.
#[must_use]
pub fn linear_forward(l: &Linear, input: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let mut output = vec![0.0; l.batch * l.outputs];
    for b in 0..l.batch {
        for o in 0..l.outputs {
            let product: f64 = (0..l.inputs).map(|i| input[b * l.inputs + i] * weight[o * l.inputs + i]).sum();
            output[b * l.outputs + o] = product + bias.map_or(0.0, |bias| bias[o]);
        }
    }
    output
}

/// `output_gradient * weight`.
#[must_use]
pub fn linear_backward_data(l: &Linear, output_gradient: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut input_gradient = vec![0.0; l.batch * l.inputs];
    for b in 0..l.batch {
        for i in 0..l.inputs {
            input_gradient[b * l.inputs + i] =
                (0..l.outputs).map(|o| output_gradient[b * l.outputs + o] * weight[o * l.inputs + i]).sum();
        }
    }
    input_gradient
}

/// `output_gradient^T * input`.
#[must_use]
pub fn linear_backward_weight(l: &Linear, input: &[f64], output_gradient: &[f64]) -> Vec<f64> {
    let mut weight_gradient = vec![0.0; l.outputs * l.inputs];
    for o in 0..l.outputs {
        for i in 0..l.inputs {
            weight_gradient[o * l.inputs + i] =
                (0..l.batch).map(|b| output_gradient[b * l.outputs + o] * input[b * l.inputs + i]).sum();
        }
    }
    weight_gradient
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_gradient, dot, noise};
    use super::*;

    #[test]
    fn a_layer_by_hand() {
        let l = Linear { batch: 2, inputs: 2, outputs: 3, bias: true };
        let weight = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let output = linear_forward(&l, &[1.0, 10.0, 100.0, 1000.0], &weight, Some(&[0.1, 0.2, 0.3]));
        assert_eq!(output, [21.1, 43.2, 65.3, 2100.1, 4300.2, 6500.3]);
    }

    #[test]
    fn gradients_are_those_of_the_layer() {
        for (batch, inputs, outputs) in [(1, 5, 3), (7, 3, 5), (4, 1, 1)] {
            let l = Linear { batch, inputs, outputs, bias: true };
            let (input, weight) = (noise(1, batch * inputs), noise(2, outputs * inputs));
            let (bias, upstream) = (noise(3, outputs), noise(4, batch * outputs));
            assert_gradient(&input, &linear_backward_data(&l, &upstream, &weight), |input| {
                dot(&linear_forward(&l, input, &weight, Some(&bias)), &upstream)
            });
            assert_gradient(&weight, &linear_backward_weight(&l, &input, &upstream), |weight| {
                dot(&linear_forward(&l, &input, weight, Some(&bias)), &upstream)
            });
            assert_gradient(&bias, &channel_sums(outputs, 1, &upstream), |bias| {
                dot(&linear_forward(&l, &input, &weight, Some(bias)), &upstream)
            });
        }
    }
}
