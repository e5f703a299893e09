//! Convolutions. Forward and by data, the output channels of a tile are rows of a
//! [`Product`] whose source is a padded copy of one sample; by weight, output channels against
//! taps are [`Dots`] over the places of a group of samples, whose sums are added up afterwards.

use super::task::{Cut, Task, Words, read, scratch, write};
use super::tile::{
    DOT_COLUMNS, DOT_ROWS, Dots, Factors, PRODUCT_ROWS, Place, Product, arch, lanes, sum, tiles, vectorised,
};
use super::window::Window;
use super::winograd;
use crate::plan::{Access, Conv};
use pulp::Arch;

/// Words that a group's gradients of a tile of channels may take: they stay in the first cache.
const GROUP_WORDS: usize = 1024;
/// Units into which a convolution of one sample is divided at most: each copies the sample for itself.
const SINGLE_UNITS: usize = 8;
/// Tasks into which the gradient by weight is divided at least, where its size allows.
const WEIGHT_UNITS: usize = 8;
/// Words that its partial sums may take.
const MOST_PARTIAL: usize = 8 << 20;

/// Places that one product computes: a phase of the stride, or all of them.
struct Phase {
    taps: Vec<u32>,
    /// The weight's word for each tap of the first row, and the distance of rows.
    weights: Vec<u32>,
    places: Vec<Place>,
}

/// A convolution as products of packed weights with a padded copy.
struct Passes {
    arch: Arch,
    window: Window,
    phases: Vec<Phase>,
    /// Rows (channels of the output), those of a unit, and the distance of their weights and of their planes.
    rows: usize,
    unit_rows: usize,
    weight_row: usize,
    plane: usize,
    step: usize,
}

/// Rows of a unit: a sample's are shared out where there is but one.
fn unit_rows(batch: usize, rows: usize) -> usize {
    if batch > 1 { rows } else { rows.div_ceil(SINGLE_UNITS).next_multiple_of(PRODUCT_ROWS).min(rows) }
}

impl Passes {
    fn packed_len(&self) -> usize {
        self.rows * self.phases.iter().map(|phase| phase.taps.len()).sum::<usize>()
    }

    /// First row and rows of each tile: those of a unit are tiled by themselves.
    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of_unit = |begin: usize| {
            let rows = self.unit_rows.min(self.rows - begin);
            tiles(rows, PRODUCT_ROWS).map(move |(first, count)| (begin + first, count))
        };
        (0..self.rows).step_by(self.unit_rows).flat_map(of_unit)
    }

    /// Packs the weight: for each phase and tile, taps x rows.
    fn pack(&self, weight: &[f32], packed: &mut [f32]) {
        let mut at = 0;
        for phase in &self.phases {
            for (first, rows) in self.tiles() {
                for word in &phase.weights {
                    for row in first..first + rows {
                        packed[at] = weight[*word as usize + row * self.weight_row];
                        at += 1;
                    }
                }
            }
        }
    }

    /// Computes a unit's rows of one sample.
    fn run(&self, unit: usize, sample: &[f32], packed: &[f32], bias: &[f32], output: &mut [f32], copy: &mut [f32]) {
        let source: &[f32] = if self.window.is_plain() {
            sample
        } else {
            vectorised!(self.window.fill(sample, copy));
            copy
        };
        let begin = unit * self.unit_rows;
        let mut packed = packed;
        for phase in &self.phases {
            let taps = phase.taps.len();
            let (of_phase, rest) = packed.split_at(self.rows * taps);
            packed = rest;
            for (tile, rows) in tiles(output.len() / self.plane, PRODUCT_ROWS) {
                let first = begin + tile;
                let product = Product {
                    factors: Factors::ByTap(&of_phase[first * taps..(first + rows) * taps], rows),
                    rows,
                    start: bias.get(first..first + rows).unwrap_or(&[]),
                    source,
                    taps: &phase.taps,
                    places: &phase.places,
                    output: &mut output[tile * self.plane..(tile + rows) * self.plane],
                    row: self.plane,
                    step: self.step,
                };
                product.run(self.arch);
            }
        }
    }

    /// The two tasks: the weight is packed, then each sample computed, or a single one unit by unit. Operands are given by their
    /// numbers: input, weight and output, and the bias where there is one.
    fn tasks(
        self,
        batch: usize,
        [input, weight, output]: [usize; 3],
        bias: Option<usize>,
        input_len: usize,
    ) -> Vec<Task> {
        let passes = std::sync::Arc::new(self);
        let packed = passes.packed_len();
        let packing = std::sync::Arc::clone(&passes);
        let pack = Task::with_scratch(
            vec![read(weight, Cut::Whole), scratch(packed, Access::Write, Cut::Whole)],
            1,
            0,
            move |_, [weight, packed], _| packing.pack(weight.floats(), packed.floats_mut()),
        );
        let thread_words = if passes.window.is_plain() { 0 } else { passes.window.len() };
        let (of_sample, unit_len) = (passes.rows.div_ceil(passes.unit_rows), passes.unit_rows * passes.plane);
        let arguments = vec![
            read(input, if batch > 1 { Cut::Each(input_len) } else { Cut::Whole }),
            scratch(packed, Access::Read, Cut::Whole),
            // Where there is no bias the weight stands in, and is not looked at.
            read(bias.unwrap_or(weight), Cut::Whole),
            write(output, Cut::Each(unit_len)),
        ];
        let convolve = Task::with_scratch(
            arguments,
            batch * of_sample,
            thread_words,
            move |units, [input, packed, start, output]: &mut [Words<'_>; 4], copy| {
                let start = if bias.is_some() { start.floats() } else { &[] };
                let samples = input.floats().chunks_exact(input_len).cycle();
                let outputs = output.floats_mut().chunks_mut(unit_len);
                for ((unit, sample), output) in units.zip(samples).zip(outputs) {
                    passes.run(unit % of_sample, sample, packed.floats(), start, output, copy);
                }
            },
        );
        vec![pack, convolve]
    }
}

