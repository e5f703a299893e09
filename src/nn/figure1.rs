//! The example of figure 1: two predictions for the face of an adult that cross-entropy cannot tell apart. The numbers are
//! ours: the paper draws the figure without any.

/// The classes, from the youngest to the oldest.
pub const CLASSES: [&str; 6] = ["baby", "child", "teen", "young adult", "adult", "senior"];
/// The true one, an adult, to which both predictions give 0.1.
pub const TRUTH: usize = 4;
/// The largest probability is at the baby.
pub const A: [f64; 6] = [0.30, 0.25, 0.15, 0.10, 0.10, 0.10];
/// The largest probability is next to the adult.
pub const B: [f64; 6] = [0.05, 0.10, 0.20, 0.30, 0.10, 0.25];
