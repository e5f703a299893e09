use super::*;
use crate::ui::fixture::random;

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// All distances between some places, row by row.
fn between(places: &[[f64; 2]]) -> Vec<f64> {
    places.iter().flat_map(|&a| places.iter().map(move |&b| apart(a, b))).collect()
}

fn scattered(n: usize, seed: u64) -> Vec<[f64; 2]> {
    let mut next = random(seed);
    (0..n).map(|_| [3.0 * next(), next()]).collect()
}

/// The places with their centre at the origin.
fn centred(places: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mean = [0, 1].map(|axis| places.iter().map(|place| place[axis]).sum::<f64>() / places.len() as f64);
    places.iter().map(|place| [place[0] - mean[0], place[1] - mean[1]]).collect()
}

#[test]
fn eigenvectors_satisfy_their_equation() {
    for n in [1, 2, 3, 8, 40] {
        let mut next = random(n as u64);
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                matrix[i * n + j] = next() - 0.5;
                matrix[j * n + i] = matrix[i * n + j];
            }
        }
        let pairs = eigen(&matrix, n);
        for (at, (value, vector)) in pairs.iter().enumerate() {
            for (row, entry) in matrix.chunks_exact(n).zip(vector) {
                let product: f64 = row.iter().zip(vector).map(|(a, v)| a * v).sum();
                assert!((product - value * entry).abs() <= 1e-12, "{product} is not {value} * {entry}");
            }
            for (other, (_, beside)) in pairs.iter().enumerate() {
                let dot: f64 = vector.iter().zip(beside).map(|(v, w)| v * w).sum();
                assert!((dot - f64::from(u8::from(at == other))).abs() <= 1e-12, "{dot}");
            }
        }
        assert!(pairs.windows(2).all(|pair| pair[0].0 >= pair[1].0));
        let (trace, sum) =
            ((0..n).map(|i| matrix[i * n + i]).sum::<f64>(), pairs.iter().map(|pair| pair.0).sum::<f64>());
        assert!((trace - sum).abs() <= 1e-12, "{trace} is not {sum}");
    }
}

#[test]
fn eigenvalues_of_a_known_matrix() {
    // The second difference of four places: 2 - 2 cos(k pi / 5).
    let matrix = [2.0, -1.0, 0.0, 0.0, -1.0, 2.0, -1.0, 0.0, 0.0, -1.0, 2.0, -1.0, 0.0, 0.0, -1.0, 2.0];
    for (at, (value, _)) in eigen(&matrix, 4).into_iter().enumerate() {
        let expected = 2.0 - 2.0 * ((4 - at) as f64 * std::f64::consts::PI / 5.0).cos();
        assert!((value - expected).abs() <= 1e-12, "{value} is not {expected}");
    }
}

#[test]
fn places_in_a_plane_are_found_again() {
    for n in [2, 3, 8, 50] {
        let places = scattered(n, n as u64);
        let found = scale(&between(&places), n).unwrap();
        for (a, b) in between(&found.places).iter().zip(between(&places)) {
            assert!((a - b).abs() <= 1e-7, "{a} is not {b}");
        }
        assert!((found.shares[1] - 1.0).abs() <= 1e-9, "{:?}", found.shares);
        assert!(found.shares[0] <= found.shares[1]);
    }
}

#[test]
fn a_line_needs_one_dimension_and_equal_distances_need_many() {
    let line: Vec<[f64; 2]> = (0..6).map(|at| [at as f64 * 0.4, 0.0]).collect();
    let found = scale(&between(&line), 6).unwrap();
    assert!((found.shares[0] - 1.0).abs() <= 1e-9, "{:?}", found.shares);
    assert!(found.places.iter().all(|place| place[1].abs() <= 1e-6), "{:?}", found.places);
    let equal: Vec<f64> = (0..36).map(|at| if at / 6 == at % 6 { 0.0 } else { 0.5 }).collect();
    let shares = scale(&equal, 6).unwrap().shares;
    assert!((shares[0] - 0.2).abs() <= 1e-9 && (shares[1] - 0.4).abs() <= 1e-9, "{shares:?}");
}

#[test]
fn what_cannot_be_laid_out_is_told() {
    assert_eq!(scale(&[0.0, f64::NAN, 1.0, 0.0], 2), None);
    assert_eq!(scale(&[0.0, 1.0], 2), None);
    assert_eq!(scale(&[], 0), Some(Scaled { places: Vec::new(), shares: [0.0; 2] }));
    assert_eq!(scale(&[0.0], 1).unwrap().places, [[0.0; 2]]);
    assert_eq!(scale(&[0.0; 9], 3).unwrap().places, [[0.0; 2]; 3]);
}

#[test]
fn a_turned_or_mirrored_layout_is_turned_back() {
    let places = centred(&scattered(9, 4));
    for (angle, mirror) in [(0.3f64, 1.0), (2.8, 1.0), (-1.9, -1.0), (0.0, -1.0)] {
        let (s, c) = angle.sin_cos();
        let mut other: Vec<[f64; 2]> =
            places.iter().map(|&[x, y]| [c * x - s * mirror * y, s * x + c * mirror * y]).collect();
        align(&mut other, &places);
        for (a, b) in other.iter().zip(&places) {
            assert!(apart(*a, *b) <= 1e-12, "{a:?} is not {b:?} at {angle}, {mirror}");
        }
    }
}

#[test]
fn no_other_turn_is_nearer() {
    let (places, to) = (centred(&scattered(7, 1)), centred(&scattered(7, 2)));
    let far = |places: &[[f64; 2]]| -> f64 { places.iter().zip(&to).map(|(a, b)| apart(*a, *b).powi(2)).sum() };
    let mut best = places.clone();
    align(&mut best, &to);
    for step in 0..720 {
        let ((s, c), mirror) = ((f64::from(step / 2) / 57.3).sin_cos(), f64::from(1 - 2 * (step % 2)));
        let turned: Vec<[f64; 2]> =
            places.iter().map(|&[x, y]| [c * x - s * mirror * y, s * x + c * mirror * y]).collect();
        assert!(far(&best) <= far(&turned) + 1e-12, "{} is farther than {}", far(&best), far(&turned));
    }
}
