//! Lowering of convolutions of 3x3 over quads: whole batches out of storage, or the images of a page at a time.

use super::conv::{MOST_SCRATCH, chunk_rows};
use super::pack::{PackShape, pack, packed};
use super::pages::Items;
use super::tile::{partial_sums, sum_chunks};
use super::{Argument, Dispatch, GROUP, Kernel, Loads, PAGE_WORDS, folded, kernel_in, shape};
use crate::gpu::kernels::Family;
use crate::plan::shape::Conv;

/// Output channels of a tile of conv3x3 (`CHANNELS` in conv3x3.wgsl).
const CHANNELS: usize = 16;
/// Input and output channels of a tile of conv3x3_weight.
const WEIGHT_TILE: [usize; 2] = [2, 8];
/// Input channels whose weight for one tile fits a page.
const MOST_INNER: usize = PAGE_WORDS / (9 * CHANNELS);
/// Groups of a convolution's dispatch over a page, so that a few threads are busy.
const WANTED_GROUPS: usize = 4;
/// Invocations of a weight gradient's dispatch over a page, so that vectors of 8 and a few threads are busy.
const WANTED_LANES: usize = 16;

/// The shape of a dispatch of conv3x3.wgsl (`Shape` there).
#[repr(C)]
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::gpu) struct Conv3x3Shape {
    pub images: u32,
    pub image: u32,
    pub in_channels: u32,
    pub inner: u32,
    pub out_channels: u32,
    pub height: u32,
    pub quads: u32,
    pub first: u32,
    pub block: u32,
    pub origin: u32,
    pub gradient_origin: u32,
    pub chunk_rows: u32,
    pub lanes: u32,
    pub bias: u32,
    pub add: u32,
}

impl Conv3x3Shape {
    fn new(c: &Conv) -> Self {
        Self {
            images: c.batch as u32,
            in_channels: c.in_channels as u32,
            inner: c.in_channels as u32,
            out_channels: c.out_channels as u32,
            height: c.in_height as u32,
            quads: c.in_width as u32 / 4,
            lanes: GROUP as u32,
            ..Self::default()
        }
    }

    fn weight(c: &Conv) -> Self {
        Self { bias: c.bias.into(), ..Self::new(c) }
    }
}

/// Whether conv3x3.wgsl computes this convolution.
pub(super) fn fits(c: &Conv) -> bool {
    let three = c.kernel_height == 3 && c.kernel_width == 3;
    three && c.stride == 1 && c.padding == 1 && c.in_width.is_multiple_of(4)
}

pub(super) fn forward(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    convolve(c, false, loads)
}

pub(super) fn backward_data(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    let turned = Conv { in_channels: c.out_channels, out_channels: c.in_channels, bias: false, ..*c };
    convolve(&turned, true, loads)
}

/// Some images of the batch as a dispatch reads them.
struct Images {
    first: usize,
    count: usize,
    argument: Argument,
    /// In quads.
    origin: usize,
}

/// The batch in the parts that are read together.
fn images(c: &Conv, loads: Loads) -> Vec<Images> {
    let items = Items { words: c.in_channels * c.in_height * c.in_width, count: c.batch };
    let each = if loads == Loads::Pages { items.per_page() } else { 0 };
    if each == 0 {
        return vec![Images { first: 0, count: c.batch, argument: Argument::Operand(0), origin: 0 }];
    }
    let part = |first| {
        let page = items.page(first);
        Images { first, count: each.min(c.batch - first), argument: page.of(0), origin: page.origin / 4 }
    };
    (0..c.batch).step_by(each).map(part).collect()
}

/// The row of an entry that reads such an argument.
fn kernel_for(entry: &str, read: &Argument) -> &'static Kernel {
    let paged = matches!(read, Argument::Page { .. });
    kernel_in(if paged { Family::Conv3x3Pages } else { Family::Conv3x3 }, entry)
}

