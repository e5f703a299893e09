//! The words that tasks share, and the one place where they are handed out.

use std::cell::UnsafeCell;
use std::ops::Range;

/// A run of 32-bit words that several threads read and write in places of their own.
pub(super) struct Words(Box<[UnsafeCell<u32>]>);

// SAFETY: words are plain numbers; who may touch which of them at a time is the contract of
// `Words::read` and `Words::write`.
unsafe impl Sync for Words {}

impl Words {
    /// No words.
    pub fn empty() -> Self {
        Self(Box::default())
    }

    /// So many words, all zero, where there is memory for them.
    pub fn new(len: usize) -> Option<Self> {
        let mut words = Vec::new();
        words.try_reserve_exact(len).ok()?;
        words.extend((0..len).map(|_| UnsafeCell::new(0)));
        Some(Self(words.into_boxed_slice()))
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Words to read.
    ///
    /// # Safety
    /// Nobody writes any of them while the slice lives.
    pub unsafe fn read(&self, range: Range<usize>) -> &[u32] {
        let cells = &self.0[range];
        // SAFETY: a cell has the layout of what is in it, and by this function's contract nobody writes.
        unsafe { std::slice::from_raw_parts(cells.as_ptr().cast(), cells.len()) }
    }

    /// Words to write.
    ///
    /// # Safety
    /// Nobody else reads or writes any of them while the slice lives.
    #[allow(clippy::mut_from_ref, reason = "that is what the cells are for")]
    pub unsafe fn write(&self, range: Range<usize>) -> &mut [u32] {
        let cells = &self.0[range];
        // SAFETY: a cell has the layout of what is in it and may be written through a shared
        // reference; by this function's contract nobody else looks.
        unsafe { std::slice::from_raw_parts_mut(UnsafeCell::raw_get(cells.as_ptr()), cells.len()) }
    }
}
