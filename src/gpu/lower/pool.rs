//! Lowering of pooling: four windows at once where they are the usual ones, else one by one.

use super::{Dispatch, plain, switch};
use crate::plan::Op;
use crate::plan::shape::Pool;

/// Pooling that writes so many elements.
pub(super) fn lower(op: &Op, p: &Pool, elements: usize) -> Dispatch {
    match op {
        Op::MaxPoolForward(_) | Op::MaxPoolReluForward(_) if fits_quads(p) => by_quads(op, "max_pool4_forward", p),
        Op::MaxPoolBackward(_) if fits_quads(p) => by_quads(op, "max_pool4_backward", p),
        Op::MaxPoolReluForward(_) => plain(op, "max_pool_forward", elements, constants(op, p)),
        _ => plain(op, op.name(), elements, constants(op, p)),
    }
}

/// Whether pool4.wgsl computes this pooling.
pub(super) fn fits_quads(p: &Pool) -> bool {
    let usual = p.window_height == 2 && p.window_width == 2 && p.stride == 2 && p.padding == 0;
    usual && p.in_height.is_multiple_of(2) && p.in_width.is_multiple_of(8)
}

fn by_quads(op: &Op, entry: &str, p: &Pool) -> Dispatch {
    let sizes = [("PLANES", p.planes), ("HEIGHT", p.in_height), ("QUADS", p.in_width / 4)];
    let mut constants = sizes.map(|(name, size)| (name, size as f64)).to_vec();
    constants.push(relu(op));
    plain(op, entry, p.output_len() / 4, constants)
}

fn relu(op: &Op) -> (&'static str, f64) {
    ("RELU", switch(matches!(op, Op::MaxPoolReluForward(_))))
}

fn constants(op: &Op, p: &Pool) -> Vec<(&'static str, f64)> {
    vec![
        relu(op),
        ("PLANES", p.planes as f64),
        ("IN_HEIGHT", p.in_height as f64),
        ("IN_WIDTH", p.in_width as f64),
        ("OUT_HEIGHT", p.out_height() as f64),
        ("OUT_WIDTH", p.out_width() as f64),
        ("WINDOW_HEIGHT", p.window_height as f64),
        ("WINDOW_WIDTH", p.window_width as f64),
        ("STRIDE", p.stride as f64),
        ("PAD", p.padding as f64),
    ]
}
