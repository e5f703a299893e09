//! Lowering of fully connected layers: three matrix products, over packed pages or quads where rows are whole quads.

use super::product::{Matrix, Product};
use super::{Argument, Dispatch, GROUP, Loads, kernel, shape, switch, with_bias};
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

/// A product's rows, columns and inner length.
#[derive(Clone, Copy)]
struct Sizes {
    rows: usize,
    columns: usize,
    inner: usize,
}

impl Sizes {
    fn constants(self) -> Vec<(&'static str, f64)> {
        vec![("ROWS", self.rows as f64), ("COLUMNS", self.columns as f64), ("INNER", self.inner as f64)]
    }

    fn grid(self) -> [u32; 3] {
        [self.columns.div_ceil(4 * GROUP) as u32, self.rows.div_ceil(TILE) as u32, 1]
    }

    /// The kernel over single words; `left` and `right` are the distances of neighbours along
    /// (row, inner) and (inner, column).
    fn by_words(self, left: [usize; 2], right: [usize; 2], bias: bool, arguments: Vec<Argument>) -> Dispatch {
        let mut constants = self.constants();
        constants.extend([
            ("LEFT_ROW", left[0] as f64),
            ("LEFT_INNER", left[1] as f64),
            ("RIGHT_INNER", right[0] as f64),
            ("RIGHT_COLUMN", right[1] as f64),
            ("BIAS", switch(bias)),
        ]);
        Dispatch { kernel: kernel("matrix_product"), constants, grid: self.grid(), arguments }
    }

    /// A kernel over quads.
    fn by_quads(self, entry: &str, bias: bool, mut arguments: Vec<Argument>) -> Dispatch {
        let [rows, columns, inner] = [self.rows, self.columns, self.inner].map(|size| size as u32);
        arguments.push(shape(&ProductShape { rows, columns, inner, bias: bias.into() }));
        Dispatch { kernel: kernel(entry), constants: Vec::new(), grid: self.grid(), arguments }
    }
}

/// Whether both are whole quads.
fn quads(a: usize, b: usize) -> bool {
    a.is_multiple_of(4) && b.is_multiple_of(4)
}

/// The product by pages where that suits the adapter and the shape.
fn by_pages(product: &Product, loads: Loads) -> Option<Vec<Dispatch>> {
    (loads == Loads::Pages && product.fits()).then(|| product.dispatches())
}

pub(super) fn forward(l: &Linear, loads: Loads) -> Vec<Dispatch> {
    let left = Matrix { operand: 0, lines: l.batch, strides: [l.inputs, 1] };
    let right = Matrix { operand: 1, lines: l.outputs, strides: [l.inputs, 1] };
    let (bias, result) = if l.bias { (Some(2), 3) } else { (None, 2) };
    let product = Product { left, right, inner: l.inputs, bias, result };
    by_pages(&product, loads).unwrap_or_else(|| vec![forward_from_storage(l)])
}

fn forward_from_storage(l: &Linear) -> Dispatch {
    let sizes = Sizes { rows: l.batch, columns: l.outputs, inner: l.inputs };
    if quads(l.outputs, l.inputs) {
        return sizes.by_quads("product_transposed_right", l.bias, with_bias(l.bias));
    }
    sizes.by_words([l.inputs, 1], [1, l.inputs], l.bias, with_bias(l.bias))
}

pub(super) fn backward_data(l: &Linear, loads: Loads) -> Vec<Dispatch> {
    let left = Matrix { operand: 0, lines: l.batch, strides: [l.outputs, 1] };
    let right = Matrix { operand: 1, lines: l.inputs, strides: [1, l.inputs] };
    let product = Product { left, right, inner: l.outputs, bias: None, result: 2 };
    by_pages(&product, loads).unwrap_or_else(|| vec![backward_data_from_storage(l)])
}

fn backward_data_from_storage(l: &Linear) -> Dispatch {
    let sizes = Sizes { rows: l.batch, columns: l.inputs, inner: l.outputs };
    if quads(l.outputs, l.inputs) {
        return sizes.by_quads("product_plain", false, [0, 1, 2].map(Argument::Operand).to_vec());
    }
    sizes.by_words([l.outputs, 1], [l.inputs, 1], false, without_bias(0, 1))
}

pub(super) fn backward_weight(l: &Linear, loads: Loads) -> Vec<Dispatch> {
    let left = Matrix { operand: 1, lines: l.outputs, strides: [1, l.outputs] };
    let right = Matrix { operand: 0, lines: l.inputs, strides: [1, l.inputs] };
    let product = Product { left, right, inner: l.batch, bias: None, result: 2 };
    by_pages(&product, loads).unwrap_or_else(|| vec![backward_weight_from_storage(l)])
}

fn backward_weight_from_storage(l: &Linear) -> Dispatch {
    let sizes = Sizes { rows: l.outputs, columns: l.inputs, inner: l.batch };
    if quads(l.outputs, l.inputs) {
        return sizes.by_quads("product_transposed_left", false, [1, 0, 2].map(Argument::Operand).to_vec());
    }
    sizes.by_words([1, l.outputs], [l.inputs, 1], false, without_bias(1, 0))
}

/// Left, right, result; the binding of the bias repeats the right matrix, unread.
fn without_bias(left: usize, right: usize) -> Vec<Argument> {
    [left, right, right, 2].map(Argument::Operand).to_vec()
}
