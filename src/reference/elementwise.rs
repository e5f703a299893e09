//! Operations that treat each element by itself.

use super::mismatch;
use crate::plan::random::{draw, purpose, unit};
use crate::plan::{Dropout, Op};

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    match (op, &mut *operands) {
        (Op::Tick, [clock]) => tick(clock),
        (Op::ReluForward(_), [input, output]) => *output = relu_forward(input),
        (Op::ReluBackward(_), [output, output_gradient, input_gradient]) => {
            *input_gradient = relu_backward(output, output_gradient);
        }
        (Op::Dropout(d), [input, clock, output]) => *output = dropout(d, input, clock),
        (Op::Add(_), [a, b, sum]) => *sum = a.iter().zip(b).map(|(a, b)| *a + *b).collect(),
        (Op::Sgd(_), [gradients, settings, weights, momenta]) => sgd(gradients, settings, weights, momenta),
        _ => mismatch(op, operands),
    }
}

/// One more step, one more batch of the epoch.
pub fn tick(clock: &mut [f64]) {
    let [_seed, _epoch, step, cursor] = clock else { panic!("a clock has four words") };
    *step += 1.0;
    *cursor += 1.0;
}

/// `max(input, 0)`.
#[must_use]
pub fn relu_forward(input: &[f64]) -> Vec<f64> {
    input.iter().map(|value| if *value > 0.0 { *value } else { 0.0 }).collect()
}

/// The gradient passes where the output is above 0.
#[must_use]
pub fn relu_backward(output: &[f64], output_gradient: &[f64]) -> Vec<f64> {
    let pass = |(output, gradient): (&f64, &f64)| if *output > 0.0 { *gradient } else { 0.0 };
    output.iter().zip(output_gradient).map(pass).collect()
}

/// Element i is kept, and divided by the probability of that, when the draw keyed
/// (seed, layer, step, i) is not below the rate. The gradient takes the same path.
#[must_use]
pub fn dropout(d: &Dropout, input: &[f64], clock: &[f64]) -> Vec<f64> {
    let (seed, step) = (clock[0] as u32, clock[2] as u32);
    let rate = f64::from(d.rate);
    let chance = |index: usize| f64::from(unit(draw(seed, purpose::DROPOUT + d.layer, step, index as u32)[0]));
    let kept = |(index, value): (usize, &f64)| if chance(index) >= rate { value / (1.0 - rate) } else { 0.0 };
    input.iter().enumerate().map(kept).collect()
}

/// SGD with momentum and L2 weight decay, PyTorch's rule: `v = momentum v + gradient + decay w`,
/// then `w -= rate v`.
pub fn sgd(gradients: &[f64], settings: &[f64], weights: &mut [f64], momenta: &mut [f64]) {
    let [learning_rate, momentum, weight_decay, ..] = *settings else { panic!("settings have eight words") };
    for i in 0..gradients.len() {
        momenta[i] = momentum * momenta[i] + gradients[i] + weight_decay * weights[i];
        weights[i] -= learning_rate * momenta[i];
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, assert_gradient, dot, noise};
    use super::*;

    #[test]
    fn relu_passes_what_is_above_zero() {
        assert_eq!(relu_forward(&[-1.0, 0.0, 2.0]), [0.0, 0.0, 2.0]);
        assert_eq!(relu_backward(&[0.0, 0.0, 2.0], &[3.0, 4.0, 5.0]), [0.0, 0.0, 5.0]);
        let (input, upstream) = (noise(1, 20), noise(2, 20));
        assert_gradient(&input, &relu_backward(&relu_forward(&input), &upstream), |input| {
            dot(&relu_forward(input), &upstream)
        });
    }

    #[test]
    fn dropout_keeps_its_share_and_is_its_own_gradient() {
        let d = Dropout { len: 10_000, rate: 0.25, layer: 3 };
        let clock = [7.0, 0.0, 5.0, 0.0];
        let output = dropout(&d, &vec![3.0; d.len], &clock);
        assert!(output.iter().all(|value| *value == 0.0 || *value == 4.0));
        let kept = output.iter().filter(|value| **value == 4.0).count();
        assert!((7300..7700).contains(&kept), "{kept}");
        let (input, upstream) = (noise(1, 50), noise(2, 50));
        let d = Dropout { len: 50, ..d };
        assert_gradient(&input, &dropout(&d, &upstream, &clock), |input| dot(&dropout(&d, input, &clock), &upstream));
    }

    #[test]
    fn dropout_draws_anew_for_every_seed_step_and_layer_and_not_for_the_cursor() {
        let d = Dropout { len: 100, rate: 0.5, layer: 0 };
        let ones = vec![1.0; 100];
        let base = dropout(&d, &ones, &[7.0, 1.0, 5.0, 2.0]);
        assert_eq!(dropout(&d, &ones, &[7.0, 3.0, 5.0, 4.0]), base);
        assert_ne!(dropout(&d, &ones, &[8.0, 1.0, 5.0, 2.0]), base);
        assert_ne!(dropout(&d, &ones, &[7.0, 1.0, 6.0, 2.0]), base);
        assert_ne!(dropout(&Dropout { layer: 1, ..d }, &ones, &[7.0, 1.0, 5.0, 2.0]), base);
        assert_eq!(dropout(&Dropout { rate: 0.0, ..d }, &ones, &[7.0, 1.0, 5.0, 2.0]), ones);
    }

    /// One weight at 2 with gradients 1, -2, 0.5; rate 0.1, momentum 0.5, decay 0.25. By hand:
    /// v = 1 + 0.5 = 1.5, w = 1.85; v = 0.75 - 2 + 0.4625 = -0.7875, w = 1.92875;
    /// v = -0.39375 + 0.5 + 0.4821875 = 0.5884375, w = 1.86990625.
    #[test]
    fn three_steps_by_hand() {
        let settings = [0.1, 0.5, 0.25, 9.0, 9.0, 9.0, 9.0, 9.0];
        let (mut weights, mut momenta) = (vec![2.0], vec![0.0]);
        for (gradient, weight, momentum) in
            [(1.0, 1.85, 1.5), (-2.0, 1.92875, -0.7875), (0.5, 1.869_906_25, 0.588_437_5)]
        {
            sgd(&[gradient], &settings, &mut weights, &mut momenta);
            assert_close(&weights, &[weight], 1e-15);
            assert_close(&momenta, &[momentum], 1e-15);
        }
    }

    #[test]
    fn a_tick_moves_step_and_cursor() {
        let mut clock = [1.0, 2.0, 3.0, 4.0];
        tick(&mut clock);
        assert_eq!(clock, [1.0, 2.0, 4.0, 5.0]);
    }
}
