//! Lowering of fully connected layers: three matrix products, by tiles, over packed pages, or over quads where rows are
//! whole quads.

use super::norm::channel_sum;
use super::product::{Matrix, Product};
use super::{Dispatch, GROUP, Loads, kernel, shape, switch, tile};
use crate::plan::shape::Linear;

/// Rows of a tile (`TILE` in linear.wgsl, the same in linear4.wgsl).
const TILE: usize = 8;

/// The shape of a dispatch of linear4.wgsl (`Shape` there).
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::gpu) struct ProductShape {
    pub rows: u32,
    pub columns: u32,
    pub inner: u32,
    pub bias: u32,
}

/// How the product is computed where neither tiles nor pages suit: the kernel over quads, of layers that have whole quads.
struct FromStorage {
    entry: &'static str,
    quads: bool,
}

impl FromStorage {
    fn new(l: &Linear, entry: &'static str) -> Self {
        Self { entry, quads: l.outputs.is_multiple_of(4) && l.inputs.is_multiple_of(4) }
    }
}

pub(super) fn forward(l: &Linear, loads: Loads) -> Vec<Dispatch> {
    let left = Matrix { operand: 0, lines: l.batch, strides: [l.inputs, 1] };
    let right = Matrix { operand: 1, lines: l.outputs, strides: [l.inputs, 1] };
    let (bias, result) = if l.bias { (Some(2), 3) } else { (None, 2) };
    let product = Product { left, right, inner: l.inputs, bias, result };
    lower(&product, loads, &FromStorage::new(l, "product_transposed_right"), None)
}

pub(super) fn backward_data(l: &Linear, loads: Loads) -> Vec<Dispatch> {
    let left = Matrix { operand: 0, lines: l.batch, strides: [l.outputs, 1] };
    let right = Matrix { operand: 1, lines: l.inputs, strides: [1, l.inputs] };
    let product = Product { left, right, inner: l.outputs, bias: None, result: 2 };
    lower(&product, loads, &FromStorage::new(l, "product_plain"), None)
}

pub(super) fn backward_weight(l: &Linear, loads: Loads) -> Vec<Dispatch> {
    let left = Matrix { operand: 1, lines: l.outputs, strides: [1, l.outputs] };
    let right = Matrix { operand: 0, lines: l.inputs, strides: [1, l.inputs] };
    let product = Product { left, right, inner: l.batch, bias: None, result: 2 };
    let bias = l.bias.then_some([l.batch, l.outputs, 1]);
    lower(&product, loads, &FromStorage::new(l, "product_transposed_left"), bias)
}

/// The product's dispatches, and what sums the rows of its left matrix where that is wanted.
fn lower(product: &Product, loads: Loads, storage: &FromStorage, row_sums: Option<[usize; 3]>) -> Vec<Dispatch> {
    let mut dispatches = match loads {
        Loads::Tiles | Loads::SmallTiles | Loads::LargeTiles => return tile::linear(product, loads, row_sums),
        Loads::Pages if product.fits() => product.dispatches(),
        _ if storage.quads => vec![by_quads(product, storage.entry)],
        _ => vec![by_words(product)],
    };
    dispatches.extend(row_sums.into_iter().flat_map(channel_sum));
    dispatches
}

/// The kernel over single words.
fn by_words(product: &Product) -> Dispatch {
    let kernel = kernel("matrix_product");
    let mut constants = product.constants();
    constants.push(("BIAS", switch(product.bias.is_some())));
    Dispatch { kernel, constants, grid: grid(product), arguments: product.arguments(kernel) }
}

/// A kernel over quads.
fn by_quads(product: &Product, entry: &str) -> Dispatch {
    let kernel = kernel(entry);
    let [rows, columns, inner] = product.sizes().map(|size| size as u32);
    let mut arguments = product.arguments(kernel);
    arguments.push(shape(&ProductShape { rows, columns, inner, bias: product.bias.is_some().into() }));
    Dispatch { kernel, constants: Vec::new(), grid: grid(product), arguments }
}

fn grid(product: &Product) -> [u32; 3] {
    let [rows, columns, _] = product.sizes();
    [columns.div_ceil(4 * GROUP) as u32, rows.div_ceil(TILE) as u32, 1]
}
