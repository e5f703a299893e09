//! Convolutions of 3x3 with stride 1 in fewer multiplications: 16 for four results where the sum over the kernel has 36
//! (Winograd's minimal filtering, see [`transform`]). Tiles of 2x2 results are transformed, of which the four by four words
//! are sixteen products of matrices, tiles against channels; what they yield is transformed back.

#[cfg(test)]
mod tests;
mod transform;
mod weight;

pub(super) use weight::backward_weight;

use super::task::{Cut, Task, Words, read, scratch, write};
use super::tile::{Factors, PRODUCT_ROWS, Place, Product, arch, lanes, tiles, vectorised};
use crate::plan::{Access, Conv};
use pulp::Arch;
use std::ops::Range;
use std::sync::Arc;
use transform::{Pitched, Shape, of_input, of_kernel, to_results, turn};

/// Tiles of a strip at most, and of the gradient by weight at a time: their transforms stay in the second cache.
const MOST_TILES: usize = 256;
/// Channels that are turned at a time.
const TURNED: usize = 16;
/// Channels on either side from which it is worth it: measured, with 16 and 32 it took 1.1 to 1.4 times as long as the sum over
/// nine places, with 32 and 64 from 0.65 to 0.95 times as long.
const FEWEST_CHANNELS: usize = 32;

/// Whether a convolution is done this way.
pub(super) fn suits(c: &Conv) -> bool {
    (c.kernel_height, c.kernel_width, c.stride) == (3, 3, 1)
        && c.padding <= 2
        && c.in_channels.min(c.out_channels) >= FEWEST_CHANNELS
}

/// A plane of results, cut into tiles of 2x2 and these into strips of whole rows.
#[derive(Clone, Copy, Debug)]
struct Tiling {
    height: usize,
    width: usize,
    /// Rows of tiles in a strip, and tiles in a row.
    down: usize,
    across: usize,
}

impl Tiling {
    fn new(height: usize, width: usize) -> Self {
        let (rows, across) = (height.div_ceil(2), width.div_ceil(2));
        let strips = rows.div_ceil((MOST_TILES / across).max(1));
        Self { height, width, down: rows.div_ceil(strips), across }
    }

    fn strips(&self) -> usize {
        self.height.div_ceil(2 * self.down)
    }

    /// Tiles of a strip.
    fn tiles(&self) -> usize {
        self.down * self.across
    }

    fn shape(&self, channels: usize) -> Shape {
        Shape { down: self.down, across: self.across, channels }
    }

    /// The part of the padded input that a strip's results see.
    fn input(&self, channels: usize, [height, width]: [usize; 2], padding: usize) -> Sheet {
        let (rows, columns) = (2 * self.down + 2, 2 * self.across + 2);
        Sheet { channels, height, width, margin: padding, step: 2 * self.down, rows, columns }
    }

    /// The part of the results that is a strip's.
    fn results(&self, channels: usize) -> Sheet {
        let (rows, columns) = (2 * self.down, 2 * self.across);
        Sheet { channels, height: self.height, width: self.width, margin: 0, step: rows, rows, columns }
    }
}

/// A copy of a part of a sample's planes, place by place with the channels side by side, and zeros around.
#[derive(Clone, Copy, Debug)]
struct Sheet {
    channels: usize,
    height: usize,
    width: usize,
    /// Zeros above and to the left of a plane.
    margin: usize,
    /// Rows from one part to the next.
    step: usize,
    rows: usize,
    columns: usize,
}

impl Sheet {
    fn len(&self) -> usize {
        self.rows * self.columns * self.channels
    }

    /// Words of the planes that are turned at a time.
    fn near_len(&self) -> usize {
        TURNED * self.rows.min(self.height) * self.width
    }

    /// Copies the part that begins with row `strip` times `step`. Some planes at a time are first read from end to end, so that
    /// they are near when they are turned.
    fn fill(&self, strip: usize, planes: &[f32], sheet: &mut [f32], near: &mut [f32]) {
        let (plane, columns) = (self.height * self.width, self.width.min(self.columns - self.margin));
        let begin = strip * self.step;
        let rows = begin.saturating_sub(self.margin)..(begin + self.rows - self.margin).min(self.height);
        let len = rows.len() * self.width;
        sheet.fill(0.0);
        for first in (0..self.channels).step_by(TURNED) {
            let channels = Pitched { rows: TURNED.min(self.channels - first), columns, pitch: len };
            for (channel, near) in near.chunks_exact_mut(len).enumerate().take(channels.rows) {
                near.copy_from_slice(&planes[(first + channel) * plane + rows.start * self.width..][..len]);
            }
            for (y, near) in rows.clone().zip((0..len).step_by(self.width).map(|at| &near[at..])) {
                let at = (y + self.margin - begin) * self.columns + self.margin;
                turn(channels, near, &mut sheet[at * self.channels + first..], self.channels);
            }
        }
    }
}

