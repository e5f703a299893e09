//! Inputs for the cases: random, seeded, valid for the operation, and exact in 32 bits.

use crate::plan::random::{draw, purpose, unit};
use crate::plan::{Element, Link, LossShape, Op, Operand, PADDING, Pool};
use crate::reference;

/// Seed, epoch, step and cursor where a case says nothing else.
const CLOCK: [f64; 4] = [2_654_435_769.0, 3.0, 41.0, 1.0];
/// Learning rate, momentum, weight decay, lambda, omega, mu and regulariser where a case says nothing else.
const SETTINGS: [f64; 8] = [0.1, 0.9, 0.01, 0.7, 1.0, -0.5, 0.1, 0.0];

/// How an operand is filled.
#[derive(Clone, Debug, PartialEq)]
pub enum Fill {
    /// Exactly these.
    Words(Vec<f64>),
    /// Uniform between two numbers.
    Between(f64, f64),
    /// So many levels, half apart, about zero: with exact zeros and ties.
    Levels(u32),
    /// Uniform integers below a number.
    Integers(u32),
    /// Any words: packed bytes.
    Bytes,
    /// Uniform, but half of them exactly 0.
    Rectified,
    /// Rows of so many features: rectified, and every third row all zero.
    Features(usize),
    /// Samples in random order, with padding in every batch or without.
    Order {
        /// Samples of the data set.
        samples: usize,
        /// Whether there is padding.
        padding: bool,
    },
    /// Labels, with every third row being padding or without.
    Labels {
        /// Classes.
        classes: usize,
        /// Whether there is padding.
        padding: bool,
    },
    /// Logits of all kinds in turn: moderate, up to 1e4 either way, all equal, sure of one class.
    Logits(usize),
    /// A symmetric matrix with a zero diagonal and so many levels between 0 and 1.
    Symmetric {
        /// Rows and columns.
        classes: usize,
        /// Levels.
        levels: u32,
    },
    /// Rows of distributions over so many classes, in turn even, sure of one class, of two, and anything.
    Distributions(usize),
    /// Places within the windows of a pool, and nowhere for those windows whose noise has nothing above 0.
    Argmax(Pool),
}

impl Fill {
    /// What fits an operand by its name, where the case says nothing else.
    pub fn usual(op: &Op, operand: &Operand) -> Self {
        match operand.name {
            "clock" => Self::Words(CLOCK.to_vec()),
            "settings" => Self::Words(SETTINGS.to_vec()),
            "pixels" => Self::Bytes,
            "labels" => Self::Integers(1000),
            "fault" => Self::Words(vec![0.0; 2]),
            "confusion" | "class_counts" => Self::Integers(50),
            "running_variance" | "inverse_deviation" => Self::Between(0.5, 2.0),
            "terms" => Self::Between(-2.0, 8.0),
            "sums" => Self::Between(0.0, 4.0),
            "class_sums" => Self::Between(0.0, 0.1),
            "output" => Self::Rectified,
            _ => Self::of_shape(op, operand.name),
        }
    }

    /// What fits an operand by its name and the shape of the operation.
    fn of_shape(op: &Op, name: &str) -> Self {
        let padding = false;
        match (name, *op) {
            ("order", Op::Augment(c, _) | Op::CentreCrops(c)) => Self::Order { samples: c.samples, padding },
            ("order", Op::BatchRows { order, .. }) => Self::Order { samples: order, padding: true },
            ("rows", Op::Loss(kind, s)) => Self::Integers(kind.table(s.classes).map_or(1, |[rows, _]| rows as u32)),
            ("table", Op::Loss(kind, s)) if kind.link() == Link::Softmax => Self::Distributions(s.classes),
            ("argmax", Op::MaxPoolBackward(p)) => Self::Argmax(p),
            ("features", Op::ClassSums { features, .. }) => Self::Features(features),
            ("distances", Op::GroundDistance { classes }) => Self::Symmetric { classes, levels: 1 << 20 },
            ("targets", Op::ClassSums { classes, .. }) => Self::Labels { classes, padding },
            _ => match (name, loss_shape(op)) {
                ("targets", Some(LossShape { classes, .. })) => Self::Labels { classes, padding },
                ("logits", Some(LossShape { classes, .. })) => Self::Logits(link(op).outputs(classes)),
                ("ground", Some(LossShape { classes, .. })) => Self::Symmetric { classes, levels: 2 * classes as u32 },
                ("probabilities", Some(_)) => Self::Levels(9),
                _ => Self::Between(-0.5, 1.0),
            },
        }
    }

