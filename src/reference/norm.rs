//! Batch normalisation of each channel over batch and plane (Ioffe and Szegedy, 2015).

use super::mismatch;
use crate::plan::{BatchNorm, Op};

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    match (op, &mut *operands) {
        (Op::BatchNormStatistics(n), [input, running_mean, running_variance, mean, inverse_deviation]) => {
            (*mean, *inverse_deviation) = statistics(n, input, running_mean, running_variance);
        }
        (Op::BatchNormForward(n), [input, mean, inverse_deviation, weight, bias, output]) => {
            *output = forward(n, input, mean, inverse_deviation, weight, bias);
        }
        (Op::BatchNormInference(n), [input, running_mean, running_variance, weight, bias, output]) => {
            *output = inference(n, input, running_mean, running_variance, weight, bias);
        }
        (
            Op::BatchNormBackwardWeight(n),
            [input, mean, inverse_deviation, output_gradient, weight_gradient, bias_gradient],
        ) => {
            (*weight_gradient, *bias_gradient) = backward_weight(n, input, mean, inverse_deviation, output_gradient);
        }
        (Op::BatchNormBackwardData(n), [given @ .., input_gradient]) => {
            *input_gradient = backward_data(n, given);
        }
        _ => mismatch(op, operands),
    }
}

/// Mean and 1 / sqrt(variance + epsilon) of each channel, the variance being the mean square of
/// the deviations. The running statistics move towards the batch's by the share `momentum`; the
/// running variance takes the unbiased estimate, over n - 1 instead of n, as PyTorch does (a
/// single value has none, and counts with 0).
pub fn statistics(
    n: &BatchNorm,
    input: &[f64],
    running_mean: &mut [f64],
    running_variance: &mut [f64],
) -> (Vec<f64>, Vec<f64>) {
    let (count, momentum) = (count(n), f64::from(n.momentum));
    let (mut means, mut inverse_deviations) = (Vec::new(), Vec::new());
    for c in 0..n.channels {
        let mean = channel(n, c).map(|at| input[at]).sum::<f64>() / count;
        let squares: f64 = channel(n, c).map(|at| (input[at] - mean).powi(2)).sum();
        let unbiased = squares / (count - 1.0).max(1.0);
        running_mean[c] = (1.0 - momentum) * running_mean[c] + momentum * mean;
        running_variance[c] = (1.0 - momentum) * running_variance[c] + momentum * unbiased;
        means.push(mean);
        inverse_deviations.push(1.0 / (squares / count + f64::from(n.epsilon)).sqrt());
    }
    (means, inverse_deviations)
}

/// `(input - mean) * inverse_deviation * weight + bias`.
#[must_use]
pub fn forward(
    n: &BatchNorm,
    input: &[f64],
    mean: &[f64],
    inverse_deviation: &[f64],
    weight: &[f64],
    bias: &[f64],
) -> Vec<f64> {
    let mut output = vec![f64::NAN; n.len()];
    for c in 0..n.channels {
        for at in channel(n, c) {
            output[at] = (input[at] - mean[c]) * inverse_deviation[c] * weight[c] + bias[c];
        }
    }
    output
}

/// The same with the running statistics: `(input - mean) / sqrt(variance + epsilon) * weight + bias`.
#[must_use]
pub fn inference(
    n: &BatchNorm,
    input: &[f64],
    running_mean: &[f64],
    running_variance: &[f64],
    weight: &[f64],
    bias: &[f64],
) -> Vec<f64> {
    let inverse = |variance: &f64| 1.0 / (variance + f64::from(n.epsilon)).sqrt();
    let inverse_deviation: Vec<f64> = running_variance.iter().map(inverse).collect();
    forward(n, input, running_mean, &inverse_deviation, weight, bias)
}

/// The gradients with respect to weight, `sum of output_gradient * normalised`, and bias,
/// `sum of output_gradient`.
#[must_use]
pub fn backward_weight(
    n: &BatchNorm,
    input: &[f64],
    mean: &[f64],
    inverse_deviation: &[f64],
    output_gradient: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let (mut weight_gradient, mut bias_gradient) = (vec![0.0; n.channels], vec![0.0; n.channels]);
    for c in 0..n.channels {
        for at in channel(n, c) {
            weight_gradient[c] += output_gradient[at] * (input[at] - mean[c]) * inverse_deviation[c];
            bias_gradient[c] += output_gradient[at];
        }
    }
    (weight_gradient, bias_gradient)
}

