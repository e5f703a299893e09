//! Training with every loss, on the processor: it lowers the loss, and what is asked of it in bad faith ends in finite
//! numbers or in an error that says why.

use backhoe::cpu::Cpu;
use backhoe::data::source::Source;
use backhoe::data::{Dataset, Images};
use backhoe::nn::Loss;
use backhoe::train::{Advance, EpochResult, Event, Ground, Lambda, Settings, TrainError, Trainer};
use std::sync::Arc;

/// Width and height of all images.
const SIDE: usize = 16;

/// A small network, the same ground distance throughout, no jump start: one function is minimised all the time.
fn settings(losses: &[Loss]) -> Settings {
    Settings {
        losses: losses.to_vec(),
        epochs: 1,
        batch: 8,
        learning_rate: 0.02,
        side: SIDE,
        stored_side: SIDE,
        channels: vec![4, 8],
        hidden: 16,
        lambda: Lambda::Fixed(0.3),
        jump_start: 0,
        ground: Ground::Ordered,
        ..Settings::default()
    }
}

/// The results of all epochs.
fn train(data: &Dataset, settings: Settings) -> Result<Vec<EpochResult>, TrainError> {
    let mut trainer = Trainer::new(Box::new(Cpu::open(Some(2))), Arc::new(data.clone()), settings)?;
    let mut events = Vec::new();
    loop {
        match trainer.advance(&mut events)? {
            Advance::Working => {}
            Advance::Waiting => trainer.executor().wait()?,
            Advance::Resting | Advance::Finished => break,
        }
    }
    let results = events.into_iter().filter_map(|event| match event {
        Event::Epoch(result) => Some(*result),
        _ => None,
    });
    Ok(results.collect())
}

fn assert_sound(result: &EpochResult, classes: usize) {
    let row = &result.row;
    assert!(row.train_loss.is_finite() && row.mae.is_finite(), "{row:?}");
    for (sample, p) in result.outcomes.chunks(classes).enumerate() {
        let total: f32 = p.iter().sum();
        assert!((total - 1.0).abs() < 1e-4 && p.iter().all(|p| *p >= 0.0), "sample {sample} of {}: {p:?}", row.loss);
    }
}

#[test]
fn training_lowers_every_loss() {
    let data = Source::Faces { train: 320, test: 80 }.load(SIDE, 1, &|_, _| ()).unwrap().0;
    let results = train(&data, Settings { epochs: 6, ..settings(&Loss::ALL) }).unwrap();
    for loss in Loss::ALL {
        let of_loss: Vec<&EpochResult> = results.iter().filter(|result| result.row.loss == loss.name()).collect();
        let [first, .., last] = &of_loss[..] else { panic!("six epochs") };
        assert!(last.row.train_loss < first.row.train_loss, "{:?}, then {:?}", first.row, last.row);
        of_loss.iter().for_each(|result| assert_sound(result, 8));
        // Real values in other units than the classes' would put every image into an outermost class.
        assert!(loss != Loss::Reg || last.row.spearman.unwrap_or(0.0) > 0.3, "{:?}", last.row);
    }
}

/// Images of noise with these labels.
fn noise(labels: &[u32], classes: usize) -> Dataset {
    let mut images = Images::with_capacity(SIDE, labels.len());
    for (sample, &label) in labels.iter().enumerate() {
        let pixels: Vec<u8> = (0..3 * SIDE * SIDE).map(|at| ((at * 7919 + sample * 104_729) % 251) as u8).collect();
        images.push(pixels, label, f64::from(label), sample.to_string());
    }
    Dataset {
        name: "noise".to_owned(),
        classes: (0..classes).map(|class| class.to_string()).collect(),
        class_values: (0..classes).map(|class| class as f64).collect(),
        train: images.clone(),
        test: images,
    }
}

#[test]
fn few_many_and_lonely_classes_end_in_finite_numbers() {
    let lonely: Vec<u32> = (0..16).map(|sample| u32::from(sample == 3)).collect();
    let many: Vec<u32> = (0..200).collect();
    for (labels, classes) in
        [(vec![0, 1, 0, 1, 1, 0, 0, 1], 2), (vec![0; 8], 2), (vec![4; 8], 5), (lonely, 3), (many, 200)]
    {
        let results = train(&noise(&labels, classes), Settings { epochs: 2, ..settings(&Loss::ALL) }).unwrap();
        assert_eq!(results.len(), 2 * Loss::ALL.len());
        results.iter().for_each(|result| assert_sound(result, classes));
    }
}

#[test]
fn extreme_settings_end_in_finite_numbers_or_in_words() {
    let data = noise(&[0, 1, 2, 0, 1, 2, 2, 1], 3);
    for lambda in [1e6, 1e30, f32::MAX] {
        match train(&data, Settings { lambda: Lambda::Fixed(lambda), ..settings(&[Loss::Xemd1, Loss::Xemd2]) }) {
            Ok(results) => results.iter().for_each(|result| assert_sound(result, 3)),
            Err(error) => {
                let words = error.to_string();
                assert!(words.contains("--lambda") && words.contains("not a finite number"), "{words}");
            }
        }
    }
    let negative = Settings { lambda: Lambda::Fixed(-f32::MAX), ..settings(&[Loss::Xemd2]) };
    let error = train(&data, negative).unwrap_err().to_string();
    assert!(error.contains("lambda") && error.contains("at least 0"), "{error}");
    for regulariser in [1e-30, 10.0, 1e6] {
        let results = train(&data, Settings { regulariser, ..settings(&[Loss::AEmd]) });
        match results {
            Ok(results) => results.iter().for_each(|result| assert_sound(result, 3)),
            Err(error) => assert!(error.to_string().contains("not a finite number"), "{error}"),
        }
    }
    for regulariser in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let error = train(&data, Settings { regulariser, ..settings(&[Loss::AEmd]) }).unwrap_err().to_string();
        assert!(error.contains("regulariser") && error.contains("above 0"), "{error}");
    }
    let ground = Ground::Given { file: "d.csv".to_owned(), matrix: vec![0.0; 4] };
    let error = train(&data, Settings { ground, ..settings(&[Loss::Xemd2]) }).unwrap_err().to_string();
    assert!(error.contains("d.csv") && error.contains("4 entries for 3 classes"), "{error}");
}