/// How a convolution's weight is cut, so that the part of a dispatch fits a page.
#[derive(Clone, Copy)]
struct Blocks {
    /// Input and output channels of one.
    inner: usize,
    outer: usize,
    /// How many there are along each.
    inners: usize,
    outers: usize,
}

impl Blocks {
    /// Whole tiles of output channels, and all input channels where one tile has room for them; blocks of equal size.
    fn new(c: &Conv) -> Self {
        let inner = c.in_channels.div_ceil(c.in_channels.div_ceil(MOST_INNER));
        let most = PAGE_WORDS / (9 * inner) / CHANNELS * CHANNELS;
        let outer = c.out_channels.div_ceil(c.out_channels.div_ceil(most)).next_multiple_of(CHANNELS);
        Self { inner, outer, inners: c.in_channels.div_ceil(inner), outers: c.out_channels.div_ceil(outer) }
    }

    /// Packs all of the weight, turned for the gradient by data.
    fn pack(&self, c: &Conv, turned: bool) -> Dispatch {
        let of = PackShape {
            rows: c.out_channels as u32,
            inner: c.in_channels as u32,
            page_rows: self.outer as u32,
            page_inner: self.inner as u32,
            turned: turned.into(),
            ..PackShape::default()
        };
        pack("pack_weight", Argument::Operand(1), &of, 0, self.outers * self.inners, 9 * self.inner * self.outer)
    }
}

/// Packs the weight, then convolves by parts of the batch and blocks of the weight; those of the same output
/// channels add up.
fn convolve(c: &Conv, turned: bool, loads: Loads) -> Vec<Dispatch> {
    let blocks = Blocks::new(c);
    let mut dispatches = vec![blocks.pack(c, turned)];
    for images in images(c, loads) {
        for outer in 0..blocks.outers {
            for inner in 0..blocks.inners {
                dispatches.push(convolve_block(c, &images, &blocks, [outer, inner]));
            }
        }
    }
    dispatches
}

fn convolve_block(c: &Conv, images: &Images, blocks: &Blocks, [outer, inner]: [usize; 2]) -> Dispatch {
    let places = images.count * c.in_height * c.in_width.div_ceil(8);
    let lanes = lanes(places, images.argument);
    let channel = inner * blocks.inner;
    let of = Conv3x3Shape {
        images: images.count as u32,
        image: images.first as u32,
        inner: blocks.inner.min(c.in_channels - channel) as u32,
        first: (outer * blocks.outer) as u32,
        block: blocks.outer as u32,
        origin: (images.origin + channel * c.in_height * c.in_width / 4) as u32,
        lanes: lanes as u32,
        bias: (c.bias && inner == 0).into(),
        add: (inner > 0).into(),
        ..Conv3x3Shape::new(c)
    };
    let [x, fold, _] = folded(places.div_ceil(lanes));
    // Where there is no bias its binding repeats the weight, unread.
    let [shift, output] = if c.bias { [2, 3] } else { [1, 2] }.map(Argument::Operand);
    Dispatch {
        kernel: kernel_for("conv3x3", &images.argument),
        constants: Vec::new(),
        grid: [x, blocks.outer.div_ceil(CHANNELS) as u32, fold],
        arguments: vec![images.argument, packed(outer * blocks.inners + inner, 1), shift, output, shape(&of)],
    }
}

/// Tiles of a group: of the few of a page no more than leaves the wanted number of groups, in whole vectors of 8.
fn lanes(places: usize, read: Argument) -> usize {
    match read {
        Argument::Page { .. } => places.div_ceil(WANTED_GROUPS).next_multiple_of(8).min(GROUP),
        _ => GROUP,
    }
}

pub(super) fn backward_weight(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    let paged = (loads == Loads::Pages).then(|| weight_by_pages(c)).flatten();
    paged.unwrap_or_else(|| weight_from_storage(c))
}

