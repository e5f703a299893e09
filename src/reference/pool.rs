//! Pooling over the windows of each plane, as in PyTorch: padding is minus infinity to a maximum
//! and a zero that counts to a mean.

use super::mismatch;
use crate::plan::{NOWHERE, Op, Pool};

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    match (op, &mut *operands) {
        (Op::MaxPoolForward(p), [input, output, argmax]) => (*output, *argmax) = max_pool_forward(p, input),
        (Op::MaxPoolReluForward(p), [input, output, argmax]) => (*output, *argmax) = max_pool_relu_forward(p, input),
        (Op::MaxPoolBackward(p), [output_gradient, argmax, input_gradient]) => {
            *input_gradient = max_pool_backward(p, output_gradient, argmax);
        }
        (Op::AveragePoolForward(p), [input, output]) => *output = average_pool_forward(p, input),
        (Op::AveragePoolBackward(p), [output_gradient, input_gradient]) => {
            *input_gradient = average_pool_backward(p, output_gradient);
        }
        _ => mismatch(op, operands),
    }
}

/// The maximum of each window and its place, y * width + x, in the input plane: that of the first
/// of equals in reading order.
#[must_use]
pub fn max_pool_forward(p: &Pool, input: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut output = vec![f64::NAN; p.output_len()];
    let mut argmax = vec![f64::NAN; p.output_len()];
    each_window(p, |plane, out, places| {
        let value = |place: usize| input[plane * p.in_height * p.in_width + place];
        let mut best = places[0];
        for &place in places {
            if value(place) > value(best) {
                best = place;
            }
        }
        (output[out], argmax[out]) = (value(best), best as f64);
    });
    (output, argmax)
}

/// ReLU and max pooling in one: since neither changes the order of values, the ReLU of each maximum. One that is not
/// above 0 has no place, for ReLU passes no gradient to it.
#[must_use]
pub fn max_pool_relu_forward(p: &Pool, input: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (maxima, places) = max_pool_forward(p, input);
    let pass = |(maximum, place)| if maximum > 0.0 { (maximum, place) } else { (0.0, f64::from(NOWHERE)) };
    maxima.into_iter().zip(places).map(pass).unzip()
}

/// Each window's gradient, added at the place of its maximum where it has one.
#[must_use]
pub fn max_pool_backward(p: &Pool, output_gradient: &[f64], argmax: &[f64]) -> Vec<f64> {
    let mut input_gradient = vec![0.0; p.input_len()];
    each_window(p, |plane, out, _| {
        if argmax[out] != f64::from(NOWHERE) {
            input_gradient[plane * p.in_height * p.in_width + argmax[out] as usize] += output_gradient[out];
        }
    });
    input_gradient
}

/// The sum of each window over its size, padding included.
#[must_use]
pub fn average_pool_forward(p: &Pool, input: &[f64]) -> Vec<f64> {
    let size = (p.window_height * p.window_width) as f64;
    let mut output = vec![f64::NAN; p.output_len()];
    each_window(p, |plane, out, places| {
        let value = |place: &usize| input[plane * p.in_height * p.in_width + place];
        output[out] = places.iter().map(value).sum::<f64>() / size;
    });
    output
}

/// Each window's gradient over its size, added at every place of the window.
#[must_use]
pub fn average_pool_backward(p: &Pool, output_gradient: &[f64]) -> Vec<f64> {
    let size = (p.window_height * p.window_width) as f64;
    let mut input_gradient = vec![0.0; p.input_len()];
    each_window(p, |plane, out, places| {
        for place in places {
            input_gradient[plane * p.in_height * p.in_width + place] += output_gradient[out] / size;
        }
    });
    input_gradient
}

/// Visits every window: its plane, its index in the output, and its places y * width + x on the
/// input plane in reading order, those in the padding left out.
fn each_window(p: &Pool, mut visit: impl FnMut(usize, usize, &[usize])) {
    for plane in 0..p.planes {
        for y in 0..p.out_height() {
            for x in 0..p.out_width() {
                let out = (plane * p.out_height() + y) * p.out_width() + x;
                visit(plane, out, &places(p, y, x));
            }
        }
    }
}

