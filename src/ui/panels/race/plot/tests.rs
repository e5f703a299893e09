use super::*;

fn values(marks: &[GridMark]) -> Vec<f64> {
    marks.iter().map(|mark| mark.value).collect()
}

#[test]
fn epochs_have_whole_marks() {
    let marks =
        |low: f64, high: f64, step: f64| values(&epoch_marks(GridInput { bounds: (low, high), base_step_size: step }));
    assert_eq!(marks(0.8, 4.2, 0.07), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(marks(-1.0, 51.0, 1.9), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
    assert_eq!(marks(1.0, 1000.0, 60.0), [500.0, 1000.0]);
}

#[test]
fn a_logarithmic_axis_has_decades_or_round_values() {
    let marks = |low: f64, high: f64| {
        let marks = decade_marks(GridInput { bounds: (low.log10(), high.log10()), base_step_size: 0.01 });
        marks.into_iter().map(|mark| (10f64.powf(mark.value) * 1e6).round() / 1e6).collect::<Vec<f64>>()
    };
    assert_eq!(marks(0.5, 12.0), [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
    assert_eq!(marks(41.0, 58.0), [45.0, 50.0, 55.0]);
    assert!(marks(1e-200, 1e200).is_empty());
}

#[test]
fn the_axis_has_room_for_what_comes() {
    assert_eq!([0, 1, 7, 8].map(|done| last_epoch(done, 8)), [8; 4]);
    assert_eq!([1, 9, 17, 60, 100].map(|done| last_epoch(done, 100)), [8, 16, 32, 64, 100]);
    assert_eq!((last_epoch(0, 1), last_epoch(5, 3)), (2, 5));
}

#[test]
fn only_positive_values_have_a_place_on_a_logarithmic_axis() {
    let plotted =
        |logarithmic| Plotted { metric: Metric::Mae, curves: Vec::new(), logarithmic, replayed: None, last: 8 };
    let points = [[1.0, 100.0], [2.0, 0.0], [3.0, -1.0]];
    assert_eq!(plotted(true).placed(&points), [[1.0, 2.0]]);
    assert_eq!(plotted(false).placed(&points), points);
}

#[test]
fn what_is_written_is_what_is_shown() {
    let band = Band { mean: vec![[1.0, 40.0], [2.0, 45.0]], deviation: vec![0.0; 2] };
    let raw = vec![[1.0, 40.0], [2.0, 60.0]];
    let curve = Curve { name: "emd".to_owned(), color: Color32::RED, band: band.clone(), raw, paper: None };
    let of = |metric| Plotted { metric, curves: Vec::new(), logarithmic: false, replayed: None, last: 8 };
    let chart = Plotted { curves: vec![curve], ..of(Metric::TopFive) }.chart();
    assert_eq!((chart.title.as_str(), chart.percent), ("top-5 error, %", true));
    assert_eq!(chart.lines, [("emd".to_owned(), band.mean)], "smoothed as it is shown");
    assert!(!of(Metric::Sdd).chart().percent);
}
