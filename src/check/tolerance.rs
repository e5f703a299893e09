//! How far a kernel may be from the oracle, relative to the largest entry of the tensor.

use crate::plan::{Conv, Op};

/// Most operations: a few roundings (6e-8 each) and WGSL's exp, log and square root, which may be
/// some units off in the last place.
const USUAL: f64 = 1e-5;

/// No operation may be farther off than this.
const WIDEST: f64 = 1e-4;

/// The tolerance of an operation.
pub fn tolerance(op: &Op) -> f64 {
    match *op {
        // They move numbers, compare them and count, without rounding.
        Op::Tick
        | Op::BatchRows { .. }
        | Op::ReluForward(_)
        | Op::ReluBackward(_)
        | Op::MaxPoolForward(_)
        | Op::MaxPoolReluForward(_) => 0.0,
        // A place on an image of 64 pixels is rounded to 4e-6 several times, sine and cosine are
        // half a millionth off, and from one pixel to the next the value may jump by 2.
        Op::Augment(_, on) if on.rotation || on.aspect => WIDEST,
        // Up to three sums one after the other, of terms that are all alike where the logits are,
        // so that their roundings do not cancel.
        Op::Loss(_, s) => (1e-6 * (s.classes as f64).sqrt()).clamp(USUAL, WIDEST),
        _ => terms(op).map_or(USUAL, |terms| (2e-7 * (terms as f64).sqrt()).clamp(USUAL, WIDEST)),
    }
}

/// How many terms the longest sum of a reduction has: n roundings of random sign add up to
/// sqrt(n) times one of them.
fn terms(op: &Op) -> Option<usize> {
    let taps = |c: Conv| c.kernel_height * c.kernel_width;
    Some(match *op {
        Op::ConvForward(c) => c.in_channels * taps(c),
        Op::ConvBackwardData(c) => c.out_channels * taps(c),
        Op::ConvBackwardWeight(c) => c.batch * c.out_height() * c.out_width(),
        Op::LinearForward(l) => l.inputs,
        Op::LinearBackwardData(l) => l.outputs,
        Op::LinearBackwardWeight(l) => l.batch,
        Op::AveragePoolForward(p) => p.window_height * p.window_width,
        Op::BatchNormStatistics(n) | Op::BatchNormBackwardWeight(n) => n.batch * n.plane,
        Op::Tally(s) => s.batch,
        Op::ClassSums { features, .. } | Op::PairwiseDistances { features, .. } => features,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sums_have_more_room_within_bounds() {
        let sum = |features| tolerance(&Op::PairwiseDistances { classes: 2, features });
        assert_eq!(sum(1), 1e-5);
        assert!((sum(10_000) - 2e-5).abs() < 1e-12);
        assert_eq!(sum(1 << 30), 1e-4);
    }
}
