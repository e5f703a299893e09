//! Lowering: which kernels an operation becomes, with which constants, over which grid.

use super::kernels::{GROUP, Kernel, kernel};
use crate::plan::random::purpose;
use crate::plan::shape::{Augmentation, BatchNorm, Conv, Crops, Linear, LossShape, Pool};
use crate::plan::{LossKind, Op};

/// What a kernel's binding is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The step's n-th view.
    Operand(usize),
    /// Memory for the dispatches of one step, in words.
    Scratch(usize),
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

/// Most workgroups in a dimension.
const MOST_GROUPS: usize = 65_535;
/// Words that the partial sums of a convolution's weight gradient may take.
const MOST_SCRATCH: usize = 8 << 20;
/// Channels of a convolution's tile (`CHANNELS` in conv.wgsl).
const CONV_CHANNELS: usize = 8;
/// Rows of a matrix product's tile (`TILE` in linear.wgsl).
const PRODUCT_ROWS: usize = 8;

/// The dispatches of one operation.
#[must_use]
pub fn lower(op: &Op) -> Vec<Dispatch> {
    match *op {
        Op::Tick => vec![plain(op, "tick", 1, vec![])],
        Op::Augment(c, a) => vec![plain(op, "augment", c.batch * c.side * c.side, augment(&c, &a))],
        Op::CentreCrops(c) => vec![plain(op, "centre_crops", 2 * c.batch * c.side * c.side, crops(&c))],
        Op::ConvForward(c) => vec![conv_forward(&c)],
        Op::ConvBackwardData(c) => vec![conv_backward_data(&c)],
        Op::ConvBackwardWeight(c) => conv_backward_weight(&c),
        Op::LinearForward(l) => vec![linear_forward(&l)],
        Op::LinearBackwardData(l) => vec![linear_backward_data(&l)],
        Op::LinearBackwardWeight(l) => vec![linear_backward_weight(&l)],
        Op::MaxPoolForward(p) | Op::AveragePoolForward(p) => vec![plain(op, op.name(), p.output_len(), pool(&p))],
        Op::MaxPoolBackward(p) | Op::AveragePoolBackward(p) => vec![plain(op, op.name(), p.input_len(), pool(&p))],
        Op::ReluForward(len) | Op::ReluBackward(len) | Op::Add(len) | Op::Sgd(len) => {
            vec![plain(op, op.name(), len, vec![("LEN", len as f64)])]
        }
        Op::Dropout(d) => {
            let stream = f64::from(purpose::DROPOUT + d.layer);
            let constants = vec![("LEN", d.len as f64), ("RATE", f64::from(d.rate)), ("STREAM", stream)];
            vec![plain(op, "dropout", d.len, constants)]
        }
        _ => vec![lower_rest(op)],
    }
}

/// Operations over channels, classes and samples.
fn lower_rest(op: &Op) -> Dispatch {
    match *op {
        Op::ChannelSum { batch, channels, plane } => {
            let constants = vec![("BATCH", batch as f64), ("CHANNELS", channels as f64), ("PLANE", plane as f64)];
            plain(op, "channel_sum", channels * GROUP, constants)
        }
        Op::BatchNormStatistics(n) | Op::BatchNormBackwardWeight(n) => {
            plain(op, op.name(), n.channels * GROUP, norm(&n))
        }
        Op::BatchNormForward(n) | Op::BatchNormInference(n) | Op::BatchNormBackwardData(n) => {
            plain(op, op.name(), n.len(), norm(&n))
        }
        Op::Loss(kind, s) => {
            let entry = match kind {
                LossKind::CrossEntropy => "loss_xe",
                LossKind::Emd => "loss_emd",
                LossKind::EmdLinear => "loss_emd_linear",
                LossKind::Xemd => "loss_xemd",
            };
            plain(op, entry, s.batch, samples(&s))
        }
        Op::SumTerms(s) => plain(op, "sum_terms", 1, samples(&s)),
        Op::CountConfusion(s) => plain(op, "count_confusion", s.batch, samples(&s)),
        Op::AveragePredictions { shape, rows } => {
            let mut constants = samples(&shape);
            constants.push(("OUTCOMES", rows as f64));
            plain(op, "average_predictions", shape.batch, constants)
        }
        Op::FeatureNorms { batch, features } => {
            let constants = vec![("BATCH", batch as f64), ("FEATURES", features as f64)];
            plain(op, "feature_norms", batch, constants)
        }
        Op::ClassSums { batch, features, classes } => {
            let mut constants = ground(classes, features);
            constants.push(("BATCH", batch as f64));
            plain(op, "class_sums_of_rows", features, constants)
        }
        Op::Centroids { classes, features } => {
            plain(op, "mean_centroids", classes * features, ground(classes, features))
        }
        Op::PairwiseDistances { classes, features } => {
            plain(op, "pairwise_distances", classes * classes, ground(classes, features))
        }
        Op::GroundDistance { classes } => plain(op, "ground_distance", classes * classes, ground(classes, 1)),
        _ => unreachable!("lowered by the caller"),
    }
}

