//! Networks: layers, losses and optimiser as writers of plans. Knows no device.

pub mod activation;
pub mod conv;
pub mod figure1;
pub mod inside;
pub mod labels;
pub mod layer;
pub mod linear;
pub mod loss;
pub mod model;
pub mod norm;
pub mod plans;
pub mod pool;
pub mod residual;
pub mod tower;
pub mod weights;
pub mod worth;
pub mod zoo;

pub use layer::{Layer, Shape};
pub use loss::Loss;
pub use model::{Model, ModelError};
pub use weights::{Parameter, Parameters};
pub use worth::{Prediction, Worth};
