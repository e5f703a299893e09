//! Looks into racing networks: one test image through a network and the gradient of its loss back to it, between two steps.
//!
//! A look reads weights and writes only slots of its own, so that nothing of the run hangs on whether there was one.

use super::ids::Ids;
use super::predictions::Predictions;
use super::targets::Units;
use crate::data::Dataset;
use crate::nn::inside::{Inside, Tensor, inside};
use crate::nn::loss::Table;
use crate::nn::plans::table_slot;
use crate::nn::{Loss, Model};
use crate::plan::{Executor, ExecutorError, Link, PlanHandle, Ticket};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What to look at in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The racer.
    pub loss: Loss,
    /// The test image.
    pub image: usize,
    /// The layer whose outputs are shown, from 0, of those that write any; beyond the last it is the last.
    pub layer: usize,
}

/// What was seen in a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// What was asked for.
    pub look: Look,
    /// Steps that the run had done.
    pub step: usize,
    /// Names of all layers whose outputs can be shown, in the order in which they are computed.
    pub layers: Vec<String>,
    /// Weights of the first convolution: filters.
    pub filters: Maps,
    /// Outputs of the chosen layer: channels; a fully connected layer has maps of one number, the last layer's in the order of
    /// the classes where there is one a class.
    pub activations: Maps,
    /// Gradient of the image's loss with respect to the network's input, one map a colour.
    pub gradient: Maps,
    /// The network's input as it was given, a map a colour in 0 to 1.
    pub input: Maps,
    /// Predicted probabilities, one a class, of the image alone: evaluation takes the mean with its mirror image.
    pub probabilities: Vec<f32>,
    /// Expected class value, or a regression's output in the values' own units.
    pub score: f64,
    /// The loss of this image.
    pub value: f64,
    /// Why nothing was seen.
    pub trouble: Option<String>,
}

/// Maps of one size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Maps {
    /// Maps.
    pub count: usize,
    /// Channels of a map: 3 for the first convolution's filters, else 1.
    pub channels: usize,
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// Count x channels x height x width.
    pub values: Vec<f32>,
}

impl Maps {
    fn of(tensor: &Tensor, mut values: Vec<f32>) -> Self {
        values.truncate(tensor.words());
        let shape = tensor.shape;
        Self { count: tensor.count, channels: shape.channels, height: shape.height, width: shape.width, values }
    }
}

impl Seen {
    /// Nothing, and why.
    fn nothing(look: Look, step: usize, why: String) -> Self {
        let maps = Maps::default;
        Self {
            look,
            step,
            layers: Vec::new(),
            filters: maps(),
            activations: maps(),
            gradient: maps(),
            input: maps(),
            probabilities: Vec::new(),
            score: 0.0,
            value: 0.0,
            trouble: Some(why),
        }
    }
}

/// Whose networks are looked into.
pub(super) struct Subject<'a> {
    pub(super) model: &'a Model,
    pub(super) racers: &'a [Loss],
    pub(super) data: &'a Dataset,
    pub(super) ids: &'a Ids,
    pub(super) step: usize,
}

/// A look whose readings are on their way.
struct UnderWay {
    look: Look,
    step: usize,
    /// What is read, in the order of the tickets.
    tensors: Vec<Tensor>,
    tickets: Vec<Ticket>,
    arrived: Vec<Vec<f32>>,
}

/// Looks, one at a time. Plans are prepared when a racer is first looked into; their slots are for one image, and racers share
/// them.
#[derive(Default)]
pub(super) struct Looking {
    prepared: HashMap<Loss, (PlanHandle, Inside)>,
    wanted: Option<Look>,
    under_way: Option<UnderWay>,
}

impl Looking {
    /// Asks for a look; one that was asked for before and has not begun is forgotten.
    pub(super) fn want(&mut self, look: Look) {
        self.wanted = Some(look);
    }