/// A kernel whose bindings are the operation's operands, with one invocation for each of
/// `invocations`, folded.
fn plain(op: &Op, entry: &str, invocations: usize, constants: Vec<(&'static str, f64)>) -> Dispatch {
    let arguments = (0..op.operands().len()).map(Argument::Operand).collect();
    Dispatch { kernel: kernel(entry), constants, grid: folded(invocations.div_ceil(GROUP)), arguments }
}

/// A long row of groups in two dimensions.
fn folded(groups: usize) -> [u32; 3] {
    let rows = groups.div_ceil(MOST_GROUPS).max(1);
    [groups.div_ceil(rows).max(1) as u32, rows as u32, 1]
}

fn crops(c: &Crops) -> Vec<(&'static str, f64)> {
    vec![
        ("BATCH", c.batch as f64),
        ("STORED", c.stored_side as f64),
        ("SIDE", c.side as f64),
        ("RESIDENT", f64::from(u8::from(c.resident))),
    ]
}

fn augment(c: &Crops, a: &Augmentation) -> Vec<(&'static str, f64)> {
    let switches =
        [("CROP", a.crop), ("FLIP", a.flip), ("ROTATION", a.rotation), ("ASPECT", a.aspect), ("COLOUR", a.colour)];
    let mut constants = crops(c);
    constants.extend(switches.map(|(name, on)| (name, f64::from(u8::from(on)))));
    constants
}

fn conv(c: &Conv) -> Vec<(&'static str, f64)> {
    vec![
        ("BATCH", c.batch as f64),
        ("IN_CHANNELS", c.in_channels as f64),
        ("OUT_CHANNELS", c.out_channels as f64),
        ("IN_HEIGHT", c.in_height as f64),
        ("IN_WIDTH", c.in_width as f64),
        ("OUT_HEIGHT", c.out_height() as f64),
        ("OUT_WIDTH", c.out_width() as f64),
        ("KERNEL_HEIGHT", c.kernel_height as f64),
        ("KERNEL_WIDTH", c.kernel_width as f64),
        ("STRIDE", c.stride as f64),
        ("PAD", c.padding as f64),
    ]
}

/// Places four in a row, folded into z, and tiles of channels along y.
fn conv_grid(places: usize, channels: usize) -> [u32; 3] {
    let [x, fold, _] = folded(places.div_ceil(GROUP));
    [x, channels.div_ceil(CONV_CHANNELS) as u32, fold]
}

fn conv_forward(c: &Conv) -> Dispatch {
    let mut constants = conv(c);
    constants.push(("BIAS", f64::from(u8::from(c.bias))));
    Dispatch {
        kernel: kernel("conv_forward"),
        constants,
        grid: conv_grid(c.batch * c.out_height() * c.out_width().div_ceil(4), c.out_channels),
        arguments: with_bias(c.bias),
    }
}

/// Input, weight, bias, output; where there is no bias its binding repeats the weight, unread.
fn with_bias(bias: bool) -> Vec<Argument> {
    let operands = if bias { [0, 1, 2, 3] } else { [0, 1, 1, 2] };
    operands.map(Argument::Operand).to_vec()
}

fn conv_backward_data(c: &Conv) -> Dispatch {
    let grid = conv_grid(c.batch * c.in_height * c.in_width.div_ceil(4), c.in_channels);
    let arguments = [0, 1, 2].map(Argument::Operand).to_vec();
    Dispatch { kernel: kernel("conv_backward_data"), constants: conv(c), grid, arguments }
}

fn conv_backward_weight(c: &Conv) -> Vec<Dispatch> {
    let rows = (c.in_channels * c.kernel_height * c.kernel_width.div_ceil(4)).div_ceil(GROUP);
    let tiles = c.out_channels.div_ceil(CONV_CHANNELS);
    let wanted = 512usize.div_ceil(rows * tiles).min(MOST_SCRATCH / c.weight_len()).clamp(1, c.batch);
    let chunks = c.batch.div_ceil(c.batch.div_ceil(wanted));
    let mut constants = conv(c);
    constants.push(("CHUNKS", chunks as f64));
    let partial = Argument::Scratch(chunks * c.weight_len());
    vec![
        Dispatch {
            kernel: kernel("conv_backward_weight"),
            constants: constants.clone(),
            grid: [rows as u32, tiles as u32, chunks as u32],
            arguments: vec![Argument::Operand(0), Argument::Operand(1), partial],
        },
        Dispatch {
            kernel: kernel("conv_sum_chunks"),
            constants,
            grid: folded(c.weight_len().div_ceil(GROUP)),
            arguments: vec![partial, Argument::Operand(2)],
        },
    ]
}

/// Rows, columns and inner length of a matrix product, and the distances between neighbours.
struct Product {
    sizes: [usize; 3],
    left: [usize; 2],
    right: [usize; 2],
}

impl Product {
    fn dispatch(&self, bias: bool, arguments: Vec<Argument>) -> Dispatch {
        let [rows, columns, inner] = self.sizes;
        let constants = vec![
            ("ROWS", rows as f64),
            ("COLUMNS", columns as f64),
            ("INNER", inner as f64),
            ("LEFT_ROW", self.left[0] as f64),
            ("LEFT_INNER", self.left[1] as f64),
            ("RIGHT_INNER", self.right[0] as f64),
            ("RIGHT_COLUMN", self.right[1] as f64),
            ("BIAS", f64::from(u8::from(bias))),
        ];
        let grid = [columns.div_ceil(4 * GROUP) as u32, rows.div_ceil(PRODUCT_ROWS) as u32, 1];
        Dispatch { kernel: kernel("matrix_product"), constants, grid, arguments }
    }
}

fn linear_forward(l: &Linear) -> Dispatch {
    let product = Product { sizes: [l.batch, l.outputs, l.inputs], left: [l.inputs, 1], right: [1, l.inputs] };
    product.dispatch(l.bias, with_bias(l.bias))
}

/// Left, right, result; the binding of the bias repeats the right matrix, unread.
fn without_bias(left: usize, right: usize) -> Vec<Argument> {
    [left, right, right, 2].map(Argument::Operand).to_vec()
}

fn linear_backward_data(l: &Linear) -> Dispatch {
    let product = Product { sizes: [l.batch, l.inputs, l.outputs], left: [l.outputs, 1], right: [l.inputs, 1] };
    product.dispatch(false, without_bias(0, 1))
}

fn linear_backward_weight(l: &Linear) -> Dispatch {
    let product = Product { sizes: [l.outputs, l.inputs, l.batch], left: [1, l.outputs], right: [l.inputs, 1] };
    product.dispatch(false, without_bias(1, 0))
}

fn pool(p: &Pool) -> Vec<(&'static str, f64)> {
    vec![
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

fn norm(n: &BatchNorm) -> Vec<(&'static str, f64)> {
    vec![
        ("BATCH", n.batch as f64),
        ("CHANNELS", n.channels as f64),
        ("PLANE", n.plane as f64),
        ("EPSILON", f64::from(n.epsilon)),
        ("MOMENTUM", f64::from(n.momentum)),
    ]
}

fn samples(s: &LossShape) -> Vec<(&'static str, f64)> {
    vec![("BATCH", s.batch as f64), ("CLASSES", s.classes as f64)]
}

fn ground(classes: usize, features: usize) -> Vec<(&'static str, f64)> {
    vec![("CLASSES", classes as f64), ("FEATURES", features as f64)]
}