/// The gradient with respect to the input, through mean and deviation too:
/// `weight * inverse_deviation * (output_gradient - (bias_gradient + normalised * weight_gradient) / n)`.
/// `given` are the operands that [`Op::BatchNormBackwardData`] reads, in their order.
///
/// # Panics
/// When they are not seven.
#[must_use]
pub fn backward_data(n: &BatchNorm, given: &[Vec<f64>]) -> Vec<f64> {
    let [input, mean, inverse_deviation, weight, output_gradient, weight_gradient, bias_gradient] = given else {
        panic!("the gradient with respect to the input takes seven tensors, not {}", given.len());
    };
    let mut input_gradient = vec![f64::NAN; n.len()];
    for c in 0..n.channels {
        for at in channel(n, c) {
            let normalised = (input[at] - mean[c]) * inverse_deviation[c];
            let through_statistics = (bias_gradient[c] + normalised * weight_gradient[c]) / count(n);
            input_gradient[at] = weight[c] * inverse_deviation[c] * (output_gradient[at] - through_statistics);
        }
    }
    input_gradient
}

/// Values of a channel.
fn count(n: &BatchNorm) -> f64 {
    (n.batch * n.plane) as f64
}

/// The indices of channel `c`.
fn channel(n: &BatchNorm, c: usize) -> impl Iterator<Item = usize> {
    let (channels, plane) = (n.channels, n.plane);
    (0..n.batch).flat_map(move |image| (0..plane).map(move |place| (image * channels + c) * plane + place))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, assert_gradient, dot, noise};
    use super::*;

    fn shapes() -> Vec<BatchNorm> {
        let odd = BatchNorm { batch: 3, channels: 2, plane: 5, epsilon: 1e-5, momentum: 0.1 };
        vec![odd, BatchNorm { batch: 1, ..odd }, BatchNorm { plane: 1, batch: 4, epsilon: 0.5, ..odd }]
    }

    /// Training mode: the statistics are those of the input.
    fn train(n: &BatchNorm, input: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
        let (mut running_mean, mut running_variance) = (vec![0.0; n.channels], vec![1.0; n.channels]);
        let (mean, inverse) = statistics(n, input, &mut running_mean, &mut running_variance);
        forward(n, input, &mean, &inverse, weight, bias)
    }

    #[test]
    fn gradients_are_those_of_training_mode() {
        for n in shapes() {
            let (input, upstream) = (noise(1, n.len()), noise(2, n.len()));
            let (weight, bias) = (noise(3, n.channels), noise(4, n.channels));
            let (mean, inverse) = statistics(&n, &input, &mut [0.0; 2], &mut [1.0; 2]);
            let (weight_gradient, bias_gradient) = backward_weight(&n, &input, &mean, &inverse, &upstream);
            assert_gradient(&weight, &weight_gradient, |weight| dot(&train(&n, &input, weight, &bias), &upstream));
            assert_gradient(&bias, &bias_gradient, |bias| dot(&train(&n, &input, &weight, bias), &upstream));
            let given =
                [input.clone(), mean, inverse, weight.clone(), upstream.clone(), weight_gradient, bias_gradient];
            assert_gradient(&input, &backward_data(&n, &given), |input| {
                dot(&train(&n, input, &weight, &bias), &upstream)
            });
        }
    }

    /// Two images of two channels of one pixel: channel 0 has 1 and 3 (mean 2, variance 1,
    /// unbiased 2), channel 1 has 10 and 20 (mean 15, variance 25, unbiased 50).
    #[test]
    fn statistics_by_hand() {
        let n = BatchNorm { batch: 2, channels: 2, plane: 1, epsilon: 0.0, momentum: 0.25 };
        let (mut running_mean, mut running_variance) = (vec![4.0, 8.0], vec![1.0, 2.0]);
        let input = [1.0, 10.0, 3.0, 20.0];
        let (mean, inverse) = statistics(&n, &input, &mut running_mean, &mut running_variance);
        assert_eq!((&mean[..], &inverse[..]), (&[2.0, 15.0][..], &[1.0, 0.2][..]));
        assert_eq!(running_mean, [3.5, 9.75]);
        assert_eq!(running_variance, [1.25, 14.0]);
        assert_eq!(forward(&n, &input, &mean, &inverse, &[1.0, 2.0], &[0.0, 5.0]), [-1.0, 3.0, 1.0, 7.0]);
    }

    #[test]
    fn inference_takes_a_variance() {
        let n = BatchNorm { batch: 1, channels: 2, plane: 1, epsilon: 0.0, momentum: 0.1 };
        let output = inference(&n, &[5.0, 7.0], &[1.0, 1.0], &[4.0, 9.0], &[10.0, 1.0], &[0.5, 0.0]);
        assert_close(&output, &[20.5, 2.0], 1e-15);
    }

    #[test]
    fn a_single_value_has_no_variance() {
        let n = BatchNorm { batch: 1, channels: 1, plane: 1, epsilon: 0.25, momentum: 0.5 };
        let mut running_variance = [1.0];
        assert_eq!(statistics(&n, &[3.0], &mut [1.0], &mut running_variance), (vec![3.0], vec![2.0]));
        assert_eq!(running_variance, [0.5]);
    }
}
