use super::*;
use crate::cpu::Cpu;
use crate::data::source::Source;

/// Trains on one thread, remembers, and gives up after so many tries.
struct OneThread {
    memory: Option<Memory>,
    /// Tries begun.
    opened: usize,
    most: usize,
    shares: Vec<f64>,
}

impl Default for OneThread {
    fn default() -> Self {
        Self { memory: None, opened: 0, most: usize::MAX, shares: Vec::new() }
    }
}

impl Searcher for OneThread {
    type Error = TrainError;

    fn open(&mut self) -> Result<Box<dyn Executor>, TrainError> {
        self.opened += 1;
        Ok(Box::new(Cpu::open(Some(1))))
    }

    fn recall(&self, wanted: &Try) -> Option<Try> {
        self.memory.as_ref()?.recall(wanted)
    }

    fn keep(&mut self, tried: &Try) -> Result<(), TrainError> {
        self.memory.iter_mut().for_each(|memory| memory.keep(tried).unwrap());
        Ok(())
    }

    fn go_on(&mut self, share: f64) -> Result<(), TrainError> {
        self.shares.push(share);
        match self.opened {
            opened if opened > self.most => Err(TrainError::LostAgain { times: 0, why: "enough".to_owned() }),
            _ => Ok(()),
        }
    }
}

fn settings() -> Settings {
    Settings { epochs: 4, batch: 16, side: 16, stored_side: 16, channels: vec![4], hidden: 8, ..Settings::default() }
}

fn data() -> Arc<Dataset> {
    Arc::new(Source::Faces { train: 96, test: 32 }.load(16, 1, &|_, _| ()).unwrap().0)
}

fn rates(rates: &[f32]) -> Choices {
    Choices { rates: rates.to_vec(), regularisers: REGULARISERS.to_vec() }
}

/// A rate that is far too large diverges and comes last, one that moves nothing falls out, and the last try told is the
/// one to train with.
#[test]
fn the_better_half_goes_on_and_what_diverges_loses() {
    let mut searcher = OneThread::default();
    let tries = search(&mut searcher, &data(), &settings(), Loss::Emd, &rates(&[1e30, 0.02, 1e-7, 0.01])).unwrap();
    let epochs: Vec<usize> = tries.iter().map(|tried| tried.epochs).collect();
    assert_eq!(epochs, [1, 1, 4, 4], "two are trained a quarter; the last two have all epochs");
    let [.., second, best] = tries.as_slice() else { panic!("{tries:?}") };
    assert!(best.chosen && best.aem >= second.aem, "{tries:?}");
    assert!(tries.iter().filter(|tried| tried.chosen).count() == 1);
    let diverged = tries.iter().find(|tried| tried.learning_rate == 1e30).unwrap();
    assert!(diverged.aem.is_none() && diverged.epochs == 1 && diverged.diverged_at.is_some(), "{tries:?}");
    assert!(tries.iter().all(|tried| tried.loss == "emd" && tried.regulariser.is_none()));
    assert!(searcher.shares.is_sorted() && searcher.shares.last() == Some(&1.0), "{:?}", searcher.shares);
}

/// What was trained rung by rung is what would have been trained at once.
#[test]
fn a_try_taken_on_is_the_run_it_would_have_been() {
    let settings = settings();
    let tries = search(&mut OneThread::default(), &data(), &settings, Loss::Xemd2, &rates(&[0.01])).unwrap();
    let [tried] = tries.as_slice() else { panic!("{tries:?}") };
    let mut whole = Candidate::new(&settings, Loss::Xemd2, Try { epochs: 4, aem: None, aeo: None, ..tried.clone() });
    whole.train(&mut OneThread::default(), &data(), 0, &Extent { done: 0, all: 4 }).unwrap();
    assert!(tried.aem.is_some());
    assert_eq!((tried.aem, tried.aeo), (whole.tried.aem, whole.tried.aeo));
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let error = search(&mut OneThread::default(), &data(), &settings(), Loss::Xe, &rates(&[1e30, 1e29])).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { step: 1.., .. }), "{error}");
}

/// In its jump start a self-guided loss is cross-entropy, which tells nothing of it.
#[test]
fn the_first_rung_lies_beyond_the_jump_start() {
    let settings = Settings { epochs: 16, jump_start: 4, ..settings() };
    assert_eq!(rungs(&settings, Loss::Xemd2), [7, 10, 16]);
    assert_eq!(rungs(&settings, Loss::Emd), [4, 8, 16]);
    let short = Settings { epochs: 3, ..settings.clone() };
    assert_eq!(rungs(&short, Loss::Xemd1), [1, 2, 3], "never guided");
    let all = rates(&RATES);
    assert_eq!(all.epochs(&settings, Loss::Xe), 7 * 4 + 4 * 4 + 2 * 8);
    assert_eq!((all.count(Loss::AEmd), all.count(Loss::Xe)), (21, 7));
}

#[test]
fn the_regulariser_is_chosen_with_the_rate() {
    let settings = Settings { ground: crate::train::Ground::Ordered, ..settings() };
    let tries = search(&mut OneThread::default(), &data(), &settings, Loss::AEmd, &rates(&[0.01])).unwrap();
    let mut weights: Vec<f32> = tries.iter().filter_map(|tried| tried.regulariser).collect();
    weights.sort_by(f32::total_cmp);
    assert_eq!(weights, REGULARISERS);
    let aems: Vec<_> = tries.iter().filter(|tried| tried.epochs == 4).map(|tried| (tried.aem, tried.aeo)).collect();
    assert!(aems.len() == 2 && tries[2].chosen && aems[1] >= aems[0], "{tries:?}");
}

/// A search that was ended measures nothing twice; of other settings or data it remembers nothing.
#[test]
fn a_search_that_was_ended_is_gone_on_with() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("rates.json");
    let (data, settings, choices) = (data(), settings(), rates(&[0.02, 0.01, 0.005]));
    let whole = search(&mut OneThread::default(), &data, &settings, Loss::Emd, &choices).unwrap();
    let remembering =
        |most| OneThread { memory: Some(Memory::at(&path, &settings, &data)), most, ..OneThread::default() };
    let mut first = remembering(2);
    search(&mut first, &data, &settings, Loss::Emd, &choices).unwrap_err();
    assert_eq!(first.opened, 3, "the third was begun and given up");
    let mut second = remembering(usize::MAX);
    assert_eq!(search(&mut second, &data, &settings, Loss::Emd, &choices).unwrap(), whole);
    let mut third = remembering(usize::MAX);
    assert_eq!(search(&mut third, &data, &settings, Loss::Emd, &choices).unwrap(), whole);
    assert_eq!((second.opened + 2, third.opened), (3 + 2 + 2, 0));
    assert!(second.shares.is_sorted() && third.shares.is_sorted(), "{:?}", second.shares);
    let known = &whole[2];
    assert_eq!(Memory::at(&path, &settings, &data).recall(known).map(|tried| tried.aem), Some(known.aem));
    let other = Settings { momentum: 0.5, ..settings.clone() };
    assert_eq!(Memory::at(&path, &other, &data).recall(known), None);
    let mut fewer = (*data).clone();
    fewer.train = fewer.train.select(&[0, 1, 2]);
    assert_eq!(Memory::at(&path, &settings, &fewer).recall(known), None);
}

#[test]
fn the_papers_rates_are_half_powers_of_ten() {
    for (at, rate) in RATES.iter().enumerate() {
        let expected = 10_f64.powf(-1.5 - 0.5 * at as f64);
        assert!((f64::from(*rate) / expected - 1.0).abs() <= 1e-6, "{rate}");
    }
}
