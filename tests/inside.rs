//! The plan that looks inside a network: the reference against central differences, every executor against the reference, and
//! that it writes nothing of the run.

mod common;

use backhoe::nn::inside::{Inside, inside};
use backhoe::nn::plans::table_slot;
use backhoe::nn::{Layer, Loss, Model};
use backhoe::plan::random::{pcg4d, unit};
use backhoe::plan::{Access, Element, Executor, Plan, PlanHandle, Residency, StepSettings};
use backhoe::reference::Interpreter;
use common::{Device, assert_close, assert_within, devices, largest};

const SIDE: usize = 8;
const STORED: usize = 11;
const CLASSES: usize = 5;
/// A dozen layers of kernels that may each be 1e-5 off.
const TOLERANCE: f64 = 1e-4;

/// Every kind of layer.
fn model() -> Model {
    let conv = |channels, size, bias| Layer::Conv { channels, kernel: [size; 2], stride: 1, padding: size / 2, bias };
    let wide = Layer::Residual {
        body: vec![conv(6, 3, false), Layer::BatchNorm, Layer::Relu, conv(6, 3, true)],
        shortcut: vec![conv(6, 1, false), Layer::BatchNorm],
    };
    let layers = vec![
        conv(4, 3, true),
        Layer::BatchNorm,
        Layer::Relu,
        Layer::MaxPool { window: 3, stride: 2, padding: 1 },
        wide,
        Layer::Residual { body: vec![conv(6, 3, true), Layer::Relu], shortcut: vec![] },
        Layer::AveragePool { window: 3, stride: 1, padding: 1 },
        Layer::GlobalAveragePool,
        Layer::Flatten,
        Layer::Linear { outputs: 10, bias: true },
        Layer::Relu,
        Layer::Dropout { rate: 0.3 },
        Layer::Linear { outputs: CLASSES, bias: true },
    ];
    Model::new(SIDE, layers).unwrap()
}

fn noise(key: u32, len: usize) -> Vec<f64> {
    (0..len).map(|at| f64::from(unit(pcg4d([11, key, at as u32, 0])[0]))).collect()
}

/// Prepares the look and fills all that it reads.
fn start(device: &mut dyn Device, racer: Loss, votes: bool, look: &Plan, inside: &Inside) -> PlanHandle {
    let handle = device.prepare(look).unwrap();
    let network = racer.network(&model());
    let parameters = network.parameters();
    let mut tensors = parameters.initial(5);
    for (key, statistic) in parameters.list.iter().enumerate().filter(|(_, parameter)| !parameter.trained) {
        let values = noise(key as u32, statistic.len());
        let about = if statistic.name.ends_with("var") { 0.5 } else { -0.5 };
        device.put(&format!("{racer}/{}", statistic.name), &values.iter().map(|v| v + about).collect::<Vec<_>>());
        tensors.remove(&statistic.name);
    }
    let weights: Vec<f64> = parameters.to_arena(&tensors).into_iter().map(f64::from).collect();
    device.put(&format!("{racer}/weights"), &weights);
    let words: Vec<u32> = (0..(3 * STORED * STORED).div_ceil(4) as u32).map(|at| pcg4d([1, 2, at, 3])[0]).collect();
    device.put_words("look/pixels", &words);
    device.put_words("look/labels", &[3]);
    let (omega, mu) = racer.omega_and_mu();
    let settings = StepSettings { lambda: 0.7, omega, mu, regulariser: 0.1, ..StepSettings::default() };
    if look.slots.iter().any(|slot| slot.name == format!("{racer}/settings")) {
        device.write(&format!("{racer}/settings"), 0, bytemuck::bytes_of(&settings)).unwrap();
    }
    if racer.reads_ground() {
        let apart = |at: usize| (at / CLASSES).abs_diff(at % CLASSES) as f64 / (CLASSES - 1) as f64;
        device.put(&format!("{racer}/ground"), &(0..CLASSES * CLASSES).map(apart).collect::<Vec<_>>());
    }
    if let Some(table) = racer.table(votes) {
        let slot = table_slot(racer, table, &inside.batches);
        let own = racer.class_labels(CLASSES);
        let row = if racer == Loss::Reg { vec![0.4] } else { vec![0.1, 0.0, 0.2, 0.5, 0.2] };
        device.put(&slot, &own.unwrap_or(row));
    }
    if racer == Loss::Reg {
        device.put("class_values", &[-1.0, -0.5, 0.0, 0.5, 1.0]);
    }
    handle
}

fn every(mut check: impl FnMut(Loss, bool)) {
    Loss::ALL.into_iter().for_each(|racer| check(racer, false));
    [Loss::Xe, Loss::Emd].into_iter().for_each(|racer| check(racer, true));
}

