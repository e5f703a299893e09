//! The plan that looks inside a network: one image through it, and the gradient of its loss back to the image.
//!
//! It reads the racer's own weights and statistics (its kept slots have the names that the training plan gives them) and writes
//! none of them: what it writes are slots of its own, `look/...`, which racers share as far as their sizes are the same.

use super::loss::Loss;
use super::model::Model;
use super::plans::{Batches, Shared, loss, source};
use super::tower::{Mode, Tower, weights};
use super::{Parameters, Shape};
use crate::plan::{Element, LossShape, Op, Plan, Residency, View};

/// First part of the names of the plan's own slots.
const SPLIT: &str = "look";

/// A kept slot of maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The slot, which may be longer.
    pub slot: String,
    /// Maps.
    pub count: usize,
    /// Shape of a map.
    pub shape: Shape,
}

impl Tensor {
    /// Words of all maps.
    #[must_use]
    pub fn words(&self) -> usize {
        self.count * self.shape.len()
    }
}

/// The plan, and where it leaves what is looked at.
#[derive(Clone, Debug)]
pub struct Inside {
    /// A replay for one image.
    pub plan: Plan,
    /// How the image is given: the first of one.
    pub batches: Batches,
    /// Names and outputs of the layers that write any, in the order in which they are computed; a map a channel.
    pub layers: Vec<(String, Tensor)>,
    /// The network's input, -1 to 1.
    pub input: Tensor,
    /// The gradient of the image's loss with respect to the network's input.
    pub gradient: Tensor,
    /// The network's outputs, in their order.
    pub logits: Tensor,
    /// A probability an output, as the loss has it.
    pub probabilities: Tensor,
    /// The loss, its cross-entropy and its distance term.
    pub terms: Tensor,
    /// Weights of the first convolution, a map a filter; none in a network without any.
    pub filters: Option<Tensor>,
}

/// The plan for a racer, its statistics those of evaluation, dropout left out. Stored images are of `stored_side`; `votes` says
/// whether the image comes with a distribution over the classes.
#[must_use]
pub fn inside(model: &Model, racer: Loss, stored_side: usize, votes: bool) -> Inside {
    let batches = Batches { split: SPLIT, batch: 1, samples: 1, count: 1, stored_side, resident: true, votes };
    let mut plan = Plan::default();
    let crops = batches.crops(model.side);
    let source = source(&mut plan, SPLIT, &crops);
    // The crop, and its mirror image, which nobody looks at.
    let images = plan.kept("look/images", Element::F32, 2 * crops.crop_len(), Residency::Data);
    let targets = plan.transient("targets", Element::U32, 1);
    let rows = plan.kept("look/rows", Element::U32, 1, Residency::Data);
    let [pixels, labels, order, clock] = source.views;
    plan.push(Op::CentreCrops(crops), &[pixels, labels, order, clock, images, targets]);
    let images = images.part(0, crops.crop_len());
    let network = racer.network(model);
    let mut tower = Tower::new(&mut plan, racer.name(), &network, Mode::Evaluation, 1, clock);
    let forward = tower.forward(&network, images);
    let outputs = std::mem::take(&mut tower.outputs);
    let logits = forward.logits;
    let shape = LossShape { batch: 1, classes: model.classes() };
    let shared = Shared { batches: &batches, images, targets, rows: Some(rows), clock };
    let [probabilities, logit_gradient, terms] = loss(tower.plan, racer, shape, logits, &shared);
    let gradient = tower.backward_to_images(forward, logit_gradient);
    let filters = filters(&mut plan, racer, &network.parameters());
    let layers =
        outputs.into_iter().map(|output| (output.name, keep(&mut plan, &output.path, output.view, output.shape)));
    let layers: Vec<(String, Tensor)> = layers.collect();
    let flat = |len| Shape { channels: len, height: 1, width: 1 };
    Inside {
        input: maps("look/images", model.input()),
        gradient: keep(&mut plan, "gradient", gradient, model.input()),
        probabilities: keep(&mut plan, "probabilities", probabilities, flat(probabilities.len)),
        terms: keep(&mut plan, "terms", terms, flat(terms.len)),
        logits: keep(&mut plan, "logits", logits, flat(logits.len)),
        filters,
        layers,
        batches,
        plan,
    }
}

/// A slot's content as a map a channel.
fn maps(slot: &str, shape: Shape) -> Tensor {
    Tensor { slot: slot.to_owned(), count: shape.channels, shape: Shape { channels: 1, ..shape } }
}

/// Keeps a tensor that the plan writes, under a name that says its length: racers differ in their last layer.
fn keep(plan: &mut Plan, what: &str, view: View, shape: Shape) -> Tensor {
    let slot = &mut plan.slots[view.slot.0];
    if slot.residency == Residency::Transient {
        slot.name = format!("{SPLIT}/{what}/{}", slot.len);
        slot.residency = Residency::Data;
    }
    maps(&slot.name, shape)
}

/// A copy of the first convolution's weights, so that they are read without all others: their sum with zeros.
fn filters(plan: &mut Plan, racer: Loss, parameters: &Parameters) -> Option<Tensor> {
    let first = parameters.list.iter().find(|parameter| parameter.shape.len() == 4)?;
    let [count, channels, height, width] = first.shape[..] else { return None };
    let (len, own) = (first.len(), weights(plan, racer.name(), parameters));
    let zeros = plan.kept(&format!("zeros/{len}"), Element::F32, len, Residency::Data);
    let copy = plan.kept("look/filters", Element::F32, len, Residency::Data);
    plan.push(Op::Add(len), &[own.part(first.offset, len), zeros, copy]);
    Some(Tensor { slot: "look/filters".to_owned(), count, shape: Shape { channels, height, width } })
}
