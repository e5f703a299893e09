//! The gradient with respect to the weight, F(3x3, 2x2): the sixteen products are output channels against input channels,
//! summed over tiles.

use super::transform::{Pitched, of_input, of_results, to_kernel, turn};
use super::{MOST_TILES, Sheet, Tiling};
use crate::cpu::task::{Cut, Task, read, scratch, write};
use crate::cpu::tile::{Factors, PRODUCT_ROWS, Place, Product, arch, lanes, tiles, vectorised};
use crate::plan::{Access, Conv};
use pulp::Arch;
use std::ops::Range;
use std::sync::Arc;

/// Samples whose gradients by weight are summed in one go at most.
const MOST_TOGETHER: usize = 8;
/// Units into which the gradient by weight is divided at least, where its size allows.
const WEIGHT_UNITS: usize = 8;
/// Words of products that a unit of it has at a time.
const MOST_PRODUCTS: usize = 1 << 17;
/// Words that its partial sums may take.
const MOST_PARTIAL: usize = 8 << 20;

/// How the work is shared out.
struct Weight {
    conv: Conv,
    /// For the channels of the input and for those of the output.
    arch: [Arch; 2],
    tiling: Tiling,
    input: Sheet,
    /// Samples whose sums run together, and groups of them.
    group: usize,
    groups: usize,
    /// Strips that are transformed together.
    together: usize,
    /// Output channels of a unit, and units a group.
    channels: usize,
    blocks: usize,
    taps: Vec<u32>,
    places: Vec<Place>,
}

impl Weight {
    fn new(c: &Conv) -> Self {
        let arch = [arch(c.in_channels), arch(c.out_channels)];
        let tiling = Tiling::new(c.out_height(), c.out_width());
        let of_sample = tiling.tiles() * tiling.strips();
        let most = (MOST_PARTIAL / c.weight_len()).max(1);
        let group = (MOST_TILES / of_sample).clamp(1, MOST_TOGETHER).max(c.batch.div_ceil(most)).min(c.batch);
        let groups = c.batch.div_ceil(group);
        let together = (MOST_TILES / tiling.tiles()).clamp(1, group * tiling.strips());
        let most = (MOST_PRODUCTS / (4 * c.in_channels)).max(1);
        let blocks = WEIGHT_UNITS.div_ceil(groups).max(c.out_channels.div_ceil(most));
        let channels = c.out_channels.div_ceil(blocks).next_multiple_of(PRODUCT_ROWS).min(c.out_channels);
        let lanes = lanes(arch[0]);
        let place = |at| Place { from: at as u32, to: at as u32, len: lanes.min(c.in_channels - at) as u32 };
        Self {
            conv: *c,
            arch,
            tiling,
            input: tiling.input(c.in_channels, [c.in_height, c.in_width], c.padding),
            group,
            groups,
            together,
            channels,
            blocks: c.out_channels.div_ceil(channels),
            taps: (0..together * tiling.tiles()).map(|tile| (tile * c.in_channels) as u32).collect(),
            places: (0..c.in_channels).step_by(lanes).map(place).collect(),
        }
    }

    /// Words of a unit's partial sums: nine for each pair of channels.
    fn unit_len(&self) -> usize {
        9 * self.channels * self.conv.in_channels
    }

    /// Words of the planes that are turned, of the strips' copies, of their transforms and of the products.
    fn lens(&self) -> [usize; 6] {
        let spread = 4 * self.together * self.tiling.tiles();
        // The last vector of a tile's channels may reach beyond the last tile.
        let beyond = lanes(self.arch[0]);
        let inputs = self.conv.in_channels;
        [
            self.input.near_len().max(self.tiling.results(self.channels).near_len()),
            self.together * self.input.len(),
            self.together * self.tiling.results(self.channels).len(),
            spread * inputs + beyond,
            spread * self.channels,
            4 * self.channels * inputs,
        ]
    }

    /// One group of samples against one block of output channels.
    fn run(&self, unit: usize, input: &[f32], gradient: &[f32], partial: &mut [f32], own: &mut [f32]) {
        let (group, first) = (unit / self.blocks, unit % self.blocks * self.channels);
        let channels = self.channels.min(self.conv.out_channels - first);
        let strips = self.tiling.strips();
        let end = ((group + 1) * self.group).min(self.conv.batch) * strips;
        let [near, inputs, results, input_spread, result_spread, _] = self.lens();
        let (near, own) = own.split_at_mut(near);
        let (inputs, own) = own.split_at_mut(inputs);
        let (results, own) = own.split_at_mut(results);
        let (input_spread, own) = own.split_at_mut(input_spread);
        let (result_spread, products) = own.split_at_mut(result_spread);
        let products = &mut products[..4 * channels * self.conv.in_channels];
        let partial = &mut partial[..9 * channels * self.conv.in_channels];
        partial.fill(0.0);
        for begin in (group * self.group * strips..end).step_by(self.together) {
            let pieces = begin..(begin + self.together).min(end);
            self.copy(pieces.clone(), first, channels, [input, gradient], [inputs, results, near]);
            for r in 0..4 {
                self.spread(r, pieces.len(), channels, [inputs, results], [input_spread, result_spread]);
                self.multiply(pieces.len(), channels, [input_spread, result_spread], products);
                to_kernel(self.arch[0], r, products, partial);
            }
        }
    }

