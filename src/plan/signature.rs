//! What each operation reads and writes: names, lengths, access. The order here is the order of a
//! step's views and of a kernel's bindings.

use super::loss::{Link, LossKind};
use super::op::Op;
use super::shape::{BatchNorm, Crops, LossShape};

/// What the words of a slot mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// 32-bit floating point.
    F32,
    /// 32-bit unsigned integers: labels, orders, counts, packed bytes.
    U32,
}

/// What a step does to an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reads it.
    Read,
    /// Writes every word of it, whatever was there.
    Write,
    /// Reads it and writes some or all of it.
    Update,
}

/// One operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its name, the same in the shader.
    pub name: &'static str,
    /// What the step does to it.
    pub access: Access,
    /// What its words mean.
    pub element: Element,
    /// Its length in words.
    pub len: usize,
}

const fn operand(name: &'static str, access: Access, element: Element, len: usize) -> Operand {
    Operand { name, access, element, len }
}

const fn read(name: &'static str, len: usize) -> Operand {
    operand(name, Access::Read, Element::F32, len)
}

const fn read_u32(name: &'static str, len: usize) -> Operand {
    operand(name, Access::Read, Element::U32, len)
}

const fn write(name: &'static str, len: usize) -> Operand {
    operand(name, Access::Write, Element::F32, len)
}

const fn write_u32(name: &'static str, len: usize) -> Operand {
    operand(name, Access::Write, Element::U32, len)
}

const fn update(name: &'static str, len: usize) -> Operand {
    operand(name, Access::Update, Element::F32, len)
}

const fn update_u32(name: &'static str, len: usize) -> Operand {
    operand(name, Access::Update, Element::U32, len)
}

/// Words of [`super::Clock`].
pub(crate) const CLOCK_WORDS: usize = size_of::<super::Clock>() / 4;
/// Words of [`super::StepSettings`].
pub(crate) const SETTINGS_WORDS: usize = size_of::<super::StepSettings>() / 4;
/// Terms of a sample's loss: the loss, its cross-entropy, its distance term without lambda.
pub(crate) const TERMS: usize = 3;
/// Sums of an epoch: the terms (the distance term by its absolute value) and the samples.
pub(crate) const SUMS: usize = TERMS + 1;

impl Op {
    /// The operands in the order of a step's views.
    #[must_use]
    pub fn operands(&self) -> Vec<Operand> {
        match *self {
            Self::Tick => vec![update_u32("clock", CLOCK_WORDS)],
            Self::Augment(c, _) => gather(&c, c.crop_len()),
            Self::CentreCrops(c) => gather(&c, 2 * c.crop_len()),
            Self::ConvForward(c) => {
                let mut list = vec![read("input", c.input_len()), read("weight", c.weight_len())];
                list.extend(c.bias.then(|| read("bias", c.out_channels)));
                list.push(write("output", c.output_len()));
                list
            }
            Self::ConvBackwardData(c) => vec![
                read("output_gradient", c.output_len()),
                read("weight", c.weight_len()),
                write("input_gradient", c.input_len()),
            ],
            Self::ConvBackwardWeight(c) => {
                let mut list = vec![read("input", c.input_len()), read("output_gradient", c.output_len())];
                list.push(write("weight_gradient", c.weight_len()));
                list.extend(c.bias.then(|| write("bias_gradient", c.out_channels)));
                list
            }
            Self::LinearForward(l) => {
                let mut list = vec![read("input", l.batch * l.inputs), read("weight", l.outputs * l.inputs)];
                list.extend(l.bias.then(|| read("bias", l.outputs)));
                list.push(write("output", l.batch * l.outputs));
                list
            }
            Self::LinearBackwardData(l) => vec![
                read("output_gradient", l.batch * l.outputs),
                read("weight", l.outputs * l.inputs),
                write("input_gradient", l.batch * l.inputs),
            ],
            Self::LinearBackwardWeight(l) => {
                let mut list = vec![read("input", l.batch * l.inputs), read("output_gradient", l.batch * l.outputs)];
                list.push(write("weight_gradient", l.outputs * l.inputs));
                list.extend(l.bias.then(|| write("bias_gradient", l.outputs)));
                list
            }
            Self::MaxPoolForward(p) | Self::MaxPoolReluForward(p) => {
                vec![read("input", p.input_len()), write("output", p.output_len()), write_u32("argmax", p.output_len())]
            }
            Self::MaxPoolBackward(p) => vec![
                read("output_gradient", p.output_len()),
                read_u32("argmax", p.output_len()),
                write("input_gradient", p.input_len()),
            ],
            Self::AveragePoolForward(p) => vec![read("input", p.input_len()), write("output", p.output_len())],
            Self::AveragePoolBackward(p) => {
                vec![read("output_gradient", p.output_len()), write("input_gradient", p.input_len())]
            }
            Self::ReluForward(len) => vec![read("input", len), write("output", len)],
            Self::ReluBackward(len) => {
                vec![read("output", len), read("output_gradient", len), write("input_gradient", len)]
            }
            Self::Dropout(d) => {
                vec![read("input", d.len), read_u32("clock", CLOCK_WORDS), write("output", d.len)]
            }
            Self::Add(len) => vec![read("a", len), read("b", len), write("sum", len)],
            Self::BatchNormStatistics(_)
            | Self::BatchNormForward(_)
            | Self::BatchNormInference(_)
            | Self::BatchNormBackwardWeight(_)
            | Self::BatchNormBackwardData(_) => self.norm_operands(),
            _ => self.head_operands(),
        }
    }

