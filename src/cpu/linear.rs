//! Fully connected layers. Forward, weights against samples are [`Dots`]; backward, rows of
//! factors run over a matrix packed into panels, as [`Product`].

use super::conv::channel_sum;
use super::task::{Cut, Task, Words, read, scratch, write};
use super::tile::{DOT_COLUMNS, DOT_ROWS, Dots, Factors, PRODUCT_ROWS, Place, Product, arch, lanes, tiles, vectorised};
use crate::plan::{Access, Linear};
use std::ops::Range;

/// Samples of a unit of the forward pass: tiles of weights stay cached meanwhile.
const SAMPLES: usize = 4 * DOT_COLUMNS;

/// `output = input * weight^T + bias`.
pub(super) fn forward(l: &Linear) -> Vec<Task> {
    let l = *l;
    let (bias, output) = if l.bias { (2, 3) } else { (1, 2) };
    let arguments = vec![
        read(0, Cut::Each(SAMPLES * l.inputs)),
        read(1, Cut::Whole),
        read(bias, Cut::Whole),
        write(output, Cut::Each(SAMPLES * l.outputs)),
    ];
    let arch = arch(l.inputs);
    let places: Vec<u32> = (0..l.inputs).step_by(lanes(arch)).map(|place| place as u32).collect();
    let units = l.batch.div_ceil(SAMPLES);
    let work = move |_: Range<usize>, [input, weight, bias, output]: &mut [Words<'_>; 4], _: &mut [f32]| {
        let samples = output.floats().len() / l.outputs;
        for (first, rows) in tiles(l.outputs, DOT_ROWS) {
            for (sample, columns) in tiles(samples, DOT_COLUMNS) {
                let taps: [u32; DOT_COLUMNS] = std::array::from_fn(|column| ((sample + column) * l.inputs) as u32);
                let dots = Dots {
                    samples: 1,
                    left: &weight.floats()[first * l.inputs..],
                    left_sample: 0,
                    left_row: l.inputs,
                    right: input.floats(),
                    right_sample: 0,
                    taps: &taps[..columns],
                    places: &places,
                    len: l.inputs,
                };
                let sums = dots.run(arch, rows);
                for (row, sums) in sums.iter().enumerate().take(rows) {
                    let start = if l.bias { bias.floats()[first + row] } else { 0.0 };
                    for (column, sum) in sums.iter().enumerate().take(columns) {
                        output.floats_mut()[(sample + column) * l.outputs + first + row] = start + sum;
                    }
                }
            }
        }
    };
    vec![Task::with_scratch(arguments, units, 0, work)]
}

/// Words of a packed matrix up to which every tile of rows runs over all of it: caches that threads share hold so many.
const CACHED: usize = 2 << 20;
/// Tiles of rows that share each panel while it is in a thread's own cache, where the matrix is larger.
const SHARING: usize = 4;

/// Words of the largest matrix, packed into panels, or of a unit's samples.
pub(super) fn reach(l: &Linear) -> usize {
    let panel = 2 * lanes(arch(l.inputs));
    l.batch.max(l.outputs).max(SAMPLES) * l.inputs.next_multiple_of(panel)
}

/// A product `output = left * right` whose left matrix is given row by row or turned.
struct Matrices {
    rows: usize,
    inner: usize,
    columns: usize,
    /// Distance of neighbours in the left matrix along rows and along the inner axis.
    left: [usize; 2],
}

/// `input_gradient = output_gradient * weight`.
pub(super) fn backward_data(l: &Linear) -> Vec<Task> {
    let matrices = Matrices { rows: l.batch, inner: l.outputs, columns: l.inputs, left: [l.outputs, 1] };
    product(matrices, [0, 1])
}

/// `weight_gradient = output_gradient^T * input`.
pub(super) fn backward_weight(l: &Linear) -> Vec<Task> {
    let matrices = Matrices { rows: l.outputs, inner: l.batch, columns: l.inputs, left: [1, l.outputs] };
    let bias = l.bias.then(|| channel_sum(l.batch, l.outputs, 1));
    product(matrices, [1, 0]).into_iter().chain(bias).collect()
}

/// The two tasks of a product with operands `left` and `right` and result 2: the right matrix is
/// packed into panels of two vectors' columns, then each tile of rows runs over all panels, or some run over each together.
fn product(m: Matrices, [left, right]: [usize; 2]) -> Vec<Task> {
    let arch = arch(m.columns);
    let panel = 2 * lanes(arch);
    let panels = m.columns.div_ceil(panel);
    let packed = panels * m.inner * panel;
    let Matrices { rows, inner, columns, left: strides } = m;
    let arguments = vec![read(right, Cut::Whole), scratch(packed, Access::Write, Cut::Each(inner * panel))];
    let pack = Task::with_scratch(arguments, panels, 0, move |units, [matrix, packed], _| {
        let panels = packed.floats_mut().chunks_exact_mut(inner * panel);
        for (number, packed) in units.zip(panels) {
            vectorised!(pack_panel(matrix.floats(), columns, number * panel, packed, panel));
        }
    });
    let taps: Vec<u32> = (0..inner).map(|k| (k * panel) as u32).collect();
    let place = |column: usize| Place {
        from: (column / panel * inner * panel + column % panel) as u32,
        to: column as u32,
        len: (columns - column).min(panel / 2) as u32,
    };
    let places: Vec<Place> = (0..columns).step_by(panel / 2).map(place).collect();
    // Two places are a panel.
    let (together, at_once) = if packed > CACHED { (SHARING * PRODUCT_ROWS, 2) } else { (PRODUCT_ROWS, places.len()) };
    let arguments = vec![
        read(left, Cut::Whole),
        scratch(packed, Access::Read, Cut::Whole),
        write(2, Cut::Each(together * columns)),
    ];
    let multiply = move |units: Range<usize>, [left, packed, output]: &mut [Words<'_>; 3], factors: &mut [f32]| {
        for (unit, output) in units.zip(output.floats_mut().chunks_mut(together * columns)) {
            let (first, here) = (unit * together, output.len() / columns);
            let tiles = || tiles(here, PRODUCT_ROWS);
            for (tile, rows) in tiles() {
                let factors = factors[tile * inner..].iter_mut().take(rows * inner);
                for (at, factor) in factors.enumerate() {
                    *factor = left.floats()[(first + tile + at % rows) * strides[0] + at / rows * strides[1]];
                }
            }
            for places in places.chunks(at_once) {
                for (tile, rows) in tiles() {
                    let product = Product {
                        factors: Factors::ByTap(&factors[tile * inner..(tile + rows) * inner], rows),
                        rows,
                        start: &[],
                        source: packed.floats(),
                        taps: &taps,
                        places,
                        output: &mut output[tile * columns..(tile + rows) * columns],
                        row: columns,
                        step: 1,
                    };
                    product.run(arch);
                }
            }
        }
    };
    vec![pack, Task::with_scratch(arguments, rows.div_ceil(together), inner * together, multiply)]
}

/// Copies columns `first` to `first + panel` of a matrix, with zeros beyond its last.
#[inline(always)]
fn pack_panel(matrix: &[f32], columns: usize, first: usize, packed: &mut [f32], panel: usize) {
    let count = panel.min(columns - first);
    for (row, packed) in matrix.chunks_exact(columns).zip(packed.chunks_exact_mut(panel)) {
        packed[..count].copy_from_slice(&row[first..first + count]);
        packed[count..].fill(0.0);
    }
}