/// A convolution of samples with a transformed kernel.
struct Filter {
    conv: Conv,
    /// For the channels of the input and for those of the output.
    arch: [Arch; 2],
    tiling: Tiling,
    input: Sheet,
    /// Channels of the output side by side: one vector or two.
    panel: usize,
    taps: Vec<u32>,
    places: Vec<Place>,
    /// Panels of a unit.
    unit_panels: usize,
}

impl Filter {
    fn new(c: &Conv) -> Self {
        let arch = [arch(c.in_channels), arch(c.out_channels)];
        let lanes = lanes(arch[1]);
        let panel = c.out_channels.div_ceil(lanes).min(2) * lanes;
        let tiling = Tiling::new(c.out_height(), c.out_width());
        let place = |at: usize| Place { from: at as u32, to: at as u32, len: lanes as u32 };
        Self {
            conv: *c,
            arch,
            tiling,
            input: tiling.input(c.in_channels, [c.in_height, c.in_width], c.padding),
            panel,
            taps: (0..c.in_channels).map(|channel| (channel * panel) as u32).collect(),
            places: (0..panel).step_by(lanes).map(place).collect(),
            unit_panels: if c.batch > 1 { c.out_channels.div_ceil(panel) } else { 1 },
        }
    }

    fn panels(&self) -> usize {
        self.conv.out_channels.div_ceil(self.panel)
    }

    /// Words of a panel's transformed kernels.
    fn kernel_len(&self) -> usize {
        16 * self.conv.in_channels * self.panel
    }

    /// Words of the planes that are turned, of a strip's copy, of its transforms, of a panel's products and of its results.
    fn lens(&self) -> [usize; 5] {
        let tiles = 4 * self.tiling.tiles();
        let near = self.input.near_len().max(self.tiling.results(self.conv.out_channels).near_len());
        [near, self.input.len(), tiles * self.conv.in_channels, tiles * self.panel, tiles * self.panel]
    }

    /// Transforms the kernels of a panel: each of the sixteen words as input x panel. Kernel (o, i), turned or not, has nine
    /// words from `at(o, i)` on.
    fn pack(&self, panel: usize, weight: &[f32], turned: bool, packed: &mut [f32]) {
        let plane = self.conv.in_channels * self.panel;
        packed.fill(0.0);
        for output in panel * self.panel..((panel + 1) * self.panel).min(self.conv.out_channels) {
            for input in 0..self.conv.in_channels {
                let number = if turned {
                    input * self.conv.out_channels + output
                } else {
                    output * self.conv.in_channels + input
                };
                let kernel: [f32; 9] = std::array::from_fn(|k| weight[9 * number + if turned { 8 - k } else { k }]);
                for (k, word) in of_kernel(kernel).into_iter().enumerate() {
                    packed[k * plane + input * self.panel + output % self.panel] = word;
                }
            }
        }
    }

    /// Computes some panels of one sample.
    fn run(
        &self,
        panels: Range<usize>,
        sample: &[f32],
        packed: &[f32],
        bias: &[f32],
        output: &mut [f32],
        own: &mut [f32],
    ) {
        let [near_len, sheet_len, spread_len, products_len, results_len] = self.lens();
        let (near, own) = own.split_at_mut(near_len);
        let (sheet, own) = own.split_at_mut(sheet_len);
        let (spread, own) = own.split_at_mut(spread_len);
        let (products, results) = own.split_at_mut(products_len);
        let kernels = packed.chunks_exact(self.kernel_len());
        for strip in 0..self.tiling.strips() {
            self.input.fill(strip, sample, sheet, near);
            for (panel, results) in panels.clone().zip(results.chunks_exact_mut(results_len)) {
                self.begin(panel, bias, results);
            }
            for r in 0..4 {
                let shape = self.tiling.shape(self.conv.in_channels);
                of_input(self.arch[0], r, shape, sheet, spread, spread_len / 4);
                for (kernels, results) in kernels.clone().skip(panels.start).zip(results.chunks_exact_mut(results_len))
                {
                    self.multiply(r, spread, kernels, products);
                    to_results(self.arch[1], r, self.tiling.shape(self.panel), products, results);
                }
            }
            for (panel, results) in panels.clone().zip(results.chunks_exact(results_len)) {
                self.finish(panel - panels.start, strip, results, output, near);
            }
        }
    }

    /// What the sums of a panel begin with.
    fn begin(&self, panel: usize, bias: &[f32], results: &mut [f32]) {
        results.fill(0.0);
        let bias = bias.chunks(self.panel).nth(panel).unwrap_or(&[]);
        results.chunks_exact_mut(self.panel).for_each(|place| place[..bias.len()].copy_from_slice(bias));
    }

