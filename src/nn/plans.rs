//! The plans of a run: a training step, an evaluation step, and the distances at an epoch's end.
//! Racers step one after the other on the same augmented batch, each with its own weights.

use super::loss::{Labelling, Loss, Table};
use super::model::Model;
use super::tower::{Mode, Tower, gradients, weights};
use crate::plan::shape::{Augmentation, Crops, LossShape};
use crate::plan::{Element, Op, Operand, PADDING, Plan, Residency, View};

/// Words of a racer's sums: loss, cross-entropy, |distance term|, samples.
pub const SUMS: usize = 4;

/// Most words of a racer's predictions that wait on the device to be read: 16 MiB.
const MOST_OUTCOMES: usize = 4 << 20;

/// What a training or evaluation step is written for.
#[derive(Clone, Debug)]
pub struct Batches {
    /// `train` or `test`: the first part of the names of its slots.
    pub split: &'static str,
    /// Samples a batch.
    pub batch: usize,
    /// Samples in the data set.
    pub samples: usize,
    /// Batches an epoch.
    pub count: usize,
    /// Side of the stored images; the network's input is cropped out of them.
    pub stored_side: usize,
    /// Whether the whole data set lies in the device's memory.
    pub resident: bool,
    /// Whether the data set has a distribution over the classes for each sample.
    pub votes: bool,
}

impl Batches {
    pub(super) fn crops(&self, side: usize) -> Crops {
        Crops {
            batch: self.batch,
            samples: self.samples,
            order: self.batch * self.count,
            stored_side: self.stored_side,
            side,
            resident: self.resident,
        }
    }

    /// What the data have to say of their samples.
    #[must_use]
    pub fn labelling(&self, classes: usize) -> Labelling {
        Labelling { samples: self.samples, classes, votes: self.votes }
    }

    /// Batches of an evaluation whose predictions are kept until they are read.
    #[must_use]
    pub fn kept(&self, classes: usize) -> usize {
        (MOST_OUTCOMES / (self.batch * classes)).clamp(1, self.count)
    }

    /// The batches' samples: `order` cut or filled with padding to whole batches.
    #[must_use]
    pub fn fill(&self, mut order: Vec<u32>) -> Vec<u32> {
        order.resize(self.batch * self.count, PADDING);
        order
    }
}

/// The slots that a batch is gathered from, and its clock.
pub(super) struct Source {
    pub(super) views: [View; 4],
    clock: View,
}

pub(super) fn source(plan: &mut Plan, split: &str, crops: &Crops) -> Source {
    let mut data = |name: &str, len, residency| plan.kept(&format!("{split}/{name}"), Element::U32, len, residency);
    let pixels = data("pixels", crops.pixel_words(), Residency::Data);
    let labels = data("labels", crops.samples, Residency::Data);
    let order = data("order", crops.order, Residency::Data);
    let clock = data("clock", crate::plan::CLOCK_WORDS, Residency::Data);
    Source { views: [pixels, labels, order, clock], clock }
}

/// What every racer of a training step reads.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) batches: &'a Batches,
    pub(super) images: View,
    pub(super) targets: View,
    /// The sample of each row, where a racer asks for it.
    pub(super) rows: Option<View>,
    pub(super) clock: View,
}

/// One training step of all racers.
#[must_use]
pub fn training(model: &Model, racers: &[Loss], batches: &Batches, augmentation: Augmentation) -> Plan {
    let mut plan = Plan::default();
    let crops = batches.crops(model.side);
    let source = source(&mut plan, batches.split, &crops);
    let images = plan.transient("images", Element::F32, crops.crop_len());
    let targets = plan.transient("targets", Element::U32, batches.batch);
    let [pixels, labels, order, clock] = source.views;
    plan.push(Op::Augment(crops, augmentation), &[pixels, labels, order, clock, images, targets]);
    let named = |racer: &Loss| matches!(racer.table(batches.votes), Some(Table::Values | Table::Votes));
    let rows = racers.iter().any(named).then(|| {
        let rows = plan.transient("rows", Element::U32, batches.batch);
        plan.push(Op::BatchRows { batch: batches.batch, order: crops.order }, &[order, clock, rows]);
        rows
    });
    for &racer in racers {
        train_racer(&mut plan, model, racer, &Shared { batches, images, targets, rows, clock });
    }
    plan.push(Op::Tick, &[source.clock]);
    plan
}

