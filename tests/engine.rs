//! Whole plans of the engine: the adapter against the oracle, the oracle against central
//! differences, and what has to hold for every run: equal bits, streaming, refusals.

mod common;

use backhoe::bench::{TimedBy, Workload, kinds, pace};
use backhoe::data::{Dataset, Images};
use backhoe::gpu::{Loads, works};
use backhoe::nn::plans::{Batches, SUMS, distances, evaluation, training};
use backhoe::nn::{Layer, Loss, Model, zoo};
use backhoe::plan::executor::read_now;
use backhoe::plan::random::{pcg4d, unit};
use backhoe::plan::{
    Augmentation, Clock, Element, Executor, ExecutorError, Misfit, Op, Plan, PlanHandle, Pool, Residency, Slot,
    StepSettings,
};
use backhoe::reference::Interpreter;
use backhoe::train::batches::{stream, upload};
use backhoe::train::ids::Ids;
use backhoe::train::targets::write_tables;
use common::{Device, assert_close, assert_within, cpu, devices, gpu, largest};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::time::Duration;

const EVERYTHING: Augmentation = Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true };
/// Images have an odd number of bytes, so that most of them begin within a word.
const STORED: usize = 11;
const SIDE: usize = 8;
const CLASSES: usize = 5;
const BATCH: usize = 6;
/// An engine of 32 bits after a few steps through a dozen layers: every kernel may be 1e-5 off
/// (some sums and the places of a rotation more), and momentum adds the steps up. The seeds are
/// such that no maximum and no sign hangs on such a difference.
const TOLERANCE: f64 = 1e-4;

/// Every kind of layer but `Flatten`, which writes no step.
fn model(dropout: Option<f32>) -> Model {
    let conv = |channels, size, bias| Layer::Conv { channels, kernel: [size; 2], stride: 1, padding: size / 2, bias };
    let wide = Layer::Residual {
        body: vec![conv(6, 3, false), Layer::BatchNorm, Layer::Relu, conv(6, 3, false), Layer::BatchNorm],
        shortcut: vec![conv(6, 1, false), Layer::BatchNorm],
    };
    let identity = Layer::Residual { body: vec![conv(6, 3, true), Layer::Relu], shortcut: vec![] };
    let mut layers = vec![
        conv(4, 3, false),
        Layer::BatchNorm,
        Layer::Relu,
        Layer::MaxPool { window: 3, stride: 2, padding: 1 },
        wide,
        Layer::Relu,
        identity,
        Layer::AveragePool { window: 3, stride: 2, padding: 1 },
        Layer::GlobalAveragePool,
        Layer::Linear { outputs: 10, bias: true },
        Layer::Relu,
    ];
    layers.extend(dropout.map(|rate| Layer::Dropout { rate }));
    layers.push(Layer::Linear { outputs: CLASSES, bias: true });
    Model::new(SIDE, layers).unwrap()
}

/// Random bytes with random labels.
fn images(samples: usize, seed: u32) -> Images {
    let draw = |purpose: u32, index: usize| pcg4d([seed, purpose, index as u32, 0])[0] >> 8;
    let size = 3 * STORED * STORED;
    let pixels =
        |sample: usize| (sample * size..(sample + 1) * size).map(|index| draw(1, index) as u8).collect::<Vec<_>>();
    let labels: Vec<u32> = (0..samples).map(|sample| draw(2, sample) % CLASSES as u32).collect();
    Images {
        side: STORED,
        pixels: (0..samples).map(|sample| pixels(sample).into()).collect(),
        values: labels.iter().map(|label| f64::from(*label)).collect(),
        votes: Vec::new(),
        names: (0..samples).map(|sample| sample.to_string()).collect(),
        labels,
    }
}

/// These images as a data set to train on.
fn dataset(train: &Images) -> Dataset {
    let classes = 0..CLASSES;
    Dataset {
        name: "random".to_owned(),
        classes: classes.clone().map(|class| class.to_string()).collect(),
        class_values: classes.map(|class| class as f64).collect(),
        train: train.clone(),
        test: Images::with_capacity(STORED, 0),
    }
}

/// One split on one device: its plan, and what has to be written before each replay.
struct Split {
    batches: Batches,
    images: Images,
    order: Vec<u32>,
    plan: Plan,
    handle: PlanHandle,
}