/// A 1x1 kernel sees no neighbours: a plane may as well be one long row.
fn flattened(c: &Conv) -> Conv {
    if (c.kernel_height, c.kernel_width, c.stride, c.padding) == (1, 1, 1, 0) {
        return Conv { in_height: 1, in_width: c.in_height * c.in_width, ..*c };
    }
    *c
}

/// `output = input (*) weight + bias`.
pub(super) fn forward(c: &Conv) -> Vec<Task> {
    if winograd::suits(c) {
        return winograd::forward(c);
    }
    let c = flattened(c);
    let arch = arch(c.out_width());
    let window = input_window(&c, lanes(arch));
    let taps = taps(&c).map(|[channel, y, x]| window.tap(channel, y, x)).collect();
    let phase = Phase {
        taps,
        weights: (0..c.in_channels * c.kernel_height * c.kernel_width).map(|word| word as u32).collect(),
        places: window.places(c.out_height(), c.out_width()),
    };
    let passes = Passes {
        arch,
        window,
        phases: vec![phase],
        rows: c.out_channels,
        unit_rows: unit_rows(c.batch, c.out_channels),
        weight_row: c.in_channels * c.kernel_height * c.kernel_width,
        plane: c.out_height() * c.out_width(),
        step: 1,
    };
    let (bias, output) = if c.bias { (Some(2), 3) } else { (None, 2) };
    passes.tasks(c.batch, [0, 1, output], bias, c.input_len() / c.batch)
}

/// The padded input: results y, x lie under windows that begin at padded place y, x times stride.
fn input_window(c: &Conv, lanes: usize) -> Window {
    let rows = c.out_height() + (c.kernel_height - 1) / c.stride;
    let reach = c.out_width().next_multiple_of(lanes) + (c.kernel_width - 1) / c.stride;
    let plane = [c.in_height, c.in_width];
    Window::new(c.in_channels, plane, [c.padding, c.stride], [rows, reach], lanes)
}

/// (channel, y, x) of every weight of an output channel, in their order.
fn taps(c: &Conv) -> impl Iterator<Item = [usize; 3]> {
    let (height, width) = (c.kernel_height, c.kernel_width);
    (0..c.in_channels * height * width).map(move |k| [k / (height * width), k / width % height, k % width])
}

/// The gradient with respect to the input. Input place y, with y + padding = j stride + r, meets
/// kernel row r + m stride at output row j - m: for every phase r a convolution of its own over the
/// output's gradient, with the kernel's rows (and columns) of that phase, turned.
pub(super) fn backward_data(c: &Conv) -> Vec<Task> {
    if winograd::suits(c) {
        return winograd::backward_data(c);
    }
    let c = flattened(c);
    let arch = arch(c.in_width / c.stride);
    let (window, margin) = gradient_window(&c, lanes(arch));
    let phases = (0..c.stride * c.stride).map(|r| data_phase(&c, &window, margin, [r / c.stride, r % c.stride]));
    let passes = Passes {
        arch,
        phases: phases.collect(),
        window,
        rows: c.in_channels,
        unit_rows: unit_rows(c.batch, c.in_channels),
        weight_row: c.kernel_height * c.kernel_width,
        plane: c.in_height * c.in_width,
        step: c.stride,
    };
    passes.tasks(c.batch, [0, 1, 2], None, c.output_len() / c.batch)
}

