//! Sums of an epoch: loss terms, the confusion matrix, averaged predictions.

use super::loss::softmax;
use super::{first_largest, is_padding, mismatch};
use crate::plan::{Link, LossShape, Op};

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    match (op, &mut *operands) {
        (Op::Tally(shape), [probabilities, terms, targets, clock, sums, fault, confusion]) => {
            sum_terms(terms, targets, clock, sums, fault);
            count_confusion(shape, probabilities, targets, confusion);
        }
        (Op::AveragePredictions { shape, rows, link }, [logits, clock, averages, outcomes]) => {
            *averages = average_predictions(shape, *rows, *link, logits, clock, outcomes);
        }
        _ => mismatch(op, operands),
    }
}

/// Adds the terms of the rows that hold samples to `sums`: loss, cross-entropy, the distance term
/// by its absolute value, and the number of these rows. `fault` holds 1 + the first step in which
/// one of the terms was not finite (0 while there is none), and the number of such steps.
pub fn sum_terms(terms: &[f64], targets: &[f64], clock: &[f64], sums: &mut [f64], fault: &mut [f64]) {
    let mut finite = true;
    for (row, _) in terms.chunks(3).zip(targets).filter(|(_, target)| !is_padding(**target)) {
        sums[0] += row[0];
        sums[1] += row[1];
        sums[2] += row[2].abs();
        sums[3] += 1.0;
        finite &= row.iter().all(|term| term.is_finite());
    }
    if !finite {
        let step = clock[2];
        fault[0] = if fault[0] == 0.0 { 1.0 + step } else { fault[0] };
        fault[1] += 1.0;
    }
}

/// Adds 1 at (label, most probable class) for each row that holds a sample.
pub fn count_confusion(shape: &LossShape, probabilities: &[f64], targets: &[f64], confusion: &mut [f64]) {
    for (row, &target) in probabilities.chunks(shape.classes).zip(targets) {
        if !is_padding(target) {
            confusion[target as usize * shape.classes + first_largest(row)] += 1.0;
        }
    }
}

/// The prediction that a row of outputs stands for.
fn prediction(link: Link, outputs: &[f64]) -> Vec<f64> {
    match link {
        Link::Softmax => softmax(outputs),
        Link::Conditional => super::loss::ordinal::chain(outputs),
        Link::Identity => outputs.to_vec(),
    }
}

/// The mean of the predictions for each sample's crop (row b of the logits) and its mirror image
/// (row batch + b; section 4.1). It is also put into row (cursor * batch + b) % rows of `outcomes`.
#[must_use]
pub fn average_predictions(
    shape: &LossShape,
    rows: usize,
    link: Link,
    logits: &[f64],
    clock: &[f64],
    outcomes: &mut [f64],
) -> Vec<f64> {
    let LossShape { batch, classes } = *shape;
    let (outputs, columns) = (link.outputs(classes), link.columns(classes));
    let row = |index: usize| prediction(link, &logits[index * outputs..(index + 1) * outputs]);
    let mut probabilities = Vec::new();
    for b in 0..batch {
        let mean: Vec<f64> = row(b).iter().zip(row(batch + b)).map(|(crop, mirror)| (crop + mirror) / 2.0).collect();
        let outcome = (clock[3] as usize * batch + b) % rows;
        outcomes[outcome * columns..(outcome + 1) * columns].copy_from_slice(&mean);
        probabilities.extend(mean);
    }
    probabilities
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;
    use crate::plan::PADDING;

    #[test]
    fn terms_of_samples_are_summed_and_faults_noted_once() {
        let targets = [2.0, f64::from(PADDING), 0.0];
        let mut terms = [1.0, 2.0, -3.0, f64::NAN, 50.0, 60.0, 10.0, 20.0, 30.0];
        let (mut sums, mut fault) = ([100.0, 200.0, 300.0, 4.0], [0.0, 0.0]);
        sum_terms(&terms, &targets, &[9.0, 9.0, 6.0, 9.0], &mut sums, &mut fault);
        assert_eq!((sums, fault), ([111.0, 222.0, 333.0, 6.0], [0.0, 0.0]));
        terms[6] = f64::INFINITY;
        sum_terms(&terms, &targets, &[9.0, 9.0, 6.0, 9.0], &mut sums, &mut fault);
        assert_eq!(fault, [7.0, 1.0]);
        sum_terms(&terms, &targets, &[9.0, 9.0, 8.0, 9.0], &mut sums, &mut fault);
        assert_eq!(fault, [7.0, 2.0]);
    }

    #[test]
    fn the_confusion_matrix_has_labels_as_rows_and_first_maxima_as_columns() {
        let shape = LossShape { batch: 4, classes: 3 };
        let probabilities = [0.2, 0.5, 0.3, 0.4, 0.2, 0.4, 0.0, 0.0, 1.0, 0.1, 0.1, 0.8];
        let mut confusion = [0.0; 9];
        confusion[1] = 7.0;
        count_confusion(&shape, &probabilities, &[0.0, 2.0, 1.0, f64::from(PADDING)], &mut confusion);
        assert_eq!(confusion, [0.0, 8.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn predictions_are_averaged_after_softmax_and_kept_in_turn() {
        let shape = LossShape { batch: 2, classes: 2 };
        let (a, b) = (f64::ln(3.0), f64::ln(9.0));
        let logits = [0.0, 0.0, a, 0.0, a, 0.0, 0.0, b];
        let mut outcomes = [-1.0; 10];
        let got = average_predictions(&shape, 5, Link::Softmax, &logits, &[0.0, 0.0, 0.0, 2.0], &mut outcomes);
        assert_close(&got, &[0.625, 0.375, 0.425, 0.575], 1e-15);
        assert_eq!(outcomes[2..8], [-1.0; 6]);
        assert_eq!((&outcomes[8..], &outcomes[..2]), (&got[..2], &got[2..]));
    }

    #[test]
    fn outputs_are_averaged_as_they_are() {
        let shape = LossShape { batch: 2, classes: 8 };
        let mut outcomes = [-1.0; 3];
        let logits = [4.0, -1.0, 5.0, 2.0];
        let got = average_predictions(&shape, 3, Link::Identity, &logits, &[0.0, 0.0, 0.0, 1.0], &mut outcomes);
        assert_eq!((got, outcomes), (vec![4.5, 0.5], [0.5, -1.0, 4.5]));
    }
}
