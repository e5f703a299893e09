//! The operations: what each computes, and what it costs.

use super::loss::{Link, LossKind};
use super::shape::{Augmentation, BatchNorm, Conv, Crops, Dropout, Linear, LossShape, Pool};
use super::signature::Access;

/// One operation with its shapes. The operands of each, with lengths and access, are given by
/// [`Op::operands`]; what each computes is stated here, and as plain loops in the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// `clock.step += 1`, `clock.cursor += 1`.
    Tick,
    /// Gathers a batch in `order` at `clock.cursor` and crops, flips, rotates, squeezes and tints
    /// it at random, keyed by (seed, epoch, sample). Bytes 0..255 become -1..1.
    Augment(Crops, Augmentation),
    /// Gathers a batch and writes the centre crops of its rows, then their mirror images.
    CentreCrops(Crops),
    /// `output = input (*) weight + bias`.
    ConvForward(Conv),
    /// The gradient of a convolution with respect to its input.
    ConvBackwardData(Conv),
    /// The gradients of a convolution with respect to its weight and, where it has one, its bias.
    ConvBackwardWeight(Conv),
    /// `output = input * weight^T + bias`.
    LinearForward(Linear),
    /// `input_gradient = output_gradient * weight`.
    LinearBackwardData(Linear),
    /// `weight_gradient = output_gradient^T * input`; where there is a bias, its gradient is the sum of the rows.
    LinearBackwardWeight(Linear),
    /// The largest of each window and its place in the plane; the first of equals wins.
    MaxPoolForward(Pool),
    /// The same of `max(input, 0)`: a window without a value above 0 has the place [`NOWHERE`](super::NOWHERE).
    MaxPoolReluForward(Pool),
    /// Sends each window's gradient to the place of its maximum, if it has one.
    MaxPoolBackward(Pool),
    /// The mean of each window.
    AveragePoolForward(Pool),
    /// Spreads each window's gradient evenly over it.
    AveragePoolBackward(Pool),
    /// `max(input, 0)` of so many elements.
    ReluForward(usize),
    /// The gradient where the output is above 0, else 0.
    ReluBackward(usize),
    /// Zeroes elements at random, keyed by (seed, layer, step, element); forward and backward.
    Dropout(Dropout),
    /// `sum = a + b` of so many elements.
    Add(usize),
    /// Mean and 1 / sqrt(variance + epsilon) of each channel, and the running statistics.
    BatchNormStatistics(BatchNorm),
    /// `(input - mean) * inverse_deviation * weight + bias`.
    BatchNormForward(BatchNorm),
    /// The same with the running statistics.
    BatchNormInference(BatchNorm),
    /// The gradients with respect to weight and bias.
    BatchNormBackwardWeight(BatchNorm),
    /// The gradient with respect to the input.
    BatchNormBackwardData(BatchNorm),
    /// The sample of each row of the batch, out of `order` at `clock.cursor`.
    BatchRows {
        /// Rows of a batch.
        batch: usize,
        /// Entries of the order.
        order: usize,
    },
    /// The prediction for each sample, its loss, and the gradient of the batch's with respect to the network's outputs.
    Loss(LossKind, LossShape),
    /// Adds a batch's loss terms to the epoch's sums, notes the first step that was not finite, and counts (label, most
    /// probable class) pairs; the first of equals wins.
    Tally(LossShape),
    /// The mean prediction of crop and mirror image, also kept in `outcomes`, which begins again at its
    /// first row when it is full: sample b of a batch goes to row (cursor * batch + b) % rows.
    AveragePredictions {
        /// Samples (half of the logits' rows) and classes.
        shape: LossShape,
        /// Rows of `outcomes`.
        rows: usize,
        /// How outputs become a prediction.
        link: Link,
    },
    /// Adds L1-normalised rows to the sums of their classes, and counts them (section 3.1).
    ClassSums {
        /// Rows.
        batch: usize,
        /// Columns.
        features: usize,
        /// Classes.
        classes: usize,
    },
    /// `sums / counts`; a class without samples keeps its centroid.
    Centroids {
        /// Classes.
        classes: usize,
        /// Length of a centroid.
        features: usize,
    },
    /// Euclidean distances between centroids (equation 2 with l = 2).
    PairwiseDistances {
        /// Classes.
        classes: usize,
        /// Length of a centroid.
        features: usize,
    },
    /// Ranks by row (equation 12) made symmetric (equation 13).
    GroundDistance {
        /// Classes.
        classes: usize,
    },
    /// SGD with momentum and weight decay over a flat arena, PyTorch's update rule:
    /// `v = momentum * v + gradient + weight_decay * w; w -= learning_rate * v`.
    Sgd(usize),
}