/// The places of window (y, x) on the input plane.
fn places(p: &Pool, y: usize, x: usize) -> Vec<usize> {
    let mut places = Vec::new();
    for i in 0..p.window_height {
        for j in 0..p.window_width {
            let (down, right) = (y * p.stride + i, x * p.stride + j);
            let rows = p.padding..p.padding + p.in_height;
            let columns = p.padding..p.padding + p.in_width;
            if rows.contains(&down) && columns.contains(&right) {
                places.push((down - p.padding) * p.in_width + right - p.padding);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::super::elementwise::relu_forward;
    use super::super::testing::{assert_gradient, dot, noise};
    use super::*;

    /// Windows apart, overlapping, padded, of unequal sides, leaving a rest.
    fn shapes() -> Vec<Pool> {
        let apart =
            Pool { planes: 3, in_height: 7, in_width: 5, window_height: 2, window_width: 2, stride: 2, padding: 0 };
        vec![
            apart,
            Pool { window_height: 3, window_width: 3, ..apart },
            Pool { window_height: 3, window_width: 3, stride: 1, padding: 1, ..apart },
            Pool { window_height: 3, window_width: 2, padding: 1, ..apart },
            Pool { window_height: 2, window_width: 3, stride: 3, padding: 1, ..apart },
            Pool { window_height: 7, window_width: 5, stride: 1, ..apart },
        ]
    }

    #[test]
    fn gradients_are_those_of_the_pools() {
        for p in shapes() {
            let (input, upstream) = (noise(1, p.input_len()), noise(2, p.output_len()));
            let (_, argmax) = max_pool_forward(&p, &input);
            assert_gradient(&input, &max_pool_backward(&p, &upstream, &argmax), |input| {
                dot(&max_pool_forward(&p, input).0, &upstream)
            });
            assert_gradient(&input, &average_pool_backward(&p, &upstream), |input| {
                dot(&average_pool_forward(&p, input), &upstream)
            });
        }
    }

    #[test]
    fn relu_and_max_pooling_in_one_are_both() {
        for p in shapes() {
            let input: Vec<f64> = noise(1, p.input_len()).iter().map(|value| value - 0.6).collect();
            let upstream = noise(2, p.output_len());
            let pooled = |input: &[f64]| max_pool_forward(&p, &relu_forward(input)).0;
            let (output, argmax) = max_pool_relu_forward(&p, &input);
            assert_eq!(output, pooled(&input));
            assert_gradient(&input, &max_pool_backward(&p, &upstream, &argmax), |input| dot(&pooled(input), &upstream));
        }
    }

    /// Two planes of 2 x 3 under windows of 2 x 2 with stride 1:
    /// 1 5 5 / 5 0 5 and -1 -1 -3 / -2 -1 -3.
    #[test]
    fn the_first_of_equal_maxima_wins() {
        let p = Pool { planes: 2, in_height: 2, in_width: 3, window_height: 2, window_width: 2, stride: 1, padding: 0 };
        let input = [1.0, 5.0, 5.0, 5.0, 0.0, 5.0, -1.0, -1.0, -3.0, -2.0, -1.0, -3.0];
        let (output, argmax) = max_pool_forward(&p, &input);
        assert_eq!((&output[..], &argmax[..]), (&[5.0, 5.0, -1.0, -1.0][..], &[1.0, 1.0, 0.0, 1.0][..]));
        let gradient = max_pool_backward(&p, &[2.0, 3.0, 0.5, 0.25], &argmax);
        assert_eq!(gradient, [0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0]);
    }

    /// A single -3 under a 2 x 2 window padded by 1: each of the four windows sees it and zeros
    /// or nothing.
    #[test]
    fn padding_never_wins_a_maximum_and_counts_in_a_mean() {
        let p = Pool { planes: 1, in_height: 1, in_width: 1, window_height: 2, window_width: 2, stride: 1, padding: 1 };
        assert_eq!(max_pool_forward(&p, &[-3.0]), (vec![-3.0; 4], vec![0.0; 4]));
        assert_eq!(average_pool_forward(&p, &[-3.0]), [-0.75; 4]);
        assert_eq!(average_pool_backward(&p, &[1.0, 2.0, 3.0, 4.0]), [2.5]);
    }
}