fn weight_from_storage(c: &Conv) -> Vec<Dispatch> {
    let tiles = c.out_channels.div_ceil(WEIGHT_TILE[1]);
    let rows = |chunks: usize| (chunks * c.in_channels.div_ceil(WEIGHT_TILE[0])).div_ceil(GROUP);
    let chunk_rows = chunk_rows(c, 1 + c.in_width / 4, |chunks| rows(chunks) * tiles);
    let chunks = (c.batch * c.in_height).div_ceil(chunk_rows);
    let of = Conv3x3Shape { block: c.out_channels as u32, chunk_rows: chunk_rows as u32, ..Conv3x3Shape::weight(c) };
    let reads = [0, 1].map(Argument::Operand);
    vec![weight_dispatch(c, reads, chunks, &of), sum_weight(c, chunks)]
}

/// Words of a chunk: the weight's gradient, and behind it that of the bias where there is one.
fn lens(c: &Conv) -> [usize; 2] {
    [c.weight_len(), if c.bias { c.out_channels } else { 0 }]
}

fn sum_weight(c: &Conv, chunks: usize) -> Dispatch {
    sum_chunks(lens(c), chunks, Argument::Operand(2), c.bias.then_some(Argument::Operand(3)))
}

fn weight_dispatch(c: &Conv, reads: [Argument; 2], chunks: usize, of: &Conv3x3Shape) -> Dispatch {
    let lanes = chunks * c.in_channels.div_ceil(WEIGHT_TILE[0]);
    Dispatch {
        kernel: kernel_for("conv3x3_weight", &reads[0]),
        constants: Vec::new(),
        grid: [lanes.div_ceil(GROUP) as u32, of.block.div_ceil(WEIGHT_TILE[1] as u32), 1],
        arguments: vec![reads[0], reads[1], partial_sums(lens(c), chunks), shape(of)],
    }
}

/// Page by page of images, and where one image's gradients are longer than a page, block by block of their
/// channels; each adds to the sums of those before. None where a page holds no image or no tile of channels.
fn weight_by_pages(c: &Conv) -> Option<Vec<Dispatch>> {
    let plane = c.in_height * c.in_width;
    let inputs = Items { words: c.in_channels * plane, count: c.batch };
    let gradients = Items { words: plane, count: c.batch * c.out_channels };
    let whole = gradients.per_page() / c.out_channels;
    let images = inputs.per_page().min(whole.max(1));
    let block = if whole > 0 { c.out_channels } else { gradients.per_page() / WEIGHT_TILE[1] * WEIGHT_TILE[1] };
    if images == 0 || block == 0 {
        return None;
    }
    let (chunks, chunk_rows) = page_chunks(c, images);
    let mut dispatches = Vec::new();
    for image in (0..c.batch).step_by(images) {
        for first in (0..c.out_channels).step_by(block) {
            let (input, gradient) = (inputs.page(image), gradients.page(image * c.out_channels + first));
            let of = Conv3x3Shape {
                images: images.min(c.batch - image) as u32,
                first: first as u32,
                block: block.min(c.out_channels - first) as u32,
                origin: input.origin as u32 / 4,
                gradient_origin: gradient.origin as u32 / 4,
                chunk_rows: chunk_rows as u32,
                add: (image > 0).into(),
                ..Conv3x3Shape::weight(c)
            };
            dispatches.push(weight_dispatch(c, [input.of(0), gradient.of(1)], chunks, &of));
        }
    }
    dispatches.push(sum_weight(c, chunks));
    Some(dispatches)
}

/// Into how many chunks the rows of a page's images are cut, and the rows of one: enough for the wanted lanes.
fn page_chunks(c: &Conv, images: usize) -> (usize, usize) {
    let rows = images * c.in_height;
    let wanted = WANTED_LANES.div_ceil(c.in_channels.div_ceil(WEIGHT_TILE[0]));
    let most = (MOST_SCRATCH / c.weight_len()).clamp(1, rows);
    let chunk_rows = rows.div_ceil(wanted.min(most));
    (rows.div_ceil(chunk_rows), chunk_rows)
}