/// What an operation or a plan costs, by its shapes alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Floating-point operations; a multiply-add counts two.
    pub operations: u64,
    /// Bytes read and written if each operand moves once.
    pub bytes: u64,
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |a, b| Self { operations: a.operations + b.operations, bytes: a.bytes + b.bytes })
    }
}

impl Op {
    /// Operations and bytes of this step.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let operands = self.operands();
        let words = |o: &super::Operand| o.len as u64 * if o.access == Access::Update { 2 } else { 1 };
        let largest = operands.iter().map(|operand| operand.len as u64).max().unwrap_or(0);
        Cost {
            operations: self.multiply_adds().map_or(largest, |count| 2 * count as u64),
            bytes: 4 * operands.iter().map(words).sum::<u64>(),
        }
    }

    /// Multiply-adds of the operations that are sums of products; the others cost about one
    /// operation an element.
    fn multiply_adds(&self) -> Option<usize> {
        Some(match *self {
            Self::ConvForward(c) | Self::ConvBackwardData(c) | Self::ConvBackwardWeight(c) => {
                c.output_len() * c.in_channels * c.kernel_height * c.kernel_width
            }
            Self::LinearForward(l) | Self::LinearBackwardData(l) | Self::LinearBackwardWeight(l) => {
                l.batch * l.inputs * l.outputs
            }
            Self::PairwiseDistances { classes, features } => classes * classes * features,
            Self::GroundDistance { classes } => classes * classes * classes,
            _ => return None,
        })
    }

    /// The operation's name as printed in plans, checks and benches.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::Augment(..) => "augment",
            Self::CentreCrops(_) => "centre_crops",
            Self::ConvForward(_) => "conv_forward",
            Self::ConvBackwardData(_) => "conv_backward_data",
            Self::ConvBackwardWeight(_) => "conv_backward_weight",
            Self::LinearForward(_) => "linear_forward",
            Self::LinearBackwardData(_) => "linear_backward_data",
            Self::LinearBackwardWeight(_) => "linear_backward_weight",
            Self::MaxPoolForward(_) => "max_pool_forward",
            Self::MaxPoolReluForward(_) => "max_pool_relu_forward",
            Self::MaxPoolBackward(_) => "max_pool_backward",
            Self::AveragePoolForward(_) => "average_pool_forward",
            Self::AveragePoolBackward(_) => "average_pool_backward",
            Self::ReluForward(_) => "relu_forward",
            Self::ReluBackward(_) => "relu_backward",
            Self::Dropout(_) => "dropout",
            Self::Add(_) => "add",
            Self::BatchNormStatistics(_) => "batch_norm_statistics",
            Self::BatchNormForward(_) => "batch_norm_forward",
            Self::BatchNormInference(_) => "batch_norm_inference",
            Self::BatchNormBackwardWeight(_) => "batch_norm_backward_weight",
            Self::BatchNormBackwardData(_) => "batch_norm_backward_data",
            Self::BatchRows { .. } => "batch_rows",
            Self::Loss(kind, _) => kind.name(),
            Self::Tally(_) => "tally",
            Self::AveragePredictions { link: Link::Softmax, .. } => "average_predictions",
            Self::AveragePredictions { link: Link::Conditional, .. } => "average_conditionals",
            Self::AveragePredictions { link: Link::Identity, .. } => "average_outputs",
            Self::ClassSums { .. } => "class_sums",
            Self::Centroids { .. } => "centroids",
            Self::PairwiseDistances { .. } => "pairwise_distances",
            Self::GroundDistance { .. } => "ground_distance",
            Self::Sgd(_) => "sgd",
        }
    }
}