impl Split {
    fn new(device: &mut dyn Device, batches: Batches, seed: u32, plan: Plan) -> Self {
        let images = images(batches.samples, seed);
        let handle = device.prepare(&plan).unwrap();
        upload(device, &batches, &images, &Ids::default()).unwrap();
        let samples = batches.samples as u32;
        let order = batches.fill((0..samples).map(|row| (7 * row + 3) % samples).collect());
        device.put_words(&format!("{}/order", batches.split), &order);
        let clock = Clock { seed, ..Clock::default() };
        device.write(&format!("{}/clock", batches.split), 0, bytemuck::bytes_of(&clock)).unwrap();
        Self { batches, images, order, plan, handle }
    }

    /// Replays the first batches of the epoch, one after the other.
    fn replay(&self, device: &mut dyn Device, count: usize) {
        for rows in self.order.chunks(self.batches.batch).take(count) {
            stream(device, &self.batches, &self.images, rows, &mut Vec::new()).unwrap();
            device.submit(self.handle).unwrap();
        }
    }
}

/// A training plan with five whole batches and all that it begins with.
fn start(device: &mut dyn Device, model: &Model, racers: &[Loss], seed: u32, resident: bool) -> Split {
    let batches =
        Batches { split: "train", batch: BATCH, samples: 31, count: 5, stored_side: STORED, resident, votes: false };
    let plan = training(model, racers, &batches, EVERYTHING);
    let split = Split::new(device, batches, seed, plan);
    write_tables(device, racers, &split.batches, &dataset(&split.images), &Ids::default()).unwrap();
    let ground = ground(seed);
    for racer in racers {
        let parameters = racer.network(model).parameters();
        let tensors = parameters.initial(seed);
        if racer.reads_ground() {
            device.put(&format!("{racer}/ground"), &ground);
        }
        let mut write = |slot: &str, values: &[f32]| {
            device.write(&format!("{racer}/{slot}"), 0, bytemuck::cast_slice(values)).unwrap();
        };
        write("weights", &parameters.to_arena(&tensors));
        for statistic in parameters.list.iter().filter(|parameter| !parameter.trained) {
            write(&statistic.name, &tensors[&statistic.name]);
        }
        write("settings", bytemuck::cast_slice(&[settings(*racer, 0.05)]));
    }
    split
}

fn settings(racer: Loss, learning_rate: f32) -> StepSettings {
    let (omega, mu) = racer.omega_and_mu();
    let (regulariser, reserved) = (0.1, 0.0);
    StepSettings { learning_rate, momentum: 0.9, weight_decay: 5e-4, lambda: 0.7, omega, mu, regulariser, reserved }
}

/// Symmetric, with a zero diagonal; exact in 32 bits.
fn ground(seed: u32) -> Vec<f64> {
    let draw = |i: usize, j: usize| unit(pcg4d([seed, 3, i.min(j) as u32, i.max(j) as u32])[0]);
    let entry = |i: usize, j: usize| if i == j { 0.0 } else { f64::from(draw(i, j)) };
    (0..CLASSES * CLASSES).map(|at| entry(at / CLASSES, at % CLASSES)).collect()
}

/// The whole content of a kept slot as numbers.
fn content(device: &mut dyn Device, slot: &Slot) -> Vec<f64> {
    match slot.element {
        Element::F32 => device.take(&slot.name),
        Element::U32 => {
            let words: Vec<u32> = bytemuck::pod_collect_to_vec(&read_now(device, &slot.name).unwrap());
            words.into_iter().map(f64::from).collect()
        }
    }
}

/// Compares all kept slots of a plan, integers exactly, and the arenas parameter by parameter.
fn assert_kept_agree(plan: &Plan, model: &Model, got: &mut dyn Device, want: &mut dyn Device) {
    let networks = Loss::ALL.map(|racer| racer.network(model).parameters());
    let kept: Vec<&Slot> = plan.slots.iter().filter(|slot| slot.residency != Residency::Transient).collect();
    assert!(kept.len() > 10);
    for slot in kept {
        let (got, want) = (content(got, slot), content(want, slot));
        if slot.element == Element::U32 {
            assert_eq!(got, want, "{}", slot.name);
            continue;
        }
        assert_close(&slot.name, &got, &want, TOLERANCE);
        assert!(largest(&want) > 0.0, "nothing ever came into {}", slot.name);
        let arena = ["weights", "momenta", "gradients"].iter().any(|name| slot.name.contains(name));
        let network = networks.iter().find(|network| arena && network.arena == slot.len);
        assert_eq!(network.is_some(), arena, "{}", slot.name);
        let trained = network.iter().flat_map(|network| &network.list).filter(|parameter| parameter.trained);
        for parameter in trained {
            let part = parameter.offset..parameter.offset + parameter.len();
            let what = format!("{} in {}", parameter.name, slot.name);
            assert_close(&what, &got[part.clone()], &want[part], TOLERANCE);
        }
    }
}

