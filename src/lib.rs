//! backhoe
#![warn(missing_docs)]
pub mod check;
pub mod gpu;
pub mod nn;
pub mod plan;
pub mod reference;
