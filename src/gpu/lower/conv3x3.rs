//! Lowering of convolutions of 3x3 over quads: whole batches out of storage, or the images of a page at a time.

use super::conv::{MOST_SCRATCH, chunk_rows};
use super::pack::{PackShape, pack, packed};
use super::pages::Items;
use super::pool::fits_quads;
use super::tile::{partial_sums, sum_chunks};
use super::{Argument, Dispatch, Kernel, Loads, PAGE_WORDS, VECTOR, folded, kernel_in, shape};
use crate::gpu::kernels::Family;
use crate::plan::shape::{Conv, Pool};

/// Output channels of a tile of conv3x3 (`CHANNELS` in conv3x3.wgsl).
const CHANNELS: usize = 16;
/// Rows and places of a row of such a tile.
const TILE: [usize; 2] = [2, 8];
/// Input and output channels of a tile of conv3x3_weight.
const WEIGHT_TILE: [usize; 2] = [2, 8];
/// Groups of a dispatch, where the images of a page and a page of the weight have so many: a few threads are busy then.
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
    convolve(c, false, None, loads)
}

/// A convolution and the pooling of its ReLU, where a tile has whole windows and all that they sum. The pooling's views follow
/// those of the convolution, which end with what passes between the two.
pub(super) fn forward_pooled(c: &Conv, p: &Pool, loads: Loads) -> Option<Vec<Dispatch>> {
    let same_rows = [p.in_height, p.in_width] == [c.in_height, c.in_width];
    let has_all = !loads.by_tiles() && fits(c) && fits_quads(p) && same_rows && Blocks::new(c).inners == 1;
    let pooling = output(c) + 1;
    has_all.then(|| convolve(c, false, Some([pooling + 1, pooling + 2]), loads))
}

/// The operand that a convolution writes: input, weight and, where there is one, bias come before it.
fn output(c: &Conv) -> usize {
    2 + usize::from(c.bias)
}