#[test]
fn three_steps_and_the_distances_agree_with_the_oracle() {
    let model = model(Some(0.3));
    let run = |device: &mut dyn Device| {
        let split = start(device, &model, &Loss::ALL, 5, true);
        split.replay(device, 3);
        split.plan
    };
    let measure = |device: &mut dyn Device| {
        let plan = distances(&model, &Loss::ALL, false);
        let handle = device.prepare(&plan).unwrap();
        device.submit(handle).unwrap();
        plan
    };
    for mut device in devices() {
        let mut oracle = Interpreter::new();
        run(&mut oracle);
        let plan = run(&mut *device);
        assert_kept_agree(&plan, &model, &mut *device, &mut oracle);
        measure(&mut oracle);
        let plan = measure(&mut *device);
        assert_kept_agree(&plan, &model, &mut *device, &mut oracle);
    }
}

/// The bits of everything a checkpoint would hold after five steps on the adapter.
fn bits(seed: u32, resident: bool) -> u64 {
    bits_on(&mut gpu(), seed, resident)
}

fn bits_on(device: &mut dyn Device, seed: u32, resident: bool) -> u64 {
    let split = start(device, &model(Some(0.3)), &Loss::ALL, seed, resident);
    split.replay(device, 5);
    let mut hasher = DefaultHasher::new();
    for slot in split.plan.state() {
        (slot.name.as_str(), read_now(device, &slot.name).unwrap()).hash(&mut hasher);
    }
    hasher.finish()
}

#[test]
fn the_processor_gives_equal_bits_on_any_number_of_threads() {
    let one = bits_on(&mut cpu(1), 1, true);
    for threads in [1, 2, 3, 8] {
        assert_eq!(bits_on(&mut cpu(threads), 1, true), one, "{threads} threads");
    }
    assert_eq!(bits_on(&mut cpu(2), 1, false), one, "streamed pixels");
    assert_ne!(bits_on(&mut cpu(2), 2, true), one, "another seed");
}

/// Makes the test below print its bits instead, for another process to compare.
const PRINT: &str = "BACKHOE_TEST_PRINT_BITS";

#[test]
fn equal_seeds_give_equal_bits() {
    let here = bits(1, true);
    if std::env::var_os(PRINT).is_some() {
        println!("bits {here:016x} end");
        return;
    }
    assert_eq!(here, bits(1, true), "two devices in one process");
    assert_ne!(here, bits(2, true), "another seed");
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["equal_seeds_give_equal_bits", "--exact", "--nocapture"]).env(PRINT, "1");
    let output = again.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let printed = text.split_whitespace().skip_while(|word| *word != "bits").nth(1);
    assert_eq!(printed, Some(format!("{here:016x}").as_str()), "two processes: {text}");
}

#[test]
fn streamed_pixels_give_the_bits_of_resident_ones() {
    assert_eq!(bits(1, false), bits(1, true));
    let outcomes = [true, false].map(|resident| {
        let mut device = gpu();
        start(&mut device, &model(None), &RACERS, 1, true);
        examine(&mut device, resident)
    });
    assert_eq!(outcomes[0], outcomes[1]);
}

/// A hundred planes in 64 parts: some parts have one plane and some two, and what lies between the poolings stays with
/// the thread that does the part.
#[test]
fn a_chain_over_parts_of_unequal_size_agrees_with_the_oracle() {
    const PLANES: usize = 100;
    let mut plan = Plan::default();
    let sides = [64, 32, 16, 8];
    let mut at = plan.kept("x", Element::F32, PLANES * 64 * 64, Residency::Data);
    for (index, side) in sides.into_iter().enumerate() {
        let (len, halving) = (
            PLANES * side * side / 4,
            Pool {
                planes: PLANES,
                in_height: side,
                in_width: side,
                window_height: 2,
                window_width: 2,
                stride: 2,
                padding: 0,
            },
        );
        let result = match index {
            3 => plan.kept("y", Element::F32, len, Residency::Data),
            _ => plan.transient("between", Element::F32, len),
        };
        plan.push(Op::AveragePoolForward(halving), &[at, result]);
        at = result;
    }
    let noise = |at: usize| f64::from(unit(pcg4d([7, 0, at as u32, 0])[0])) - 0.5;
    let values: Vec<f64> = (0..PLANES * 64 * 64).map(noise).collect();
    let run = |device: &mut dyn Device| {
        let handle = device.prepare(&plan).unwrap();
        device.put("x", &values);
        device.submit(handle).unwrap();
        device.take("y")
    };
    let want = run(&mut Interpreter::new());
    for mut device in devices() {
        assert_close("four poolings", &run(&mut *device), &want, 1e-5);
    }
}

