//! Batch normalisation: channels apart where sums are taken, samples apart elsewhere.

use super::task::{Cut, Task};
use super::tile::{sum, vectorised};
use crate::plan::{BatchNorm, Op};

/// The sum over a channel's places of `term(place)`: plane by plane.
fn channel_sum(n: &BatchNorm, channel: usize, term: impl Fn(usize) -> f32) -> f32 {
    let of_sample = |sample: usize| {
        let first = (sample * n.channels + channel) * n.plane;
        vectorised!(sum(n.plane, |at| term(first + at)))
    };
    (0..n.batch).map(of_sample).sum()
}

/// Mean, 1 / sqrt(biased variance + epsilon), and the running statistics (unbiased variance).
pub(super) fn statistics(op: &Op, n: &BatchNorm) -> Task {
    let n = *n;
    let each = Cut::Each(1);
    Task::new(op, n.channels, [Cut::Whole, each, each, each, each], move |channels, operands| {
        let [input, running_mean, running_variance, mean, deviation] = operands;
        let input = input.floats();
        let count = (n.batch * n.plane) as f32;
        for (at, channel) in channels.enumerate() {
            let centre = channel_sum(&n, channel, |place| input[place]) / count;
            let squares = channel_sum(&n, channel, |place| (input[place] - centre) * (input[place] - centre));
            mean.floats_mut()[at] = centre;
            deviation.floats_mut()[at] = 1.0 / (squares / count + n.epsilon).sqrt();
            let unbiased = squares / (count.max(2.0) - 1.0);
            let blend = |running: &mut f32, new: f32| *running = (1.0 - n.momentum) * *running + n.momentum * new;
            blend(&mut running_mean.floats_mut()[at], centre);
            blend(&mut running_variance.floats_mut()[at], unbiased);
        }
    })
}

/// `(input - mean) spread weight + bias`, spread being `of(spread operand)`.
fn normalise(op: &Op, n: &BatchNorm, of: impl Fn(f32) -> f32 + Send + Sync + 'static) -> Task {
    let n = *n;
    let each = Cut::Each(n.channels * n.plane);
    let cuts = [each, Cut::Whole, Cut::Whole, Cut::Whole, Cut::Whole, each];
    Task::new(op, n.batch, cuts, move |_, [input, mean, spread, weight, bias, output]| {
        let planes = input.floats().chunks_exact(n.plane).zip(output.floats_mut().chunks_exact_mut(n.plane));
        for (at, (input, output)) in planes.enumerate() {
            let c = at % n.channels;
            let (mean, spread) = (mean.floats()[c], of(spread.floats()[c]));
            let (weight, bias) = (weight.floats()[c], bias.floats()[c]);
            let pairs = output.iter_mut().zip(input);
            vectorised!(pairs.for_each(|(output, input)| *output = (input - mean) * spread * weight + bias));
        }
    })
}

/// With the batch's statistics.
pub(super) fn forward(op: &Op, n: &BatchNorm) -> Task {
    normalise(op, n, |deviation| deviation)
}

/// With the running statistics.
pub(super) fn inference(op: &Op, n: &BatchNorm) -> Task {
    let epsilon = n.epsilon;
    normalise(op, n, move |variance| 1.0 / (variance + epsilon).sqrt())
}

/// The gradients with respect to weight and bias: sums of h g and of g, h being the normalised input.
pub(super) fn backward_weight(op: &Op, n: &BatchNorm) -> Task {
    let n = *n;
    let each = Cut::Each(1);
    let cuts = [Cut::Whole, each, each, Cut::Whole, each, each];
    Task::new(op, n.channels, cuts, move |channels, operands| {
        let [input, mean, deviation, gradient, weight_gradient, bias_gradient] = operands;
        let (input, gradient) = (input.floats(), gradient.floats());
        for (at, channel) in channels.enumerate() {
            let (mean, deviation) = (mean.floats()[at], deviation.floats()[at]);
            let term = |place: usize| (input[place] - mean) * deviation * gradient[place];
            weight_gradient.floats_mut()[at] = channel_sum(&n, channel, term);
            bias_gradient.floats_mut()[at] = channel_sum(&n, channel, |place| gradient[place]);
        }
    })
}

/// With m places a channel: weight deviation (g - bias gradient / m - h weight gradient / m).
pub(super) fn backward_data(op: &Op, n: &BatchNorm) -> Task {
    let n = *n;
    let each = Cut::Each(n.channels * n.plane);
    let whole = Cut::Whole;
    let cuts = [each, whole, whole, whole, each, whole, whole, each];
    Task::new(op, n.batch, cuts, move |_, operands| {
        let [input, mean, deviation, weight, gradient, weight_gradient, bias_gradient, result] = operands;
        let given = input.floats().chunks_exact(n.plane).zip(gradient.floats().chunks_exact(n.plane));
        let m = (n.batch * n.plane) as f32;
        for (at, ((input, gradient), result)) in given.zip(result.floats_mut().chunks_exact_mut(n.plane)).enumerate() {
            let c = at % n.channels;
            let (mean, deviation, weight) = (mean.floats()[c], deviation.floats()[c], weight.floats()[c]);
            let (of_weight, of_bias) = (weight_gradient.floats()[c] / m, bias_gradient.floats()[c] / m);
            let triples = result.iter_mut().zip(input.iter().zip(gradient));
            vectorised!({
                triples.for_each(|(result, (input, g))| {
                    let h = (input - mean) * deviation;
                    *result = weight * deviation * (g - of_bias - h * of_weight);
                });
            });
        }
    })
}
