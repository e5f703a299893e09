//! Lowering of convolutions: over quads where the shape allows it, else word by word.

use super::{Argument, Dispatch, GROUP, UNIFORM_WORDS, folded, kernel, shape, switch, with_bias};
use crate::plan::shape::Conv;

/// Words that the partial sums of a weight gradient may take.
const MOST_SCRATCH: usize = 8 << 20;
/// Channels of a tile of conv.wgsl (`CHANNELS` there).
const CHANNELS: usize = 8;
/// Output channels of a tile of conv3x3 (`CHANNELS` in conv3x3.wgsl).
const QUAD_CHANNELS: usize = 16;
/// Input and output channels of a tile of conv3x3_weight.
const WEIGHT_TILE: [usize; 2] = [2, 8];
/// Input channels whose weight for one tile fits a uniform binding.
const MOST_QUAD_CHANNELS: usize = UNIFORM_WORDS / (9 * QUAD_CHANNELS);
/// Groups that keep a large GPU busy where only the batch can be divided.
const WANTED_GROUPS: usize = 512;

pub(super) fn forward(c: &Conv) -> Vec<Dispatch> {
    if fits_quads(c) {
        return quads(c, c.bias, false);
    }
    let mut constants = constants(c);
    constants.push(("BIAS", switch(c.bias)));
    let grid = grid(c.batch * c.out_height() * c.out_width().div_ceil(4), c.out_channels, CHANNELS);
    vec![Dispatch { kernel: kernel("conv_forward"), constants, grid, arguments: with_bias(c.bias) }]
}

pub(super) fn backward_data(c: &Conv) -> Vec<Dispatch> {
    if fits_quads(c) {
        let turned = Conv { in_channels: c.out_channels, out_channels: c.in_channels, bias: false, ..*c };
        return quads(&turned, false, true);
    }
    let grid = grid(c.batch * c.in_height * c.in_width.div_ceil(4), c.in_channels, CHANNELS);
    let arguments = [0, 1, 2].map(Argument::Operand).to_vec();
    vec![Dispatch { kernel: kernel("conv_backward_data"), constants: constants(c), grid, arguments }]
}

pub(super) fn backward_weight(c: &Conv) -> Vec<Dispatch> {
    if fits_quads(c) { weight_by_quads(c) } else { weight_by_words(c) }
}

/// Whether conv3x3.wgsl computes this convolution.
fn fits_quads(c: &Conv) -> bool {
    let three = c.kernel_height == 3 && c.kernel_width == 3;
    let few = c.in_channels.max(c.out_channels) <= MOST_QUAD_CHANNELS;
    three && few && c.stride == 1 && c.padding == 1 && c.in_width.is_multiple_of(4)
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

/// The shape of a dispatch of conv3x3.wgsl (`Shape` there).
#[repr(C)]
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::gpu) struct Conv3x3Shape {
    pub batch: u32,
    pub in_channels: u32,
    pub out_channels: u32,
    pub height: u32,
    pub quads: u32,
    pub first: u32,
    pub block: u32,
    pub chunks: u32,
    pub bias: u32,
    pub turned: u32,
}

fn quad_shape(c: &Conv) -> Conv3x3Shape {
    Conv3x3Shape {
        batch: c.batch as u32,
        in_channels: c.in_channels as u32,
        out_channels: c.out_channels as u32,
        height: c.in_height as u32,
        quads: c.in_width as u32 / 4,
        ..Conv3x3Shape::default()
    }
}

/// Places folded into z, and tiles of channels along y.
fn grid(places: usize, channels: usize, tile: usize) -> [u32; 3] {
    let [x, fold, _] = folded(places.div_ceil(GROUP));
    [x, channels.div_ceil(tile) as u32, fold]
}

/// Packs the weight, turned for the gradient by data, and convolves a block of output channels at
/// a time: the block's weight fits a uniform binding.
fn quads(c: &Conv, bias: bool, turned: bool) -> Vec<Dispatch> {
    let block = block_channels(c);
    let blocks = c.out_channels.div_ceil(block);
    let packed = Argument::Scratch { offset: 0, len: blocks * UNIFORM_WORDS };
    let of_block = Conv3x3Shape { block: block as u32, bias: bias.into(), turned: turned.into(), ..quad_shape(c) };
    let mut dispatches = vec![Dispatch {
        kernel: kernel("pack_weight"),
        constants: Vec::new(),
        grid: folded((blocks * 9 * c.in_channels * block).div_ceil(GROUP)),
        arguments: vec![Argument::Operand(1), packed, shape(&of_block)],
    }];
    for number in 0..blocks {
        let mut arguments = with_bias(bias);
        arguments[1] = Argument::Scratch { offset: number * UNIFORM_WORDS, len: UNIFORM_WORDS };
        arguments.push(shape(&Conv3x3Shape { first: (number * block) as u32, ..of_block }));
        let grid = grid(c.batch * c.in_height * c.in_width.div_ceil(8), block, QUAD_CHANNELS);
        dispatches.push(Dispatch { kernel: kernel("conv3x3"), constants: Vec::new(), grid, arguments });
    }
    dispatches
}

/// Output channels whose weight fits a uniform binding, whole tiles, blocks of equal size.
fn block_channels(c: &Conv) -> usize {
    let most = UNIFORM_WORDS / (9 * c.in_channels) / QUAD_CHANNELS * QUAD_CHANNELS;
    let blocks = c.out_channels.div_ceil(most.max(1));
    c.out_channels.div_ceil(blocks).next_multiple_of(QUAD_CHANNELS)
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
        arguments: vec![Argument::Operand(0), Argument::Operand(1), partial_sums(c, chunks)],
    };
    vec![partial, sum_chunks(c, chunks)]
}

fn weight_by_quads(c: &Conv) -> Vec<Dispatch> {
    let tiles = c.out_channels.div_ceil(WEIGHT_TILE[1]);
    let rows = |chunks: usize| (chunks * c.in_channels.div_ceil(WEIGHT_TILE[0])).div_ceil(GROUP);
    let chunks = chunks(c, |chunks| rows(chunks) * tiles);
    let of_chunks = Conv3x3Shape { chunks: chunks as u32, ..quad_shape(c) };
    let partial = Dispatch {
        kernel: kernel("conv3x3_weight"),
        constants: Vec::new(),
        grid: [rows(chunks) as u32, tiles as u32, 1],
        arguments: vec![Argument::Operand(0), Argument::Operand(1), partial_sums(c, chunks), shape(&of_chunks)],
    };
    vec![partial, sum_chunks(c, chunks)]
}

fn partial_sums(c: &Conv, chunks: usize) -> Argument {
    Argument::Scratch { offset: 0, len: chunks * c.weight_len() }
}

fn sum_chunks(c: &Conv, chunks: usize) -> Dispatch {
    Dispatch {
        kernel: kernel("conv_sum_chunks"),
        constants: constants(c),
        grid: folded(c.weight_len().div_ceil(GROUP)),
        arguments: vec![partial_sums(c, chunks), Argument::Operand(2)],
    }
}
