//! Lowering: which tasks an operation becomes.

use super::task::Task;
use super::{batch, conv, elementwise, linear, loss, norm, pool, reading};
use crate::plan::{Link, Op};

/// The tasks of one operation, in order. Every operation has an arm: one without a task does not compile.
pub(super) fn lower(op: &Op) -> Vec<Task> {
    let task = match *op {
        Op::ConvForward(c) => return conv::forward(&c),
        Op::ConvBackwardData(c) => return conv::backward_data(&c),
        Op::ConvBackwardWeight(c) => return conv::backward_weight(&c),
        Op::LinearForward(l) => return linear::forward(&l),
        Op::LinearBackwardData(l) => return linear::backward_data(&l),
        Op::LinearBackwardWeight(l) => return linear::backward_weight(&l),
        Op::GroundDistance { classes } => return reading::ground_distance(op, classes),
        Op::Tick => reading::tick(op),
        Op::Augment(c, on) => batch::augment(op, &c, on),
        Op::CentreCrops(c) => batch::centre_crops(op, &c),
        Op::BatchRows { batch, .. } => batch::rows(op, batch),
        Op::MaxPoolForward(p) => pool::max_forward(op, &p, false),
        Op::MaxPoolReluForward(p) => pool::max_forward(op, &p, true),
        Op::MaxPoolBackward(p) => pool::max_backward(op, &p),
        Op::AveragePoolForward(p) => pool::average_forward(op, &p),
        Op::AveragePoolBackward(p) => pool::average_backward(op, &p),
        Op::ReluForward(len) => elementwise::relu_forward(op, len),
        Op::ReluBackward(len) => elementwise::relu_backward(op, len),
        Op::Dropout(d) => elementwise::dropout(op, &d),
        Op::Add(len) => elementwise::add(op, len),
        Op::Sgd(len) => elementwise::sgd(op, len),
        Op::BatchNormStatistics(n) => norm::statistics(op, &n),
        Op::BatchNormForward(n) => norm::forward(op, &n),
        Op::BatchNormInference(n) => norm::inference(op, &n),
        Op::BatchNormBackwardWeight(n) => norm::backward_weight(op, &n),
        Op::BatchNormBackwardData(n) => norm::backward_data(op, &n),
        Op::Loss(kind, s) => loss::loss(op, kind, &s),
        Op::Tally(s) => reading::tally(op, &s),
        Op::AveragePredictions { shape, rows, link: Link::Softmax } => reading::average_predictions(op, &shape, rows),
        Op::AveragePredictions { shape, rows, link: Link::Conditional } => {
            reading::average_conditionals(op, &shape, rows)
        }
        Op::AveragePredictions { shape, rows, link: Link::Identity } => reading::average_outputs(op, shape.batch, rows),
        Op::ClassSums { features, .. } => reading::class_sums(op, features),
        Op::Centroids { classes, features } => reading::centroids(op, classes, features),
        Op::PairwiseDistances { classes, features } => reading::pairwise_distances(op, classes, features),
    };
    vec![task]
}

/// Words of the largest sample or matrix whose words the operation's tasks count in 32 bits; of those without taps none.
pub(super) fn reach(op: &Op) -> usize {
    match *op {
        Op::ConvForward(c) | Op::ConvBackwardData(c) | Op::ConvBackwardWeight(c) => conv::reach(&c),
        Op::LinearForward(l) | Op::LinearBackwardData(l) | Op::LinearBackwardWeight(l) => linear::reach(&l),
        _ => 0,
    }
}