    /// The numbers. `key` tells cases and operands apart.
    pub fn numbers(&self, key: [u32; 2], len: usize) -> Vec<f64> {
        let draw = |index: usize| draw(key[1], purpose::CHECK, key[0], index as u32);
        let between = |low: f64, high: f64, index: usize| low + (high - low) * f64::from(unit(draw(index)[0]));
        let each = |number: &dyn Fn(usize) -> f64| (0..len).map(number).collect::<Vec<f64>>();
        match *self {
            Self::Words(ref words) => words.clone(),
            Self::Between(low, high) => each(&|i| between(low, high, i)),
            Self::Levels(levels) => each(&|i| f64::from(draw(i)[0] % levels) / 2.0 - f64::from(levels / 2) / 2.0),
            Self::Integers(below) => each(&|i| f64::from(draw(i)[0] % below)),
            Self::Bytes => each(&|i| f64::from(draw(i)[0])),
            Self::Rectified => each(&|i| between(-1.0, 1.0, i).max(0.0)),
            Self::Features(features) => {
                each(&|i| if i / features % 3 == 1 { 0.0 } else { between(-1.0, 2.0, i).max(0.0) })
            }
            Self::Order { samples, padding } => order(samples, padding, len, draw),
            Self::Labels { classes, padding } => each(&|i| {
                let pad = padding && i % 3 == 1;
                f64::from(if pad { PADDING } else { draw(i)[0] % classes as u32 })
            }),
            Self::Logits(classes) => each(&|i| logit(i, classes, draw)),
            Self::Symmetric { classes, levels } => each(&|at| {
                let (i, j) = (at / classes, at % classes);
                let pair = i.min(j) * classes + i.max(j);
                if i == j { 0.0 } else { f64::from(draw(pair)[0] % levels) / f64::from(levels) }
            }),
            Self::Distributions(classes) => {
                (0..len / classes).flat_map(|row| distribution(row, classes, draw)).collect()
            }
            Self::Argmax(pool) => {
                let noise: Vec<f64> = (0..pool.input_len()).map(|i| between(-1.0, 1.0, i)).collect();
                reference::pool::max_pool_relu_forward(&pool, &noise).1
            }
        }
    }
}

/// What an operation makes of a network's outputs.
fn link(op: &Op) -> Link {
    match *op {
        Op::Loss(kind, _) => kind.link(),
        Op::AveragePredictions { link, .. } => link,
        _ => Link::Softmax,
    }
}

/// The shape of an operation on logits or probabilities.
fn loss_shape(op: &Op) -> Option<LossShape> {
    match *op {
        Op::Loss(_, shape) | Op::Tally(shape) | Op::AveragePredictions { shape, .. } => Some(shape),
        _ => None,
    }
}

/// Samples in random order, again and again; with padding, every fifth entry holds none.
fn order(samples: usize, padding: bool, len: usize, draw: impl Fn(usize) -> [u32; 4]) -> Vec<f64> {
    let mut shuffled: Vec<usize> = (0..samples).collect();
    shuffled.sort_by_key(|sample| draw(*sample));
    let entry = |i: usize| if padding && i % 5 == 3 { f64::from(PADDING) } else { shuffled[i % samples] as f64 };
    (0..len).map(entry).collect()
}

/// Four kinds of distributions in turn; each is of numbers that add up to 1 as 32 bits can tell them.
fn distribution(row: usize, classes: usize, draw: impl Fn(usize) -> [u32; 4]) -> Vec<f64> {
    let drawn = draw(row * classes);
    let (one, other) = (drawn[1] as usize % classes, drawn[2] as usize % classes);
    let weight = |class: usize| match row % 4 {
        0 => f64::from(unit(draw(row * classes + class)[0])) + 0.1,
        1 => f64::from(class == one),
        2 => f64::from(class == one) + 0.5 * f64::from(class == other),
        _ => 1.0,
    };
    let total: f64 = (0..classes).map(weight).sum();
    (0..classes).map(|class| weight(class) / total).collect()
}

/// Five kinds of rows in turn. The first is moderate, so that it sets the scale of gradients; of
/// the last two each is sure of a class of its own.
fn logit(index: usize, classes: usize, draw: impl Fn(usize) -> [u32; 4]) -> f64 {
    let (row, class) = (index / classes, index % classes);
    let symmetric = 2.0 * f64::from(unit(draw(index)[0])) - 1.0;
    let sure = |excess: f64| if class == draw(row)[1] as usize % classes { excess } else { 0.0 };
    match row % 5 {
        0 => 4.0 * symmetric,
        1 => 1e4 * symmetric,
        2 => 3.0,
        3 => 4.0 * symmetric + sure(60.0),
        _ => 4.0 * symmetric + sure(16.0),
    }
}

/// A number as the 32-bit word that both sides work on, and what the word means.
pub fn rounded(element: Element, number: f64) -> f64 {
    match element {
        Element::F32 => f64::from(number as f32),
        Element::U32 => number,
    }
}

/// The bits of a number that [`rounded`] gave.
pub fn bits(element: Element, number: f64) -> u32 {
    match element {
        Element::F32 => (number as f32).to_bits(),
        Element::U32 => number as u32,
    }
}

/// What an operand holds beforehand where the operation has to write every word: no number, and no
/// count that occurs.
pub fn unwritten(element: Element) -> u32 {
    match element {
        Element::F32 => 0x7FC0_BEEF,
        Element::U32 => 0xDEAD_BEEF,
    }
}
