//! Lowering of what sums over the places of a channel: in chunks, each of them by a group, and then the chunks.

use super::tile::{partial_sums, sum_chunks};
use super::{Argument, Dispatch, folded, kernel, plain};
use crate::plan::Op;
use crate::plan::shape::BatchNorm;

/// Fewest places of a chunk, 16 for each lane of its group.
const LEAST_CHUNK: usize = 1024;
/// Most chunks of a channel: from then on chunks grow, so that neither a chunk's sum nor that of the chunks is a long one.
const MOST_CHUNKS: usize = 1024;

/// How the places of a channel are cut.
struct Cut {
    chunk: usize,
    chunks: usize,
}

impl Cut {
    fn new(places: usize) -> Self {
        let chunk = places.div_ceil(MOST_CHUNKS).max(LEAST_CHUNK);
        Self { chunk, chunks: places.div_ceil(chunk) }
    }
}

/// The gradient of a bias where no product sums it by the way: operand 1 of the step, batch x channels x plane, summed
/// over batch and plane into operand 3.
pub(super) fn channel_sum([batch, channels, plane]: [usize; 3]) -> Vec<Dispatch> {
    let cut = Cut::new(batch * plane);
    let sizes = [("BATCH", batch), ("CHANNELS", channels), ("PLANE", plane), ("CHUNK", cut.chunk)];
    let partial = partial_sums([channels, 0], cut.chunks);
    let result = Argument::Operand(3);
    let sums = |into| Dispatch {
        kernel: kernel("channel_sum"),
        constants: sizes.map(|(name, size)| (name, size as f64)).to_vec(),
        grid: folded(channels * cut.chunks),
        arguments: vec![Argument::Operand(1), into],
    };
    if cut.chunks == 1 {
        // A single chunk is the sum.
        return vec![sums(result)];
    }
    vec![sums(partial), sum_chunks([channels, 0], cut.chunks, result, None)]
}

/// Means and squares of the chunks, then those of the channels.
pub(super) fn statistics(op: &Op, n: &BatchNorm) -> Vec<Dispatch> {
    let cut = Cut::new(n.batch * n.plane);
    let partial = partial_sums([n.channels, n.channels], cut.chunks);
    let moments = Dispatch {
        kernel: kernel("batch_norm_moments"),
        constants: constants(n, &cut),
        grid: folded(n.channels * cut.chunks),
        arguments: vec![Argument::Operand(0), partial],
    };
    let mut merged =
        Dispatch { constants: constants(n, &cut), grid: folded(n.channels), ..plain(op, op.name(), 1, vec![]) };
    merged.arguments[0] = partial;
    vec![moments, merged]
}

/// The two gradients of the chunks, then their sums: operands 4 and 5.
pub(super) fn backward_weight(op: &Op, n: &BatchNorm) -> Vec<Dispatch> {
    let (cut, lens) = (Cut::new(n.batch * n.plane), [n.channels; 2]);
    let gradients = Dispatch {
        kernel: kernel(op.name()),
        constants: constants(n, &cut),
        grid: folded(n.channels * cut.chunks),
        arguments: (0..4).map(Argument::Operand).chain([partial_sums(lens, cut.chunks)]).collect(),
    };
    let sum = sum_chunks(lens, cut.chunks, Argument::Operand(4), Some(Argument::Operand(5)));
    vec![gradients, sum]
}

fn constants(n: &BatchNorm, cut: &Cut) -> Vec<(&'static str, f64)> {
    let mut constants = shape(n);
    constants.push(("CHUNK", cut.chunk as f64));
    constants
}

/// The shape, and what the kernels are told besides.
pub(super) fn shape(n: &BatchNorm) -> Vec<(&'static str, f64)> {
    vec![
        ("BATCH", n.batch as f64),
        ("CHANNELS", n.channels as f64),
        ("PLANE", n.plane as f64),
        ("EPSILON", f64::from(n.epsilon)),
        ("MOMENTUM", f64::from(n.momentum)),
    ]
}
