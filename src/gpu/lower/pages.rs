//! Pages: 64 KiB of an operand, bound as a uniform.

use super::{Argument, PAGE_WORDS};
use crate::plan::ALIGNMENT;

/// Equal items of an operand one after another, as many as are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Items {
    /// Words of one.
    pub words: usize,
    /// All that the operand has.
    pub count: usize,
}

/// A page over some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    offset: usize,
    /// Where the first of them lies within the page, in words.
    pub origin: usize,
}

impl Items {
    /// How many lie within one page, wherever they begin: none where one is too long, or where the operand is
    /// shorter than a page or ends where no binding can.
    pub(super) fn per_page(self) -> usize {
        let total = self.words * self.count;
        if total < PAGE_WORDS || !total.is_multiple_of(ALIGNMENT) {
            return 0;
        }
        // A binding begins at a multiple of the alignment, up to one step before the first item.
        let lost = if self.words.is_multiple_of(ALIGNMENT) { 0 } else { ALIGNMENT };
        (PAGE_WORDS - lost) / self.words
    }

    /// The page over the items from `first` on, at most [`Items::per_page`].
    pub(super) fn page(self, first: usize) -> Page {
        let start = first * self.words;
        let offset = (start / ALIGNMENT * ALIGNMENT).min(self.words * self.count - PAGE_WORDS);
        Page { offset, origin: start - offset }
    }
}

impl Page {
    pub(super) fn of(self, operand: usize) -> Argument {
        Argument::Page { operand, offset: self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_their_items_and_stay_within_the_operand() {
        for (words, count) in [(3072, 64), (420, 64), (16_384, 3), (84, 4096), (16_320, 64), (16_000, 2), (4096, 5)] {
            let items = Items { words, count };
            let each = items.per_page();
            assert!(each > 0, "{items:?}");
            for first in 0..count {
                let Page { offset, origin } = items.page(first);
                let held = each.min(count - first);
                assert_eq!((offset % ALIGNMENT, offset + origin), (0, first * words));
                assert!(origin + held * words <= PAGE_WORDS, "{items:?} from {first}");
                assert!(offset + PAGE_WORDS <= words * count, "{items:?} from {first}");
            }
        }
    }

    #[test]
    fn what_has_no_pages_says_so() {
        for (words, count) in [(16_448, 64), (3072, 5), (421, 64 * 3 + 1), (16_383, 64)] {
            assert_eq!(Items { words, count }.per_page(), 0, "{words} x {count}");
        }
    }
}
