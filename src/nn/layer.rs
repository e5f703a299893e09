//! Layers as data: what a network is made of, and the shapes that flow through it.

use super::model::ModelError;
use super::weights::{Init, Parameter};
use crate::plan::shape::windows;
use serde::{Deserialize, Serialize};

/// Channels, height and width of one sample between two layers; a flat vector has height and
/// width 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Height.
    pub height: usize,
    /// Width.
    pub width: usize,
}

impl Shape {
    /// Elements of one sample.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether a sample has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// One layer, named as in PyTorch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "kebab-case")]
pub enum Layer {
    /// A 2-D convolution.
    Conv {
        /// Channels of the output.
        channels: usize,
        /// Height and width of the kernel.
        kernel: [usize; 2],
        /// Step between windows.
        stride: usize,
        /// Zeros around the input.
        padding: usize,
        /// Whether there is a bias.
        bias: bool,
    },
    /// A fully connected layer.
    Linear {
        /// Columns of the output.
        outputs: usize,
        /// Whether there is a bias.
        bias: bool,
    },
    /// Batch normalisation with epsilon 1e-5 and momentum 0.1.
    BatchNorm,
    /// max(x, 0).
    Relu,
    /// Dropout in training.
    Dropout {
        /// Probability that an element becomes zero.
        rate: f32,
    },
    /// Max pooling.
    MaxPool {
        /// Height and width of the window.
        window: usize,
        /// Step between windows.
        stride: usize,
        /// Padding.
        padding: usize,
    },
    /// Average pooling.
    AveragePool {
        /// Height and width of the window.
        window: usize,
        /// Step between windows.
        stride: usize,
        /// Padding.
        padding: usize,
    },
    /// The mean of each channel.
    GlobalAveragePool,
    /// A sample as a flat vector.
    Flatten,
    /// `body(x) + shortcut(x)`; an empty shortcut is the identity.
    Residual {
        /// The layers of the residual branch.
        body: Vec<Layer>,
        /// The layers of the shortcut, often none.
        shortcut: Vec<Layer>,
    },
}

/// Largest window, stride and padding: a weights file may claim anything.
const MOST_WINDOW: usize = 1 << 10;
/// Most channels, outputs and places of a plane; with [`MOST_WINDOW`], no product overflows.
const MOST_CHANNELS: usize = 1 << 20;

impl Layer {
    /// The shape of the output.
    ///
    /// # Errors
    /// When the input does not fit the layer, with both shapes.
    pub fn output(&self, input: Shape) -> Result<Shape, ModelError> {
        match self {
            Self::Conv { channels, kernel: [height, width], stride, padding, .. } => {
                self.windowed(input, *channels, [*height, *width], *stride, *padding)
            }
            Self::MaxPool { window, stride, padding } | Self::AveragePool { window, stride, padding } => {
                if *padding > *window / 2 {
                    return Err(self.misfit(input, "its padding is more than half of its window"));
                }
                self.windowed(input, input.channels, [*window; 2], *stride, *padding)
            }
            Self::Linear { outputs, .. } => {
                if input.height * input.width != 1 {
                    return Err(self.misfit(input, "it needs a flat vector: put Flatten before it"));
                }
                self.non_empty(input, Shape { channels: *outputs, ..input })
            }
            Self::GlobalAveragePool => Ok(Shape { height: 1, width: 1, ..input }),
            Self::Flatten => self.non_empty(input, Shape { channels: input.len(), height: 1, width: 1 }),
            Self::Dropout { rate } if !(0.0..1.0).contains(rate) => {
                Err(self.misfit(input, "its rate must be at least 0 and below 1"))
            }
            Self::BatchNorm | Self::Relu | Self::Dropout { .. } => Ok(input),
            Self::Residual { body, shortcut } => self.joined(input, body, shortcut),
        }
    }

