//! Lowering: which kernels an operation becomes, with which constants, over which grid.

mod conv;
mod conv3x3;
mod linear;
mod norm;
mod pack;
mod pages;
mod pool;
mod product;
mod tile;
mod turns;
mod works;

use super::kernels::{GROUP, Kernel, PAGE_WORDS, SHAPE_WORDS, VECTOR, kernel, kernel_in};
use crate::plan::shape::{Augmentation, Crops, Dropout, LossShape};
use crate::plan::{AdapterKind, LossKind, Op};
#[cfg(test)]
pub(super) use conv3x3::Conv3x3Shape;
#[cfg(test)]
pub(super) use linear::ProductShape;
#[cfg(test)]
pub(super) use pack::PackShape;
#[cfg(test)]
pub(super) use product::PagesShape;
pub(super) use turns::ends;
pub use works::{Work, works};
pub(super) use works::{memory, scratch_words};

/// Out of which memory kernels read what many of them share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loads {
    /// Tiles that a group copies out of storage into its workgroup memory, of the size that a rule says: GPUs, which have
    /// memory for it and want many invocations.
    Tiles,
    /// The same with the smaller tiles, whatever the rule says. The inner places of a product are cut into the same chunks.
    SmallTiles,
    /// The same with the larger tiles.
    LargeTiles,
    /// Storage, every invocation by itself: what does not fit the pages.
    Storage,
    /// Uniform memory where it fits, a page a dispatch: software drivers load it several times as fast, and a
    /// dispatch costs them little.
    Pages,
}

impl Loads {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Tiles, Self::SmallTiles, Self::LargeTiles, Self::Storage, Self::Pages];

    /// What suits an adapter, by what was measured on others of its kind.
    #[must_use]
    pub fn of(kind: AdapterKind) -> Self {
        if kind == AdapterKind::Software { Self::Pages } else { Self::Tiles }
    }

    /// What may be faster than this for some shapes.
    pub(super) fn rivals(self) -> &'static [Self] {
        match self {
            Self::Tiles => &[Self::SmallTiles, Self::LargeTiles],
            // Software drivers take seconds to compile tiles, and are slow with them.
            Self::Pages => &[Self::Storage],
            Self::SmallTiles | Self::LargeTiles | Self::Storage => &[],
        }
    }

    /// Whether groups share tiles in their workgroup memory.
    fn by_tiles(self) -> bool {
        matches!(self, Self::Tiles | Self::SmallTiles | Self::LargeTiles)
    }
}

/// What a kernel's binding is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The n-th view of the step, or of the steps that are done together.
    Operand(usize),
    /// Words of the memory that the dispatches of one work share.
    Scratch {
        /// First word, a multiple of the plan's alignment.
        offset: usize,
        /// Number of words.
        len: usize,
    },
    /// A page of such a view.
    Page {
        /// The view.
        operand: usize,
        /// Its first word within the view, a multiple of the plan's alignment.
        offset: usize,
    },
    /// The dispatch's own shape.
    Shape([u32; SHAPE_WORDS]),
}

/// A shape as an argument; words beyond it are zeros.
fn shape(of: &impl bytemuck::NoUninit) -> Argument {
    let mut words = [0; SHAPE_WORDS];
    let bytes = bytemuck::bytes_of(of);
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    Argument::Shape(words)
}

/// One dispatch of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Values of its `override` constants.
    pub constants: Vec<(&'static str, f64)>,
    /// Workgroups along x, y, z.
    pub grid: [u32; 3],
    /// One argument a binding, in the row's order.
    pub arguments: Vec<Argument>,
}

/// Entries of a row that an invocation of `distance_ranks` ranks, as in its file.
const RANKED: usize = 16;

/// Groups that keep a large GPU busy: a few for each of a hundred and more processors.
const WANTED_GROUPS: usize = 1024;

/// Turns that an invocation's loops make at most in sums that are cut into chunks. Mesa's llvmpipe ends all loops of an
/// invocation, without a word, when they have made 65,535 turns together ([`turns`]).
const SAFE_TURNS: usize = 1 << 15;

/// Most workgroups in a dimension.
const MOST_GROUPS: usize = 65_535;