/// The output's gradient with room for the turned kernel, and the rows and columns of that room.
fn gradient_window(c: &Conv, lanes: usize) -> (Window, usize) {
    let turn = [(c.kernel_height - 1) / c.stride, (c.kernel_width - 1) / c.stride];
    let last = [c.in_height, c.in_width].map(|len| (len - 1 + c.padding) / c.stride);
    let plain = c.stride == 1 && turn == [0, 0] && c.padding == 0 && c.in_width.is_multiple_of(lanes);
    let plane = [c.out_height(), c.out_width()];
    // A window's margin is the same on both axes, so the larger turn counts for both.
    let margin = turn[0].max(turn[1]);
    let reach = if plain { c.in_width } else { last[1] + 1 + lanes + margin };
    (Window::new(c.out_channels, plane, [margin, 1], [last[0] + 1 + margin, reach], lanes), margin)
}

/// Words of the largest of a sample's copies and of the weight.
pub(super) fn reach(c: &Conv) -> usize {
    let c = flattened(c);
    let [input, gradient] = [c.out_width(), c.in_width / c.stride].map(|width| lanes(arch(width)));
    let (gradient, _) = gradient_window(&c, gradient);
    input_window(&c, input).len().max(gradient.len()).max(c.weight_len())
}

fn data_phase(c: &Conv, window: &Window, margin: usize, [ry, rx]: [usize; 2]) -> Phase {
    let (mut taps, mut weights) = (Vec::new(), Vec::new());
    for channel in 0..c.out_channels {
        for ky in (ry..c.kernel_height).step_by(c.stride) {
            for kx in (rx..c.kernel_width).step_by(c.stride) {
                taps.push(window.tap(channel, margin - ky / c.stride, margin - kx / c.stride));
                let row = channel * c.in_channels * c.kernel_height;
                weights.push(((row + ky) * c.kernel_width + kx) as u32);
            }
        }
    }
    Phase { taps, weights, places: data_places(c, window, [ry, rx]) }
}

/// The places of the input in a phase: every `stride`th of each axis.
fn data_places(c: &Conv, window: &Window, [ry, rx]: [usize; 2]) -> Vec<Place> {
    // The first j of the phase, how many there are, and the input's place of the first.
    let span = |r: usize, len: usize| {
        let first = c.padding.saturating_sub(r).div_ceil(c.stride);
        let at = first * c.stride + r - c.padding;
        (first, len.saturating_sub(at).div_ceil(c.stride), at)
    };
    let ((j_y, ys, y), (j_x, xs, x)) = (span(ry, c.in_height), span(rx, c.in_width));
    let begin = window.tap(0, j_y, j_x) as usize;
    let place = |v: super::window::Vector| Place {
        from: (begin + v.from) as u32,
        to: ((y + v.y * c.stride) * c.in_width + x + v.x * c.stride) as u32,
        len: v.len as u32,
    };
    window.vectors(ys, xs).map(place).collect()
}

/// The gradient with respect to the weight.
struct Weight {
    conv: Conv,
    arch: Arch,
    input: Window,
    /// The output's gradient with rows of whole vectors.
    gradient: Window,
    taps: Vec<u32>,
    places: Vec<u32>,
    /// Samples whose sums run together, and groups of them.
    group: usize,
    groups: usize,
    /// Output channels of a unit, and units a group.
    channels: usize,
    blocks: usize,
}

impl Weight {
    fn new(c: &Conv) -> Self {
        let conv = flattened(c);
        let arch = arch(conv.out_width());
        let lanes = lanes(arch);
        let (height, width) = (conv.out_height(), conv.out_width());
        let input = input_window(&conv, lanes);
        let plane = [height, width];
        let gradient = Window::new(conv.out_channels, plane, [0, 1], [height, width.next_multiple_of(lanes)], lanes);
        let most = (MOST_PARTIAL / conv.weight_len()).max(1);
        let group = (GROUP_WORDS / (height * width)).clamp(1, 32).max(conv.batch.div_ceil(most)).min(conv.batch);
        let groups = conv.batch.div_ceil(group);
        let tiles = conv.out_channels.div_ceil(DOT_ROWS);
        let blocks = WEIGHT_UNITS.div_ceil(groups).clamp(1, tiles);
        let channels = tiles.div_ceil(blocks) * DOT_ROWS;
        let taps = taps(&conv).map(|[channel, y, x]| input.tap(channel, y, x)).collect();
        let places = input.vectors(height, width).map(|vector| vector.from as u32).collect();
        let blocks = conv.out_channels.div_ceil(channels);
        Self { conv, arch, input, gradient, taps, places, group, groups, channels, blocks }
    }

    /// Words of the partial sums of one group: whole blocks.
    fn partial_len(&self) -> usize {
        self.blocks * self.channels * self.taps.len()
    }

    fn copied(&self, window: &Window) -> usize {
        if window.is_plain() { 0 } else { self.group * window.len() }
    }