    fn windowed(
        &self,
        input: Shape,
        channels: usize,
        size: [usize; 2],
        stride: usize,
        padding: usize,
    ) -> Result<Shape, ModelError> {
        let sizes = [stride, size[0], size[1], padding.saturating_add(1)];
        if sizes.iter().any(|size| !(1..=MOST_WINDOW).contains(size)) {
            return Err(self.misfit(input, "its window and stride must be from 1 to 1024"));
        }
        let height = windows(input.height, size[0], stride, padding);
        let width = windows(input.width, size[1], stride, padding);
        self.non_empty(input, Shape { channels, height, width })
    }

    fn joined(&self, input: Shape, body: &[Self], shortcut: &[Self]) -> Result<Shape, ModelError> {
        let through = |layers: &[Self]| layers.iter().try_fold(input, |shape, layer| layer.output(shape));
        let (left, right) = (through(body)?, through(shortcut)?);
        if left == right {
            return Ok(left);
        }
        Err(self.misfit(input, &format!("its branches end in different shapes, {left} and {right}")))
    }

    fn non_empty(&self, input: Shape, output: Shape) -> Result<Shape, ModelError> {
        if output.channels > MOST_CHANNELS || output.height.saturating_mul(output.width) > MOST_CHANNELS {
            return Err(self.misfit(input, "its output would have over 1,048,576 channels or places"));
        }
        if output.is_empty() {
            return Err(self.misfit(input, "nothing would be left; use larger images or fewer layers"));
        }
        Ok(output)
    }

    fn misfit(&self, input: Shape, why: &str) -> ModelError {
        ModelError::Misfit { layer: format!("{self:?}"), input, why: why.to_owned() }
    }

    /// What kind of layer it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv { .. } => "convolution",
            Self::Linear { .. } => "fully connected",
            Self::BatchNorm => "batch normalisation",
            Self::Relu => "ReLU",
            Self::Dropout { .. } => "dropout",
            Self::MaxPool { .. } => "max pooling",
            Self::AveragePool { .. } => "average pooling",
            Self::GlobalAveragePool => "global average pooling",
            Self::Flatten => "flatten",
            Self::Residual { .. } => "residual",
        }
    }

    /// Appends this layer's parameters, named below `path`, given its input.
    pub(super) fn parameters(&self, path: &str, input: Shape, list: &mut Vec<Parameter>) -> Result<(), ModelError> {
        match self {
            Self::Conv { channels, kernel: [height, width], bias, .. } => {
                let fan_in = input.channels * height * width;
                push_affine(list, path, &[*channels, input.channels, *height, *width], fan_in, *bias);
            }
            Self::Linear { outputs, bias } => {
                push_affine(list, path, &[*outputs, input.channels], input.channels, *bias);
            }
            Self::BatchNorm => {
                let shape = [input.channels];
                list.push(Parameter::new(path, "weight", &shape, Init::Constant(1.0)));
                list.push(Parameter::new(path, "bias", &shape, Init::Constant(0.0)));
                list.push(Parameter::statistic(path, "running_mean", &shape, 0.0));
                list.push(Parameter::statistic(path, "running_var", &shape, 1.0));
            }
            Self::Residual { body, shortcut } => {
                parameters_of(body, &format!("{path}.body"), input, list)?;
                parameters_of(shortcut, &format!("{path}.shortcut"), input, list)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Appends the parameters of layers in a row, numbered below `path` as in PyTorch's Sequential.
pub(super) fn parameters_of(
    layers: &[Layer],
    path: &str,
    input: Shape,
    list: &mut Vec<Parameter>,
) -> Result<Shape, ModelError> {
    layers.iter().enumerate().try_fold(input, |shape, (index, layer)| {
        layer.parameters(&join(path, &index.to_string()), shape, list)?;
        layer.output(shape)
    })
}

/// `path.name`, or `name` alone at the top.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn push_affine(list: &mut Vec<Parameter>, path: &str, shape: &[usize], fan_in: usize, bias: bool) {
    let init = Init::Uniform(1.0 / (fan_in as f32).sqrt());
    list.push(Parameter::new(path, "weight", shape, init));
    if bias {
        list.push(Parameter::new(path, "bias", &shape[..1], init));
    }
}
