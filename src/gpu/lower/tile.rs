//! Lowering of matrix products by tiles in workgroup memory (tile.wgsl), which on GPUs are all convolutions and fully
//! connected layers.

use super::conv::{MOST_SCRATCH, bias_sums, shape_constants};
use super::norm::channel_sum;
use super::product::Product;
use super::{Argument, Dispatch, GROUP, Loads, WANTED_GROUPS, folded, kernel, kernel_in, switch};
use crate::gpu::kernels::Family;
use crate::plan::shape::Conv;

/// The kernel of all of them.
const ENTRY: &str = "product_by_tiles";
/// Fours of rows and of columns of an invocation (QUADS in tile.wgsl), which make the larger and the smaller tiles: the larger
/// do twice the arithmetic with each word that they read, the smaller ones keep more of a GPU busy.
const QUADS: [usize; 2] = [2, 1];
/// Invocations along a tile's rows (DOWN in tile.wgsl): of square tiles, and of wide ones for products of few rows.
const SQUARE: usize = 8;
const WIDE: usize = 4;
/// Most rows that the smaller wide tile has.
const FEW_ROWS: usize = 16;
/// Fewest inner places of a chunk, a multiple of `DEPTH` in tile.wgsl: below it, adding chunks costs more than it saves.
const LEAST_CHUNK: usize = 32;
/// Chunks from which on several lanes add them.
const MANY_CHUNKS: usize = 16;
/// Lanes that then do at least.
const SUMMING_LANES: usize = 8;
/// Chunks that are enough for a lane.
const LANE_CHUNKS: usize = 16;

/// What tile.wgsl is told of a product, however its matrices lie.
struct Tiled {
    family: Family,
    constants: Vec<(&'static str, f64)>,
    rows: usize,
    columns: usize,
    inner: usize,
    bias: bool,
    /// As the row of its kernel binds them, the result last.
    arguments: Vec<Argument>,
    /// Where the sums of the left matrix's rows are wanted, too, the gradient of a bias in operand 3: what they are sums
    /// of, as batch, channels and plane.
    row_sums: Option<[usize; 3]>,
}

impl Tiled {
    fn down(&self) -> usize {
        if self.rows <= FEW_ROWS { WIDE } else { SQUARE }
    }

    /// Tiles down and across that cover so many columns.
    fn tiles(&self, quads: usize, columns: usize) -> [usize; 2] {
        let side = |lanes: usize| 4 * lanes * quads;
        [self.rows.div_ceil(side(self.down())), columns.div_ceil(side(GROUP / self.down()))]
    }

    fn groups(&self, quads: usize) -> usize {
        self.tiles(quads, self.columns).iter().product()
    }

    /// Those of the larger tile where it leaves enough groups: the rule that decides where nothing else does, and into what
    /// chunks inner places are cut whatever decides, so that each result is the same sum in the same order.
    fn quads(&self) -> usize {
        let busy = |quads: &usize| self.groups(*quads) >= WANTED_GROUPS;
        QUADS.into_iter().find(busy).unwrap_or(QUADS[1])
    }

    /// Inner places of a chunk: as few as make enough groups, and as the scratch memory has room for.
    fn chunk(&self) -> usize {
        let wanted = WANTED_GROUPS.div_ceil(self.groups(self.quads()));
        let most = (MOST_SCRATCH / (self.rows * self.columns)).max(1);
        self.inner.div_ceil(wanted.min(most)).next_multiple_of(LEAST_CHUNK)
    }