pub(super) fn backward_data(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    let turned = Conv { in_channels: c.out_channels, out_channels: c.in_channels, bias: false, ..*c };
    convolve(&turned, true, None, loads)
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
    /// As many input channels as fit a page with the tiles of output channels that make the wanted number of groups over a page
    /// of images, and as many output channels as fit with them; blocks of about equal size. The same wherever the images are
    /// read, for it decides the order of sums.
    fn new(c: &Conv) -> Self {
        let over_a_page = groups(c, images(c, Loads::Pages)[0].count);
        let tiles = WANTED_GROUPS.div_ceil(over_a_page).min(c.out_channels.div_ceil(CHANNELS));
        let even = |channels: usize, most: usize| channels.div_ceil(channels.div_ceil(most));
        let inner = even(c.in_channels, PAGE_WORDS / (9 * CHANNELS * tiles));
        let most = PAGE_WORDS / (9 * inner) / CHANNELS * CHANNELS;
        let outer = even(c.out_channels, most).next_multiple_of(CHANNELS);
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
/// channels add up. `pooled` are the operands for maxima and their places, where it is pooled.
fn convolve(c: &Conv, turned: bool, pooled: Option<[usize; 2]>, loads: Loads) -> Vec<Dispatch> {
    let blocks = Blocks::new(c);
    let mut dispatches = vec![blocks.pack(c, turned)];
    for images in images(c, loads) {
        for outer in 0..blocks.outers {
            for inner in 0..blocks.inners {
                dispatches.push(convolve_block(c, pooled, &images, &blocks, [outer, inner]));
            }
        }
    }
    dispatches
}

/// Groups that compute the same channels of so many images.
fn groups(c: &Conv, images: usize) -> usize {
    let [rows, places] = TILE;
    (images * c.in_height.div_ceil(rows) * c.in_width.div_ceil(places)).div_ceil(VECTOR)
}

fn convolve_block(
    c: &Conv,
    pooled: Option<[usize; 2]>,
    images: &Images,
    blocks: &Blocks,
    [outer, inner]: [usize; 2],
) -> Dispatch {
    let channel = inner * blocks.inner;
    let of = Conv3x3Shape {
        images: images.count as u32,
        image: images.first as u32,
        inner: blocks.inner.min(c.in_channels - channel) as u32,
        first: (outer * blocks.outer) as u32,
        block: blocks.outer as u32,
        origin: (images.origin + channel * c.in_height * c.in_width / 4) as u32,
        bias: (c.bias && inner == 0).into(),
        add: (inner > 0).into(),
        ..Conv3x3Shape::new(c)
    };
    let channels = blocks.outer.min(c.out_channels - outer * blocks.outer);
    let [x, fold, _] = folded(groups(c, images.count));
    let (entry, results) = match pooled {
        Some(operands) => ("conv3x3_pooled", operands.to_vec()),
        None => ("conv3x3", vec![output(c)]),
    };
    // Where there is no bias its binding repeats the weight, unread.
    let shift = Argument::Operand(output(c) - 1);
    let reads = [images.argument, packed(outer * blocks.inners + inner, 1), shift];
    Dispatch {
        kernel: kernel_for(entry, &images.argument),
        constants: Vec::new(),
        grid: [x, channels.div_ceil(CHANNELS) as u32, fold],
        arguments: reads.into_iter().chain(results.into_iter().map(Argument::Operand)).chain([shape(&of)]).collect(),
    }
}

pub(super) fn backward_weight(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    let paged = (loads == Loads::Pages).then(|| weight_by_pages(c)).flatten();
    paged.unwrap_or_else(|| weight_from_storage(c))
}

fn weight_from_storage(c: &Conv) -> Vec<Dispatch> {
    let tiles = c.out_channels.div_ceil(WEIGHT_TILE[1]);
    let rows = |chunks: usize| (chunks * c.in_channels.div_ceil(WEIGHT_TILE[0])).div_ceil(VECTOR);
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
    let [x, fold, _] = folded(lanes.div_ceil(VECTOR));
    Dispatch {
        kernel: kernel_for("conv3x3_weight", &reads[0]),
        constants: Vec::new(),
        grid: [x, of.block.div_ceil(WEIGHT_TILE[1] as u32), fold],
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::operations;
    use crate::plan::Op;
    use std::collections::BTreeSet;

    fn conv(batch: usize, channels: [usize; 2], [in_height, in_width]: [usize; 2]) -> Conv {
        let [in_channels, out_channels] = channels;
        #[rustfmt::skip]
        let conv = Conv { batch, in_channels, out_channels, in_height, in_width, kernel_height: 3, kernel_width: 3, stride: 1, padding: 1, bias: true };
        conv
    }

    #[test]
    fn every_block_fits_a_page_and_together_they_are_the_weight() {
        for in_channels in (1..150).chain([511, 1000, 2048]) {
            for out_channels in (1..150).chain([511, 1000]) {
                for side in [4, 8, 32] {
                    let c = conv(64, [in_channels, out_channels], [side, side]);
                    let Blocks { inner, outer, inners, outers } = Blocks::new(&c);
                    assert!(9 * inner * outer <= PAGE_WORDS && outer.is_multiple_of(CHANNELS), "{c:?}");
                    assert!(inners * inner >= in_channels && (inners - 1) * inner < in_channels, "{c:?}");
                    assert!(outers * outer >= out_channels && (outers - 1) * outer < out_channels, "{c:?}");
                }
            }
        }
    }

    #[test]
    fn few_images_a_page_have_the_more_channels_a_dispatch() {
        let groups = |c: &Conv| forward(c, Loads::Pages)[1..].iter().map(|d| d.grid[0] * d.grid[1]).min();
        // Two images of 8 rows of 8 places are a vector of tiles.
        assert_eq!(groups(&conv(64, [128, 64], [8, 8])), Some(4));
        assert_eq!(groups(&conv(64, [64, 128], [8, 8])), Some(4));
        assert_eq!(groups(&conv(64, [128, 8], [8, 8])), Some(1), "there is one tile of channels");
    }

    fn shape_of(dispatch: &Dispatch) -> Conv3x3Shape {
        let Some(Argument::Shape(words)) = dispatch.arguments.last() else { panic!("{dispatch:?}") };
        bytemuck::pod_read_unaligned(&bytemuck::bytes_of(words)[..size_of::<Conv3x3Shape>()])
    }

    #[test]
    fn no_group_has_only_channels_that_do_not_exist() {
        for dispatch in &forward(&conv(64, [64, 128], [8, 8]), Loads::Pages)[1..] {
            let last = (dispatch.grid[1] - 1) * CHANNELS as u32;
            assert!(shape_of(dispatch).first + last < 128, "{dispatch:?}");
        }
    }

    /// Output channels and the input channels that are summed for them at a time, of all images.
    fn order(dispatches: &[Dispatch]) -> BTreeSet<[u32; 4]> {
        let shapes = dispatches[1..].iter().map(shape_of);
        shapes.map(|of| [of.first, of.block, of.inner, of.add]).collect()
    }

    #[test]
    fn sums_have_one_order_wherever_the_images_are_read() {
        let mut paged = 0;
        for op in operations() {
            let Op::ConvForward(c) = op else { continue };
            if fits(&c) {
                let [pages, storage] = [Loads::Pages, Loads::Storage].map(|loads| forward(&c, loads));
                assert_eq!(order(&pages), order(&storage), "{c:?}");
                paged += usize::from(pages.len() > storage.len());
            }
        }
        assert!(paged > 0);
    }
}
