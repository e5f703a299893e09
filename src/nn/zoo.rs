//! Networks by name.

use super::layer::Layer;
use super::model::{Model, ModelError};

/// The default network: for each of `channels` a 3x3 convolution, ReLU and 2x2 max pooling; then a
/// hidden layer with ReLU and the classifier. Images are `side` pixels wide.
///
/// # Errors
/// When the images are too small for so many poolings.
pub fn plain(side: usize, channels: &[usize], hidden: usize, classes: usize) -> Result<Model, ModelError> {
    let mut layers = Vec::new();
    for &channels in channels {
        layers.push(Layer::Conv { channels, kernel: [3, 3], stride: 1, padding: 1, bias: true });
        layers.push(Layer::Relu);
        layers.push(Layer::MaxPool { window: 2, stride: 2, padding: 0 });
    }
    layers.push(Layer::Flatten);
    layers.push(Layer::Linear { outputs: hidden, bias: true });
    layers.push(Layer::Relu);
    layers.push(Layer::Linear { outputs: classes, bias: true });
    Model::new(side, layers)
}
