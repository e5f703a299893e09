//! backhoe
#![warn(missing_docs)]
pub mod gpu;
pub mod nn;
pub mod plan;
