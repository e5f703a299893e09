//! A tower: one network being written into a plan, forward and then backward.

use super::layer::{Layer, Shape, join};
use super::model::Model;
use super::weights::Parameters;
use super::{activation, conv, linear, norm, pool, residual};
use crate::plan::{Element, Op, Plan, Residency, View};

/// A batch of samples between two layers.
#[derive(Clone, Copy, Debug)]
pub struct Activation {
    /// Batch x shape.
    pub view: View,
    /// Shape of one sample.
    pub shape: Shape,
}

/// Writes a layer's backward steps, given the gradient of its output; returns the gradient of its
/// input where that is wanted.
pub type Backward = Box<dyn FnOnce(&mut Tower<'_>, View, bool) -> Option<View>>;

/// Whether a tower is written for training or for evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, dropout, gradients.
    Training,
    /// Running statistics, no dropout; backward, the gradient of the input alone.
    Evaluation,
}

/// One network being written into a plan.
pub struct Tower<'a> {
    /// The plan.
    pub plan: &'a mut Plan,
    /// Training or evaluation.
    pub mode: Mode,
    /// Rows of a batch.
    pub batch: usize,
    /// Where clock words lie.
    pub clock: View,
    racer: &'a str,
    parameters: Parameters,
    path: String,
    dropouts: u32,
    /// What layers wrote so far, residual layers after what is within them.
    pub outputs: Vec<Output>,
}

/// What a layer wrote.
pub struct Output {
    /// The layer's place and kind, in words.
    pub name: String,
    /// The layer's path, as in the names of its parameters.
    pub path: String,
    /// Batch x shape.
    pub view: View,
    /// Shape of one sample.
    pub shape: Shape,
}

/// The outputs of a forward pass, and what writes the backward pass.
pub struct Forward {
    /// Batch x classes.
    pub logits: View,
    /// Batch x features.
    pub features: View,
    tape: Vec<Backward>,
}

impl<'a> Tower<'a> {
    /// A tower of the racer's weights.
    pub fn new(plan: &'a mut Plan, racer: &'a str, model: &Model, mode: Mode, batch: usize, clock: View) -> Self {
        let parameters = model.parameters();
        Self { plan, mode, batch, clock, racer, parameters, path: String::new(), dropouts: 0, outputs: Vec::new() }
    }

    /// Writes the forward pass over `images`.
    pub fn forward(&mut self, model: &Model, images: View) -> Forward {
        let input = Activation { view: images, shape: model.input() };
        let (body, head) = model.layers.split_at(model.feature_layer());
        let (features, mut tape) = self.layers(body, 0, input);
        let (logits, head_tape) = self.layers(head, body.len(), features);
        tape.extend(head_tape);
        Forward { logits: logits.view, features: features.view, tape }
    }

    /// Writes the backward pass from the gradient of the logits, last layer first.
    pub fn backward(&mut self, forward: Forward, logit_gradient: View) {
        self.backward_through(forward.tape, logit_gradient, false);
    }

    /// Writes the backward pass down to the images: the gradient with respect to them.
    pub(super) fn backward_to_images(&mut self, forward: Forward, logit_gradient: View) -> View {
        let gradient = self.backward_through(forward.tape, logit_gradient, true);
        // Every layer hands a gradient on where one is wanted; a test looks through every layer.
        gradient.expect("layers hand on the gradient that is wanted")
    }

    /// Writes the backward steps of layers in a row.
    pub(super) fn backward_through(&mut self, tape: Vec<Backward>, gradient: View, wanted: bool) -> Option<View> {
        let mut gradient = Some(gradient);
        for (index, backward) in tape.into_iter().enumerate().rev() {
            gradient = gradient.and_then(|gradient| backward(self, gradient, wanted || index > 0));
        }
        gradient
    }

    /// Writes the forward steps of layers in a row, of which the first is number `first`.
    pub(super) fn layers(&mut self, layers: &[Layer], first: usize, input: Activation) -> (Activation, Vec<Backward>) {
        let mut at = input;
        let mut tape = Vec::new();
        for (index, layer) in layers.iter().enumerate() {
            if layers.get(index + 1).is_some_and(|next| is_relu_of_pool(layer, next)) {
                continue;
            }
            let relu = index > 0 && is_relu_of_pool(&layers[index - 1], layer);
            let (output, backward) = self.at(&(first + index).to_string(), |tower| {
                let written = tower.layer(layer, at, relu);
                tower.note(layer, at, written.0);
                written
            });
            at = output;
            tape.push(backward);
        }
        (at, tape)
    }

