use super::super::tile::arch;
use super::transform::{Pitched, Shape, of_input, of_kernel, of_results, to_kernel, to_results, turn};
use super::*;

/// Numbers between -1/2 and 1/2.
fn numbers(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|at| ((at * 7919 + seed * 104_729) % 1013) as f32 / 1013.0 - 0.5).collect()
}

/// A strip of tiles in three dimensions, `channels` of them side by side.
struct Strip {
    shape: Shape,
    /// Words of all tiles' transforms in one of their sixteen places.
    plane: usize,
}

impl Strip {
    fn new(channels: usize) -> Self {
        let shape = Shape { down: 3, across: 5, channels };
        Self { shape, plane: shape.down * shape.across * channels }
    }

    fn at(&self, columns: usize, y: usize, x: usize, channel: usize) -> usize {
        (y * columns + x) * self.shape.channels + channel
    }

    fn input(&self) -> Vec<f32> {
        numbers((2 * self.shape.down + 2) * (2 * self.shape.across + 2) * self.shape.channels, 1)
    }

    fn results(&self) -> Vec<f32> {
        numbers(4 * self.plane, 2)
    }
}

/// One kernel on every channel by itself: what the transforms yield is what its sum over nine places yields.
#[test]
fn transforms_yield_what_the_kernel_does() {
    for channels in [1, 7, 16, 19] {
        let strip = Strip::new(channels);
        let (shape, plane) = (strip.shape, strip.plane);
        let kernel: [f32; 9] = numbers(9, 3).try_into().unwrap();
        let input = strip.input();
        let mut results = vec![0.0; 4 * plane];
        for r in 0..4 {
            let mut words = vec![f32::NAN; 4 * plane];
            of_input(arch(channels), r, shape, &input, &mut words, plane);
            let factors = of_kernel(kernel);
            words.chunks_mut(plane).zip(&factors[4 * r..]).for_each(|(words, factor)| {
                words.iter_mut().for_each(|word| *word *= factor);
            });
            to_results(arch(channels), r, shape, &words, &mut results);
        }
        for (y, x, channel) in places(shape) {
            let seen = |k: usize| input[strip.at(2 * shape.across + 2, y + k / 3, x + k % 3, channel)];
            let wanted: f32 = (0..9).map(|k| kernel[k] * seen(k)).sum();
            let got = results[strip.at(2 * shape.across, y, x, channel)];
            assert!((got - wanted).abs() <= 1e-6, "{channels} channels, {y}, {x}, {channel}: {got} for {wanted}");
        }
    }
}

/// The gradient of every channel's own kernel.
#[test]
fn transforms_yield_the_gradient_of_a_kernel() {
    for channels in [1, 7, 16, 19] {
        let strip = Strip::new(channels);
        let (shape, plane) = (strip.shape, strip.plane);
        let (input, results) = (strip.input(), strip.results());
        let mut kernel = vec![0.0; 9 * channels];
        for r in 0..4 {
            let mut words = [vec![f32::NAN; 4 * plane], vec![f32::NAN; 4 * plane]];
            of_input(arch(channels), r, shape, &input, &mut words[0], plane);
            of_results(arch(channels), r, shape, &results, &mut words[1], plane);
            let product = |k: usize, channel: usize| -> f32 {
                let tiles = (k * plane + channel..(k + 1) * plane).step_by(channels);
                tiles.map(|at| words[0][at] * words[1][at]).sum()
            };
            let products: Vec<f32> = (0..4 * channels).map(|at| product(at / channels, at % channels)).collect();
            to_kernel(arch(channels), r, &products, &mut kernel);
        }
        for (k, channel) in (0..9).flat_map(|k| (0..channels).map(move |channel| (k, channel))) {
            let term = |(y, x, of): (usize, usize, usize)| {
                let seen = input[strip.at(2 * shape.across + 2, y + k / 3, x + k % 3, of)];
                if of == channel { seen * results[strip.at(2 * shape.across, y, x, of)] } else { 0.0 }
            };
            let wanted: f32 = places(shape).map(term).sum();
            let got = kernel[k * channels + channel];
            assert!((got - wanted).abs() <= 1e-5, "{channels} channels, {k}, {channel}: {got} for {wanted}");
        }
    }
}

fn places(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let columns = move |y| (0..2 * shape.across).map(move |x| (y, x));
    (0..2 * shape.down).flat_map(columns).flat_map(move |(y, x)| (0..shape.channels).map(move |c| (y, x, c)))
}

#[test]
fn a_matrix_is_turned_whatever_its_size() {
    for (rows, columns) in [(1, 1), (8, 8), (7, 19), (16, 9), (23, 8)] {
        let (source, mut target) = (numbers(rows * (columns + 3), 4), vec![f32::NAN; columns * (rows + 2)]);
        turn(Pitched { rows, columns, pitch: columns + 3 }, &source, &mut target, rows + 2);
        for (r, c) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            assert_eq!(target[c * (rows + 2) + r], source[r * (columns + 3) + c], "{rows} x {columns}: {r}, {c}");
        }
    }
}

#[test]
fn strips_cover_every_result_once() {
    for (height, width) in [(1, 1), (8, 8), (5, 3), (121, 121), (3, 1024), (2, 2048)] {
        let tiling = Tiling::new(height, width);
        let rows = 2 * tiling.down;
        assert!(tiling.strips() * rows >= height && (tiling.strips() - 1) * rows < height, "{height} x {width}");
        assert!(tiling.tiles() <= MOST_TILES.max(tiling.across) && 2 * tiling.across >= width, "{height} x {width}");
    }
}
