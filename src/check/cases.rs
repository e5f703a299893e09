//! The cases of the operations of layers and data; [`super::heads`] has those of losses, readings,
//! distances and the optimiser.

use super::inputs::Fill;
use super::tolerance::tolerance;
use crate::plan::{Augmentation, BatchNorm, Conv, Crops, Dropout, Linear, Op, Operand, Pool};
use crate::reference;

/// One element more than 65,535 groups of 64 invocations: more than one dimension of a dispatch.
pub const FOLDED: usize = 65_535 * 64 + 65;

/// An operation, maybe with the pooling that follows, and what their operands hold.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation.
    pub op: Op,
    /// The pooling of what it writes: an executor may do both in one go.
    pub pooling: Option<Op>,
    /// Operands that are not filled as usual.
    pub fills: Vec<(&'static str, Fill)>,
    /// Written operands whose content is not specified for these inputs.
    pub unspecified: Vec<&'static str>,
}

impl Case {
    /// A case with the usual inputs.
    pub fn of(op: Op) -> Self {
        Self { op, pooling: None, fills: Vec::new(), unspecified: Vec::new() }
    }

    /// Lets the pooling of what the operation writes follow.
    pub fn pooled(self, pooling: Op) -> Self {
        Self { pooling: Some(pooling), ..self }
    }

    /// What the check calls it.
    pub fn name(&self) -> String {
        let pooled = if self.pooling.is_some() { "_pooled" } else { "" };
        format!("{}{pooled}", self.op.name())
    }

    /// All operands but what passes from one operation to the other.
    pub fn operands(&self) -> Vec<Operand> {
        let mut operands = self.op.operands();
        if let Some(pooling) = &self.pooling {
            operands.pop();
            operands.extend_from_slice(&pooling.operands()[1..]);
        }
        operands
    }

    /// How far results may be from the oracle's. Pooling tells the largest by their bits, so that its cases have inputs whose sums
    /// need no rounding.
    pub fn tolerance(&self) -> f64 {
        if self.pooling.is_some() { 0.0 } else { tolerance(&self.op) }
    }

    /// Performs the operations on such operands by the oracle.
    pub fn perform(&self, operands: &mut Vec<Vec<f64>>) {
        let Some(pooling) = &self.pooling else { return reference::run(&self.op, operands) };
        let passed = self.op.operands().len() - 1;
        let mut second = operands.split_off(passed);
        operands.push(vec![f64::NAN; pooling.operands()[0].len]);
        reference::run(&self.op, operands);
        second.insert(0, operands.remove(passed));
        reference::run(pooling, &mut second);
        operands.extend(second.drain(1..));
    }

    /// Fills an operand otherwise.
    pub fn with(mut self, operand: &'static str, fill: Fill) -> Self {
        self.fills.push((operand, fill));
        self
    }

    /// Says that an operand's content does not matter.
    pub fn ignoring(mut self, operand: &'static str) -> Self {
        self.unspecified.push(operand);
        self
    }
}

/// All cases, those of one kernel next to each other.
pub fn all() -> Vec<Case> {
    let single = [tick(), data(), convolutions(), linears(), pools(), elementwise(), norms(), super::heads::all()];
    [single.concat(), pooled_convolutions()].concat()
}

fn tick() -> Vec<Case> {
    let clock = |words: [f64; 4]| Case::of(Op::Tick).with("clock", Fill::Words(words.to_vec()));
    vec![clock([0.0; 4]), clock([4_294_967_295.0, 7.0, 70_000.0, 9.0])]
}

/// Each switch of augmentation alone, none, and all.
fn switches() -> Vec<Augmentation> {
    let off = Augmentation { crop: false, flip: false, rotation: false, aspect: false, colour: false };
    vec![
        off,
        Augmentation { crop: true, ..off },
        Augmentation { flip: true, ..off },
        Augmentation { rotation: true, ..off },
        Augmentation { aspect: true, ..off },
        Augmentation { colour: true, ..off },
        Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true },
    ]
}

fn data() -> Vec<Case> {
    let odd = Crops { batch: 7, samples: 23, order: 28, stored_side: 13, side: 11, resident: true };
    let crops = [
        odd,
        Crops { resident: false, ..odd },
        Crops { batch: 1, samples: 1, order: 2, ..odd },
        Crops { stored_side: 14, ..odd },
        Crops { side: 13, ..odd },
        Crops { batch: 3, order: 9, stored_side: 64, side: 56, ..odd },
        Crops { batch: 2, samples: 3, order: 6, stored_side: 50, side: 41, resident: false },
    ];
    let order = |c: &Crops, padding| Fill::Order { samples: c.samples, padding };
    let augment = |c: Crops, on| Case::of(Op::Augment(c, on)).with("order", order(&c, c.batch == 7));
    let [.., everything] = switches()[..] else { return Vec::new() };
    let mut cases: Vec<Case> = Vec::new();
    for on in switches() {
        cases.extend(crops[..2].iter().map(|c| augment(*c, on)));
    }
    cases.extend(crops[2..].iter().map(|c| augment(*c, everything)));
    let centre = |c: &Crops| Case::of(Op::CentreCrops(*c)).with("order", order(c, c.batch == 7));
    cases.extend(crops.iter().map(centre));
    cases
}