/// The dispatches of one operation. Every operation has an arm: one without a kernel does not compile.
#[must_use]
pub(super) fn lower(op: &Op, loads: Loads) -> Vec<Dispatch> {
    let dispatch = match *op {
        Op::ConvForward(c) => return conv::forward(&c, loads),
        Op::ConvBackwardData(c) => return conv::backward_data(&c, loads),
        Op::ConvBackwardWeight(c) => return conv::backward_weight(&c, loads),
        Op::LinearForward(l) => return linear::forward(&l, loads),
        Op::LinearBackwardData(l) => return linear::backward_data(&l, loads),
        Op::LinearBackwardWeight(l) => return linear::backward_weight(&l, loads),
        Op::BatchNormStatistics(n) => return norm::statistics(op, &n),
        Op::BatchNormBackwardWeight(n) => return norm::backward_weight(op, &n),
        Op::ClassSums { batch, features, classes } => return class_sums(op, [batch, features, classes]),
        Op::GroundDistance { classes } => return ground_distance(op, classes),
        Op::Tick => plain(op, "tick", 1, vec![]),
        Op::Augment(c, a) => plain(op, "augment", c.batch * c.side * c.side, augment(&c, &a)),
        Op::CentreCrops(c) => plain(op, "centre_crops", 2 * c.batch * c.side * c.side, crops(&c)),
        Op::BatchRows { batch, .. } => plain(op, "batch_rows", batch, vec![("BATCH", batch as f64)]),
        Op::MaxPoolForward(p) | Op::MaxPoolReluForward(p) | Op::AveragePoolForward(p) => {
            pool::lower(op, &p, p.output_len())
        }
        Op::MaxPoolBackward(p) | Op::AveragePoolBackward(p) => pool::lower(op, &p, p.input_len()),
        Op::ReluForward(len) | Op::ReluBackward(len) | Op::Add(len) | Op::Sgd(len) => {
            plain(op, op.name(), len, vec![("LEN", len as f64)])
        }
        Op::Dropout(d) => plain(op, "dropout", d.len, dropout(&d)),
        Op::BatchNormForward(n) | Op::BatchNormInference(n) | Op::BatchNormBackwardData(n) => {
            plain(op, op.name(), n.len(), norm::shape(&n))
        }
        Op::Loss(LossKind::Qwk, s) => plain(op, op.name(), 1, samples(&s)),
        Op::Loss(_, s) => plain(op, op.name(), s.batch, samples(&s)),
        Op::Tally(s) => plain(op, "tally", 1, samples(&s)),
        Op::AveragePredictions { shape, rows, .. } => {
            plain(op, op.name(), shape.batch, [samples(&shape), vec![("OUTCOMES", rows as f64)]].concat())
        }
        Op::Centroids { classes, features } => {
            plain(op, "mean_centroids", classes * features, ground(classes, features))
        }
        Op::PairwiseDistances { classes, features } => {
            plain(op, "pairwise_distances", classes * classes, ground(classes, features))
        }
    };
    vec![dispatch]
}

/// The norms of the rows, then the sums of the classes.
fn class_sums(op: &Op, [batch, features, classes]: [usize; 3]) -> Vec<Dispatch> {
    let constants = [ground(classes, features), vec![("BATCH", batch as f64)]].concat();
    let taken = Argument::Scratch { offset: 0, len: batch };
    let mut sums = plain(op, "class_sums_of_rows", features, constants.clone());
    sums.arguments.insert(2, taken);
    let arguments = vec![Argument::Operand(0), taken];
    let norms = Dispatch { kernel: kernel("norms_of_rows"), constants, grid: folded(batch), arguments };
    vec![norms, sums]
}

/// Ranks of a row's entries, some of them an invocation; then their means in place.
fn ground_distance(op: &Op, classes: usize) -> Vec<Dispatch> {
    let ranks = plain(op, "distance_ranks", classes * classes.div_ceil(RANKED), ground(classes, 1));
    let mut mean = plain(op, "mean_of_ranks", classes * classes, ground(classes, 1));
    mean.arguments = vec![Argument::Operand(1)];
    vec![ranks, mean]
}

/// A kernel whose bindings are the operation's operands, with one invocation for each of
/// `invocations`, folded.
fn plain(op: &Op, entry: &str, invocations: usize, constants: Vec<(&'static str, f64)>) -> Dispatch {
    let arguments = (0..op.operands().len()).map(Argument::Operand).collect();
    Dispatch { kernel: kernel(entry), constants, grid: folded(invocations.div_ceil(GROUP)), arguments }
}

/// A long row of groups in two dimensions.
pub(super) fn folded(groups: usize) -> [u32; 3] {
    let rows = groups.div_ceil(MOST_GROUPS).max(1);
    [groups.div_ceil(rows).max(1) as u32, rows as u32, 1]
}

/// A constant's value of a switch.
fn switch(on: bool) -> f64 {
    f64::from(u8::from(on))
}

/// Input, weight, bias, output; where there is no bias its binding repeats the weight, unread.
fn with_bias(bias: bool) -> Vec<Argument> {
    let operands = if bias { [0, 1, 2, 3] } else { [0, 1, 1, 2] };
    operands.map(Argument::Operand).to_vec()
}

fn crops(c: &Crops) -> Vec<(&'static str, f64)> {
    vec![
        ("BATCH", c.batch as f64),
        ("STORED", c.stored_side as f64),
        ("SIDE", c.side as f64),
        ("RESIDENT", switch(c.resident)),
    ]
}

fn augment(c: &Crops, a: &Augmentation) -> Vec<(&'static str, f64)> {
    let switches =
        [("CROP", a.crop), ("FLIP", a.flip), ("ROTATION", a.rotation), ("ASPECT", a.aspect), ("COLOUR", a.colour)];
    let mut constants = crops(c);
    constants.extend(switches.map(|(name, on)| (name, switch(on))));
    constants
}

fn dropout(d: &Dropout) -> Vec<(&'static str, f64)> {
    vec![("LEN", d.len as f64), ("RATE", f64::from(d.rate)), ("LAYER", f64::from(d.layer))]
}

fn samples(s: &LossShape) -> Vec<(&'static str, f64)> {
    vec![("BATCH", s.batch as f64), ("CLASSES", s.classes as f64)]
}

fn ground(classes: usize, features: usize) -> Vec<(&'static str, f64)> {
    vec![("CLASSES", classes as f64), ("FEATURES", features as f64)]
}