    /// Whether a look has not been told yet.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.is_some() || self.under_way.is_some()
    }

    /// Begins a look, or takes what has arrived of it. What cannot be looked at is told, not failed on.
    ///
    /// # Errors
    /// When the device is lost.
    pub(super) fn advance(
        &mut self,
        executor: &mut dyn Executor,
        subject: &Subject<'_>,
    ) -> Result<Option<Seen>, ExecutorError> {
        if self.under_way.is_none() {
            let Some(look) = self.wanted.take() else { return Ok(None) };
            match self.begin(executor, subject, look) {
                Ok(under_way) => self.under_way = Some(under_way),
                Err(ExecutorError::Lost(why)) => return Err(ExecutorError::Lost(why)),
                Err(error) => return Ok(Some(Seen::nothing(look, subject.step, error.to_string()))),
            }
        }
        let Some(under_way) = &mut self.under_way else { return Ok(None) };
        while let Some(&ticket) = under_way.tickets.get(under_way.arrived.len()) {
            let Some(bytes) = executor.collect(ticket)? else { return Ok(None) };
            under_way.arrived.push(bytemuck::pod_collect_to_vec(&bytes));
        }
        let done = self.under_way.take();
        Ok(done.map(|under_way| self.seen(under_way, subject)))
    }

    fn begin(
        &mut self,
        executor: &mut dyn Executor,
        subject: &Subject<'_>,
        look: Look,
    ) -> Result<UnderWay, ExecutorError> {
        let there = subject.racers.contains(&look.loss) && look.image < subject.data.test.len();
        if !there {
            let why = format!("{} is no racer or {} no test image", look.loss, look.image);
            return Err(ExecutorError::Slot { slot: "look".to_owned(), why });
        }
        let (plan, inside) = self.prepare(executor, subject, look.loss)?;
        write_image(executor, inside, subject, look)?;
        executor.submit(*plan)?;
        let Inside { input, gradient, logits, probabilities, terms, filters, layers, .. } = inside;
        let (_, activations) = &layers[look.layer.min(layers.len() - 1)];
        let mut tensors: Vec<Tensor> =
            [input, gradient, logits, probabilities, terms, activations].map(Clone::clone).to_vec();
        tensors.extend(filters.clone());
        let tickets = tensors.iter().map(|tensor| executor.request(&tensor.slot)).collect::<Result<_, _>>()?;
        Ok(UnderWay { look, step: subject.step, tensors, tickets, arrived: Vec::new() })
    }

    fn prepare(
        &mut self,
        executor: &mut dyn Executor,
        subject: &Subject<'_>,
        racer: Loss,
    ) -> Result<&(PlanHandle, Inside), ExecutorError> {
        let test = &subject.data.test;
        Ok(match self.prepared.entry(racer) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let inside = inside(subject.model, racer, test.side, !test.votes.is_empty());
                entry.insert((executor.prepare(&inside.plan)?, inside))
            }
        })
    }

    fn seen(&self, under_way: UnderWay, subject: &Subject<'_>) -> Seen {
        let UnderWay { look, step, tensors, arrived, .. } = under_way;
        let mut maps = tensors.iter().zip(arrived).map(|(tensor, values)| Maps::of(tensor, values));
        let mut next = || maps.next().unwrap_or_default();
        let [mut input, gradient, logits, probabilities, terms, mut activations] = std::array::from_fn(|_| next());
        let filters = next();
        input.values.iter_mut().for_each(|value| *value = 0.5 + 0.5 * *value);
        let layers = self.prepared.get(&look.loss).map_or(&[][..], |(_, inside)| &inside.layers);
        let (link, ids, class_values) = (look.loss.link(), subject.ids, &subject.data.class_values);
        if link == Link::Softmax && look.layer >= layers.len().saturating_sub(1) {
            activations.values = ids.rows_by_class(activations.values);
        }
        let outcomes = match link {
            Link::Identity => logits.values,
            Link::Softmax | Link::Conditional => ids.rows_by_class(probabilities.values),
        };
        let predictions = Predictions::of(look.loss, outcomes, class_values);
        Seen {
            look,
            step,
            layers: layers.iter().map(|(name, _)| name.clone()).collect(),
            filters,
            activations,
            gradient,
            input,
            score: predictions.scores(class_values).first().copied().unwrap_or_default(),
            probabilities: predictions.distributions(class_values),
            value: terms.values.first().map_or(0.0, |&value| f64::from(value)),
            trouble: None,
        }
    }
}

/// Writes the image, its label as the output that stands for it, and what else its loss is held against.
fn write_image(
    executor: &mut dyn Executor,
    inside: &Inside,
    subject: &Subject<'_>,
    look: Look,
) -> Result<(), ExecutorError> {
    let (test, image) = (&subject.data.test, look.image);
    let mut pixels = test.image(image).to_vec();
    pixels.resize(pixels.len().next_multiple_of(4), 0);
    let label = subject.ids.output(test.labels[image] as usize) as u32;
    executor.write("look/pixels", 0, &pixels)?;
    executor.write("look/labels", 0, bytemuck::bytes_of(&label))?;
    let Some(table) = look.loss.table(inside.batches.votes) else { return Ok(()) };
    let classes = subject.data.classes.len();
    let row = match table {
        Table::Values => vec![Units::of(&subject.data.class_values).output(test.values[image]) as f32],
        Table::Votes => subject.ids.rows_by_output(test.votes[image * classes..(image + 1) * classes].to_vec()),
        // The run's own table, which the trainer has written.
        Table::Classes => return Ok(()),
    };
    executor.write(&table_slot(look.loss, table, &inside.batches), 0, bytemuck::cast_slice(&row))
}

#[cfg(test)]
mod tests;