    /// A row of four products: tiles x input against input x panel.
    fn multiply(&self, r: usize, spread: &[f32], kernels: &[f32], products: &mut [f32]) {
        let (count, inputs) = (self.tiling.tiles(), self.conv.in_channels);
        let kernels = kernels.chunks_exact(inputs * self.panel).skip(4 * r);
        let words = spread.chunks_exact(count * inputs).zip(products.chunks_exact_mut(count * self.panel));
        for ((spread, products), source) in words.zip(kernels) {
            for (first, rows) in tiles(count, PRODUCT_ROWS) {
                let product = Product {
                    factors: Factors::ByRow(&spread[first * inputs..], inputs),
                    rows,
                    start: &[],
                    source,
                    taps: &self.taps,
                    places: &self.places,
                    output: &mut products[first * self.panel..],
                    row: self.panel,
                    step: 1,
                };
                product.run(self.arch[1]);
            }
        }
    }

    /// Puts a panel's results of a strip where they go, some planes at a time.
    fn finish(&self, panel: usize, strip: usize, results: &[f32], output: &mut [f32], near: &mut [f32]) {
        let Tiling { height, width, down, across } = self.tiling;
        let planes = &mut output[panel * self.panel * height * width..];
        let channels = self.panel.min(planes.len() / (height * width));
        let begin = 2 * strip * down;
        let len = (2 * down).min(height - begin) * width;
        for first in (0..channels).step_by(TURNED) {
            let places = Pitched { rows: width, columns: TURNED.min(channels - first), pitch: self.panel };
            for (at, row) in (0..len).step_by(width).zip(results.chunks_exact(2 * across * self.panel)) {
                turn(places, &row[first..], &mut near[at..], len);
            }
            for (channel, near) in near.chunks_exact(len).enumerate().take(places.columns) {
                planes[((first + channel) * height + begin) * width..][..len].copy_from_slice(near);
            }
        }
    }

    /// The two tasks: kernels are transformed panel by panel, then each sample computed, or a single one panel by panel.
    /// Operands are given by their numbers: input, weight and output, and the bias where there is one.
    fn tasks(self, [input, weight, output]: [usize; 3], bias: Option<usize>, turned: bool) -> Vec<Task> {
        let (batch, panels, kernel_len) = (self.conv.batch, self.panels(), self.kernel_len());
        let packed = panels * kernel_len;
        let (of_sample, unit_panels) = (panels / self.unit_panels, self.unit_panels);
        let unit_len = (unit_panels * self.panel).min(self.conv.out_channels) * self.tiling.height * self.tiling.width;
        let input_len = self.conv.input_len() / batch;
        let [near_len, sheet_len, spread_len, products_len, results_len] = self.lens();
        let thread_words = near_len + sheet_len + spread_len + products_len + unit_panels * results_len;
        let filter = Arc::new(self);
        let packing = Arc::clone(&filter);
        let pack = Task::with_scratch(
            vec![read(weight, Cut::Whole), scratch(packed, Access::Write, Cut::Each(kernel_len))],
            panels,
            0,
            move |panels, [weight, packed], _| {
                for (panel, packed) in panels.zip(packed.floats_mut().chunks_exact_mut(kernel_len)) {
                    vectorised!(packing.pack(panel, weight.floats(), turned, packed));
                }
            },
        );
        let arguments = vec![
            read(input, if batch > 1 { Cut::Each(input_len) } else { Cut::Whole }),
            scratch(packed, Access::Read, Cut::Whole),
            // Where there is no bias the weight stands in, and is not looked at.
            read(bias.unwrap_or(weight), Cut::Whole),
            write(output, Cut::Each(unit_len)),
        ];
        let work = move |units: Range<usize>, [input, packed, start, output]: &mut [Words<'_>; 4], own: &mut [f32]| {
            let start = if bias.is_some() { start.floats() } else { &[] };
            let samples = input.floats().chunks_exact(input_len).cycle();
            let outputs = output.floats_mut().chunks_mut(unit_len);
            for ((unit, sample), output) in units.zip(samples).zip(outputs) {
                let first = unit % of_sample * unit_panels;
                filter.run(first..first + unit_panels, sample, packed.floats(), start, output, own);
            }
        };
        vec![pack, Task::with_scratch(arguments, batch * of_sample, thread_words, work)]
    }
}

/// `output = input (*) weight + bias`.
pub(super) fn forward(c: &Conv) -> Vec<Task> {
    let (bias, output) = if c.bias { (Some(2), 3) } else { (None, 2) };
    Filter::new(c).tasks([0, 1, output], bias, false)
}

/// The gradient with respect to the input: the output's gradient, padded so that it yields planes of the input's size, under
/// the turned kernels.
pub(super) fn backward_data(c: &Conv) -> Vec<Task> {
    let turned = Conv {
        in_channels: c.out_channels,
        out_channels: c.in_channels,
        in_height: c.out_height(),
        in_width: c.out_width(),
        padding: 2 - c.padding,
        bias: false,
        ..*c
    };
    Filter::new(&turned).tasks([0, 1, 2], None, true)
}