fn train_racer(plan: &mut Plan, model: &Model, racer: Loss, shared: &Shared<'_>) {
    let batch = shared.batches.batch;
    let shape = LossShape { batch, classes: model.classes() };
    let model = racer.network(model);
    let name = racer.name();
    let mut tower = Tower::new(plan, name, &model, Mode::Training, batch, shared.clock);
    let forward = tower.forward(&model, shared.images);
    let [probabilities, gradient, terms] = loss(tower.plan, racer, shape, forward.logits, shared);
    tally(tower.plan, name, shape, [probabilities, terms, shared.targets, shared.clock]);
    sum_features(tower.plan, name, shape, model.features(), [forward.features, shared.targets]);
    tower.backward(forward, gradient);
    let parameters = model.parameters();
    let (weights, gradients) = (weights(plan, name, &parameters), gradients(plan, &parameters));
    let momenta = plan.kept(&format!("{name}/momenta"), Element::F32, parameters.arena, Residency::State);
    let settings = settings(plan, name);
    plan.push(Op::Sgd(parameters.arena), &[gradients, settings, weights, momenta]);
}

/// Prediction, loss and its gradient: returns probabilities, gradient of the logits, terms.
pub(super) fn loss(plan: &mut Plan, racer: Loss, shape: LossShape, logits: View, shared: &Shared<'_>) -> [View; 3] {
    let name = racer.name();
    let op = Op::Loss(racer.kind(shared.batches.labelling(shape.classes)), shape);
    let table = racer.table(shared.batches.votes);
    let view = |operand: &Operand| {
        let Operand { element, len, .. } = *operand;
        match operand.name {
            "logits" => logits,
            "targets" => shared.targets,
            "rows" if table == Some(Table::Classes) => shared.targets,
            "rows" => shared.rows.unwrap_or(shared.targets),
            "table" => {
                let slot = table.map(|table| table_slot(racer, table, shared.batches));
                plan.kept(&slot.unwrap_or_default(), element, len, Residency::Data)
            }
            "class_values" => plan.kept("class_values", element, len, Residency::Data),
            "ground" => state(plan, name, "ground", len),
            "settings" => settings(plan, name),
            own => plan.transient(&format!("{name}/{own}"), element, len),
        }
    };
    let views: Vec<View> = op.operands().iter().map(view).collect();
    plan.push(op, &views);
    // What a loss writes comes last (`Op::operands`).
    let [.., probabilities, gradient, terms] = views[..] else { unreachable!("a loss writes three views") };
    [probabilities, gradient, terms]
}

/// The slot of the table that a loss is trained on: rows in the order of the samples, or of the classes.
#[must_use]
pub fn table_slot(racer: Loss, table: Table, batches: &Batches) -> String {
    match table {
        Table::Values => format!("{}/values", batches.split),
        Table::Votes => format!("{}/votes", batches.split),
        Table::Classes => format!("{racer}/labels"),
    }
}

/// Adds the batch to the epoch's sums and counts.
fn tally(plan: &mut Plan, name: &str, shape: LossShape, [probabilities, terms, targets, clock]: [View; 4]) {
    let confusion = counts(plan, name, "train_confusion", shape.classes * shape.classes);
    let sums = state(plan, name, "sums", SUMS);
    let fault = counts(plan, name, "fault", 2);
    plan.push(Op::Tally(shape), &[probabilities, terms, targets, clock, sums, fault, confusion]);
}