    /// One group of samples against one block of output channels.
    fn run(&self, unit: usize, input: &[f32], gradient: &[f32], partial: &mut [f32], copies: &mut [f32]) {
        let (group, first) = (unit / self.blocks, unit % self.blocks * self.channels);
        let samples = group * self.group..((group + 1) * self.group).min(self.conv.batch);
        let (input_copy, gradient_copy) = copies.split_at_mut(self.copied(&self.input));
        let right = gather(&self.input, &samples, input, self.conv.input_len() / self.conv.batch, input_copy);
        let left = gather(&self.gradient, &samples, gradient, self.conv.output_len() / self.conv.batch, gradient_copy);
        let plane = self.gradient.len() / self.conv.out_channels;
        let channels = self.channels.min(self.conv.out_channels - first);
        for (tile, rows) in tiles(channels, DOT_ROWS) {
            for (column, taps) in self.taps.chunks(DOT_COLUMNS).enumerate() {
                let dots = Dots {
                    samples: samples.len(),
                    left: &left[(first + tile) * plane..],
                    left_sample: self.gradient.len(),
                    left_row: plane,
                    right,
                    right_sample: self.input.len(),
                    taps,
                    places: &self.places,
                    len: plane,
                };
                for (row, sums) in dots.run(self.arch, rows).iter().take(rows).enumerate() {
                    let at = (tile + row) * self.taps.len() + column * DOT_COLUMNS;
                    partial[at..at + taps.len()].copy_from_slice(&sums[..taps.len()]);
                }
            }
        }
    }
}

/// The samples' planes as a window lays them out; themselves where that is how they lie.
fn gather<'a>(
    window: &Window,
    samples: &std::ops::Range<usize>,
    source: &'a [f32],
    len: usize,
    copies: &'a mut [f32],
) -> &'a [f32] {
    let source = &source[samples.start * len..samples.end * len];
    if window.is_plain() {
        return source;
    }
    vectorised!({
        for (sample, copy) in source.chunks_exact(len).zip(copies.chunks_exact_mut(window.len())) {
            window.fill(sample, copy);
        }
    });
    copies
}

/// The gradient with respect to the weight, and to the bias where there is one.
pub(super) fn backward_weight(c: &Conv) -> Vec<Task> {
    let tasks = if winograd::suits(c) { winograd::backward_weight(c) } else { weight_gradient(c) };
    let bias = c.bias.then(|| channel_sum(c.batch, c.out_channels, c.out_height() * c.out_width()));
    tasks.into_iter().chain(bias).collect()
}

/// Partial sums of groups of samples, then their sum.
fn weight_gradient(c: &Conv) -> Vec<Task> {
    let weight = Weight::new(c);
    let (groups, stride, len) = (weight.groups, weight.partial_len(), c.weight_len());
    let partials = groups * stride;
    let block = weight.channels * weight.taps.len();
    let thread_words = weight.copied(&weight.input) + weight.copied(&weight.gradient);
    let arguments = vec![read(0, Cut::Whole), read(1, Cut::Whole), scratch(partials, Access::Write, Cut::Each(block))];
    let work =
        move |units: std::ops::Range<usize>, [input, gradient, partial]: &mut [Words<'_>; 3], own: &mut [f32]| {
            for (unit, partial) in units.zip(partial.floats_mut().chunks_mut(block)) {
                weight.run(unit, input.floats(), gradient.floats(), partial, own);
            }
        };
    let units = partials / block;
    let partial = Task::with_scratch(arguments, units, thread_words, work);
    let arguments = vec![scratch(partials, Access::Read, Cut::Whole), write(2, Cut::Each(1))];
    let add = Task::with_scratch(arguments, len, 0, move |words, [partial, gradient], _| {
        let (partial, gradient) = (partial.floats(), gradient.floats_mut());
        vectorised!({
            gradient.copy_from_slice(&partial[words.clone()]);
            for group in 1..groups {
                let more = &partial[group * stride..][words.clone()];
                gradient.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            }
        });
    });
    vec![partial, add]
}

/// The gradient of a bias: the output's gradient, operand 1, summed over batch and plane of each channel into operand 3.
pub(super) fn channel_sum(batch: usize, channels: usize, plane: usize) -> Task {
    let arguments = vec![read(1, Cut::Whole), write(3, Cut::Each(1))];
    Task::with_scratch(arguments, channels, 0, move |units, [input, sums], _| {
        let input = input.floats();
        for (channel, result) in units.zip(sums.floats_mut()) {
            let place = |n: usize| (n * channels + channel) * plane;
            *result = if plane == 1 {
                sum(batch, |n| input[place(n)])
            } else {
                let of_sample = |n| {
                    let plane = &input[place(n)..place(n) + plane];
                    vectorised!(sum(plane.len(), |i| plane[i]))
                };
                (0..batch).map(of_sample).sum()
            };
        }
    })
}