    /// The operands of the batch normalisation family.
    fn norm_operands(&self) -> Vec<Operand> {
        match *self {
            Self::BatchNormStatistics(n) => vec![
                read("input", n.len()),
                update("running_mean", n.channels),
                update("running_variance", n.channels),
                write("mean", n.channels),
                write("inverse_deviation", n.channels),
            ],
            Self::BatchNormForward(n) => norm(&n, "mean", "inverse_deviation"),
            Self::BatchNormInference(n) => norm(&n, "running_mean", "running_variance"),
            Self::BatchNormBackwardWeight(n) => vec![
                read("input", n.len()),
                read("mean", n.channels),
                read("inverse_deviation", n.channels),
                read("output_gradient", n.len()),
                write("weight_gradient", n.channels),
                write("bias_gradient", n.channels),
            ],
            Self::BatchNormBackwardData(n) => vec![
                read("input", n.len()),
                read("mean", n.channels),
                read("inverse_deviation", n.channels),
                read("weight", n.channels),
                read("output_gradient", n.len()),
                read("weight_gradient", n.channels),
                read("bias_gradient", n.channels),
                write("input_gradient", n.len()),
            ],
            _ => unreachable!("called for the batch normalisation family alone"),
        }
    }

    /// The operands of losses, readings, distances and the optimiser.
    fn head_operands(&self) -> Vec<Operand> {
        match *self {
            Self::BatchRows { batch, order } => {
                vec![read_u32("order", order), read_u32("clock", CLOCK_WORDS), write_u32("rows", batch)]
            }
            Self::Loss(kind, s) => loss(kind, &s),
            Self::Tally(s) => vec![
                read("probabilities", s.batch * s.classes),
                read("terms", s.batch * TERMS),
                read_u32("targets", s.batch),
                read_u32("clock", CLOCK_WORDS),
                update("sums", SUMS),
                update_u32("fault", 2),
                update_u32("confusion", s.classes * s.classes),
            ],
            Self::AveragePredictions { shape: s, rows, link } => vec![
                read("logits", 2 * s.batch * link.outputs(s.classes)),
                read_u32("clock", CLOCK_WORDS),
                write("averages", s.batch * link.columns(s.classes)),
                update("outcomes", rows * link.columns(s.classes)),
            ],
            Self::ClassSums { batch, features, classes } => vec![
                read("features", batch * features),
                read_u32("targets", batch),
                update("class_sums", classes * features),
                update_u32("class_counts", classes),
            ],
            Self::Centroids { classes, features } => vec![
                read("class_sums", classes * features),
                read_u32("class_counts", classes),
                update("centroids", classes * features),
            ],
            Self::PairwiseDistances { classes, features } => {
                vec![read("centroids", classes * features), write("distances", classes * classes)]
            }
            Self::GroundDistance { classes } => {
                vec![read("distances", classes * classes), write("ground", classes * classes)]
            }
            Self::Sgd(len) => vec![
                read("gradients", len),
                read("settings", SETTINGS_WORDS),
                update("weights", len),
                update("momenta", len),
            ],
            _ => unreachable!("called for the head family alone"),
        }
    }
}

/// Operands of a loss: `logits` are the network's outputs, whatever they mean.
fn loss(kind: LossKind, s: &LossShape) -> Vec<Operand> {
    let outputs = s.batch * kind.link().outputs(s.classes);
    let mut list = vec![read("logits", outputs), read_u32("targets", s.batch)];
    if let Some([rows, columns]) = kind.table(s.classes) {
        list.extend([read_u32("rows", s.batch), read("table", rows * columns)]);
    }
    list.extend((kind.link() == Link::Identity).then(|| read("class_values", s.classes)));
    list.extend(kind.reads_ground().then(|| read("ground", s.classes * s.classes)));
    list.extend(kind.reads_settings().then(|| read("settings", SETTINGS_WORDS)));
    list.push(write("probabilities", s.batch * s.classes));
    list.push(write("logit_gradient", outputs));
    list.push(write("terms", s.batch * TERMS));
    list
}

/// Operands of the operations that gather a batch and write `crops` words of it.
fn gather(c: &Crops, crops: usize) -> Vec<Operand> {
    vec![
        read_u32("pixels", c.pixel_words()),
        read_u32("labels", c.samples),
        read_u32("order", c.order),
        read_u32("clock", CLOCK_WORDS),
        write("output", crops),
        write_u32("targets", c.batch),
    ]
}

/// Operands of the operations that normalise with the named statistics.
fn norm(n: &BatchNorm, centre: &'static str, spread: &'static str) -> Vec<Operand> {
    vec![
        read("input", n.len()),
        read(centre, n.channels),
        read(spread, n.channels),
        read("weight", n.channels),
        read("bias", n.channels),
        write("output", n.len()),
    ]
}