/// Odd sizes, strides 1 to 4, paddings 0 to 3, square and oblong kernels, windows that lie wholly
/// in the padding, rests that no window covers, and sizes that tiles fit.
fn conv_shapes() -> Vec<Conv> {
    let shape = |batch, channels: [usize; 2], plane: [usize; 2], kernel: [usize; 2], stride, padding| Conv {
        batch,
        in_channels: channels[0],
        out_channels: channels[1],
        in_height: plane[0],
        in_width: plane[1],
        kernel_height: kernel[0],
        kernel_width: kernel[1],
        stride,
        padding,
        bias: batch != 2,
    };
    vec![
        shape(7, [3, 16], [41, 47], [3, 3], 1, 1),
        shape(1, [5, 17], [47, 41], [3, 3], 2, 1),
        shape(2, [3, 17], [47, 47], [11, 11], 4, 2),
        shape(1, [1, 1], [121, 121], [5, 5], 1, 2),
        shape(7, [17, 5], [9, 11], [1, 1], 1, 0),
        shape(2, [16, 3], [11, 9], [1, 1], 3, 0),
        shape(1, [16, 16], [13, 13], [3, 1], 1, 1),
        shape(2, [17, 3], [5, 41], [1, 3], 2, 1),
        shape(1, [3, 5], [121, 41], [5, 5], 3, 3),
        shape(7, [5, 3], [8, 6], [3, 3], 2, 0),
        shape(1, [17, 16], [5, 5], [5, 5], 1, 0),
        shape(3, [1, 17], [8, 8], [3, 3], 1, 3),
        shape(4, [32, 64], [8, 8], [3, 3], 1, 1),
        shape(1, [64, 32], [16, 16], [1, 1], 1, 0),
        shape(7, [3, 2], [121, 121], [3, 3], 1, 1),
        shape(1, [1, 1], [1, 1], [1, 1], 1, 0),
        shape(7, [3, 17], [5, 12], [3, 3], 1, 1),
        shape(1, [5, 3], [1, 4], [3, 3], 1, 1),
        shape(9, [1, 1], [1, 4], [3, 3], 1, 1),
        shape(3, [17, 9], [3, 28], [3, 3], 1, 1),
        shape(5, [70, 6], [4, 8], [3, 3], 1, 1),
        // More than a page, of images that begin between bindings, of images with more gradients than a page, and
        // of weights that take several, along the output channels and along both.
        shape(64, [5, 18], [7, 12], [3, 3], 1, 1),
        shape(10, [3, 40], [24, 24], [3, 3], 1, 1),
        shape(64, [70, 34], [4, 8], [3, 3], 1, 1),
        shape(64, [70, 34], [5, 8], [3, 3], 1, 1),
        shape(8, [230, 120], [4, 4], [3, 3], 1, 1),
        // Many channels under 3x3, where fewer multiplications do: planes and channels that no tile fits, every padding, one
        // sample, and a plane that is cut into strips.
        shape(3, [33, 35], [7, 5], [3, 3], 1, 0),
        shape(2, [34, 32], [13, 9], [3, 3], 1, 2),
        shape(1, [33, 70], [9, 6], [3, 3], 1, 1),
        shape(2, [32, 33], [67, 71], [3, 3], 1, 1),
        // Enough places for the larger tiles of GPUs.
        shape(5, [2, 66], [113, 115], [1, 1], 1, 0),
    ]
}

