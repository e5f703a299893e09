//! Lowering of convolutions: over quads where the shape allows it, else word by word.

use super::{Argument, Dispatch, GROUP, folded, kernel, switch, with_bias};
use crate::plan::shape::Conv;

/// Words that the partial sums of a weight gradient may take.
const MOST_SCRATCH: usize = 8 << 20;
/// Channels of a tile (`CHANNELS` in both shaders).
const CHANNELS: usize = 8;
/// Output channels of a tile of conv3x3_weight.
const WEIGHT_CHANNELS: usize = 4;
/// Groups that keep a large GPU busy where only the batch can be divided.
const WANTED_GROUPS: usize = 512;

pub(super) fn forward(c: &Conv) -> Vec<Dispatch> {
    if fits_quads(c) {
        return quads(c, c.bias, false);
    }
    let mut constants = constants(c);
    constants.push(("BIAS", switch(c.bias)));
    let grid = grid(c.batch * c.out_height() * c.out_width().div_ceil(4), c.out_channels);
    vec![Dispatch { kernel: kernel("conv_forward"), constants, grid, arguments: with_bias(c.bias) }]
}

pub(super) fn backward_data(c: &Conv) -> Vec<Dispatch> {
    if fits_quads(c) {
        let turned = Conv { in_channels: c.out_channels, out_channels: c.in_channels, bias: false, ..*c };
        return quads(&turned, false, true);
    }
    let grid = grid(c.batch * c.in_height * c.in_width.div_ceil(4), c.in_channels);
    let arguments = [0, 1, 2].map(Argument::Operand).to_vec();
    vec![Dispatch { kernel: kernel("conv_backward_data"), constants: constants(c), grid, arguments }]
}

pub(super) fn backward_weight(c: &Conv) -> Vec<Dispatch> {
    if fits_quads(c) { weight_by_quads(c) } else { weight_by_words(c) }
}

/// Whether conv3x3.wgsl computes this convolution.
fn fits_quads(c: &Conv) -> bool {
    let three = c.kernel_height == 3 && c.kernel_width == 3;
    three && c.stride == 1 && c.padding == 1 && c.in_width.is_multiple_of(4)
}

fn constants(c: &Conv) -> Vec<(&'static str, f64)> {
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

fn quad_constants(c: &Conv) -> Vec<(&'static str, f64)> {
    vec![
        ("BATCH", c.batch as f64),
        ("IN_CHANNELS", c.in_channels as f64),
        ("OUT_CHANNELS", c.out_channels as f64),
        ("HEIGHT", c.in_height as f64),
        ("WIDTH", c.in_width as f64),
    ]
}

/// Places folded into z, and tiles of channels along y.
fn grid(places: usize, channels: usize) -> [u32; 3] {
    let [x, fold, _] = folded(places.div_ceil(GROUP));
    [x, channels.div_ceil(CHANNELS) as u32, fold]
}

/// Packs the weight, turned for the gradient by data, and convolves.
fn quads(c: &Conv, bias: bool, turned: bool) -> Vec<Dispatch> {
    let packed = 9 * c.in_channels * c.out_channels.next_multiple_of(CHANNELS);
    let mut packing = quad_constants(c);
    packing.push(("TURNED", switch(turned)));
    let mut constants = quad_constants(c);
    constants.push(("BIAS", switch(bias)));
    let mut arguments = with_bias(bias);
    arguments[1] = Argument::Scratch(packed);
    vec![
        Dispatch {
            kernel: kernel("pack_weight"),
            constants: packing,
            grid: folded(packed.div_ceil(GROUP)),
            arguments: vec![Argument::Operand(1), Argument::Scratch(packed)],
        },
        Dispatch {
            kernel: kernel("conv3x3"),
            constants,
            grid: grid(c.batch * c.in_height * c.in_width.div_ceil(8), c.out_channels),
            arguments,
        },
    ]
}

/// How many parts of the batch are summed apart: `groups_of` tells the groups of so many.
fn chunks(c: &Conv, groups_of: impl Fn(usize) -> usize) -> usize {
    let most = (MOST_SCRATCH / c.weight_len()).clamp(1, c.batch);
    let enough = |chunks: &usize| groups_of(*chunks) >= WANTED_GROUPS;
    let wanted = (1..=most).find(enough).unwrap_or(most);
    c.batch.div_ceil(c.batch.div_ceil(wanted))
}

fn weight_by_words(c: &Conv) -> Vec<Dispatch> {
    let rows = (c.in_channels * c.kernel_height * c.kernel_width.div_ceil(4)).div_ceil(GROUP);
    let tiles = c.out_channels.div_ceil(CHANNELS);
    let chunks = chunks(c, |chunks| chunks * rows * tiles);
    let mut constants = constants(c);
    constants.push(("CHUNKS", chunks as f64));
    let partial = Dispatch {
        kernel: kernel("conv_backward_weight"),
        constants,
        grid: [rows as u32, tiles as u32, chunks as u32],
        arguments: vec![Argument::Operand(0), Argument::Operand(1), Argument::Scratch(chunks * c.weight_len())],
    };
    vec![partial, sum_chunks(c, chunks)]
}

fn weight_by_quads(c: &Conv) -> Vec<Dispatch> {
    let tiles = c.out_channels.div_ceil(WEIGHT_CHANNELS);
    let chunks = chunks(c, |chunks| (chunks * c.in_channels).div_ceil(GROUP) * tiles);
    let mut constants = quad_constants(c);
    constants.push(("CHUNKS", chunks as f64));
    let partial = Dispatch {
        kernel: kernel("conv3x3_weight"),
        constants,
        grid: [(chunks * c.in_channels).div_ceil(GROUP) as u32, tiles as u32, 1],
        arguments: vec![Argument::Operand(0), Argument::Operand(1), Argument::Scratch(chunks * c.weight_len())],
    };
    vec![partial, sum_chunks(c, chunks)]
}

fn sum_chunks(c: &Conv, chunks: usize) -> Dispatch {
    let mut constants = constants(c);
    constants.push(("CHUNKS", chunks as f64));
    Dispatch {
        kernel: kernel("conv_sum_chunks"),
        constants,
        grid: folded(c.weight_len().div_ceil(GROUP)),
        arguments: vec![Argument::Scratch(chunks * c.weight_len()), Argument::Operand(2)],
    }
}
