//! Losses, ground distances and a small network against the numbers of other libraries
//! (`fixtures/make_fixtures.py`), on the oracle, on this machine's adapter and on its processor.
//!
//! `BACKHOE_FIXTURES` names another folder of the same files, made with other seeds or sizes:
//! everything but the meaning of the files is taken from them.

mod common;
#[path = "common/torch.rs"]
mod torch;

use backhoe::nn::loss::Labelling;
use backhoe::nn::tower::{Mode, Tower};
use backhoe::nn::{Layer, Loss, Model, Parameter};
use backhoe::plan::{Clock, Element, Link, LossKind, LossShape, Op, Operand, Plan, Residency, StepSettings, View};
use backhoe::reference::Interpreter;
use backhoe::reference::loss::EPSILON;
use backhoe::train::metrics::sdd;
use common::{Device, assert_close, assert_within, devices, largest};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

/// 64-bit arithmetic against 64-bit arithmetic.
const ORACLE: f64 = 1e-10;
/// 32-bit arithmetic through a whole network.
const NARROW: f64 = 1e-4;
/// PyTorch's epsilon and momentum of batch normalisation.
const NORM: (f64, f64) = (1e-5, 0.1);

fn path(name: &str) -> PathBuf {
    let own = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::env::var_os("BACKHOE_FIXTURES").map_or_else(own, PathBuf::from).join(name)
}

fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{}: {error}", path(name).display()));
    serde_json::from_str(&text).unwrap()
}

/// All numbers of nested lists in their order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap_or_else(|| panic!("{number} is no number"))],
    }
}

fn words(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|number| number as u32).collect()
}

