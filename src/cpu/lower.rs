//! Lowering: which tasks an operation becomes.

use super::task::Task;
use super::{batch, conv, elementwise, linear, loss, norm, pool, reading};
use crate::plan::{Link, Op};

/// The tasks of one operation, in order.
pub(super) fn lower(op: &Op) -> Vec<Task> {
    match *op {
        Op::ConvForward(c) => conv::forward(&c),
        Op::ConvBackwardData(c) => conv::backward_data(&c),
        Op::ConvBackwardWeight(c) => conv::backward_weight(&c),
        Op::LinearForward(l) => linear::forward(&l),
        Op::LinearBackwardData(l) => linear::backward_data(&l),
        Op::LinearBackwardWeight(l) => linear::backward_weight(&l),
        Op::GroundDistance { classes } => reading::ground_distance(op, classes),
        _ => vec![single(op)],
    }
}

/// The task of an operation that needs one.
fn single(op: &Op) -> Task {
    match *op {
        Op::Augment(c, on) => batch::augment(op, &c, on),
        Op::CentreCrops(c) => batch::centre_crops(op, &c),
        Op::ChannelSum { batch, channels, plane } => conv::channel_sum(op, batch, channels, plane),
        Op::MaxPoolForward(p) => pool::max_forward(op, &p),
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
        _ => reading(op),
    }
}

/// Sums, counts and distances.
fn reading(op: &Op) -> Task {
    match *op {
        Op::Tick => reading::tick(op),
        Op::SumTerms(_) => reading::sum_terms(op),
        Op::CountConfusion(s) => reading::count_confusion(op, &s),
        Op::BatchRows { batch, .. } => batch::rows(op, batch),
        Op::AveragePredictions { shape, rows, link } => match link {
            Link::Softmax => reading::average_predictions(op, &shape, rows),
            Link::Conditional => reading::average_conditionals(op, &shape, rows),
            Link::Identity => reading::average_outputs(op, shape.batch, rows),
        },
        Op::FeatureNorms { batch, features } => reading::feature_norms(op, batch, features),
        Op::ClassSums { features, .. } => reading::class_sums(op, features),
        Op::Centroids { classes, features } => reading::centroids(op, classes, features),
        Op::PairwiseDistances { classes, features } => reading::pairwise_distances(op, classes, features),
        _ => unreachable!("lowered by the callers"),
    }
}