const RACERS: [Loss; 2] = [Loss::Emd, Loss::Xemd1];

/// The outcomes of all racers over a split whose last batch is padded.
fn examine(device: &mut dyn Device, resident: bool) -> Vec<Vec<f64>> {
    let batches =
        Batches { split: "test", batch: 4, samples: 13, count: 4, stored_side: STORED, resident, votes: false };
    let plan = evaluation(&model(None), &RACERS, &batches);
    let split = Split::new(device, batches, 9, plan);
    split.replay(device, 4);
    RACERS.map(|racer| device.take(&format!("{racer}/outcomes"))[..13 * CLASSES].to_vec()).to_vec()
}

#[test]
fn outcomes_of_an_evaluation_agree_with_the_oracle() {
    let model = model(Some(0.3));
    let mut oracle = Interpreter::new();
    let trained = start(&mut oracle, &model, &RACERS, 7, true);
    trained.replay(&mut oracle, 3);
    let want = examine(&mut oracle, true);
    assert_ne!(want[0], want[1]);
    for row in want.iter().flat_map(|outcomes| outcomes.chunks(CLASSES)) {
        assert_within("sum of a row", &[row.iter().sum()], &[1.0], 1e-12);
    }
    for mut device in devices() {
        start(&mut *device, &model, &RACERS, 7, true);
        for slot in trained.plan.state() {
            device.write(&slot.name, 0, &read_now(&mut oracle, &slot.name).unwrap()).unwrap();
        }
        for (racer, (got, want)) in RACERS.iter().zip(examine(&mut *device, true).iter().zip(&want)) {
            assert_close(&format!("outcomes of {racer}"), got, want, TOLERANCE);
        }
    }
}

/// The plan of the default network for batches of so many 32x32 images.
fn default_plan(batch: usize) -> Plan {
    let model = zoo::plain(32, &[16, 32, 64], 128, 8).unwrap();
    let batches =
        Batches { split: "train", batch, samples: 6400, count: 100, stored_side: 36, resident: true, votes: false };
    training(&model, &[Loss::Emd], &batches, EVERYTHING)
}

#[test]
fn the_default_training_plan_is_the_golden_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/plan.txt");
    let text = default_plan(64).to_string();
    if std::env::var_os("BACKHOE_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    for (number, (line, golden)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(line, golden, "line {} of {path}; BACKHOE_BLESS=1 rewrites it", number + 1);
    }
    assert_eq!(text, golden);
}

fn dispatches(plan: &Plan, loads: Loads) -> usize {
    works(plan, |_| loads).iter().map(|work| work.dispatches.len()).sum()
}

/// Each costs a GPU 5 to 10 microseconds, whatever it computes.
#[test]
fn a_step_of_the_default_network_is_few_dispatches() {
    assert_eq!(dispatches(&default_plan(64), Loads::Tiles), 41);
}

#[test]
fn what_a_pace_counts_is_what_the_plan_comes_to() {
    let mut device = gpu();
    let workload = Workload::plain(4, 16, &[8, 16], 32, 8).unwrap();
    let started = workload.start(&mut device, &[Loss::Emd]).unwrap();
    let paced = pace(&mut device, started.handle, "train", Duration::from_millis(1)).unwrap();
    let loads = Loads::of(device.adapter().kind);
    let dispatches = dispatches(&started.plan, loads);
    assert_eq!((paced.submissions, paced.dispatches), (1.0, dispatches as f64));
    // Nothing but the clock is written, once an epoch.
    assert!(paced.uploaded_bytes <= size_of::<Clock>() as f64, "{}", paced.uploaded_bytes);
    let host = paced.host_s.unwrap();
    assert!(host > 0.0 && host < paced.step_s, "{host} s of {}", paced.step_s);
}

