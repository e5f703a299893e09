use super::*;
use crate::data::source::Source;
use crate::nn::Loss;
use crate::ui::fixture::{known, race, scene};
use crate::worker::message::Scene;

#[test]
fn smoothing_is_a_weighted_mean_of_what_came_before() {
    let points = [[1.0, 4.0], [2.0, 8.0], [3.0, 0.0]];
    assert_eq!(smoothed(&points, 0.0), points);
    let half = smoothed(&points, 0.5);
    // Weights 1/2 and 1/4 of 3/4, then 1/2, 1/4 and 1/8 of 7/8.
    let expected = [4.0, (8.0 / 2.0 + 4.0 / 4.0) / 0.75, (8.0 / 4.0 + 4.0 / 8.0) / 0.875];
    for (point, expected) in half.iter().zip(expected) {
        assert!((point[1] - expected).abs() <= 1e-12, "{} is not {expected}", point[1]);
    }
    assert!(smoothed(&[[1.0, 7.0], [2.0, 7.0]], 0.95).iter().all(|point| (point[1] - 7.0).abs() <= 1e-12));
}

#[test]
fn the_mean_over_runs_is_of_those_that_have_the_epoch() {
    let band = over_runs(&[vec![[1.0, 2.0], [2.0, 5.0]], vec![[1.0, 4.0]]]);
    assert_eq!(band.mean, [[1.0, 3.0], [2.0, 5.0]]);
    assert!((band.deviation[0] - 2f64.sqrt()).abs() <= 1e-12 && band.deviation[1] == 0.0, "{:?}", band.deviation);
}

#[test]
fn only_runs_that_differ_in_their_seed_alone_are_taken_together() {
    let losses = [Loss::Xe, Loss::Emd];
    let mut known = Known::default();
    let other = |change: fn(&mut Scene)| {
        let mut scene = scene(8, &losses, 7);
        change(&mut scene);
        scene
    };
    race(&mut known, scene(8, &losses, 1), 2);
    race(&mut known, other(|scene| scene.settings.learning_rate = 0.01), 3);
    race(&mut known, other(|scene| scene.settings.losses.truncate(1)), 3);
    race(&mut known, other(|scene| scene.source = Source::Faces { train: 800, test: 96 }), 3);
    race(&mut known, other(|scene| scene.protocol.fold = Some(2)), 3);
    race(&mut known, scene(8, &losses, 1), 4);
    race(&mut known, scene(8, &losses, 2), 5);
    race(&mut known, scene(8, &losses, 3), 6);
    let epochs: Vec<usize> = sisters(&known).iter().map(|rows| rows.len() / losses.len()).collect();
    assert_eq!(epochs, [6, 5, 4], "the present one, then the latest of each other seed");
    assert!(sisters(&Known::default()).is_empty());
}

#[test]
fn points_are_of_one_loss_and_of_numbers_alone() {
    let mut known = known(3);
    known.rows[0].aem = f64::NAN;
    let first = known.rows[0].loss.clone();
    let epochs = |loss: &str| points(&known.rows, loss, Metric::Aem).iter().map(|point| point[0]).collect::<Vec<f64>>();
    assert_eq!((epochs(&first), epochs("emd")), (vec![2.0, 3.0], vec![1.0, 2.0, 3.0]));
    assert!(points(&known.rows, "xe", Metric::Lambda).is_empty());
}