fn cases(fixture: &Value) -> &[Value] {
    let cases = fixture["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

fn data(plan: &mut Plan, name: &str, len: usize) -> View {
    plan.kept(name, Element::F32, len, Residency::Data)
}

fn integers(plan: &mut Plan, name: &str, len: usize) -> View {
    plan.kept(name, Element::U32, len, Residency::Data)
}

fn settings(plan: &mut Plan) -> View {
    data(plan, "settings", size_of::<StepSettings>() / 4)
}

/// Appends a loss whose operands are kept under their own names; returns the gradient.
fn push_loss(plan: &mut Plan, op: Op, logits: View, targets: View, prefix: &str) -> View {
    let view = |operand: &Operand| match operand.name {
        "logits" => logits,
        "targets" => targets,
        "settings" => settings(plan),
        name => plan.kept(&format!("{prefix}{name}"), operand.element, operand.len, Residency::Data),
    };
    let views: Vec<View> = op.operands().iter().map(view).collect();
    plan.push(op, &views);
    views[views.len() - 2]
}

const LOSSES: [(&str, Loss); 6] = [
    ("xe", Loss::Xe),
    ("reg", Loss::Reg),
    ("emd", Loss::Emd),
    ("emd_linear", Loss::EmdLinear),
    ("xemd1", Loss::Xemd1),
    ("xemd2", Loss::Xemd2),
];

/// A plan of one step, whose slots are named after the number of classes and of outputs.
fn loss_plan(loss: Loss, classes: usize, prefix: &str) -> Plan {
    let mut plan = Plan::default();
    let logits = data(&mut plan, &format!("{prefix}logits"), loss.link().outputs(classes));
    let targets = integers(&mut plan, "targets", 1);
    let op = Op::Loss(loss.kind(Labelling { samples: 1, classes, votes: false }), LossShape { batch: 1, classes });
    push_loss(&mut plan, op, logits, targets, prefix);
    plan
}

/// How far the recorded numbers may themselves be off: a few roundings of numbers up to
/// 2 x classes (equation 11), of whose differences next to nothing may be left.
fn recorded(classes: usize) -> f64 {
    8.0 * classes as f64 * f64::EPSILON
}

/// Fills what a loss reads; a regression is trained on the class index.
fn put_case(device: &mut dyn Device, case: &Value, want: &Value, loss: Loss, prefix: &str) {
    let regression = loss.link() == Link::Identity;
    device.put(&format!("{prefix}logits"), &numbers(if regression { &want["output"] } else { &case["logits"] }));
    device.put_words("targets", &words(&case["label"]));
    if regression {
        device.put_words(&format!("{prefix}rows"), &[0]);
        device.put(&format!("{prefix}table"), &numbers(&case["label"]));
    }
    if loss.reads_ground() {
        device.put(&format!("{prefix}ground"), &numbers(&case["ground"]));
    }
    if loss.is_self_guided() {
        let (omega, mu) = loss.omega_and_mu();
        let lambda = case["lambda"].as_f64().unwrap();
        device.put("settings", &[0.0, 0.0, 0.0, lambda, f64::from(omega), f64::from(mu), 0.0, 0.0]);
    }
}

fn check_losses(device: &mut dyn Device, tolerance: f64) {
    let fixture = json("losses.json");
    assert_eq!(fixture["epsilon"].as_f64(), Some(EPSILON));
    let mut prepared = HashMap::new();
    for (index, case) in cases(&fixture).iter().enumerate() {
        let classes = case["classes"].as_u64().unwrap() as usize;
        for (name, loss) in LOSSES {
            let outputs = loss.link().outputs(classes);
            let prefix = format!("{classes}/{outputs}/");
            let handle = *prepared
                .entry((name, classes))
                .or_insert_with(|| device.prepare(&loss_plan(loss, classes, &prefix)).unwrap());
            let want = &case["expect"][name];
            put_case(device, case, want, loss, &prefix);
            device.submit(handle).unwrap();
            for (what, slot, take) in [("loss", "terms", 1), ("grad", "logit_gradient", outputs)] {
                let (got, want) = (device.take(&format!("{prefix}{slot}")), numbers(&want[what]));
                let what = format!("{what} of {name} with {classes} classes, case {index}");
                assert_within(&what, &got[..take], &want, tolerance * largest(&want) + recorded(classes));
            }
        }
    }
}

/// Transport with entropy: its cost is the distance term.
fn check_approximate_emd(device: &mut dyn Device, tolerance: f64) {
    for (index, case) in json("losses.json")["approximate_emd"].as_array().unwrap().iter().enumerate() {
        let classes = case["classes"].as_u64().unwrap() as usize;
        assert_eq!(case["iterations"], 100);
        let prefix = format!("{index}/");
        let handle = device.prepare(&loss_plan(Loss::AEmd, classes, &prefix)).unwrap();
        put_case(device, case, case, Loss::AEmd, &prefix);
        device.put("settings", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, case["reg"].as_f64().unwrap(), 0.0]);
        device.submit(handle).unwrap();
        let (terms, gradient) =
            (device.take(&format!("{prefix}terms")), device.take(&format!("{prefix}logit_gradient")));
        assert_close(&format!("cost of case {index}"), &terms[2..], &numbers(&case["transport_cost"]), tolerance);
        let what = format!("gradient of case {index}");
        let want = numbers(&case["grad"]);
        assert_within(&what, &gradient, &want, tolerance * largest(&want) + recorded(classes));
    }
}

#[test]
fn losses_and_their_gradients_on_the_oracle() {
    check_losses(&mut Interpreter::new(), ORACLE);
    check_approximate_emd(&mut Interpreter::new(), ORACLE);
}

#[test]
fn losses_and_their_gradients_on_the_adapter() {
    for mut device in devices() {
        check_losses(&mut *device, NARROW);
        check_approximate_emd(&mut *device, NARROW);
    }
}

/// Features and labels to centroids, distances and ground distance in one plan.
fn ground_plan(prefix: &str, batch: usize, features: usize, classes: usize) -> Plan {
    let mut plan = Plan::default();
    let name = |what: &str| format!("{prefix}/{what}");
    let rows = data(&mut plan, &name("features"), batch * features);
    let targets = integers(&mut plan, &name("targets"), batch);
    let sums = data(&mut plan, &name("class_sums"), classes * features);
    let counts = integers(&mut plan, &name("class_counts"), classes);
    plan.push(Op::ClassSums { batch, features, classes }, &[rows, targets, sums, counts]);
    let centroids = data(&mut plan, &name("centroids"), classes * features);
    plan.push(Op::Centroids { classes, features }, &[sums, counts, centroids]);
    let distances = data(&mut plan, &name("dbar"), classes * classes);
    plan.push(Op::PairwiseDistances { classes, features }, &[centroids, distances]);
    let ground = data(&mut plan, &name("ground"), classes * classes);
    plan.push(Op::GroundDistance { classes }, &[distances, ground]);
    plan
}

fn check_ground(device: &mut dyn Device, tolerance: f64) {
    let fixture = json("ground.json");
    for (index, case) in cases(&fixture).iter().enumerate() {
        let (rows, labels) = (numbers(&case["features"]), words(&case["labels"]));
        let classes = case["classes"].as_u64().unwrap() as usize;
        let prefix = format!("case {index}");
        let plan = ground_plan(&prefix, labels.len(), rows.len() / labels.len(), classes);
        let handle = device.prepare(&plan).unwrap();
        device.put(&format!("{prefix}/features"), &rows);
        device.put_words(&format!("{prefix}/targets"), &labels);
        device.submit(handle).unwrap();
        for what in ["centroids", "dbar", "ground"] {
            let slot = format!("{prefix}/{what}");
            assert_close(&slot, &device.take(&slot), &numbers(&case[what]), tolerance);
        }
        let spread = sdd(&device.take(&format!("{prefix}/dbar")));
        assert_close(&format!("sdd of case {index}"), &[spread], &numbers(&case["sdd"]), tolerance);
    }
}

#[test]
fn ground_distances_on_the_oracle() {
    check_ground(&mut Interpreter::new(), ORACLE);
}

#[test]
fn ground_distances_on_the_adapter() {
    devices().iter_mut().for_each(|device| check_ground(&mut **device, NARROW));
}

/// The recorded network.
struct Recorded {
    model: Model,
    batch: usize,
    tensors: HashMap<String, Vec<f64>>,
    /// Learning rate, momentum, weight decay.
    sgd: [f64; 3],
    losses: Vec<f64>,
}

impl Recorded {
    fn read() -> Self {
        let record = json("network.json");
        let bytes = std::fs::read(path("network.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let [batch, 3, side, width] = *file.tensor("input").unwrap().shape() else { panic!("no images") };
        assert_eq!(side, width);
        let layers = record["layers"].as_array().unwrap().iter().map(|text| torch::layer(text.as_str().unwrap()));
        assert!(record["loss"].as_str().unwrap().starts_with("emd "), "{}", record["loss"]);
        Self {
            model: Model::new(side, layers.collect()).unwrap(),
            batch,
            tensors: file.iter().map(|(name, tensor)| (name.to_owned(), wide(tensor.dtype(), tensor.data()))).collect(),
            sgd: ["lr", "momentum", "decay"].map(|word| after(record["optimizer"].as_str().unwrap(), word)),
            losses: numbers(&record["steps"]),
        }
    }

    fn targets(&self) -> Vec<u32> {
        self.tensors["label"].iter().map(|label| *label as u32).collect()
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.model.parameters().list
    }

    /// Fills weights and statistics with the recorded tensors of this prefix.
    fn put_state(&self, device: &mut dyn Device, prefix: &str) {
        let mut arena = vec![0.0; self.model.parameters().arena];
        for parameter in self.parameters() {
            let values = &self.tensors[&format!("{prefix}.{}", parameter.name)];
            assert_eq!(values.len(), parameter.len(), "{}", parameter.name);
            if parameter.trained {
                arena[parameter.offset..parameter.offset + values.len()].copy_from_slice(values);
            } else {
                device.put(&format!("net/{}", parameter.name), values);
            }
        }
        device.put("net/weights", &arena);
    }

    /// Whether this is the bias of a layer whose output is normalised: the mean takes it away
    /// again, so that its gradient is zero but for roundings.
    fn is_normalised_away(&self, parameter: &Parameter) -> bool {
        let Some(index) = parameter.name.strip_suffix(".bias") else { return false };
        let index: usize = index.parse().unwrap();
        let affine = matches!(self.model.layers[index], Layer::Conv { .. } | Layer::Linear { .. });
        affine && self.model.layers.get(index + 1) == Some(&Layer::BatchNorm)
    }
}

fn wide(kind: Dtype, bytes: &[u8]) -> Vec<f64> {
    match kind {
        Dtype::F64 => bytemuck::pod_collect_to_vec(bytes),
        Dtype::I64 => bytemuck::pod_collect_to_vec::<u8, i64>(bytes).into_iter().map(|word| word as f64).collect(),
        other => panic!("tensors of {other:?}"),
    }
}

/// The number after a word.
fn after(text: &str, word: &str) -> f64 {
    let mut words = text.split_whitespace().skip_while(|other| *other != word);
    words.nth(1).unwrap().trim_end_matches(',').parse().unwrap()
}

/// The tower over a kept slot of images; its logits are kept in `logits`, as a sum with zeros.
fn network_plan(recorded: &Recorded, mode: Mode) -> Plan {
    let Recorded { model, batch, .. } = recorded;
    let mut plan = Plan::default();
    let images = data(&mut plan, "images", batch * model.input().len());
    let clock = integers(&mut plan, "clock", size_of::<Clock>() / 4);
    let mut tower = Tower::new(&mut plan, "net", model, mode, *batch, clock);
    let forward = tower.forward(model, images);
    let shape = LossShape { batch: *batch, classes: model.classes() };
    let len = batch * model.classes();
    let (zeros, logits) = (data(tower.plan, "zeros", len), data(tower.plan, "logits", len));
    tower.plan.push(Op::Add(len), &[forward.logits, zeros, logits]);
    if mode == Mode::Training {
        let targets = integers(tower.plan, "targets", *batch);
        let gradient = push_loss(tower.plan, Op::Loss(LossKind::Emd, shape), forward.logits, targets, "");
        tower.backward(forward, gradient);
        let arena = model.parameters().arena;
        let gradients = data(&mut plan, &format!("gradients/{arena}"), arena);
        let momenta = data(&mut plan, "momenta", arena);
        let weights = plan.kept("net/weights", Element::F32, arena, Residency::State);
        let settings = settings(&mut plan);
        plan.push(Op::Sgd(arena), &[gradients, settings, weights, momenta]);
    }
    plan
}

/// What the plan holds of epsilon and momentum.
fn held_norm(plan: &Plan) -> (f64, f64) {
    let held = plan.steps.iter().find_map(|step| match step.op {
        Op::BatchNormStatistics(norm) => Some((f64::from(norm.epsilon), f64::from(norm.momentum))),
        _ => None,
    });
    held.unwrap_or(NORM)
}

/// A running statistic as it would be with PyTorch's momentum. A plan holds the momentum in 32
/// bits, which puts the share of each batch off by 1.5e-8; all else is compared to the last digit.
struct Running {
    name: String,
    last: Vec<f64>,
    exact: Vec<f64>,
}

impl Running {
    fn follow(&mut self, now: Vec<f64>, held: f64) {
        for ((exact, last), now) in self.exact.iter_mut().zip(&self.last).zip(&now) {
            let of_batch = (now - (1.0 - held) * last) / held;
            *exact = (1.0 - NORM.1) * *exact + NORM.1 * of_batch;
        }
        self.last = now;
    }
}

fn check_gradients(device: &mut dyn Device, recorded: &Recorded, tolerance: f64) {
    let gradients = device.take(&format!("gradients/{}", recorded.model.parameters().arena));
    for parameter in recorded.parameters().iter().filter(|parameter| parameter.trained) {
        let name = format!("grad.{}", parameter.name);
        let got = &gradients[parameter.offset..parameter.offset + parameter.len()];
        let scale = match recorded.is_normalised_away(parameter) {
            true => largest(&recorded.tensors[&name.replace("bias", "weight")]),
            false => largest(&recorded.tensors[&name]),
        };
        assert_within(&name, got, &recorded.tensors[&name], tolerance * scale);
    }
}

fn check_network(device: &mut dyn Device, tolerance: f64) {
    let recorded = Recorded::read();
    let plan = network_plan(&recorded, Mode::Training);
    let (epsilon, share) = held_norm(&plan);
    // Epsilon too is held in 32 bits: its error is a thousandfold share of a variance of 0.001, and
    // tenfold that of a sum whose terms all but cancel.
    let tolerance = tolerance + 1e4 * (epsilon - NORM.0).abs();
    let handle = device.prepare(&plan).unwrap();
    recorded.put_state(device, "init");
    device.put("images", &recorded.tensors["input"]);
    device.put_words("targets", &recorded.targets());
    let [rate, momentum, decay] = recorded.sgd;
    device.put("settings", &[rate, momentum, decay, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let parameters = recorded.parameters();
    let statistics = parameters.iter().filter(|parameter| !parameter.trained);
    let mut running: Vec<Running> = statistics
        .map(|parameter| {
            let first = recorded.tensors[&format!("init.{}", parameter.name)].clone();
            Running { name: parameter.name.clone(), last: first.clone(), exact: first }
        })
        .collect();

    for (step, loss) in recorded.losses.iter().enumerate() {
        device.submit(handle).unwrap();
        let terms = device.take("terms");
        let mean = terms.chunks(3).map(|row| row[0]).sum::<f64>() / recorded.batch as f64;
        assert_close(&format!("loss of step {step}"), &[mean], &[*loss], tolerance);
        if step == 0 {
            assert_close("logits", &device.take("logits"), &recorded.tensors["logits"], tolerance);
            check_gradients(device, &recorded, tolerance);
        }
        for statistic in &mut running {
            statistic.follow(device.take(&format!("net/{}", statistic.name)), share);
        }
    }

    let weights = device.take("net/weights");
    for parameter in parameters.iter().filter(|parameter| parameter.trained) {
        let name = format!("final.{}", parameter.name);
        let got = &weights[parameter.offset..parameter.offset + parameter.len()];
        assert_close(&name, got, &recorded.tensors[&name], tolerance);
    }
    for Running { name, exact, .. } in &running {
        let name = format!("final.{name}");
        assert_close(&name, exact, &recorded.tensors[&name], tolerance);
    }
}

#[test]
fn three_steps_of_a_network_on_the_oracle() {
    check_network(&mut Interpreter::new(), ORACLE);
}

#[test]
fn three_steps_of_a_network_on_the_adapter() {
    devices().iter_mut().for_each(|device| check_network(&mut **device, NARROW));
}

/// The logits of the recorded last state in one mode.
fn logits(device: &mut dyn Device, recorded: &Recorded, mode: Mode) -> Vec<f64> {
    let handle = device.prepare(&network_plan(recorded, mode)).unwrap();
    recorded.put_state(device, "final");
    device.put("images", &recorded.tensors["input"]);
    device.submit(handle).unwrap();
    device.take("logits")
}

#[test]
fn evaluation_takes_the_running_statistics() {
    let recorded = Recorded::read();
    let want = logits(&mut Interpreter::new(), &recorded, Mode::Evaluation);
    for mut device in devices() {
        assert_close("logits in evaluation", &logits(&mut *device, &recorded, Mode::Evaluation), &want, NARROW);
    }
    let training = logits(&mut Interpreter::new(), &recorded, Mode::Training);
    let differs = training.iter().zip(&want).any(|(a, b)| (a - b).abs() > 0.01 * largest(&want));
    assert_eq!(differs, recorded.model.layers.contains(&Layer::BatchNorm));
}