fn convolutions() -> Vec<Case> {
    let square = Conv {
        batch: 1,
        in_channels: 1,
        out_channels: 5,
        in_height: 917,
        in_width: 917,
        kernel_height: 1,
        kernel_width: 1,
        stride: 1,
        padding: 0,
        bias: true,
    };
    let shapes = conv_shapes();
    let mut cases: Vec<Case> = shapes.iter().map(|c| Case::of(Op::ConvForward(*c))).collect();
    cases.push(Case::of(Op::ConvForward(Conv { bias: false, ..shapes[0] })));
    cases.push(Case::of(Op::ConvForward(square)));
    cases.extend(shapes.iter().map(|c| Case::of(Op::ConvBackwardData(*c))));
    let turned = Conv { in_channels: 5, out_channels: 1, ..square };
    cases.push(Case::of(Op::ConvBackwardData(turned)));
    cases.extend(shapes.iter().map(|c| Case::of(Op::ConvBackwardWeight(*c))));
    // More places than a driver lets an invocation sum, word by word and in quads.
    let tall = Conv {
        out_channels: 1,
        in_height: 1031,
        in_width: 256,
        kernel_height: 3,
        kernel_width: 3,
        padding: 1,
        ..square
    };
    cases.extend([square, tall].map(|c| Case::of(Op::ConvBackwardWeight(c))));
    // A bias of many channels beside few weights.
    let wide = Conv { batch: 2, in_channels: 1, out_channels: 70_001, in_height: 1, in_width: 3, ..square };
    cases.push(Case::of(Op::ConvBackwardWeight(wide)));
    cases
}

/// Convolutions and the pooling of their ReLU, exact in 32 bits and with many ties: with kernels for both (one image and several
/// pages, channels that no tile fits), and where height, width, window, kernel or the number of channels allow none.
fn pooled_convolutions() -> Vec<Case> {
    let usual = Conv {
        batch: 1,
        in_channels: 3,
        out_channels: 16,
        in_height: 16,
        in_width: 24,
        kernel_height: 3,
        kernel_width: 3,
        stride: 1,
        padding: 1,
        bias: true,
    };
    let convs = [
        usual,
        Conv { batch: 3, in_channels: 5, out_channels: 17, in_height: 2, in_width: 8, bias: false, ..usual },
        Conv { batch: 7, in_channels: 16, out_channels: 35, in_height: 16, in_width: 16, bias: false, ..usual },
        Conv { batch: 20, in_channels: 64, out_channels: 66, in_height: 8, in_width: 8, ..usual },
        Conv { in_height: 15, ..usual },
        Conv { batch: 2, in_width: 20, ..usual },
        Conv { batch: 2, in_channels: 150, in_height: 4, in_width: 8, ..usual },
        Conv { kernel_height: 5, kernel_width: 5, padding: 2, ..usual },
        Conv { batch: 2, in_channels: 34, out_channels: 33, in_height: 13, in_width: 10, ..usual },
    ];
    let halving = |c: &Conv| Pool {
        planes: c.batch * c.out_channels,
        in_height: c.out_height(),
        in_width: c.out_width(),
        window_height: 2,
        window_width: 2,
        stride: 2,
        padding: 0,
    };
    let wide = Pool { window_height: 3, window_width: 3, ..halving(&usual) };
    let pairs = convs.iter().map(|c| (*c, halving(c))).chain([(usual, wide)]);
    let case = |(c, p): (Conv, Pool)| {
        let case = Case::of(Op::ConvForward(c)).pooled(Op::MaxPoolReluForward(p));
        ["input", "weight", "bias"].iter().fold(case, |case, operand| case.with(operand, Fill::Levels(9)))
    };
    pairs.map(case).collect()
}

fn linears() -> Vec<Case> {
    let shapes = [
        (1, 1, 1, true),
        (1, 5, 3, true),
        (7, 121, 47, true),
        (7, 1, 101, false),
        (64, 256, 128, true),
        (1, 4097, 10, true),
        (33, 17, 1, false),
        (7, 47, 1000, true),
        (300, 8, 41, false),
        (7, 20, 12, true),
        (1, 4, 4, false),
        (13, 1028, 260, true),
        (3, 259, 12, true),
        (259, 12, 20, true),
        (300, 260, 132, true),
        (1, 8, 1, true),
        (3, 8, 1, false),
    ]
    .map(|(batch, inputs, outputs, bias)| Linear { batch, inputs, outputs, bias });
    let of = |op: fn(Linear) -> Op| shapes.map(|l| Case::of(op(l))).to_vec();
    // A matrix larger than caches that threads share.
    let large = Linear { batch: 29, inputs: 1531, outputs: 1409, bias: false };
    let large = vec![Case::of(Op::LinearBackwardData(large))];
    [of(Op::LinearForward), of(Op::LinearBackwardData), large, of(Op::LinearBackwardWeight)].concat()
}

