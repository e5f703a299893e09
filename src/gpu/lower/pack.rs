//! Lowering of copies into pages (pack.wgsl).

use super::{Argument, Dispatch, GROUP, PAGE_WORDS, folded, kernel, shape};

/// The shape of a dispatch of pack.wgsl (`Shape` there).
#[repr(C)]
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::gpu) struct PackShape {
    pub rows: u32,
    pub inner: u32,
    pub row_stride: u32,
    pub inner_stride: u32,
    pub page_rows: u32,
    pub page_inner: u32,
    pub turned: u32,
}

/// Packs an operand into so many pages of the scratch memory from a page on, of `words` words each.
pub(super) fn pack(
    entry: &str,
    operand: Argument,
    of: &PackShape,
    first: usize,
    pages: usize,
    words: usize,
) -> Dispatch {
    Dispatch {
        kernel: kernel(entry),
        constants: Vec::new(),
        grid: folded((pages * words).div_ceil(4 * GROUP)),
        arguments: vec![operand, packed(first, pages), shape(of)],
    }
}

/// Pages of the scratch memory.
pub(super) fn packed(first: usize, pages: usize) -> Argument {
    Argument::Scratch { offset: first * PAGE_WORDS, len: pages * PAGE_WORDS }
}
