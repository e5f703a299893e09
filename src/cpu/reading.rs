//! What an epoch is judged by, and the ground distance learned from its features (section 3.1).

use super::loss::{most, softmax};
use super::ordinal::chain;
use super::task::{Cut, Task, Words, operands, write};
use super::tile::{sum, vectorised};
use crate::plan::{Clock, LossShape, Op, PADDING, TERMS};

const WHOLE: Cut = Cut::Whole;

/// One step, one batch further.
pub(super) fn tick(op: &Op) -> Task {
    Task::new(op, 1, [WHOLE], |_, [clock]| {
        let clock: &mut Clock = bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(clock.integers_mut()));
        clock.step = clock.step.wrapping_add(1);
        clock.cursor = clock.cursor.wrapping_add(1);
    })
}

/// The batch's terms, faults and pairs of label and prediction.
pub(super) fn tally(op: &Op, s: &LossShape) -> Task {
    let classes = s.classes;
    Task::new(op, 1, [WHOLE; 7], move |_, [probabilities, terms, targets, clock, sums, fault, confusion]| {
        let finite = sum_terms(terms.floats(), targets.integers(), sums.floats_mut());
        if let ([first, count], false) = (fault.integers_mut(), finite) {
            if *first == 0 {
                *first = clock.integers()[2].wrapping_add(1);
            }
            *count += 1;
        }
        count_confusion(probabilities.floats(), targets.integers(), classes, confusion.integers_mut());
    })
}

/// sums += (loss, cross-entropy, |distance term|, samples) of the batch; whether all losses are finite.
fn sum_terms(terms: &[f32], targets: &[u32], sums: &mut [f32]) -> bool {
    let samples = terms.as_chunks::<TERMS>().0.iter().zip(targets);
    let (mut batch, mut finite) = ([0.0; TERMS + 1], true);
    for ([loss, cross_entropy, distance], _) in samples.filter(|(_, target)| **target != PADDING) {
        for (sum, term) in batch.iter_mut().zip([*loss, *cross_entropy, distance.abs(), 1.0]) {
            *sum += term;
        }
        finite &= loss.is_finite();
    }
    sums.iter_mut().zip(batch).for_each(|(sum, term)| *sum += term);
    finite
}

/// confusion[label, most probable class] += 1; the first of equals wins.
fn count_confusion(probabilities: &[f32], targets: &[u32], classes: usize, confusion: &mut [u32]) {
    let rows = probabilities.chunks_exact(classes).zip(targets);
    for (row, target) in rows.filter(|(_, target)| **target != PADDING) {
        confusion[*target as usize * classes + most(row)] += 1;
    }
}

/// The mean softmax of crop and mirror image, also kept in `outcomes`, which begins again when it is full.
pub(super) fn average_predictions(op: &Op, s: &LossShape, rows: usize) -> Task {
    let predict = |logits: &[f32], p: &mut [f32]| {
        softmax(logits, p);
    };
    average_distributions(op, s, s.classes, rows, predict)
}

/// The mean of the distributions of both chains of conditional probabilities, kept likewise.
pub(super) fn average_conditionals(op: &Op, s: &LossShape, rows: usize) -> Task {
    average_distributions(op, s, s.classes - 1, rows, chain)
}

fn average_distributions(
    op: &Op,
    s: &LossShape,
    outputs: usize,
    rows: usize,
    predict: impl Fn(&[f32], &mut [f32]) + Send + Sync + 'static,
) -> Task {
    let LossShape { batch, classes } = *s;
    let work = move |_, [logits, clock, averages, outcomes]: &mut [Words<'_>; 4], other: &mut [f32]| {
        let (plain, mirrored) = logits.floats().split_at(batch * outputs);
        let first = clock.integers()[3] as usize * batch;
        let pairs = plain.chunks_exact(outputs).zip(mirrored.chunks_exact(outputs));
        for ((n, (plain, mirrored)), average) in pairs.enumerate().zip(averages.floats_mut().chunks_exact_mut(classes))
        {
            predict(plain, average);
            predict(mirrored, other);
            average.iter_mut().zip(&*other).for_each(|(p, q)| *p = 0.5 * (*p + q));
            outcomes.floats_mut()[(first + n) % rows * classes..][..classes].copy_from_slice(average);
        }
    };
    Task::with_scratch(operands(op, [WHOLE; 4]), 1, classes, work)
}

