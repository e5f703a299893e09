//! The GPU's side: lowers a plan's steps once to dispatches of WGSL kernels and replays them
//! through wgpu. Knows no network, no file and no window.

mod adapter;
#[cfg(target_arch = "wasm32")]
mod browser;
mod executor;
mod health;
mod kernels;
mod lower;
mod peaks;
mod pipelines;
mod readback;
mod stamps;
mod tuner;

#[cfg(not(target_arch = "wasm32"))]
pub use adapter::list;
pub use adapter::{AdapterChoice, DeviceError, Found, choose, describe, has_gpu, list_async};
pub use executor::Gpu;
pub use kernels::{Binding, Family, KERNELS, Kernel, Kind};
pub use lower::{Argument, Dispatch, Loads, Work, works};
pub use peaks::peak_dispatches;
pub use tuner::{Choice, Choices, Tuner};
