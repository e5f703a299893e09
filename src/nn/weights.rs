//! Parameters: their names and places, their first values, and their files.

use crate::plan::ALIGNMENT;
use crate::plan::random::{draw, purpose, unit};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;

/// How a parameter begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform within this bound either way: 1 / sqrt(fan in), PyTorch's default.
    Uniform(f32),
    /// One value.
    Constant(f32),
}

/// A named tensor of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// PyTorch's name.
    pub name: String,
    /// PyTorch's layout.
    pub shape: Vec<usize>,
    /// How it begins.
    pub init: Init,
    /// Whether the optimiser changes it; statistics are changed by the forward pass.
    pub trained: bool,
    /// Its first word in the arena; 0 for statistics, which have slots of their own.
    pub offset: usize,
}

impl Parameter {
    pub(super) fn new(path: &str, name: &str, shape: &[usize], init: Init) -> Self {
        Self { name: super::layer::join(path, name), shape: shape.to_vec(), init, trained: true, offset: 0 }
    }

    pub(super) fn statistic(path: &str, name: &str, shape: &[usize], value: f32) -> Self {
        Self { trained: false, ..Self::new(path, name, shape, Init::Constant(value)) }
    }

    /// Elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The parameters of a network in flat arenas.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// In the order of the layers.
    pub list: Vec<Parameter>,
    /// Words of an arena.
    pub arena: usize,
}

/// The values of all parameters by name.
pub type Tensors = HashMap<String, Vec<f32>>;

/// Why a weights file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Not a safetensors file, or cut short.
    #[error("the weights are damaged or not in the safetensors format: {0}")]
    Damaged(String),
    /// A tensor holds something that is no finite number.
    #[error("tensor `{0}` of the weights holds values that are not finite numbers")]
    NotFinite(String),
    /// A tensor is missing.
    #[error("the weights have no tensor `{0}`: they belong to another network")]
    Missing(String),
    /// A tensor has another shape or type.
    #[error("tensor `{name}` is {found}, the network needs f32 {needed:?}: the weights belong to another network")]
    Mismatch {
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// The shape the network needs.
        needed: Vec<usize>,
    },
}

impl Parameters {
    /// Gives every trained parameter its place.
    pub(super) fn place(mut list: Vec<Parameter>) -> Self {
        let mut arena = 0;
        for parameter in list.iter_mut().filter(|parameter| parameter.trained) {
            parameter.offset = arena;
            arena += parameter.len().next_multiple_of(ALIGNMENT);
        }
        Self { list, arena }
    }

    /// Offset and length of a parameter that the layers have declared.
    pub(super) fn find(&self, name: &str) -> (usize, usize) {
        let found = self.list.iter().find(|parameter| parameter.name == name);
        // Layers ask only for what `Layer::parameters` declares for them; a test builds every layer.
        let parameter = found.expect("every layer declares its parameters");
        (parameter.offset, parameter.len())
    }