/// Windows apart, overlapping and padded, leaving rests, oblong, as large as the plane.
fn pool_shapes() -> Vec<Pool> {
    let shape = |planes, plane: [usize; 2], window: [usize; 2], stride, padding| Pool {
        planes,
        in_height: plane[0],
        in_width: plane[1],
        window_height: window[0],
        window_width: window[1],
        stride,
        padding,
    };
    vec![
        shape(21, [41, 47], [2, 2], 2, 0),
        shape(5, [47, 41], [3, 3], 2, 0),
        shape(5, [47, 41], [3, 3], 2, 1),
        shape(17, [13, 11], [3, 3], 1, 1),
        shape(1, [121, 121], [2, 2], 2, 1),
        shape(16, [8, 8], [8, 8], 1, 0),
        shape(3, [9, 7], [3, 2], 2, 1),
        shape(3, [9, 7], [2, 3], 3, 1),
        shape(7, [6, 6], [5, 5], 1, 2),
        shape(300, [4, 4], [4, 4], 4, 0),
        shape(1, [1, 1], [1, 1], 1, 0),
        shape(21, [6, 24], [2, 2], 2, 0),
        shape(70, [2, 8], [2, 2], 2, 0),
        shape(3, [7, 8], [2, 2], 2, 0),
    ]
}

fn pools() -> Vec<Case> {
    let shapes = pool_shapes();
    let each = |op: fn(Pool) -> Op| shapes.iter().map(move |p| Case::of(op(*p)));
    let mut cases = Vec::new();
    for op in [Op::MaxPoolForward, Op::MaxPoolReluForward] {
        cases.extend(each(op));
        cases.extend(each(op).map(|case| case.with("input", Fill::Levels(4))));
        // Below the zeros of a padding that must not win.
        cases.extend(each(op).map(|case| case.with("input", Fill::Between(-2e6, -1e6))));
        // Windows with and without a value above 0.
        cases.extend(each(op).map(|case| case.with("input", Fill::Between(-1.0, 0.3))));
    }
    cases.extend(each(Op::MaxPoolBackward));
    cases.extend(each(Op::AveragePoolForward));
    cases.extend(each(Op::AveragePoolBackward));
    cases
}

fn elementwise() -> Vec<Case> {
    let lens = [1, 63, 64, 65, 41 * 47, 100_003];
    let each = |op: fn(usize) -> Op| lens.map(|len| Case::of(op(len)));
    let mut cases: Vec<Case> = each(Op::ReluForward).into();
    cases.push(Case::of(Op::ReluForward(1000)).with("input", Fill::Levels(5)));
    cases.push(Case::of(Op::ReluForward(FOLDED)));
    cases.extend(each(Op::ReluBackward));
    for (len, rate, layer) in [(1, 0.5, 0), (65, 0.0, 0), (100_003, 0.5, 1), (10_007, 0.3, 2), (10_007, 0.9, 0)] {
        cases.push(Case::of(Op::Dropout(Dropout { len, rate, layer })));
    }
    cases.extend(each(Op::Add));
    cases
}

fn norm_shapes() -> Vec<BatchNorm> {
    let shape = |batch, channels, plane| BatchNorm { batch, channels, plane, epsilon: 1e-5, momentum: 0.1 };
    vec![
        shape(7, 3, 41 * 47),
        shape(1, 5, 121),
        shape(2, 16, 1),
        shape(33, 17, 9),
        BatchNorm { epsilon: 0.1, momentum: 1.0, ..shape(2, 3, 121 * 121) },
        BatchNorm { epsilon: 1e-3, momentum: 0.01, ..shape(7, 101, 1) },
        shape(300, 1, 5),
    ]
}

fn norms() -> Vec<Case> {
    let shapes = norm_shapes();
    let each = |op: fn(BatchNorm) -> Op| shapes.iter().map(move |n| Case::of(op(*n)));
    let mut cases: Vec<Case> = each(Op::BatchNormStatistics).collect();
    // A mean that is large beside the deviation, and no deviation at all.
    cases.extend(each(Op::BatchNormStatistics).map(|case| case.with("input", Fill::Between(9.0, 11.0))));
    let constant = |n: &BatchNorm| Case::of(Op::BatchNormStatistics(*n)).with("input", Fill::Between(0.5, 0.5));
    // Where the running variance would be exactly 0, no rounding of a mean could be forgiven.
    cases.extend(shapes.iter().filter(|n| n.momentum < 1.0).map(constant));
    cases.extend(each(Op::BatchNormForward));
    cases.extend(each(Op::BatchNormInference));
    cases.extend(each(Op::BatchNormInference).map(|case| case.with("running_variance", Fill::Between(0.0, 1e-3))));
    cases.extend(each(Op::BatchNormBackwardWeight));
    for n in shapes {
        // Sums of so many terms.
        let sum = Fill::Between(-0.5 * (n.batch * n.plane) as f64, (n.batch * n.plane) as f64);
        let case = Case::of(Op::BatchNormBackwardData(n)).with("weight_gradient", sum.clone());
        cases.push(case.with("bias_gradient", sum));
    }
    cases
}
