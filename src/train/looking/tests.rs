//! Looks between the steps of real runs.

use super::*;
use crate::cpu::Cpu;
use crate::data::source::Source;
use crate::nn::Prediction;
use crate::train::trainer::{Advance, Goal, Trainer};
use crate::train::{EpochResult, Event, Settings, Snapshot};
use std::sync::Arc;

fn data() -> Dataset {
    Source::Faces { train: 48, test: 24 }.load(20, 1, &|_, _| ()).unwrap().0
}

fn settings(losses: &[Loss]) -> Settings {
    Settings {
        losses: losses.to_vec(),
        epochs: 2,
        batch: 16,
        side: 16,
        stored_side: 20,
        channels: vec![4, 6],
        hidden: 8,
        jump_start: 1,
        ..Settings::default()
    }
}

fn trainer(data: &Arc<Dataset>, settings: &Settings) -> Trainer {
    Trainer::new(Box::new(Cpu::open(Some(1))), Arc::clone(data), settings.clone()).unwrap()
}

/// What a run told until it rested or ended.
#[derive(Default)]
struct Told {
    seen: Vec<Seen>,
    results: Vec<EpochResult>,
    last: Option<Snapshot>,
}

/// Trains until it rests or ends; `before` may ask for something before each call.
fn run(trainer: &mut Trainer, mut before: impl FnMut(&mut Trainer, usize)) -> Told {
    let (mut told, mut events) = (Told::default(), Vec::new());
    for call in 0.. {
        before(trainer, call);
        let advance = trainer.advance(&mut events).unwrap();
        for event in events.drain(..) {
            match event {
                Event::Seen(seen) => told.seen.push(*seen),
                Event::Epoch(result) => told.results.push(*result),
                Event::Snapshot(snapshot) => told.last = Some(*snapshot),
                _ => {}
            }
        }
        match advance {
            Advance::Working => {}
            Advance::Waiting => trainer.executor().wait().unwrap(),
            Advance::Resting | Advance::Finished => break,
        }
    }
    told
}

/// Before the first step, between steps, in evaluations, while checkpoints are read, and when all is over.
#[test]
fn looks_change_no_bit_of_the_result() {
    let (data, settings) = (Arc::new(data()), settings(&[Loss::Xe, Loss::Xemd2, Loss::Corn]));
    let wanted = run(&mut trainer(&data, &settings), |_, _| ()).last.unwrap();
    let mut looked = trainer(&data, &settings);
    let told = run(&mut looked, |trainer, call| {
        let loss = [Loss::Xe, Loss::Xemd2, Loss::Corn][call % 3];
        trainer.look(Look { loss, image: call % 24, layer: call });
    });
    assert!(told.seen.len() > 8, "{}", told.seen.len());
    assert!(told.seen.iter().all(|seen| seen.trouble.is_none()));
    assert!(told.seen.iter().any(|seen| seen.step == 0) && told.seen.iter().any(|seen| seen.step == 6));
    let found = told.last.unwrap();
    assert_eq!(found.slots.keys().len(), wanted.slots.keys().len());
    for (name, bytes) in &wanted.slots {
        assert!(found.slots[name] == *bytes, "{name} differs");
    }
    let after = run(&mut looked, |trainer, call| {
        if call == 0 {
            trainer.look(Look { loss: Loss::Corn, image: 3, layer: 0 });
        }
    });
    assert_eq!(after.seen.len(), 1, "a run that is over is looked into");
}

/// Of images that are their own mirror images, so that evaluation's mean is the image's own prediction; with shuffled ids, votes,
/// a regression and outputs that are not one a class.
#[test]
fn what_is_seen_is_what_evaluation_predicts() {
    let mut data = data();
    let side = data.test.side;
    for pixels in &mut data.test.pixels {
        let mirrored = |at: usize| if at % side < side / 2 { at } else { at / side * side + side - 1 - at % side };
        *pixels = (0..pixels.len()).map(|at| pixels[mirrored(at)]).collect::<Vec<u8>>().into();
    }
    let votes = |labels: &[u32]| -> Vec<f32> {
        let share = |label: u32, class: u32| if label == class { 0.75 } else { 0.25 / 7.0 };
        labels.iter().flat_map(|&label| (0..8).map(move |class| share(label, class))).collect()
    };
    data.train.votes = votes(&data.train.labels);
    data.test.votes = votes(&data.test.labels);
    let data = Arc::new(data);
    for shuffled_ids in [false, true] {
        let fits = |loss: &Loss| !shuffled_ids || loss.link() == Link::Softmax;
        let losses: Vec<Loss> = Loss::ALL.into_iter().filter(fits).collect();
        let settings = Settings { shuffled_ids, ..settings(&losses) };
        let mut trainer = trainer(&data, &settings);
        trainer.aim(Goal::Epoch(1));
        let results = run(&mut trainer, |_, _| ()).results;
        assert_eq!(results.len(), losses.len());
        for (&loss, result) in losses.iter().zip(&results) {
            for image in [0, 13, 23] {
                let told = run(&mut trainer, |trainer, call| {
                    if call == 0 {
                        trainer.look(Look { loss, image, layer: usize::MAX });
                    }
                });
                let [seen] = &told.seen[..] else { panic!("{loss}: {} looks", told.seen.len()) };
                assert_eq!((seen.look.image, seen.step, &seen.trouble), (image, 3, &None));
                assert_sees(seen, result, &trainer.model().clone(), shuffled_ids);
                assert_values_its_class(seen, data.test.labels[image] as usize, &Ids::of(&settings, 8));
            }
        }
    }
}