    /// Copies strips: those of a sample follow each other.
    fn copy(&self, pieces: Range<usize>, first: usize, channels: usize, from: [&[f32]; 2], to: [&mut [f32]; 3]) {
        let [inputs, results, near] = to;
        let sheet = self.tiling.results(channels);
        let plane = self.tiling.height * self.tiling.width;
        let sheets = inputs.chunks_exact_mut(self.input.len()).zip(results.chunks_exact_mut(sheet.len()));
        for (piece, (input, result)) in pieces.zip(sheets) {
            let (sample, strip) = (piece / self.tiling.strips(), piece % self.tiling.strips());
            self.input.fill(strip, &from[0][sample * (self.conv.input_len() / self.conv.batch)..], input, near);
            sheet.fill(strip, &from[1][(sample * self.conv.out_channels + first) * plane..], result, near);
        }
    }

    /// A row of the transforms of some strips.
    fn spread(&self, r: usize, pieces: usize, channels: usize, from: [&[f32]; 2], to: [&mut [f32]; 2]) {
        let [input_spread, result_spread] = to;
        let (tiles, inputs) = (self.tiling.tiles(), self.conv.in_channels);
        let plane = self.together * tiles;
        for (n, input) in from[0].chunks_exact(self.input.len()).enumerate().take(pieces) {
            let target = &mut input_spread[n * tiles * inputs..];
            of_input(self.arch[0], r, self.tiling.shape(inputs), input, target, plane * inputs);
        }
        for (n, result) in from[1].chunks_exact(self.tiling.results(channels).len()).enumerate().take(pieces) {
            let target = &mut result_spread[n * tiles * channels..];
            of_results(self.arch[1], r, self.tiling.shape(channels), result, target, plane * channels);
        }
    }

    /// A row of four products: output x tiles against tiles x input.
    fn multiply(&self, pieces: usize, channels: usize, [inputs, results]: [&[f32]; 2], products: &mut [f32]) {
        let (count, plane) = (pieces * self.tiling.tiles(), self.together * self.tiling.tiles());
        for (k, products) in products.chunks_exact_mut(channels * self.conv.in_channels).enumerate() {
            for (first, rows) in tiles(channels, PRODUCT_ROWS) {
                let product = Product {
                    factors: Factors::ByTap(&results[k * plane * channels + first..], channels),
                    rows,
                    start: &[],
                    source: &inputs[k * plane * self.conv.in_channels..],
                    taps: &self.taps[..count],
                    places: &self.places,
                    output: &mut products[first * self.conv.in_channels..],
                    row: self.conv.in_channels,
                    step: 1,
                };
                product.run(self.arch[0]);
            }
        }
    }

    /// Adds the partial sums of an output channel and puts the nine of each input channel side by side.
    fn add(&self, channel: usize, partial: &[f32], gradient: &mut [f32], sums: &mut [f32]) {
        let (block, inputs) = (channel / self.channels, self.conv.in_channels);
        let channels = self.channels.min(self.conv.out_channels - block * self.channels);
        let units = partial.chunks_exact(self.unit_len()).skip(block).step_by(self.blocks);
        vectorised!({
            sums.fill(0.0);
            for unit in units {
                let rows = unit.chunks_exact(inputs).skip(channel % self.channels).step_by(channels);
                for (sums, row) in sums.chunks_exact_mut(inputs).zip(rows) {
                    sums.iter_mut().zip(row).for_each(|(sum, more)| *sum += more);
                }
            }
        });
        turn(Pitched { rows: 9, columns: inputs, pitch: inputs }, sums, gradient, 9);
    }
}

/// The gradient with respect to the weight: partial sums of groups of samples, then their sum.
pub(in crate::cpu) fn backward_weight(c: &Conv) -> Vec<Task> {
    let weight = Arc::new(Weight::new(c));
    let (unit_len, units, inputs) = (weight.unit_len(), weight.groups * weight.blocks, c.in_channels);
    let partials = units * unit_len;
    let arguments =
        vec![read(0, Cut::Whole), read(1, Cut::Whole), scratch(partials, Access::Write, Cut::Each(unit_len))];
    let summing = Arc::clone(&weight);
    let thread_words = weight.lens().iter().sum();
    let partial = Task::with_scratch(arguments, units, thread_words, move |units, [input, gradient, partial], own| {
        for (unit, partial) in units.zip(partial.floats_mut().chunks_exact_mut(unit_len)) {
            summing.run(unit, input.floats(), gradient.floats(), partial, own);
        }
    });
    let arguments = vec![scratch(partials, Access::Read, Cut::Whole), write(2, Cut::Each(9 * inputs))];
    let add = Task::with_scratch(arguments, c.out_channels, 9 * inputs, move |channels, [partial, gradient], own| {
        for (channel, gradient) in channels.zip(gradient.floats_mut().chunks_exact_mut(9 * inputs)) {
            weight.add(channel, partial.floats(), gradient, own);
        }
    });
    vec![partial, add]
}