#[test]
fn a_look_writes_only_slots_of_its_own() {
    every(|racer, votes| {
        let Inside { plan, layers, .. } = inside(&model(), racer, STORED, votes);
        for step in &plan.steps {
            for (operand, view) in step.op.operands().iter().zip(&step.views) {
                let slot = &plan.slots[view.slot.0];
                let own = slot.residency == Residency::Transient || slot.name.starts_with("look/");
                assert!(operand.access == Access::Read || own, "{racer}: {} writes {}", step.op.name(), slot.name);
            }
        }
        let names: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..3], ["0 convolution", "1 batch normalisation", "3 max pooling"], "{names:?}");
        assert!(names.contains(&"4.body.3 convolution") && names.contains(&"4 residual"), "{names:?}");
        assert_eq!(names.last(), Some(&"12 fully connected"), "neither flatten nor dropout writes");
    });
}

/// Central differences of 1e-6 either way at forty places of the image.
#[test]
fn the_gradient_of_the_input_is_its_central_difference() {
    const STEP: f64 = 1e-6;
    every(|racer, votes| {
        let inside = inside(&model(), racer, STORED, votes);
        // Without its first step, which would write the image, the plan takes any numbers for one.
        let mut plan = Plan { slots: inside.plan.slots.clone(), steps: inside.plan.steps[1..].to_vec() };
        let targets = plan.slots.iter_mut().find(|slot| slot.name == "targets").unwrap();
        targets.residency = Residency::Data;
        let mut oracle = Interpreter::new();
        let handle = start(&mut oracle, racer, votes, &plan, &inside);
        oracle.put_words("targets", &[3]);
        let image: Vec<f64> = noise(99, 2 * 3 * SIDE * SIDE).iter().map(|value| 2.0 * value - 1.0).collect();
        let mut loss = |at: usize, by: f64| {
            let mut moved = image.clone();
            moved[at] += by;
            oracle.put(&inside.input.slot, &moved);
            oracle.submit(handle).unwrap();
            oracle.take(&inside.terms.slot)[0]
        };
        let places: Vec<usize> = (0..40).map(|at| at * 4 + at % 3).collect();
        let wanted: Vec<f64> = places.iter().map(|&at| (loss(at, STEP) - loss(at, -STEP)) / (2.0 * STEP)).collect();
        loss(0, 0.0);
        let gradient = oracle.take(&inside.gradient.slot);
        let got: Vec<f64> = places.iter().map(|&at| gradient[at]).collect();
        let most = largest(&gradient);
        // One image is always judged as chance would: its kappa hangs on nothing.
        assert_eq!(most < 1e-6, racer == Loss::Qwk, "{racer}: {most}");
        assert_within(&format!("input gradient of {racer}"), &got, &wanted, 1e-6 * most.max(1e-3));
    });
}

#[test]
fn every_executor_sees_what_the_reference_sees() {
    for mut device in devices() {
        every(|racer, votes| {
            let inside = inside(&model(), racer, STORED, votes);
            let mut oracle = Interpreter::new();
            let wanted = start(&mut oracle, racer, votes, &inside.plan, &inside);
            let handle = start(&mut *device, racer, votes, &inside.plan, &inside);
            oracle.submit(wanted).unwrap();
            device.submit(handle).unwrap();
            let Inside { input, gradient, logits, probabilities, terms, filters, .. } = &inside;
            let layers = inside.layers.iter().map(|(_, tensor)| tensor);
            for tensor in layers.chain([input, logits, probabilities, terms]).chain(filters) {
                let what = format!("{} of {racer}", tensor.slot);
                let (got, want) = (device.take(&tensor.slot), oracle.take(&tensor.slot));
                assert_close(&what, &got, &want, TOLERANCE);
                assert!(largest(&want) > 0.0, "nothing ever came into {what}");
            }
            let (got, want) = (device.take(&gradient.slot), oracle.take(&gradient.slot));
            assert_within(&format!("input gradient of {racer}"), &got, &want, TOLERANCE * largest(&want).max(0.1));
            assert_eq!(filters.as_ref().unwrap().words(), 4 * 3 * 9);
        });
    }
}

/// The bytes that looks keep are those of one image, whatever races.
#[test]
fn racers_share_the_slots_of_their_looks() {
    let sizes = |racers: &[Loss]| {
        let mut slots = std::collections::HashMap::new();
        for &racer in racers {
            let plan = inside(&model(), racer, STORED, false).plan;
            let own = plan.slots.into_iter().filter(|slot| slot.name.starts_with("look/"));
            own.for_each(|slot| {
                assert!(slots.insert(slot.name.clone(), slot.len).is_none_or(|len| len == slot.len), "{}", slot.name);
                assert!(slot.element == Element::F32 || slot.len < 200, "{slot:?}");
            });
        }
        slots.values().sum::<usize>()
    };
    let one = sizes(&[Loss::Xe]);
    let all = sizes(&Loss::ALL);
    assert!(all < one + 200, "{one} words for one racer, {all} for all");
}