fn assert_sees(seen: &Seen, result: &EpochResult, model: &Model, shuffled: bool) {
    let (loss, classes) = (seen.look.loss, model.classes());
    let wanted = &result.outcomes[seen.look.image * classes..][..classes];
    for (got, want) in seen.probabilities.iter().zip(wanted) {
        assert!((got - want).abs() <= 1e-5, "{loss}, shuffled {shuffled}: {:?} for {wanted:?}", seen.probabilities);
    }
    assert!((seen.score - result.scores[seen.look.image]).abs() <= 1e-4 * seen.score.abs().max(1.0), "{loss}");
    assert!(seen.value.is_finite() && (seen.value > 0.0 || loss.is_self_guided() || loss == Loss::AEmd), "{loss}");
    assert_eq!(seen.input.values.len(), 3 * model.side * model.side);
    for maps in [&seen.input, &seen.gradient] {
        assert_eq!((maps.count, maps.channels, maps.height, maps.width), (3, 1, model.side, model.side));
    }
    assert!(seen.input.values.iter().all(|value| (0.0..=1.0).contains(value)));
    assert_eq!((seen.filters.count, seen.filters.channels, seen.filters.values.len()), (4, 3, 4 * 27));
    assert_eq!(seen.gradient.values.len(), seen.input.values.len());
    let some = seen.gradient.values.iter().any(|&slope| slope.abs() > 1e-6);
    assert!(some || loss == Loss::Qwk, "{loss} hangs on no pixel");
    // The last layer's outputs are logits: of a softmax in the classes' order, whatever outputs stand for them.
    assert_eq!(seen.activations.values.len(), loss.link().outputs(classes));
    if loss.link() == Link::Softmax {
        let most = seen.activations.values.iter().fold(f32::MIN, |most, &z| most.max(z));
        let powers: Vec<f32> = seen.activations.values.iter().map(|z| (z - most).exp()).collect();
        let sum: f32 = powers.iter().sum();
        let right = powers.iter().zip(&seen.probabilities).all(|(power, p)| (power / sum - p).abs() <= 1e-5);
        assert!(right, "{loss}, shuffled {shuffled}: {:?}", seen.activations.values);
    }
}

/// What soft labels make of the image, by the formula: only with the output that stands for its class.
fn assert_values_its_class(seen: &Seen, class: usize, ids: &Ids) {
    let p = ids.rows_by_output(seen.probabilities.iter().map(|&p| f64::from(p)).collect::<Vec<_>>());
    let prediction = Prediction {
        p: &p,
        truth: ids.output(class),
        to_truth: &[],
        lambda: 0.0,
        omega: 1.0,
        mu: 0.0,
        regulariser: 1.0,
    };
    if matches!(seen.look.loss, Loss::Sord | Loss::Binomial) {
        let wanted = seen.look.loss.worth(&prediction).unwrap().loss;
        assert!((seen.value - wanted).abs() <= 1e-4 * wanted, "{}: {} for {wanted}", seen.look.loss, seen.value);
    }
}

#[test]
fn what_is_not_there_is_said_and_ends_nothing() {
    let (data, settings) = (Arc::new(data()), settings(&[Loss::Emd]));
    let mut trainer = trainer(&data, &settings);
    trainer.aim(Goal::Step(1));
    let mut seen = |look: Look| {
        let told = run(&mut trainer, |trainer, call| {
            if call == 0 {
                trainer.look(look)
            }
        });
        told.seen.into_iter().next().unwrap().trouble
    };
    assert!(seen(Look { loss: Loss::Emd, image: 24, layer: 0 }).unwrap().contains("no test image"));
    assert!(seen(Look { loss: Loss::Xe, image: 0, layer: 0 }).unwrap().contains("xe is no racer"));
    assert_eq!(seen(Look { loss: Loss::Emd, image: 23, layer: 0 }), None);
}
