//! Evaluations that are read in pieces, and batches that make themselves smaller.

use super::*;
use crate::data::source::Source;
use crate::gpu::{AdapterChoice, Gpu};
use crate::nn::plans::training;
use crate::nn::{Layer, Loss};
use crate::plan::Limits;
use crate::plan::testing::Wrapped;
use crate::train::{Settings, TrainError, Trainer};
use std::sync::Arc;

fn gpu() -> Gpu {
    Gpu::open(&AdapterChoice::Best).unwrap()
}

/// A linear classifier of single pixels.
fn model(classes: usize) -> Model {
    Model::new(1, vec![Layer::Flatten, Layer::Linear { outputs: classes, bias: true }]).unwrap()
}

/// Pixels of every colour, one after the other.
fn pixels(samples: usize) -> Images {
    let mut images = Images::with_capacity(1, samples);
    for sample in 0..samples {
        let pixel = [sample, sample / 7, sample / 49].map(|value| (value * 37 % 256) as u8);
        images.push(pixel.to_vec(), 0, 0.0, sample.to_string());
    }
    images
}

/// The batch that is taken, and the predictions.
fn examine(executor: &mut dyn Executor, model: &Model, images: &Images, batch: usize) -> (usize, Vec<f32>) {
    let mut examiner = Examiner::new(executor, model, &[Loss::Xe], [images.len(), images.side], batch).unwrap();
    examiner.load(executor, images).unwrap();
    let parameters = model.parameters();
    let weights = parameters.to_arena(&parameters.initial(3));
    executor.write("xe/weights", 0, bytemuck::cast_slice(&weights)).unwrap();
    examiner.begin(executor).unwrap();
    loop {
        if let Some(outcomes) = examiner.advance(executor, images).unwrap() {
            assert_eq!(outcomes.len(), 1);
            return (examiner.batches.batch, outcomes.concat());
        }
        assert!(examiner.tickets.len() <= MOST_READINGS);
        executor.wait().unwrap();
    }
}

/// Parts of unequal size, the last smaller than a batch.
#[test]
fn images_that_come_in_parts_are_predicted_as_at_once() {
    let (model, images) = (model(5), pixels(75));
    let parameters = model.parameters();
    let weights = parameters.to_arena(&parameters.initial(3));
    let (_, want) = examine(&mut gpu(), &model, &images, 16);
    let mut executor = gpu();
    let mut examiner = Examiner::new(&mut executor, &model, &[Loss::Xe], [40, 1], 16).unwrap();
    executor.write("xe/weights", 0, bytemuck::cast_slice(&weights)).unwrap();
    let mut got = Vec::new();
    for part in [0..30, 30..70, 70..75] {
        let part = images.select(&part.collect::<Vec<_>>());
        examiner.load(&mut executor, &part).unwrap();
        examiner.begin(&mut executor).unwrap();
        got.extend(loop {
            match examiner.advance(&mut executor, &part).unwrap() {
                Some(outcomes) => break outcomes.concat(),
                None => executor.wait().unwrap(),
            }
        });
    }
    assert_alike(&got, &want);
}

fn assert_alike(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    let error = got.iter().zip(want).fold(0.0, |error: f32, (a, b)| error.max((a - b).abs()));
    assert!(error <= 1e-6, "{error}");
}

#[test]
fn thousands_of_samples_with_a_thousand_classes_are_read_in_pieces() {
    let (model, images) = (model(1000), pixels(9001));
    let kept = |batch| batches("test", [9001, 1], batch, false, gpu().limits()).kept(1000) * batch;
    assert_eq!((kept(64), kept(250)), (4160, 4000), "rows that are read at once");
    let (_, outcomes) = examine(&mut gpu(), &model, &images, 64);
    assert_eq!(outcomes.len(), 9001 * 1000);
    assert_alike(&examine(&mut gpu(), &model, &images, 250).1, &outcomes);
    for row in outcomes.chunks(1000).step_by(97) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() <= 1e-4);
    }
    assert!(outcomes[..1000] != outcomes[4160 * 1000..4161 * 1000], "pieces differ");
}

#[test]
fn a_batch_too_large_for_the_device_is_halved_until_it_fits() {
    let (model, images) = (model(50), pixels(100));
    let (batch, want) = examine(&mut gpu(), &model, &images, 64);
    assert_eq!(batch, 64);
    // Predictions of seven batches of 16 fit, those of four of 32 or two of 64 do not.
    let limits = Limits { binding_bytes: 4 * 50 * 112, ..gpu().limits() };
    let mut small = Wrapped::with_limits(gpu(), limits);
    let (batch, outcomes) = examine(&mut small, &model, &images, 64);
    assert_eq!(batch, 16);
    assert_alike(&outcomes, &want);
    Examiner::announce(&mut small, &model, &[Loss::Xe], [100, 1], 64);
    assert_eq!(small.announced, [fitting(&small, &model, &[Loss::Xe], [100, 1], 16).unwrap().1]);
    let limits = Limits { binding_bytes: 4 * 99, ..gpu().limits() };
    let refused = Examiner::new(&mut Wrapped::with_limits(gpu(), limits), &model, &[Loss::Xe], [100, 1], 64);
    assert!(matches!(refused.err(), Some(ExecutorError::Misfit(_))));
}

/// The batch that is said to fit a device with so much memory.
fn hint(bytes: u64) -> Option<usize> {
    let data = Arc::new(Source::Faces { train: 64, test: 16 }.load(16, 1, &|_, _| ()).unwrap().0);
    let limits = Limits { total_bytes: Some(bytes), ..gpu().limits() };
    let executor = Box::new(Wrapped::with_limits(gpu(), limits));
    match Trainer::new(executor, data, settings()) {
        Err(TrainError::TooLarge { batch, .. }) => batch,
        other => panic!("{:?}", other.err()),
    }
}

fn settings() -> Settings {
    Settings { losses: vec![Loss::Emd], side: 16, stored_side: 16, channels: vec![8], hidden: 8, ..Settings::default() }
}

#[test]
fn the_batch_that_would_fit_counts_scratch_and_evaluation() {
    let settings = settings();
    let model = settings.model(8).unwrap();
    let bytes = |batch| {
        let batches = Batches {
            split: "train",
            batch,
            samples: 64,
            count: 64 / batch,
            stored_side: 16,
            resident: true,
            votes: false,
        };
        let memory = gpu().fits(&training(&model, &settings.losses, &batches, settings.augmentation)).unwrap();
        assert!(memory.scratch_words > 0);
        memory.bytes()
    };
    assert_eq!(hint(bytes(16)), Some(16));
    assert_eq!(hint(bytes(16) - 1), Some(8));
    assert_eq!(hint(1000), None);
}