    /// Notes what a layer wrote, unless it handed on its input.
    fn note(&mut self, layer: &Layer, input: Activation, output: Activation) {
        if output.view != input.view {
            let (path, Activation { view, shape }) = (self.path.clone(), output);
            self.outputs.push(Output { name: format!("{path} {}", layer.kind()), path, view, shape });
        }
    }

    /// Writes a layer; `relu` says whether it is a max pooling that takes the ReLU of its input.
    fn layer(&mut self, layer: &Layer, input: Activation, relu: bool) -> (Activation, Backward) {
        match layer {
            Layer::Conv { channels, kernel, stride, padding, bias } => {
                conv::conv(self, input, *channels, *kernel, [*stride, *padding], *bias)
            }
            Layer::Linear { outputs, bias } => linear::linear(self, input, *outputs, *bias),
            Layer::BatchNorm => norm::batch_norm(self, input),
            Layer::Relu => activation::relu(self, input),
            Layer::Dropout { rate } => activation::dropout(self, input, *rate),
            Layer::MaxPool { window, stride, padding } => pool::max_pool(self, input, relu, *window, *stride, *padding),
            Layer::AveragePool { window, stride, padding } => {
                pool::average_pool(self, input, [*window; 2], *stride, *padding)
            }
            Layer::GlobalAveragePool => pool::average_pool(self, input, [input.shape.height, input.shape.width], 1, 0),
            Layer::Flatten => activation::flatten(input),
            Layer::Residual { body, shortcut } => residual::residual(self, input, body, shortcut),
        }
    }

    /// Does `work` one step further down the path of parameter names.
    pub(super) fn at<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::take(&mut self.path);
        self.path = join(&outer, name);
        let result = work(self);
        self.path = outer;
        result
    }

    /// A transient tensor of a batch, named after the layer.
    pub(super) fn tensor(&mut self, what: &str, len: usize) -> View {
        let name = self.name(what);
        self.plan.transient(&name, Element::F32, len)
    }

    /// A transient tensor with a name made before.
    pub(super) fn named(&mut self, name: &str, len: usize) -> View {
        self.plan.transient(name, Element::F32, len)
    }

    /// The name of a transient tensor of the present layer.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{}/{}", self.racer, join(&self.path, what))
    }

    /// The number of the next dropout layer.
    pub(super) fn next_dropout(&mut self) -> u32 {
        self.dropouts += 1;
        self.dropouts - 1
    }

    /// A parameter of the present layer in the arena of weights.
    pub(super) fn weight(&mut self, name: &str) -> View {
        let (offset, len) = self.parameters.find(&join(&self.path, name));
        weights(self.plan, self.racer, &self.parameters).part(offset, len)
    }

    /// Its place in the arena of gradients.
    pub(super) fn gradient(&mut self, name: &str) -> View {
        let (offset, len) = self.parameters.find(&join(&self.path, name));
        gradients(self.plan, &self.parameters).part(offset, len)
    }

    /// A statistic of the present layer, such as a running mean, in a slot of its own.
    pub(super) fn statistic(&mut self, name: &str) -> View {
        let full = join(&self.path, name);
        let (_, len) = self.parameters.find(&full);
        self.plan.kept(&format!("{}/{full}", self.racer), Element::F32, len, Residency::State)
    }

    /// Appends a step.
    pub(super) fn push(&mut self, op: Op, views: &[View]) {
        self.plan.push(op, views);
    }
}

/// Whether a ReLU is computed with the max pooling that follows it: of the maxima alone, and backward by sending no gradient
/// to those that are not above 0.
fn is_relu_of_pool(layer: &Layer, next: &Layer) -> bool {
    matches!((layer, next), (Layer::Relu, Layer::MaxPool { .. }))
}

/// The arena of a racer's weights.
pub(super) fn weights(plan: &mut Plan, racer: &str, parameters: &Parameters) -> View {
    plan.kept(&format!("{racer}/weights"), Element::F32, parameters.arena, Residency::State)
}

/// The arena of gradients, which racers whose networks are of one size share since they step one after the other.
pub(super) fn gradients(plan: &mut Plan, parameters: &Parameters) -> View {
    plan.kept(&format!("gradients/{}", parameters.arena), Element::F32, parameters.arena, Residency::Data)
}
