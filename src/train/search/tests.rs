use super::*;
use crate::cpu::Cpu;
use crate::data::source::Source;

fn open() -> Result<Box<dyn Executor>, TrainError> {
    Ok(Box::new(Cpu::open(Some(1))))
}

fn settings() -> Settings {
    Settings { epochs: 4, batch: 16, side: 16, stored_side: 16, channels: vec![4], hidden: 8, ..Settings::default() }
}

fn data() -> Arc<Dataset> {
    Arc::new(Source::Faces { train: 96, test: 32 }.load(16, 1, &|_, _| ()).unwrap().0)
}

/// A rate that is far too large diverges and comes last, one that moves nothing falls out, and the last try told is the
/// one to train with.
#[test]
fn the_better_half_goes_on_and_what_diverges_loses() {
    let rates = [1e30, 0.02, 1e-7, 0.01];
    let tries = search(&mut open, &data(), &settings(), Loss::Emd, &rates).unwrap();
    let epochs: Vec<usize> = tries.iter().map(|tried| tried.epochs).collect();
    assert_eq!(epochs, [1, 1, 4, 4], "two are trained a quarter; the last two have all epochs");
    let [.., second, best] = tries.as_slice() else { panic!("{tries:?}") };
    assert!(best.chosen && best.aem >= second.aem, "{tries:?}");
    assert!(tries.iter().filter(|tried| tried.chosen).count() == 1);
    let diverged = tries.iter().find(|tried| tried.learning_rate == 1e30).unwrap();
    assert!(diverged.aem.is_none() && diverged.epochs == 1, "{tries:?}");
    assert!(tries.iter().all(|tried| tried.loss == "emd"));
}

/// What was trained rung by rung is what would have been trained at once.
#[test]
fn a_try_taken_on_is_the_run_it_would_have_been() {
    let (data, settings) = (data(), settings());
    let tries = search(&mut open, &data, &settings, Loss::Xemd2, &[0.01]).unwrap();
    let whole = Settings { losses: vec![Loss::Xemd2], learning_rate: 0.01, ..settings };
    let (row, _) = finish(Trainer::new(open().unwrap(), data, whole).unwrap()).unwrap();
    assert_eq!((tries[0].aem, tries[0].aeo), (Some(row.aem), Some(row.aeo)));
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let error = search(&mut open, &data(), &settings(), Loss::Xe, &[1e30, 1e29]).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
}

#[test]
fn the_papers_rates_are_half_powers_of_ten() {
    for (at, rate) in RATES.iter().enumerate() {
        let expected = 10_f64.powf(-1.5 - 0.5 * at as f64);
        assert!((f64::from(*rate) / expected - 1.0).abs() <= 1e-6, "{rate}");
    }
}
