//! Rank correlations with ties.

/// Spearman's rank correlation; ties share their average rank. O(n log n).
///
/// `None` when the lengths differ, either input is constant (or shorter than two), or an entry is NaN.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    if !comparable(a, b) {
        return None;
    }
    let (ra, rb) = (centred_ranks(a), centred_ranks(b));
    let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
    // The root of the product, not the product of the roots, which would miss 1 by a rounding.
    let scale = (dot(&ra, &ra) * dot(&rb, &rb)).sqrt();
    (scale > 0.0).then(|| (dot(&ra, &rb) / scale).clamp(-1.0, 1.0))
}

/// Average ranks less their mean, so that they add up to nothing.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mean = (values.len() as f64 - 1.0) / 2.0;
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for run in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = first as f64 + (run.len() as f64 - 1.0) / 2.0 - mean;
        run.iter().for_each(|&i| ranks[i] = rank);
        first += run.len();
    }
    ranks
}

/// Kendall's tau-b, which allows for ties. O(n log n), by Knight's count of merge-sort exchanges.
///
/// `None` when the lengths differ, either input is constant (or shorter than two), or an entry is NaN.
pub fn kendall(a: &[f64], b: &[f64]) -> Option<f64> {
    if !comparable(a, b) {
        return None;
    }
    // Adding zero makes -0 equal to 0 in the total order too.
    let mut pairs: Vec<(f64, f64)> = a.iter().zip(b).map(|(x, y)| (x + 0.0, y + 0.0)).collect();
    pairs.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.total_cmp(&q.1)));
    let all = pairs_of(pairs.len());
    let tied_a = tied_pairs(pairs.chunk_by(|p, q| p.0 == q.0));
    let tied_both = tied_pairs(pairs.chunk_by(|p, q| p == q));
    let mut second: Vec<f64> = pairs.iter().map(|p| p.1).collect();
    let discordant = sort_counting_inversions(&mut second);
    let tied_b = tied_pairs(second.chunk_by(|p, q| p == q));
    let difference = all as f64 - (tied_a + tied_b) as f64 + tied_both as f64 - 2.0 * discordant as f64;
    let scale = ((all - tied_a) as f64 * (all - tied_b) as f64).sqrt();
    (scale > 0.0).then(|| (difference / scale).clamp(-1.0, 1.0))
}

/// Whether two samples can be ranked against each other.
fn comparable(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && !a.iter().chain(b).any(|value| value.is_nan())
}

fn pairs_of(n: usize) -> u64 {
    let n = n as u64;
    n * n.saturating_sub(1) / 2
}

fn tied_pairs<'a, T: 'a>(runs: impl Iterator<Item = &'a [T]>) -> u64 {
    runs.map(|run| pairs_of(run.len())).sum()
}

/// Sorts, and returns how many pairs stood in strictly descending order.
fn sort_counting_inversions(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut inversions = sort_counting_inversions(left) + sort_counting_inversions(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        if right[j] < left[i] {
            inversions += (left.len() - i) as u64;
            merged.push(right[j]);
            j += 1;
        } else {
            merged.push(left[i]);
            i += 1;
        }
    }
    merged.extend_from_slice(&left[i..]);
    merged.extend_from_slice(&right[j..]);
    values.copy_from_slice(&merged);
    inversions
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, fixture, floats};
    use super::*;

    #[test]
    fn undefined_correlations_are_absent() {
        assert_eq!(spearman(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(kendall(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
        assert_eq!(spearman(&[1.0, f64::NAN], &[1.0, 2.0]), None);
        assert_eq!(kendall(&[1.0, 2.0], &[f64::NAN, 2.0]), None);
        assert_eq!(spearman(&[1.0, 2.0], &[1.0]), None);
        assert_eq!((spearman(&[], &[]), kendall(&[7.0], &[7.0])), (None, None));
    }

    #[test]
    fn rank_correlations_agree_with_scipy() {
        for case in fixture("metrics.json") {
            let (score, real) = (floats(&case["score"]), floats(&case["real"]));
            let expected = |key: &str| case[key].as_f64().unwrap();
            close(spearman(&score, &real).unwrap(), expected("spearman"));
            close(kendall(&score, &real).unwrap(), expected("kendall"));
        }
    }

    #[test]
    fn kendall_agrees_with_counting_pairs() {
        let n = 300;
        let a: Vec<f64> = (0..n).map(|i| f64::from(i * 7919 % 41)).collect();
        let b: Vec<f64> = (0..n).map(|i| f64::from(i * 104_729 % 37) + 0.1 * f64::from(i % 5)).collect();
        let (mut sum, mut untied_a, mut untied_b) = (0.0, 0.0, 0.0);
        for i in 0..n as usize {
            for j in 0..i {
                let sign = |v: &[f64]| v[i].partial_cmp(&v[j]).unwrap() as i32 as f64;
                sum += sign(&a) * sign(&b);
                untied_a += sign(&a).abs();
                untied_b += sign(&b).abs();
            }
        }
        close(kendall(&a, &b).unwrap(), sum / f64::sqrt(untied_a) / f64::sqrt(untied_b));
    }

    #[test]
    fn perfect_and_reversed_orders_are_exactly_one() {
        let up: Vec<f64> = (0..100_000).map(f64::from).collect();
        let down: Vec<f64> = up.iter().rev().copied().collect();
        assert_eq!((spearman(&up, &up), kendall(&up, &up)), (Some(1.0), Some(1.0)));
        assert_eq!((spearman(&up, &down), kendall(&up, &down)), (Some(-1.0), Some(-1.0)));
        assert_eq!(kendall(&[0.0, -0.0, 1.0], &[1.0, 1.0, 2.0]), Some(1.0));
    }
}