/// Of the order, no nearer: other programs use the machine, too.
#[test]
fn kinds_of_step_come_to_the_step() {
    let mut device = gpu();
    let started = Workload::plain(16, 16, &[16, 32], 32, 8).unwrap().start(&mut device, &[Loss::Emd]).unwrap();
    let step = pace(&mut device, started.handle, "train", Duration::from_millis(1)).unwrap().step_s;
    let has_clock = device.stamps().is_some();
    let (kinds, by) = kinds(&mut device, &started.plan, None).unwrap();
    assert_eq!(by == TimedBy::Timestamps, has_clock);
    assert!(kinds.iter().all(|kind| kind.ms.is_finite() && kind.ms > 0.0), "{kinds:?}");
    let together: f64 = kinds.iter().map(|kind| 1e-3 * kind.ms).sum();
    assert!(together > step / 8.0 && together < 8.0 * step, "{together} s of {step}");
}

#[test]
fn a_plan_that_does_not_fit_is_refused_with_numbers() {
    let mut device = gpu();
    let limit = device.limits().binding_bytes;
    let first = 16 * 32 * 32 * 4;
    let batch = (limit / first) as usize + 1;
    let needed = batch as u64 * first;
    let refused = device.prepare(&default_plan(batch)).unwrap_err();
    let slot = "emd/0.out".to_owned();
    assert_eq!(refused, ExecutorError::Misfit(Misfit::Binding { slot, needed, limit }));
    let (needed, limit) = (needed.div_ceil(1 << 20), limit.div_ceil(1 << 20));
    let words = format!("`emd/0.out` takes {needed} MiB, but this device binds at most {limit} MiB at once");
    assert_eq!(refused.to_string(), words);
    assert!(device.prepare(&default_plan(1)).is_ok(), "the device is none the worse for it");
}

/// A network in training whose weights stay where they are put.
struct Still {
    oracle: Interpreter,
    handle: PlanHandle,
    racer: Loss,
}

impl Still {
    /// The mean loss with these weights, on the first batch.
    fn loss(&mut self, weights: &[f64]) -> f64 {
        let slot = |name: &str| format!("{}/{name}", self.racer);
        self.oracle.set(&slot("weights"), weights.to_vec());
        self.oracle.set(&slot("sums"), vec![0.0; SUMS]);
        self.oracle.set("train/clock", vec![5.0, 0.0, 0.0, 0.0]);
        self.oracle.submit(self.handle).unwrap();
        let sums = self.oracle.get(&slot("sums"));
        sums[0] / sums[3]
    }
}

/// Forty weights, of every parameter one at least.
fn sample(model: &Model) -> Vec<usize> {
    let trained: Vec<_> = model.parameters().list.into_iter().filter(|parameter| parameter.trained).collect();
    assert!(trained.len() <= 40);
    let weight = |index: usize| {
        let parameter = &trained[index % trained.len()];
        parameter.offset + pcg4d([3, 0, 0, index as u32])[0] as usize % parameter.len()
    };
    (0..40).map(weight).collect()
}

/// Central differences of 1e-6 either way: their own error is about 1e-10, and hardly any ReLU or
/// maximum turns over within so little.
fn assert_gradients(racer: Loss) {
    const STEP: f64 = 1e-6;
    let model = model(None);
    let mut oracle = Interpreter::new();
    let handle = start(&mut oracle, &model, &[racer], 5, true).handle;
    oracle.write(&format!("{racer}/settings"), 0, bytemuck::bytes_of(&settings(racer, 0.0))).unwrap();
    let weights = oracle.get(&format!("{racer}/weights")).to_vec();
    let mut network = Still { oracle, handle, racer };
    network.loss(&weights);
    let gradients = network.oracle.get(&format!("gradients/{}", weights.len())).to_vec();
    let sample = sample(&model);
    let mut difference = |at: usize| {
        let mut moved = |by: f64| {
            let mut moved = weights.clone();
            moved[at] += by;
            network.loss(&moved)
        };
        (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
    };
    let differences: Vec<f64> = sample.iter().map(|&at| difference(at)).collect();
    let sampled: Vec<f64> = sample.iter().map(|&at| gradients[at]).collect();
    let what = format!("gradient of {racer} at {sample:?}");
    assert_within(&what, &sampled, &differences, 1e-6 * largest(&gradients));
}

#[test]
fn gradients_of_whole_networks_are_central_differences() {
    for racer in Loss::ALL {
        assert_gradients(racer);
    }
}
