//! Seriation: reads a linear order of the classes off a matrix of distances between them.
//!
//! The order sought is the least-squares one. Over all arrangements that give class `i` the place `p(i)` in
//! 0..C, the sum over pairs of `(D(i, j) - a |p(i) - p(j)|)^2` is smallest, whatever the scale `a > 0`, where
//!
//! ```text
//! F(p) = sum over i < j of D(i, j) |p(i) - p(j)|
//! ```
//!
//! is largest, because the squares of `|p(i) - p(j)|` add up to the same in every arrangement. Every entry has its
//! say, so noise averages out, and a matrix whose entries never fall away from the diagonal (a Robinson matrix,
//! which need not be straight: far classes may all be about as far) has its own order among the largest.
//!
//! F is also the sum over the C - 1 gaps of the arrangement of all distances across the gap. Each such sum depends
//! only on which classes stand left of the gap, so dynamic programming over sets of classes solves it exactly; above
//! [`EXACT_CLASSES`] a spectral order improved by local search stands in. Portable and deterministic.

use super::metrics::kendall;

/// Up to this many classes the order is optimal; above, it is a local optimum.
pub const EXACT_CLASSES: usize = 14;

/// Rounds of power iteration for the Fiedler vector; local search makes up for what they leave.
const POWER_ROUNDS: usize = 200;
/// Passes of local search over all classes; in practice a few reach a local optimum.
const SEARCH_ROUNDS: usize = 100;
/// Local searches from different starts.
const STARTS: u64 = 6;

/// Classes in their recovered linear order, from a C x C row-major matrix of distances.
///
/// Only the distances matter, not how classes are numbered: where they leave the order open (all equal, say), the
/// result is a fixed arbitrary one. The two directions of an order are equally good, and the one nearer to 0..C is
/// returned. The matrix is read as its symmetric part; an entry that is not finite counts as the mean of the others.
///
/// # Panics
/// If `d` does not hold `classes` squared entries.
pub fn seriate(d: &[f64], classes: usize) -> Vec<usize> {
    assert_eq!(d.len(), classes * classes, "the matrix must be C x C");
    let label = scrambled(classes, 0);
    let matrix = Matrix::symmetric_part(d, &label);
    let places = if classes <= EXACT_CLASSES { exact_order(&matrix) } else { heuristic_order(&matrix) };
    let mut order: Vec<usize> = places.iter().map(|&at| label[at]).collect();
    if tau(&order).is_some_and(|tau| tau < 0.0) {
        order.reverse();
    }
    order
}

/// How well an order of classes agrees with 0..C, in either direction: the absolute value of Kendall's tau, 0 to 1.
///
/// Fewer than two classes are in order (1). Small C score high by chance: two classes always score 1, and of the
/// orders of three classes a third do.
pub fn order_tau(order: &[usize]) -> f64 {
    tau(order).map_or(1.0, f64::abs)
}

fn tau(order: &[usize]) -> Option<f64> {
    let places: Vec<f64> = (0..order.len()).map(|place| place as f64).collect();
    let classes: Vec<f64> = order.iter().map(|&class| class as f64).collect();
    kendall(&places, &classes)
}

/// A fixed arbitrary arrangement of 0..n, so that ties among distances cannot favour the caller's numbering.
fn scrambled(n: usize, seed: u64) -> Vec<usize> {
    // The output function of SplitMix64: a bijection, so that no two keys of one arrangement are equal.
    let key = |i: usize| {
        let mut x = (seed << 32 | i as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
        x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| key(i));
    order
}

/// A symmetric matrix of finite distances with a zero diagonal.
struct Matrix {
    n: usize,
    entries: Vec<f64>,
}

impl Matrix {
    /// Row and column `i` of the result are row and column `label[i]` of `d`.
    fn symmetric_part(d: &[f64], label: &[usize]) -> Self {
        let n = label.len();
        let finite = || d.iter().filter(|value| value.is_finite());
        let mean = finite().sum::<f64>() / finite().count().max(1) as f64;
        let entry = |i: usize, j: usize| {
            let value = d[label[i] * n + label[j]];
            if value.is_finite() { value } else { mean }
        };
        let mut entries = vec![0.0; n * n];
        for i in 0..n {
            for j in (0..n).filter(|&j| j != i) {
                entries[i * n + j] = (entry(i, j) + entry(j, i)) / 2.0;
            }
        }
        Self { n, entries }
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.entries[i * self.n..(i + 1) * self.n]
    }
}

/// Dynamic programming over sets: the best arrangement whose first classes are the set S has the value
/// `best(S) = cut(S) + max over v in S of best(S without v)`, where `cut(S)` adds up the distances between S and
/// the other classes. O(C 2^C).
fn exact_order(matrix: &Matrix) -> Vec<usize> {
    let n = matrix.n;
    let cut = cuts(matrix);
    let mut best = vec![0.0; 1 << n];
    let mut last = vec![0u8; 1 << n];
    for set in 1..1usize << n {
        let before = |v: usize| best[set & !(1 << v)];
        let mut chosen = set.trailing_zeros() as usize;
        for v in members(set) {
            if before(v) > before(chosen) {
                chosen = v;
            }
        }
        best[set] = cut[set] + before(chosen);
        last[set] = chosen as u8;
    }
    let mut order = vec![0; n];
    let mut set = (1 << n) - 1;
    for place in order.iter_mut().rev() {
        *place = last[set] as usize;
        set &= !(1 << *place);
    }
    order
}

/// For every set of classes, the sum of distances between it and the rest.
fn cuts(matrix: &Matrix) -> Vec<f64> {
    let mut cut = vec![0.0; 1 << matrix.n];
    for set in 1..cut.len() {
        let v = set.trailing_zeros() as usize;
        let rest = set & !(1 << v);
        let row = matrix.row(v);
        let inside: f64 = members(rest).map(|w| row[w]).sum();
        cut[set] = cut[rest] + row.iter().sum::<f64>() - 2.0 * inside;
    }
    cut
}

/// The positions of the bits that are set.
fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).filter(move |v| set >> v & 1 == 1)
}