/// The mean of the outputs for crop and mirror image of networks with one output, kept likewise.
pub(super) fn average_outputs(op: &Op, batch: usize, rows: usize) -> Task {
    Task::new(op, 1, [WHOLE; 4], move |_, [outputs, clock, averages, outcomes]| {
        let (plain, mirrored) = outputs.floats().split_at(batch);
        let first = clock.integers()[3] as usize * batch;
        let pairs = plain.iter().zip(mirrored).zip(averages.floats_mut());
        for (n, ((plain, mirrored), average)) in pairs.enumerate() {
            *average = 0.5 * (plain + mirrored);
            outcomes.floats_mut()[(first + n) % rows] = *average;
        }
    })
}

/// class_sums[k] += features[n] / (their L1 norm) for every row n of class k, rows in order; an all-zero
/// row counts with zeros.
pub(super) fn class_sums(op: &Op, features: usize) -> Task {
    Task::new(op, 1, [WHOLE; 4], move |_, [rows, targets, sums, counts]| {
        let samples = rows.floats().chunks_exact(features).zip(targets.integers());
        for (row, class) in samples.filter(|(_, class)| **class != PADDING) {
            let class = *class as usize;
            counts.integers_mut()[class] += 1;
            let sums = sums.floats_mut()[class * features..][..features].iter_mut().zip(row);
            vectorised!({
                let norm = sum(features, |f| row[f].abs());
                if norm > 0.0 {
                    sums.for_each(|(sum, feature)| *sum += feature / norm);
                }
            });
        }
    })
}

/// centroids[k] = sums[k] / counts[k]; a class without samples keeps its last centroid.
pub(super) fn centroids(op: &Op, classes: usize, features: usize) -> Task {
    let cuts = [Cut::Each(features), Cut::Each(1), Cut::Each(features)];
    Task::new(op, classes, cuts, move |_, [sums, counts, centroids]| {
        let rows = sums.floats().chunks_exact(features).zip(centroids.floats_mut().chunks_exact_mut(features));
        for ((sums, centroid), count) in rows.zip(counts.integers()).filter(|(_, count)| **count > 0) {
            centroid.iter_mut().zip(sums).for_each(|(centre, sum)| *centre = sum / *count as f32);
        }
    })
}

/// Equation 2 with l = 2. Both of a pair are computed from the same differences squared in the same
/// order, so that the matrix is exactly symmetric.
pub(super) fn pairwise_distances(op: &Op, classes: usize, features: usize) -> Task {
    Task::new(op, classes, [WHOLE, Cut::Each(classes)], move |units, [centroids, distances]| {
        let centroid = |class: usize| &centroids.floats()[class * features..][..features];
        for (i, row) in units.zip(distances.floats_mut().chunks_exact_mut(classes)) {
            for (j, distance) in row.iter_mut().enumerate() {
                let (a, b) = (centroid(i), centroid(j));
                *distance = vectorised!(sum(features, |f| (a[f] - b[f]) * (a[f] - b[f]))).sqrt();
            }
        }
    })
}

/// Equations 12 and 13: of each row the ranks of its entries, looked up among the row's sorted entries; then the mean of
/// each with the opposite one, in place, as shares of the classes.
pub(super) fn ground_distance(op: &Op, classes: usize) -> Vec<Task> {
    let rows = Cut::Each(classes);
    let ranks = Task::with_scratch(operands(op, [rows; 2]), classes, classes, move |_, [distances, ranks], sorted| {
        let rows = distances.floats().chunks_exact(classes).zip(ranks.floats_mut().chunks_exact_mut(classes));
        for (row, ranks) in rows {
            sorted.copy_from_slice(row);
            sorted.sort_unstable_by(f32::total_cmp);
            for (rank, entry) in ranks.iter_mut().zip(row) {
                *rank = sorted.partition_point(|other| other < entry) as f32;
            }
        }
    });
    let means = Task::with_scratch(vec![write(1, WHOLE)], 1, 0, move |_, [ground], _| {
        let ground = ground.floats_mut();
        for i in 0..classes {
            for j in 0..=i {
                let mean = (ground[i * classes + j] + ground[j * classes + i]) / (2 * classes) as f32;
                (ground[i * classes + j], ground[j * classes + i]) = (mean, mean);
            }
        }
    });
    vec![ranks, means]
}
