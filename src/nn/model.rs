//! A network: layers in a row over images of one side.

use super::layer::{Layer, Shape, parameters_of};
use super::weights::Parameters;
use serde::{Deserialize, Serialize};

/// Largest width and height of a network's input.
pub const MOST_SIDE: usize = 2048;

/// Why layers do not make a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A layer does not fit its input.
    #[error("{layer} does not fit its input of {input}: {why}")]
    Misfit {
        /// The layer.
        layer: String,
        /// Its input.
        input: Shape,
        /// What is wrong.
        why: String,
    },
    /// The images have an impossible side.
    #[error("images of {0} pixels a side; it must be from 1 to {MOST_SIDE}")]
    Side(usize),
    /// The last layer is not a classifier.
    #[error("a network ends in a linear layer of one output a class, this one in {0}")]
    NoClassifier(String),
}

/// Layers in a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Width and height of the input, which has three channels.
    pub side: usize,
    /// The layers; the last is linear with one output a class.
    pub layers: Vec<Layer>,
}

impl Model {
    /// Checks that the layers fit each other and end in a classifier.
    ///
    /// # Errors
    /// The first layer that does not fit.
    pub fn new(side: usize, layers: Vec<Layer>) -> Result<Self, ModelError> {
        let model = Self { side, layers };
        if !(1..=MOST_SIDE).contains(&side) {
            return Err(ModelError::Side(side));
        }
        model.layers.iter().try_fold(model.input(), |shape, layer| layer.output(shape))?;
        match model.layers.last() {
            Some(Layer::Linear { .. }) => Ok(model),
            other => Err(ModelError::NoClassifier(format!("{other:?}"))),
        }
    }

    /// The shape of one image.
    #[must_use]
    pub fn input(&self) -> Shape {
        Shape { channels: 3, height: self.side, width: self.side }
    }

    /// Outputs of the last layer.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self.layers.last() {
            Some(Layer::Linear { outputs, .. }) => *outputs,
            _ => 0,
        }
    }

    /// The same network with so many outputs.
    #[must_use]
    pub fn with_outputs(&self, outputs: usize) -> Self {
        let mut model = self.clone();
        if let Some(Layer::Linear { outputs: last, .. }) = model.layers.last_mut() {
            *last = outputs;
        }
        model
    }

    /// The layer whose input are the features: the classifier, or the dropout right before it
    /// (section 3.1: the second-to-last layer's responses).
    #[must_use]
    pub fn feature_layer(&self) -> usize {
        let classifier = self.layers.len() - 1;
        let dropped = self.layers[..classifier].iter().rev().take_while(|l| matches!(l, Layer::Dropout { .. }));
        classifier - dropped.count()
    }

    /// Length of a feature vector.
    #[must_use]
    pub fn features(&self) -> usize {
        let through = |shape: Shape, layer: &Layer| layer.output(shape).unwrap_or(shape);
        self.layers[..self.feature_layer()].iter().fold(self.input(), through).len()
    }

    /// The parameters in their order, with their places in the arenas.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let mut list = Vec::new();
        // The layers fit: `new` has checked them, and deserialised models are checked by `new` too.
        let checked = parameters_of(&self.layers, "", self.input(), &mut list);
        debug_assert!(checked.is_ok());
        Parameters::place(list)
    }
}

#[cfg(test)]
mod tests {
    use super::super::zoo;
    use super::*;

    #[test]
    fn the_default_network_has_pytorchs_names_and_sizes() {
        let model = zoo::plain(32, &[16, 32, 64], 128, 8).unwrap();
        let names: Vec<_> = model.parameters().list.iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
        assert_eq!(names[0], ("0.weight".to_owned(), vec![16, 3, 3, 3]));
        assert_eq!(names[2], ("3.weight".to_owned(), vec![32, 16, 3, 3]));
        assert_eq!(names[6], ("10.weight".to_owned(), vec![128, 1024]));
        assert_eq!(names[9], ("12.bias".to_owned(), vec![8]));
        assert_eq!((model.features(), model.classes()), (128, 8));
    }

    #[test]
    fn layers_that_do_not_fit_are_refused_with_shapes() {
        let error = zoo::plain(4, &[8, 8, 8], 16, 3).unwrap_err();
        assert!(error.to_string().contains("8x1x1"), "{error}");
        let error = Model::new(8, vec![Layer::Flatten]).unwrap_err();
        assert!(matches!(error, ModelError::NoClassifier(_)));
        let error = Model::new(8, vec![Layer::Linear { outputs: 2, bias: true }]).unwrap_err();
        assert!(error.to_string().contains("Flatten"), "{error}");
    }

    #[test]
    fn features_are_taken_before_dropout() {
        let dropout = Layer::Dropout { rate: 0.5 };
        let linear = |outputs| Layer::Linear { outputs, bias: true };
        let layers = vec![Layer::Flatten, linear(7), Layer::Relu, dropout, linear(2)];
        let model = Model::new(4, layers).unwrap();
        assert_eq!((model.feature_layer(), model.features()), (3, 7));
    }
}
