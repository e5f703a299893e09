//! The estimate of the ground distance (section 3.1).

use super::{is_padding, mismatch};
use crate::plan::Op;

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    match (op, &mut *operands) {
        (Op::ClassSums { features: f, .. }, [features, targets, class_sums, class_counts]) => {
            add_class_sums(*f, features, targets, class_sums, class_counts);
        }
        (Op::Centroids { features, .. }, [class_sums, class_counts, centroids]) => {
            update_centroids(*features, class_sums, class_counts, centroids);
        }
        (Op::PairwiseDistances { features, .. }, [centroids, distances]) => {
            *distances = pairwise_distances(*features, centroids);
        }
        (Op::GroundDistance { classes }, [distances, ground]) => *ground = ground_distance(*classes, distances),
        _ => mismatch(op, operands),
    }
}

/// Adds each sample's row, divided by its L1 norm, to the sum of its class, and counts it. A row of zeros counts with zeros.
pub fn add_class_sums(
    features: usize,
    rows: &[f64],
    targets: &[f64],
    class_sums: &mut [f64],
    class_counts: &mut [f64],
) {
    for (row, &target) in rows.chunks(features).zip(targets) {
        if is_padding(target) {
            continue;
        }
        let class = target as usize;
        let norm: f64 = row.iter().map(|value| value.abs()).sum();
        class_counts[class] += 1.0;
        for (sum, value) in class_sums[class * features..].iter_mut().zip(row) {
            *sum += if norm > 0.0 { value / norm } else { 0.0 };
        }
    }
}

/// The mean row of each class; a class without samples keeps what it had.
pub fn update_centroids(features: usize, class_sums: &[f64], class_counts: &[f64], centroids: &mut [f64]) {
    for (at, centroid) in centroids.iter_mut().enumerate() {
        let count = class_counts[at / features];
        if count > 0.0 {
            *centroid = class_sums[at] / count;
        }
    }
}

/// Euclidean distances between all pairs of centroids (equation 2 with l = 2).
#[must_use]
pub fn pairwise_distances(features: usize, centroids: &[f64]) -> Vec<f64> {
    let squares = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let row = |a| centroids.chunks(features).map(move |b| squares(a, b).sqrt());
    centroids.chunks(features).flat_map(row).collect()
}

/// `D = (B + B^T) / 2` (equation 13), where B_ij is the number of entries of row i that are
/// smaller than its entry j, over the number of classes (equation 12).
#[must_use]
pub fn ground_distance(classes: usize, distances: &[f64]) -> Vec<f64> {
    let mut percentiles = Vec::new();
    for row in distances.chunks(classes) {
        let rank = |distance: &f64| row.iter().filter(|other| *other < distance).count() as f64;
        percentiles.extend(row.iter().map(|distance| rank(distance) / classes as f64));
    }
    let mut ground = Vec::new();
    for i in 0..classes {
        for j in 0..classes {
            ground.push((percentiles[i * classes + j] + percentiles[j * classes + i]) / 2.0);
        }
    }
    ground
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, fixture, numbers};
    use super::*;
    use crate::plan::PADDING;

    /// Features to ground distance in two batches, the second padded, against NumPy.
    #[test]
    fn estimates_are_those_of_the_fixtures() {
        for case in fixture("ground.json")["cases"].as_array().unwrap() {
            let classes = case["classes"].as_u64().unwrap() as usize;
            let (mut rows, mut labels) = (numbers(&case["features"]), numbers(&case["labels"]));
            let features = rows.len() / labels.len();
            rows.extend(vec![9.0; features]);
            labels.push(f64::from(PADDING));
            let (mut sums, mut counts) = (vec![0.0; classes * features], vec![0.0; classes]);
            let half = labels.len() / 2;
            for (rows, labels) in
                [(&rows[..half * features], &labels[..half]), (&rows[half * features..], &labels[half..])]
            {
                add_class_sums(features, rows, labels, &mut sums, &mut counts);
            }
            assert_eq!(counts.iter().sum::<f64>() as usize, labels.len() - 1);
            let mut centroids = vec![f64::NAN; classes * features];
            update_centroids(features, &sums, &counts, &mut centroids);
            assert_close(&centroids, &numbers(&case["centroids"]), 1e-10);
            let distances = pairwise_distances(features, &centroids);
            assert_close(&distances, &numbers(&case["dbar"]), 1e-10);
            assert_close(&ground_distance(classes, &distances), &numbers(&case["ground"]), 1e-10);
        }
    }

    #[test]
    fn a_class_without_samples_keeps_its_centroid() {
        let mut centroids = [1.0, 2.0, 3.0, 4.0];
        update_centroids(2, &[10.0, 20.0, 30.0, 40.0], &[4.0, 0.0], &mut centroids);
        assert_eq!(centroids, [2.5, 5.0, 3.0, 4.0]);
    }

    #[test]
    fn a_row_of_zeros_counts_with_zeros() {
        let (mut sums, mut counts) = ([0.5, 0.5], [1.0]);
        add_class_sums(2, &[0.0, 0.0, 3.0, -1.0], &[0.0, 0.0], &mut sums, &mut counts);
        assert_eq!((sums, counts), ([1.25, 0.25], [3.0]));
    }

    /// Row 0 is 0 1 1, row 1 is 1 0 2, row 2 is 1 2 0: ranks 0 1 1 / 1 0 2 / 1 2 0 over 3.
    #[test]
    fn ties_share_a_rank() {
        let ground = ground_distance(3, &[0.0, 1.0, 1.0, 1.0, 0.0, 2.0, 1.0, 2.0, 0.0]);
        let third = 1.0 / 3.0;
        assert_close(&ground, &[0.0, third, third, third, 0.0, 2.0 * third, third, 2.0 * third, 0.0], 1e-15);
    }
}