    /// The product, and the sum of its chunks where there are any. Then a column of ones beside the right matrix sums the
    /// rows of the left one by the way.
    fn dispatches(mut self, loads: Loads) -> Vec<Dispatch> {
        let chunk = self.chunk();
        let quads = match loads {
            Loads::LargeTiles => QUADS[0],
            Loads::SmallTiles => QUADS[1],
            _ => self.quads(),
        };
        let chunks = self.inner.div_ceil(chunk);
        let sums = self.row_sums.take_if(|_| chunks > 1).map(|_| Argument::Operand(3));
        let ones = usize::from(sums.is_some());
        let lens = [self.rows * self.columns, self.rows * ones];
        let [down, across] = self.tiles(quads, self.columns + ones);
        let mut arguments = std::mem::take(&mut self.arguments);
        let sum = (chunks > 1).then(|| arguments.pop()).flatten().map(|result| sum_chunks(lens, chunks, result, sums));
        arguments.extend(sum.as_ref().map(|_| partial_sums(lens, chunks)));
        self.constants.extend([
            ("CHUNK", chunk as f64),
            ("QUADS", quads as f64),
            ("DOWN", self.down() as f64),
            ("BIAS", switch(self.bias)),
            ("ONES", ones as f64),
        ]);
        let [x, fold, _] = folded(across);
        let product = Dispatch {
            kernel: kernel_in(self.family, ENTRY),
            constants: self.constants,
            grid: [x, fold, (down * chunks) as u32],
            arguments,
        };
        let by_itself = self.row_sums.into_iter().flat_map(channel_sum);
        [Some(product), sum].into_iter().flatten().chain(by_itself).collect()
    }
}

/// Chunks of one or two results (of which the second may have no words) in the scratch memory.
pub(super) fn partial_sums(lens: [usize; 2], chunks: usize) -> Argument {
    Argument::Scratch { offset: 0, len: chunks * (lens[0] + lens[1]) }
}

/// Adds the chunks that lie in the scratch memory: of many, several lanes share an element's.
pub(super) fn sum_chunks(lens: [usize; 2], chunks: usize, result: Argument, rest: Option<Argument>) -> Dispatch {
    let wanted = (chunks / LANE_CHUNKS).next_power_of_two();
    let lanes = if chunks < MANY_CHUNKS { 1 } else { wanted.clamp(SUMMING_LANES, GROUP) };
    let len = lens[0] + lens[1];
    let entry = if rest.is_some() { "sum_chunks_of_two" } else { "sum_chunks" };
    Dispatch {
        kernel: kernel(entry),
        constants: [("LEN", len), ("FIRST", lens[0]), ("LANES", lanes)].map(|(name, n)| (name, n as f64)).to_vec(),
        grid: folded(len.div_ceil(GROUP / lanes)),
        arguments: [partial_sums(lens, chunks), result].into_iter().chain(rest).collect(),
    }
}

pub(super) fn conv_forward(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    let operands: &[usize] = if c.bias { &[1, 0, 2, 3] } else { &[1, 0, 0, 2] };
    let places = c.batch * c.out_height() * c.out_width();
    conv(c, Family::TileConvForward, [c.out_channels, places, c.in_channels * taps(c)], operands).dispatches(loads)
}

pub(super) fn conv_backward_data(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    let places = c.batch * c.in_height * c.in_width;
    conv(c, Family::TileConvData, [c.in_channels, places, c.out_channels * taps(c)], &[1, 0, 2]).dispatches(loads)
}

pub(super) fn conv_backward_weight(c: &Conv, loads: Loads) -> Vec<Dispatch> {
    let places = c.batch * c.out_height() * c.out_width();
    let product = conv(c, Family::TileConvWeight, [c.out_channels, c.in_channels * taps(c), places], &[1, 0, 2]);
    Tiled { row_sums: bias_sums(c), ..product }.dispatches(loads)
}

fn taps(c: &Conv) -> usize {
    c.kernel_height * c.kernel_width
}

fn conv(c: &Conv, family: Family, [rows, columns, inner]: [usize; 3], operands: &[usize]) -> Tiled {
    let arguments = operands.iter().copied().map(Argument::Operand).collect();
    let bias = family == Family::TileConvForward && c.bias;
    Tiled { family, constants: shape_constants(c), rows, columns, inner, bias, arguments, row_sums: None }
}

pub(super) fn linear(product: &Product, loads: Loads, row_sums: Option<[usize; 3]>) -> Vec<Dispatch> {
    let family = Family::TileLinear;
    let [rows, columns, inner] = product.sizes();
    let arguments = product.arguments(kernel_in(family, ENTRY));
    let (constants, bias) = (product.constants(), product.bias.is_some());
    Tiled { family, constants, rows, columns, inner, bias, arguments, row_sums }.dispatches(loads)
}

#[cfg(test)]
mod tests {
    use super::super::lower;
    use super::*;
    use crate::check::operations;

    /// The chunks that inner places are cut into, and whatever else a product is but its tiles.
    type Product = (Vec<(&'static str, f64)>, Vec<Argument>);

    fn product(dispatches: &[Dispatch]) -> Option<Product> {
        let product = dispatches.iter().find(|dispatch| dispatch.kernel.entry == ENTRY)?;
        let constants = product.constants.iter().filter(|(name, _)| *name != "QUADS").copied().collect();
        Some((constants, product.arguments.clone()))
    }

    #[test]
    fn tiles_of_either_size_sum_the_same_chunks() {
        let mut products = 0;
        for op in operations() {
            let by_rule = lower(&op, Loads::Tiles);
            for loads in [Loads::SmallTiles, Loads::LargeTiles] {
                assert_eq!(product(&lower(&op, loads)), product(&by_rule), "{op:?}");
            }
            products += usize::from(product(&by_rule).is_some());
        }
        assert!(products > 100, "{products}");
    }
}
