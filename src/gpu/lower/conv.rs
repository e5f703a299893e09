//! Lowering of convolutions: by tiles on GPUs; elsewhere over quads where the shape allows it, else word by word.

use super::norm::channel_sum;
use super::tile::{self, partial_sums, sum_chunks};
use super::{Argument, Dispatch, GROUP, Loads, SAFE_TURNS, conv3x3, folded, kernel, switch, with_bias};
use crate::plan::shape::Conv;

/// Words that the partial sums of a weight gradient may take.
pub(super) const MOST_SCRATCH: usize = 8 << 20;
/// Channels of a tile of conv.wgsl (`CHANNELS` there).
const CHANNELS: usize = 8;
/// Groups that are enough where only the batch can be divided.
const WANTED_GROUPS: usize = 512;

pub(super) fn forward(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    if loads.by_tiles() {
        return tile::conv_forward(c, loads);
    }
    if conv3x3::fits(c) {
        return conv3x3::forward(c, loads);
    }
    let mut constants = shape_constants(c);
    constants.push(("BIAS", switch(c.bias)));
    let grid = grid(c.batch * c.out_height() * c.out_width().div_ceil(4), c.out_channels, CHANNELS);
    vec![Dispatch { kernel: kernel("conv_forward"), constants, grid, arguments: with_bias(c.bias) }]
}

pub(super) fn backward_data(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    if loads.by_tiles() {
        return tile::conv_backward_data(c, loads);
    }
    if conv3x3::fits(c) {
        return conv3x3::backward_data(c, loads);
    }
    let grid = grid(c.batch * c.in_height * c.in_width.div_ceil(4), c.in_channels, CHANNELS);
    let arguments = [0, 1, 2].map(Argument::Operand).to_vec();
    vec![Dispatch { kernel: kernel("conv_backward_data"), constants: shape_constants(c), grid, arguments }]
}

pub(super) fn backward_weight(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    if loads.by_tiles() {
        return tile::conv_backward_weight(c, loads);
    }
    if conv3x3::fits(c) {
        return conv3x3::backward_weight(c, loads);
    }
    weight_by_words(c)
}

pub(super) fn shape_constants(c: &Conv) -> Vec<(&'static str, f64)> {
    vec![
        ("BATCH", c.batch as f64),
        ("IN_CHANNELS", c.in_channels as f64),
        ("OUT_CHANNELS", c.out_channels as f64),
        ("IN_HEIGHT", c.in_height as f64),
        ("IN_WIDTH", c.in_width as f64),
        ("OUT_HEIGHT", c.out_height() as f64),
        ("OUT_WIDTH", c.out_width() as f64),
        ("KERNEL_HEIGHT", c.kernel_height as f64),
        ("KERNEL_WIDTH", c.kernel_width as f64),
        ("STRIDE", c.stride as f64),
        ("PAD", c.padding as f64),
    ]
}

/// Places folded into z, and tiles of channels along y.
fn grid(places: usize, channels: usize, tile: usize) -> [u32; 3] {
    let [x, fold, _] = folded(places.div_ceil(GROUP));
    [x, channels.div_ceil(tile) as u32, fold]
}

/// Rows of the results, over the whole batch, that are summed apart: as many as leave enough groups (`groups_of` tells those
/// of so many chunks, of which there need not be more than images) and as the scratch memory has room for, but no more than
/// an invocation that makes so many turns a row is sure to come to the end of.
pub(super) fn chunk_rows(c: &Conv, turns_a_row: usize, groups_of: impl Fn(usize) -> usize) -> usize {
    let most = (MOST_SCRATCH / c.weight_len()).clamp(1, c.batch);
    let enough = |chunks: &usize| groups_of(*chunks) >= WANTED_GROUPS;
    let wanted = (1..=most).find(enough).unwrap_or(most);
    let images = c.batch.div_ceil(wanted);
    (images * c.out_height()).min((SAFE_TURNS / turns_a_row).max(1))
}

fn weight_by_words(c: &Conv) -> Vec<Dispatch> {
    let rows = (c.in_channels * c.kernel_height * c.kernel_width.div_ceil(4)).div_ceil(GROUP);
    let tiles = c.out_channels.div_ceil(CHANNELS);
    let chunk_rows = chunk_rows(c, 1 + c.out_width(), |chunks| chunks * rows * tiles);
    let chunks = (c.batch * c.out_height()).div_ceil(chunk_rows);
    let lens = [c.weight_len(), 0];
    let mut constants = shape_constants(c);
    constants.push(("CHUNK_ROWS", chunk_rows as f64));
    let partial = Dispatch {
        kernel: kernel("conv_backward_weight"),
        constants,
        grid: [rows as u32, tiles as u32, chunks as u32],
        arguments: vec![Argument::Operand(0), Argument::Operand(1), partial_sums(lens, chunks)],
    };
    let sum = sum_chunks(lens, chunks, Argument::Operand(2), None);
    [partial, sum].into_iter().chain(bias_sums(c).into_iter().flat_map(channel_sum)).collect()
}

/// What the gradient of the bias sums, where there is one: batch, channels and plane of the outputs' gradient.
pub(super) fn bias_sums(c: &Conv) -> Option<[usize; 3]> {
    c.bias.then(|| [c.batch, c.out_channels, c.out_height() * c.out_width()])
}