/// The best of several local searches, one from the spectral order and the others from arbitrary ones.
fn heuristic_order(matrix: &Matrix) -> Vec<usize> {
    let mut starts = vec![spectral_order(matrix)];
    starts.extend((1..STARTS).map(|seed| scrambled(matrix.n, seed)));
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for mut order in starts {
        improve(matrix, &mut order);
        let value = criterion(matrix, &order);
        if value > best.0 {
            best = (value, order);
        }
    }
    best.1
}

/// F, the sum of distances times the number of places between.
fn criterion(matrix: &Matrix, order: &[usize]) -> f64 {
    let pull = pulls(matrix, order);
    order.iter().enumerate().map(|(place, &v)| place as f64 * pull[v]).sum()
}

fn spectral_order(matrix: &Matrix) -> Vec<usize> {
    let fiedler = fiedler_vector(matrix);
    let mut order: Vec<usize> = (0..matrix.n).collect();
    order.sort_by(|&i, &j| fiedler[i].total_cmp(&fiedler[j]));
    order
}

/// The eigenvector of the second smallest eigenvalue of the Laplacian of the similarities `max D - D`: sorting by it
/// orders a Robinson matrix (Atkins, Boman and Hendrickson 1998). Power iteration on `s I - L`, with `s` above the
/// largest eigenvalue, kept orthogonal to the constant vector.
fn fiedler_vector(matrix: &Matrix) -> Vec<f64> {
    let n = matrix.n;
    let largest = matrix.entries.iter().copied().fold(f64::MIN, f64::max);
    let degrees: Vec<f64> = (0..n).map(|i| (n - 1) as f64 * largest - matrix.row(i).iter().sum::<f64>()).collect();
    let shift = 2.0 * degrees.iter().copied().fold(0.0, f64::max);
    let mut vector: Vec<f64> = (0..n).map(|i| i as f64 - (n - 1) as f64 / 2.0).collect();
    for _ in 0..POWER_ROUNDS {
        // (s I - L) x, where L x = degree x - A x and, x being orthogonal to 1, A x = -largest x - D x.
        let mut next: Vec<f64> = (0..n)
            .map(|i| {
                let dx: f64 = matrix.row(i).iter().zip(&vector).map(|(d, x)| d * x).sum();
                (shift - degrees[i] - largest) * vector[i] - dx
            })
            .collect();
        let mean = next.iter().sum::<f64>() / n as f64;
        next.iter_mut().for_each(|x| *x -= mean);
        let norm = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 || !norm.is_finite() {
            break;
        }
        vector = next.into_iter().map(|x| x / norm).collect();
    }
    vector
}