    /// Numbers to train, without statistics and without the gaps of the arena.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.iter().filter(|parameter| parameter.trained).map(Parameter::len).sum()
    }

    /// First values, keyed by (seed, parameter, element).
    #[must_use]
    pub fn initial(&self, seed: u32) -> Tensors {
        let values = |index: usize, parameter: &Parameter| -> Vec<f32> {
            let signed = |element| 2.0 * unit(draw(seed, purpose::WEIGHTS, index as u32, element as u32)[0]) - 1.0;
            match parameter.init {
                Init::Constant(value) => vec![value; parameter.len()],
                Init::Uniform(bound) => (0..parameter.len()).map(|element| bound * signed(element)).collect(),
            }
        };
        self.list.iter().enumerate().map(|(i, p)| (p.name.clone(), values(i, p))).collect()
    }

    /// The arena of weights from values by name.
    #[must_use]
    pub fn to_arena(&self, tensors: &Tensors) -> Vec<f32> {
        let mut arena = vec![0.0; self.arena];
        for parameter in self.list.iter().filter(|parameter| parameter.trained) {
            if let Some(values) = tensors.get(&parameter.name) {
                arena[parameter.offset..parameter.offset + values.len()].copy_from_slice(values);
            }
        }
        arena
    }

    /// Values by name from the arena of weights; statistics are added by the caller.
    #[must_use]
    pub fn from_arena(&self, arena: &[f32]) -> Tensors {
        let trained = self.list.iter().filter(|parameter| parameter.trained);
        trained.map(|p| (p.name.clone(), arena[p.offset..p.offset + p.len()].to_vec())).collect()
    }

    /// A safetensors file of all parameters, with `metadata` in its header.
    ///
    /// # Errors
    /// When a tensor is missing or the format refuses one.
    pub fn to_bytes(&self, tensors: &Tensors, metadata: HashMap<String, String>) -> Result<Vec<u8>, WeightsError> {
        let damaged = |error: safetensors::SafeTensorError| WeightsError::Damaged(error.to_string());
        let mut views = Vec::new();
        for parameter in &self.list {
            let values = tensors.get(&parameter.name);
            let values = values.ok_or_else(|| WeightsError::Missing(parameter.name.clone()))?;
            let bytes = bytemuck::cast_slice(values);
            let view = TensorView::new(Dtype::F32, parameter.shape.clone(), bytes).map_err(damaged)?;
            views.push((parameter.name.as_str(), view));
        }
        safetensors::serialize(views, Some(metadata)).map_err(damaged)
    }

    /// Values by name from a safetensors file.
    ///
    /// # Errors
    /// When the file is damaged, or a tensor is missing or has another shape or type.
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<Tensors, WeightsError> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Damaged(error.to_string()))?;
        let mut tensors = Tensors::new();
        for parameter in &self.list {
            let view = file.tensor(&parameter.name).map_err(|_| WeightsError::Missing(parameter.name.clone()))?;
            if view.dtype() != Dtype::F32 || view.shape() != parameter.shape {
                return Err(WeightsError::Mismatch {
                    name: parameter.name.clone(),
                    found: format!("{:?} {:?}", view.dtype(), view.shape()),
                    needed: parameter.shape.clone(),
                });
            }
            let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
            if !values.iter().all(|value| value.is_finite()) {
                return Err(WeightsError::NotFinite(parameter.name.clone()));
            }
            tensors.insert(parameter.name.clone(), values);
        }
        Ok(tensors)
    }
}

/// The metadata of a safetensors file.
///
/// # Errors
/// When the header is damaged.
pub fn metadata(bytes: &[u8]) -> Result<HashMap<String, String>, WeightsError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| WeightsError::Damaged(error.to_string()))?;
    Ok(header.metadata().clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::zoo;
    use super::*;

    #[test]
    fn weights_survive_the_arena_and_the_file() {
        let parameters = zoo::plain(8, &[3, 5], 7, 2).unwrap().parameters();
        let tensors = parameters.initial(3);
        let arena = parameters.to_arena(&tensors);
        assert!(parameters.list.iter().all(|p| p.offset % ALIGNMENT == 0));
        assert_eq!(parameters.from_arena(&arena), tensors);
        let note = HashMap::from([("k".to_owned(), "v".to_owned())]);
        let bytes = parameters.to_bytes(&tensors, note.clone()).unwrap();
        assert_eq!(parameters.from_bytes(&bytes).unwrap(), tensors);
        assert_eq!(metadata(&bytes).unwrap(), note);
    }

    #[test]
    fn first_values_stay_within_pytorchs_bound_and_fill_it() {
        let parameters = zoo::plain(32, &[16], 128, 8).unwrap().parameters();
        let weights = &parameters.initial(1)["0.weight"];
        let bound = 1.0 / 27f32.sqrt();
        let largest = weights.iter().fold(0f32, |a, b| a.max(b.abs()));
        assert!(largest <= bound && largest > 0.97 * bound);
        assert_ne!(parameters.initial(2)["0.weight"], *weights);
    }

    #[test]
    fn damaged_and_foreign_files_are_refused_by_name() {
        let parameters = zoo::plain(8, &[3], 7, 2).unwrap().parameters();
        let bytes = parameters.to_bytes(&parameters.initial(3), HashMap::new()).unwrap();
        for cut in [0, 7, 40, bytes.len() - 1] {
            assert!(matches!(parameters.from_bytes(&bytes[..cut]), Err(WeightsError::Damaged(_))), "{cut}");
        }
        let mut hostile = bytes.clone();
        hostile[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(parameters.from_bytes(&hostile), Err(WeightsError::Damaged(_))));
        let other = zoo::plain(8, &[3], 9, 2).unwrap().parameters();
        let error = other.from_bytes(&bytes).unwrap_err();
        assert!(error.to_string().contains("`4.weight`"), "{error}");
        let deeper = zoo::plain(8, &[3, 3], 7, 2).unwrap().parameters();
        assert!(deeper.from_bytes(&bytes).is_err());
    }
}
