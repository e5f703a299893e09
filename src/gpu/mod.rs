//! The GPU's side: lowers a plan's steps once to dispatches of WGSL kernels and replays them
//! through wgpu. Knows no network, no file and no window.

mod adapter;
mod executor;
mod kernels;
mod lower;
mod peaks;
mod pipelines;
mod readback;

pub use adapter::{AdapterChoice, DeviceError, Found, describe, list};
pub use executor::Gpu;
pub use kernels::{Binding, Family, KERNELS, Kernel, Kind};
pub use lower::{Argument, Dispatch, Loads, lower};
pub use peaks::peak_dispatches;
