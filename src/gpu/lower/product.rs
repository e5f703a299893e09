//! Matrix products of fully connected layers, and their lowering over packed pages (product.wgsl).

use super::pack::{PackShape, pack, packed};
use super::{Argument, Dispatch, Kernel, PAGE_WORDS, VECTOR, kernel, shape};

/// Rows of a tile; pages hold whole ones of either side's lines.
const ROWS: usize = 16;
/// Columns of a tile.
const COLUMNS: usize = 8;
/// Inner places of a turn: pages hold a multiple of them, behind the last place zeros.
const TURN: usize = 2;
/// Most inner places of a page: with as many, a page has 64 rows, and a dispatch enough tiles for a few threads.
const MOST_INNER: usize = 256;
/// Most pages of both sides: copying more takes memory, and matrices that large are read for few rows each.
const MOST_PAGES: usize = 512;

/// The shape of a dispatch of product.wgsl (`Shape` there).
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::gpu) struct PagesShape {
    pub rows: u32,
    pub columns: u32,
    pub inner: u32,
    pub row: u32,
    pub column: u32,
    pub page_rows: u32,
    pub page_columns: u32,
    pub bias: u32,
    pub add: u32,
}

/// A matrix as it lies in memory.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    /// Which of the step's views.
    pub operand: usize,
    /// Rows of the left one, columns of the right one.
    pub lines: usize,
    /// Words from one line to the next, and from one inner place to the next.
    pub strides: [usize; 2],
}

/// result = left right (+ bias), `inner` places summed.
pub(super) struct Product {
    pub left: Matrix,
    pub right: Matrix,
    pub inner: usize,
    pub bias: Option<usize>,
    pub result: usize,
}

/// How a matrix is cut into pages.
#[derive(Clone, Copy)]
struct Cut {
    matrix: Matrix,
    /// Lines and inner places of a page.
    lines: usize,
    inner: usize,
    inner_pages: usize,
}

impl Cut {
    fn new(matrix: Matrix, inner: usize) -> Self {
        let page_inner = inner.next_multiple_of(TURN).min(MOST_INNER);
        let most = PAGE_WORDS / page_inner / ROWS * ROWS;
        let lines = matrix.lines.next_multiple_of(ROWS).min(most);
        Self { matrix, lines, inner: page_inner, inner_pages: inner.div_ceil(page_inner) }
    }

    /// Copies the matrix into the scratch memory from a page on.
    fn pack(&self, inner: usize, first: usize) -> Dispatch {
        let [row_stride, inner_stride] = self.matrix.strides.map(|stride| stride as u32);
        let of = PackShape {
            rows: self.matrix.lines as u32,
            inner: inner as u32,
            row_stride,
            inner_stride,
            page_rows: self.lines as u32,
            page_inner: self.inner as u32,
            turned: 0,
        };
        let operand = Argument::Operand(self.matrix.operand);
        pack("pack_matrix", operand, &of, first, self.pages(), self.lines * self.inner)
    }

    fn line_pages(&self) -> usize {
        self.matrix.lines.div_ceil(self.lines)
    }

    fn pages(&self) -> usize {
        self.line_pages() * self.inner_pages
    }
}

impl Product {
    /// Rows, columns and inner places.
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.left.lines, self.right.lines, self.inner]
    }

    /// Sizes and strides as linear.wgsl and tile_linear.wgsl name them.
    pub(super) fn constants(&self) -> Vec<(&'static str, f64)> {
        let names = ["ROWS", "COLUMNS", "INNER", "LEFT_ROW", "LEFT_INNER", "RIGHT_COLUMN", "RIGHT_INNER"];
        let values = self.sizes().into_iter().chain(self.left.strides).chain(self.right.strides);
        names.into_iter().zip(values.map(|value| value as f64)).collect()
    }

    /// Left, right, shift and result, of which a kernel binds those whose numbers it has.
    pub(super) fn arguments(&self, kernel: &Kernel) -> Vec<Argument> {
        // Where there is no bias its binding repeats the right matrix, unread.
        let shift = self.bias.unwrap_or(self.right.operand);
        let operands = [self.left.operand, self.right.operand, shift, self.result];
        let bound = kernel.bindings.iter().filter_map(|binding| operands.get(binding.number as usize));
        bound.copied().map(Argument::Operand).collect()
    }

    /// Whether product.wgsl computes it: the result's rows are whole quads, and the copies not too large.
    pub(super) fn fits(&self) -> bool {
        let pages = [self.left, self.right].map(|side| Cut::new(side, self.inner).pages());
        self.right.lines.is_multiple_of(4) && pages[0] + pages[1] <= MOST_PAGES
    }

    /// Packs both sides, then multiplies page by page.
    pub(super) fn dispatches(&self) -> Vec<Dispatch> {
        let (left, right) = (Cut::new(self.left, self.inner), Cut::new(self.right, self.inner));
        let mut dispatches = vec![left.pack(self.inner, 0), right.pack(self.inner, left.pages())];
        for column_page in 0..right.line_pages() {
            for row_page in 0..left.line_pages() {
                for inner_page in 0..left.inner_pages {
                    let right_page = left.pages() + column_page * right.inner_pages + inner_page;
                    let pages = [row_page * left.inner_pages + inner_page, right_page];
                    let of = self.part(&left, &right, [row_page, column_page, inner_page]);
                    dispatches.push(self.multiply(pages, &of));
                }
            }
        }
        dispatches
    }

    fn part(&self, left: &Cut, right: &Cut, [row_page, column_page, inner_page]: [usize; 3]) -> PagesShape {
        let inner = left.inner.min(self.inner - inner_page * left.inner);
        PagesShape {
            rows: self.left.lines as u32,
            columns: self.right.lines as u32,
            inner: inner as u32,
            row: (row_page * left.lines) as u32,
            column: (column_page * right.lines) as u32,
            page_rows: left.lines as u32,
            page_columns: right.lines as u32,
            bias: (self.bias.is_some() && inner_page == 0).into(),
            add: (inner_page > 0).into(),
        }
    }

    fn multiply(&self, [left, right]: [usize; 2], of: &PagesShape) -> Dispatch {
        // Where there is no bias its binding repeats a page, unread: an operand may be shorter than a quad.
        let shift = self.bias.map_or(packed(left, 1), Argument::Operand);
        let columns = (of.page_columns as usize).div_ceil(COLUMNS * VECTOR);
        Dispatch {
            kernel: kernel("product_of_pages"),
            constants: Vec::new(),
            grid: [columns as u32, of.page_rows.div_ceil(ROWS as u32), 1],
            arguments: vec![packed(left, 1), packed(right, 1), shift, Argument::Operand(self.result), shape(of)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_whole_turns_and_tiles() {
        for inner in (1..700).chain([1024, 2047]) {
            for lines in [1, 4, 15, 16, 17, 64, 1000] {
                let cut = Cut::new(Matrix { operand: 0, lines, strides: [inner, 1] }, inner);
                // The kernel reads whole turns and tiles of a page, of which all words must have been packed.
                assert!(cut.inner.is_multiple_of(TURN) && cut.lines.is_multiple_of(ROWS), "{inner} {lines}");
                assert!(cut.inner * cut.lines <= PAGE_WORDS, "{inner} {lines}");
                assert!(cut.inner_pages * cut.inner >= inner && cut.line_pages() * cut.lines >= lines);
            }
        }
    }
}