/// Adds the batch's features to the sums of their classes (section 3.1).
fn sum_features(plan: &mut Plan, name: &str, shape: LossShape, features: usize, [activations, targets]: [View; 2]) {
    let LossShape { batch, classes } = shape;
    let class_sums = state(plan, name, "class_sums", classes * features);
    let class_counts = counts(plan, name, "class_counts", classes);
    plan.push(Op::ClassSums { batch, features, classes }, &[activations, targets, class_sums, class_counts]);
}

fn state(plan: &mut Plan, racer: &str, what: &str, len: usize) -> View {
    plan.kept(&format!("{racer}/{what}"), Element::F32, len, Residency::State)
}

fn counts(plan: &mut Plan, racer: &str, what: &str, len: usize) -> View {
    plan.kept(&format!("{racer}/{what}"), Element::U32, len, Residency::State)
}

fn settings(plan: &mut Plan, racer: &str) -> View {
    plan.kept(&format!("{racer}/settings"), Element::F32, crate::plan::SETTINGS_WORDS, Residency::Data)
}

/// One evaluation step of all racers: the mean prediction of centre crop and mirror image. Each
/// racer's `outcomes` keep those of the last [`Batches::kept`] batches.
#[must_use]
pub fn evaluation(model: &Model, racers: &[Loss], batches: &Batches) -> Plan {
    let mut plan = Plan::default();
    let crops = batches.crops(model.side);
    let source = source(&mut plan, batches.split, &crops);
    let images = plan.transient("images", Element::F32, 2 * crops.crop_len());
    let targets = plan.transient("targets", Element::U32, batches.batch);
    let [pixels, labels, order, clock] = source.views;
    plan.push(Op::CentreCrops(crops), &[pixels, labels, order, clock, images, targets]);
    let shape = LossShape { batch: batches.batch, classes: model.classes() };
    for &racer in racers {
        let network = racer.network(model);
        let mut tower = Tower::new(&mut plan, racer.name(), &network, Mode::Evaluation, 2 * batches.batch, clock);
        let logits = tower.forward(&network, images).logits;
        let rows = batches.batch * batches.kept(shape.classes);
        evaluate_racer(&mut plan, racer, shape, rows, [logits, clock]);
    }
    plan.push(Op::Tick, &[source.clock]);
    plan
}

fn evaluate_racer(plan: &mut Plan, racer: Loss, shape: LossShape, rows: usize, [logits, clock]: [View; 2]) {
    let link = racer.link();
    let columns = link.columns(shape.classes);
    let averages = plan.transient(&format!("{racer}/averages"), Element::F32, shape.batch * columns);
    let outcomes = plan.kept(&format!("{racer}/outcomes"), Element::F32, rows * columns, Residency::Data);
    plan.push(Op::AveragePredictions { shape, rows, link }, &[logits, clock, averages, outcomes]);
}

/// Where a racer's learned ground distance lies: where its loss reads it, unless that is given another.
#[must_use]
pub fn learned_slot(racer: Loss, given: bool) -> &'static str {
    if given && racer.reads_ground() { "learned" } else { "ground" }
}

/// The distances of all racers from the epoch's sums (equations 2, 12 and 13). `given` says that losses which read a
/// ground distance are given one, so that what is learned is kept apart.
#[must_use]
pub fn distances(model: &Model, racers: &[Loss], given: bool) -> Plan {
    let mut plan = Plan::default();
    let (classes, features) = (model.classes(), model.features());
    for &racer in racers {
        let name = racer.name();
        let class_sums = state(&mut plan, name, "class_sums", classes * features);
        let class_counts = counts(&mut plan, name, "class_counts", classes);
        let centroids = state(&mut plan, name, "centroids", classes * features);
        plan.push(Op::Centroids { classes, features }, &[class_sums, class_counts, centroids]);
        let raw = state(&mut plan, name, "distances", classes * classes);
        plan.push(Op::PairwiseDistances { classes, features }, &[centroids, raw]);
        let ground = state(&mut plan, name, learned_slot(racer, given), classes * classes);
        plan.push(Op::GroundDistance { classes }, &[raw, ground]);
    }
    plan
}