/// Moves single classes to the place where they raise F most, until none does.
///
/// With `pull(v)` the distances from v to the classes on its left less those on its right, exchanging neighbours u, v
/// raises F by the pulls of u less that of v, their own distance aside; a class is walked past all others that way,
/// so that trying every place costs O(C), and a round O(C^2).
fn improve(matrix: &Matrix, order: &mut Vec<usize>) {
    let n = matrix.n;
    let mut pull = pulls(matrix, order);
    let scale: f64 = matrix.entries.iter().map(|d| d.abs()).sum();
    for _ in 0..SEARCH_ROUNDS {
        let mut moved = false;
        for u in 0..n {
            // A class is in the order exactly once.
            let Some(from) = order.iter().position(|&v| v == u) else {
                continue;
            };
            let (gain, to) = best_place(matrix, order, &pull, from);
            if gain > 1e-12 * scale {
                walk(matrix, order, &mut pull, from, to);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
}

fn pulls(matrix: &Matrix, order: &[usize]) -> Vec<f64> {
    let mut pull = vec![0.0; matrix.n];
    for (place, &v) in order.iter().enumerate() {
        let row = matrix.row(v);
        let sum = |part: &[usize]| -> f64 { part.iter().map(|&w| row[w]).sum() };
        pull[v] = sum(&order[..place]) - sum(&order[place + 1..]);
    }
    pull
}

/// The largest gain of F from moving the class at `from`, and the place it moves to.
fn best_place(matrix: &Matrix, order: &[usize], pull: &[f64], from: usize) -> (f64, usize) {
    let u = order[from];
    let row = matrix.row(u);
    let mut best = (0.0, from);
    for rightwards in [true, false] {
        let (mut gain, mut own) = (0.0, pull[u]);
        let places: &mut dyn Iterator<Item = usize> =
            if rightwards { &mut (from + 1..order.len()) } else { &mut (0..from).rev() };
        for place in places {
            let v = order[place];
            // Passing v turns the sign of D(u, v) in both pulls; halfway it is in neither.
            let turn = if rightwards { row[v] } else { -row[v] };
            let step = (own + turn) - (pull[v] - turn);
            gain += if rightwards { step } else { -step };
            own += 2.0 * turn;
            if gain > best.0 {
                best = (gain, place);
            }
        }
    }
    best
}

/// Moves the class at `from` to the place `to`, and the pulls with it.
fn walk(matrix: &Matrix, order: &mut Vec<usize>, pull: &mut [f64], from: usize, to: usize) {
    let u = order.remove(from);
    order.insert(to, u);
    let (passed, turn) = if from < to { (&order[from..to], 2.0) } else { (&order[to + 1..=from], -2.0) };
    for &v in passed {
        pull[u] += turn * matrix.row(u)[v];
        pull[v] -= turn * matrix.row(u)[v];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 2 of the paper: distances learned between eight age groups.
    const TABLE_2: [[f64; 8]; 8] = [
        [0.0, 0.31, 0.67, 0.83, 0.79, 0.88, 0.93, 1.00],
        [0.31, 0.0, 0.31, 0.63, 0.69, 0.81, 0.87, 0.93],
        [0.67, 0.31, 0.0, 0.31, 0.50, 0.69, 0.74, 0.88],
        [0.83, 0.63, 0.31, 0.0, 0.24, 0.50, 0.62, 0.76],
        [0.79, 0.69, 0.50, 0.24, 0.0, 0.31, 0.56, 0.71],
        [0.88, 0.81, 0.69, 0.50, 0.31, 0.0, 0.37, 0.51],
        [0.93, 0.87, 0.74, 0.62, 0.56, 0.37, 0.0, 0.24],
        [1.00, 0.93, 0.88, 0.76, 0.71, 0.51, 0.24, 0.0],
    ];

    /// Uniform in [0, 1), by a linear congruential generator.
    fn random(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    fn shuffled(n: usize, seed: u64) -> Vec<usize> {
        let mut next = random(seed);
        let keys: Vec<f64> = (0..n).map(|_| next()).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| keys[i].total_cmp(&keys[j]));
        order
    }

    /// Entry (i, j) of the result is entry (order[i], order[j]) of `d`.
    fn arranged(d: &[f64], order: &[usize]) -> Vec<f64> {
        let n = order.len();
        let entry = |at: usize| d[order[at / n] * n + order[at % n]];
        (0..n * n).map(entry).collect()
    }

    fn noisy_line(n: usize, noise: f64, seed: u64) -> Vec<f64> {
        let mut next = random(seed);
        let mut d = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                d[i * n + j] = (i - j) as f64 + noise * (next() - 0.5);
                d[j * n + i] = d[i * n + j];
            }
        }
        d
    }

    fn direct_criterion(d: &[f64], order: &[usize]) -> f64 {
        let n = order.len();
        (0..n * n).map(|at| d[order[at / n] * n + order[at % n]] * (at / n).abs_diff(at % n) as f64).sum::<f64>() / 2.0
    }

    /// Shuffles the classes, recovers the order, and checks that it is the true one in either direction.
    #[track_caller]
    fn recovers_when_shuffled(d: &[f64], n: usize, seed: u64) {
        let order = shuffled(n, seed);
        let found: Vec<usize> = seriate(&arranged(d, &order), n).iter().map(|&i| order[i]).collect();
        assert_eq!(order_tau(&found), 1.0, "recovered {found:?}");
    }

    #[test]
    fn recovers_table_2_of_the_paper() {
        let d = TABLE_2.concat();
        assert_eq!(seriate(&d, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
        (0..20).for_each(|seed| recovers_when_shuffled(&d, 8, seed));
    }

    #[test]
    fn recovers_noisy_lines_below_and_above_the_exact_limit() {
        for (n, noise) in [(3, 0.9), (8, 2.0), (14, 2.0), (15, 2.0), (40, 3.0), (101, 5.0)] {
            (0..5).for_each(|seed| recovers_when_shuffled(&noisy_line(n, noise, seed), n, seed + 90));
        }
    }

    #[test]
    fn recovers_saturating_distances() {
        for n in [10, 60] {
            let curve = |at: usize| 1.0 - (-0.3 * (at / n).abs_diff(at % n) as f64).exp();
            let d: Vec<f64> = (0..n * n).map(curve).collect();
            (0..5).for_each(|seed| recovers_when_shuffled(&d, n, seed));
        }
    }

    #[test]
    fn exact_order_is_the_best_of_all() {
        for seed in 0..5 {
            let mut next = random(seed);
            let d: Vec<f64> = (0..36).map(|_| next()).collect();
            let found = direct_criterion(&d, &seriate(&d, 6));
            let best = permutations(6).map(|order| direct_criterion(&d, &order)).fold(f64::MIN, f64::max);
            assert!((found - best).abs() <= 1e-12, "{found} against {best}");
        }
    }

    fn permutations(n: usize) -> impl Iterator<Item = Vec<usize>> {
        (0..(1..=n).product()).map(move |mut code| {
            let mut left: Vec<usize> = (0..n).collect();
            (0..n)
                .map(|i| {
                    let at = code % (n - i);
                    code /= n - i;
                    left.remove(at)
                })
                .collect()
        })
    }

    #[test]
    fn heuristic_finds_the_exact_order_of_a_noisy_line() {
        for seed in 0..20 {
            let d = noisy_line(12, 12.0, seed);
            let matrix = Matrix::symmetric_part(&d, &shuffled(12, seed));
            let value = |order: Vec<usize>| direct_criterion(&matrix.entries, &order);
            let (exact, found) = (value(exact_order(&matrix)), value(heuristic_order(&matrix)));
            assert!((found / exact - 1.0).abs() <= 1e-9, "{found} against {exact}");
        }
    }

    #[test]
    fn local_search_gains_what_it_counts() {
        let matrix = Matrix::symmetric_part(&noisy_line(20, 9.0, 3), &shuffled(20, 4));
        let mut order: Vec<usize> = (0..20).collect();
        let mut pull = pulls(&matrix, &order);
        for from in [0, 7, 19, 12, 3] {
            let before = direct_criterion(&matrix.entries, &order);
            let (gain, to) = best_place(&matrix, &order, &pull, from);
            walk(&matrix, &mut order, &mut pull, from, to);
            let after = direct_criterion(&matrix.entries, &order);
            assert!((after - before - gain).abs() <= 1e-9, "{before} + {gain} is not {after}");
            let fresh = pulls(&matrix, &order);
            assert!(pull.iter().zip(&fresh).all(|(a, b)| (a - b).abs() <= 1e-9));
        }
    }

    #[test]
    fn a_matrix_without_order_does_not_yield_the_true_one() {
        for n in [8, 30] {
            for value in [0.0, 0.5] {
                let mut order = seriate(&vec![value; n * n], n);
                assert!(order_tau(&order) < 0.6, "{order:?}");
                order.sort_unstable();
                assert_eq!(order, (0..n).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn few_classes_and_unusable_entries_do_no_harm() {
        assert!(seriate(&[], 0).is_empty());
        assert_eq!(seriate(&[0.0], 1), [0]);
        assert_eq!(seriate(&[0.0, 1.0, 1.0, 0.0], 2), [0, 1]);
        let mut d = TABLE_2.concat();
        (d[3], d[24]) = (f64::NAN, f64::NAN);
        assert_eq!(seriate(&d, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
        let mut order = seriate(&vec![f64::INFINITY; 400], 20);
        order.sort_unstable();
        assert_eq!(order, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn order_tau_ignores_direction() {
        assert_eq!(order_tau(&[0, 1, 2, 3]), 1.0);
        assert_eq!(order_tau(&[3, 2, 1, 0]), 1.0);
        assert!((order_tau(&[1, 0, 2, 3]) - 2.0 / 3.0).abs() <= 1e-12);
        assert_eq!((order_tau(&[]), order_tau(&[0])), (1.0, 1.0));
    }

    #[test]
    fn orders_hundreds_of_classes() {
        let order = seriate(&noisy_line(400, 80.0, 5), 400);
        assert!(order_tau(&order) > 0.99, "{}", order_tau(&order));
    }
}
