use super::*;
use crate::nn::Loss;
use crate::ui::fixture::known;

#[test]
fn ranks_count_what_is_nearer() {
    let distances = [0.0, 0.2, 0.3, 0.2, 0.0, 0.2, 0.3, 0.2, 0.0];
    let third = 1.0 / 3.0;
    assert_eq!(ranks(&distances, 3), [0.0, third, 2.0 * third, third, 0.0, third, 2.0 * third, third, 0.0]);
    assert!(ranks(&[], 0).is_empty());
}

#[test]
fn d_is_the_mean_of_ranks_there_and_back() {
    let known = known(2);
    let result = &known.epochs[&2][2];
    let ranks = ranks(&result.distances, 8);
    for (at, d) in result.ground.iter().enumerate() {
        let mean = (ranks[at] + ranks[at % 8 * 8 + at / 8]) / 2.0;
        assert!((mean - d).abs() <= 1e-12, "{mean} is not {d}");
    }
}

#[test]
fn tables_follow_epoch_racer_and_kind() {
    let known = known(3);
    let mut tables = Tables::default();
    for epoch in [3, 1, 3] {
        for (racer, loss) in [Loss::Xe, Loss::Emd].into_iter().enumerate() {
            let result = &known.epochs[&epoch][racer];
            assert_eq!(result.row.loss, loss.name());
            assert_eq!(tables.of(Kind::Ground, result).0, result.ground);
            let (raw, most) = tables.of(Kind::Raw, result);
            assert_eq!(raw, result.distances);
            assert!(raw.iter().all(|&distance| distance <= most) && raw.contains(&most));
        }
    }
}

#[test]
fn the_difference_is_to_ordered_classes() {
    let known = known(1);
    let result = &known.epochs[&1][0];
    let mut tables = Tables::default();
    let (values, _) = tables.of(Kind::Difference, result);
    let expected = result.ground[1] - 1.0 / 7.0;
    assert!((values[1] - expected).abs() <= 1e-7, "{} is not {expected}", values[1]);
    assert_eq!(values[9], 0.0);
}

#[test]
fn small_distances_keep_their_digits() {
    assert_eq!([0.0, 0.05, 0.31].map(|value| Kind::Raw.text(value)), ["0.00", "0.050", "0.31"]);
    assert_eq!(Kind::Difference.text(-0.125), "-0.12");
}
