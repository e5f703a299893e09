//! Pooling, plane by plane.

use super::task::{Cut, Task};
use super::tile::vectorised;
use crate::plan::{NOWHERE, Op, Pool};
use std::array::from_fn;
use std::ops::Range;

impl Pool {
    /// The positions along one axis that window `at` covers.
    fn covered(at: usize, stride: usize, padding: usize, window: usize, count: usize) -> Range<usize> {
        let start = at * stride;
        start.saturating_sub(padding)..(start + window).saturating_sub(padding).min(count)
    }

    fn rows(&self, y: usize) -> Range<usize> {
        Self::covered(y, self.stride, self.padding, self.window_height, self.in_height)
    }

    fn columns(&self, x: usize) -> Range<usize> {
        Self::covered(x, self.stride, self.padding, self.window_width, self.in_width)
    }

    fn in_plane(&self) -> usize {
        self.in_height * self.in_width
    }

    fn out_plane(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Whether windows are 2x2, side by side, and none is cut by the image's end.
    fn is_halving(&self) -> bool {
        (self.window_height, self.window_width, self.stride, self.padding) == (2, 2, 2, 0)
    }
}

/// Whether a value takes the place of the largest so far: the first of equals wins, and what is not
/// a number wins for good, that a network's end shows it.
#[inline(always)]
fn beats(value: f32, largest: f32) -> bool {
    (value > largest) | value.is_nan()
}

/// The largest of each window and its place; the first of equals wins. With `relu`, of the input's ReLU.
pub(super) fn max_forward(op: &Op, p: &Pool, relu: bool) -> Task {
    let p = *p;
    let cuts = [Cut::Each(p.in_plane()), Cut::Each(p.out_plane()), Cut::Each(p.out_plane())];
    Task::new(op, p.planes, cuts, move |_, [input, output, argmax]| {
        let inputs = input.floats().chunks_exact(p.in_plane());
        let outputs = output.floats_mut().chunks_exact_mut(p.out_plane());
        let places = argmax.integers_mut().chunks_exact_mut(p.out_plane());
        vectorised!({
            for ((input, output), argmax) in inputs.zip(outputs).zip(places) {
                if p.is_halving() {
                    halve(&p, input, output, argmax)
                } else {
                    max_plane(&p, input, output, argmax)
                }
                if relu {
                    rectify(output, argmax);
                }
            }
        });
    })
}

#[inline(always)]
fn max_plane(p: &Pool, input: &[f32], output: &mut [f32], argmax: &mut [u32]) {
    let width = p.out_width();
    for (at, (output, argmax)) in output.iter_mut().zip(argmax).enumerate() {
        let (ys, xs) = (p.rows(at / width), p.columns(at % width));
        let mut place = ys.start * p.in_width + xs.start;
        for y in ys {
            for x in xs.clone() {
                if beats(input[y * p.in_width + x], input[place]) {
                    place = y * p.in_width + x;
                }
            }
        }
        (*output, *argmax) = (input[place], place as u32);
    }
}

/// The ReLU of maxima, as that of `elementwise`; what it passes no gradient to has no place.
#[inline(always)]
fn rectify(output: &mut [f32], argmax: &mut [u32]) {
    for (maximum, place) in output.iter_mut().zip(argmax) {
        *place = if *maximum > 0.0 { *place } else { NOWHERE };
        *maximum = if *maximum < 0.0 { 0.0 } else { *maximum };
    }
}

/// Windows of 2x2 side by side.
#[inline(always)]
fn halve(p: &Pool, input: &[f32], output: &mut [f32], argmax: &mut [u32]) {
    let width = p.out_width();
    let pairs = input.chunks_exact(2 * p.in_width);
    let results = output.chunks_exact_mut(width).zip(argmax.chunks_exact_mut(width));
    for ((y, rows), (output, argmax)) in pairs.enumerate().zip(results) {
        let (upper, lower) = rows.split_at(p.in_width);
        let windows = [upper.as_chunks().0, lower.as_chunks().0];
        let (place, below) = ((2 * y * p.in_width) as u32, p.in_width as u32);
        let whole = width / LANES * LANES;
        halve_some::<LANES>(windows, place, below, output, argmax);
        let windows = windows.map(|row| &row[whole..]);
        halve_some::<1>(windows, place + 2 * whole as u32, below, &mut output[whole..], &mut argmax[whole..]);
    }
}

/// Windows that are compared at a time: what the least of instruction sets does at once.
const LANES: usize = 4;

/// Windows side by side, `N` at a time, as often as there are so many: their upper and lower rows. The first begins at `place` in
/// its plane; what is below a place is `below` further.
#[inline(always)]
fn halve_some<const N: usize>(
    windows: [&[[f32; 2]]; 2],
    place: u32,
    below: u32,
    output: &mut [f32],
    argmax: &mut [u32],
) {
    let [upper, lower] = windows.map(|row| row.as_chunks::<N>().0);
    let results = output.as_chunks_mut::<N>().0.iter_mut().zip(argmax.as_chunks_mut::<N>().0);
    let corners = (place..).step_by(2 * N);
    for (((upper, lower), (output, argmax)), corner) in upper.iter().zip(lower).zip(results).zip(corners) {
        let mut largest = upper.map(|pair| pair[0]);
        let mut offsets = [0; N];
        for (row, x, offset) in [(upper, 1, 1), (lower, 0, below), (lower, 1, below + 1)] {
            // Loop by loop and with masks, which the compiler turns into vectors; branches it does one by one.
            let masks: [u32; N] = from_fn(|n| 0u32.wrapping_sub(beats(row[n][x], largest[n]).into()));
            largest = from_fn(|n| f32::from_bits(chosen(masks[n], row[n][x].to_bits(), largest[n].to_bits())));
            offsets = from_fn(|n| chosen(masks[n], offset, offsets[n]));
        }
        *output = largest;
        *argmax = from_fn(|n| corner + 2 * n as u32 + offsets[n]);
    }
}

/// `a` where the mask has ones, else `b`.
#[inline(always)]
fn chosen(mask: u32, a: u32, b: u32) -> u32 {
    (a & mask) | (b & !mask)
}

/// Sends each window's gradient to the place of its maximum, if it has one.
pub(super) fn max_backward(op: &Op, p: &Pool) -> Task {
    let p = *p;
    let cuts = [Cut::Each(p.out_plane()), Cut::Each(p.out_plane()), Cut::Each(p.in_plane())];
    Task::new(op, p.planes, cuts, move |_, [gradient, argmax, result]| {
        let windows = gradient.floats().chunks_exact(p.out_plane()).zip(argmax.integers().chunks_exact(p.out_plane()));
        for ((gradient, argmax), result) in windows.zip(result.floats_mut().chunks_exact_mut(p.in_plane())) {
            result.fill(0.0);
            for (gradient, place) in gradient.iter().zip(argmax) {
                // There is no such place as `NOWHERE`.
                if let Some(sum) = result.get_mut(*place as usize) {
                    *sum += gradient;
                }
            }
        }
    })
}

/// The mean of each window; padding counts as zeros.
pub(super) fn average_forward(op: &Op, p: &Pool) -> Task {
    let p = *p;
    let cuts = [Cut::Each(p.in_plane()), Cut::Each(p.out_plane())];
    Task::new(op, p.planes, cuts, move |_, [input, output]| {
        let planes = input.floats().chunks_exact(p.in_plane());
        for (input, output) in planes.zip(output.floats_mut().chunks_exact_mut(p.out_plane())) {
            each_window(&p, |at, row| {
                output[at] = row.map(|row| input[row].iter().sum::<f32>()).sum::<f32>() / window_len(&p);
            });
        }
    })
}

/// Spreads each window's gradient evenly over it.
pub(super) fn average_backward(op: &Op, p: &Pool) -> Task {
    let p = *p;
    let cuts = [Cut::Each(p.out_plane()), Cut::Each(p.in_plane())];
    Task::new(op, p.planes, cuts, move |_, [gradient, result]| {
        let planes = gradient.floats().chunks_exact(p.out_plane());
        for (gradient, result) in planes.zip(result.floats_mut().chunks_exact_mut(p.in_plane())) {
            result.fill(0.0);
            each_window(&p, |at, rows| {
                let share = gradient[at] / window_len(&p);
                rows.for_each(|row| result[row].iter_mut().for_each(|sum| *sum += share));
            });
        }
    })
}

fn window_len(p: &Pool) -> f32 {
    (p.window_height * p.window_width) as f32
}

/// Calls with the number of each window of a plane and the runs of words that it covers.
#[inline(always)]
fn each_window(p: &Pool, mut window: impl FnMut(usize, &mut dyn Iterator<Item = Range<usize>>)) {
    for y in 0..p.out_height() {
        for x in 0..p.out_width() {
            let xs = p.columns(x);
            let mut rows = p.rows(y).map(|y| y * p.in_width + xs.start..y * p.in_width + xs.end);
            window(y * p.out_width() + x, &mut rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels with many ties, and every eleventh word not a number.
    fn plane(len: usize, seed: usize) -> Vec<f32> {
        let level = |at: usize| (at * 7919 + seed * 104_729) % 5;
        (0..len).map(|at| if (at + seed).is_multiple_of(11) { f32::NAN } else { level(at) as f32 - 2.0 }).collect()
    }

    #[test]
    fn windows_side_by_side_have_the_maxima_of_any_windows() {
        for (height, width) in [(2, 2), (3, 9), (4, 8), (6, 14), (5, 23), (16, 32)] {
            #[rustfmt::skip]
            let p = Pool { planes: 1, in_height: height, in_width: width, window_height: 2, window_width: 2, stride: 2, padding: 0 };
            assert!(p.is_halving());
            for seed in 0..11 {
                let input = plane(p.in_plane(), seed);
                let results = [halve, max_plane].map(|way: fn(&Pool, &[f32], &mut [f32], &mut [u32])| {
                    let (mut output, mut argmax) = (vec![0.0; p.out_plane()], vec![NOWHERE; p.out_plane()]);
                    way(&p, &input, &mut output, &mut argmax);
                    (output.iter().map(|word| word.to_bits()).collect::<Vec<_>>(), argmax)
                });
                assert_eq!(results[0], results[1], "{height} x {width}, {seed}");
            }
        }
    }
}
