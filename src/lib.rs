//! backhoe trains image classifiers that know how far apart their classes are.
//!
//! Every number of a training step is computed in WGSL through wgpu, on a desktop GPU or a
//! software driver, or natively on the processor. The rooms, and the one way in which they know each other:
//!
//! - [`plan`]: steps over slots, lifetimes, cost; knows nothing else of the house
//! - [`nn`]: layers and losses that write plans; knows no device
//! - [`gpu`]: runs plans through wgpu; knows no network
//! - [`cpu`]: runs them on the processor; knows no network
//! - [`device`]: which of the two runs, and why
//! - [`data`]: faces, digits, folders, splits
//! - [`files`]: on the disk, or in a page in memory
//! - [`fonts`]: of the system, for letters that the embedded ones lack
//! - [`train`]: the trainer, the ground distance's schedule, metrics, the runs folder
//! - [`report`]: tables, plots and the HTML report
//! - [`worker`]: trains in a thread of its own and talks in messages
//! - [`ui`]: the window, which sees messages alone
//! - [`reproduce`]: the paper's tables and figures, measured again
//! - [`mod@reference`]: the f64 oracle, which [`check`] holds every kernel against
//!
//! The method is Hou, Yu and Samaras, "Squared Earth Mover's Distance-based Loss for Training Deep
//! Neural Networks" (arXiv 1611.05916); equation numbers in this crate are that paper's.

pub mod bench;
pub mod check;
pub mod cpu;
pub mod data;
pub mod device;
pub mod files;
pub mod fonts;
pub mod gpu;
pub mod nn;
pub mod plan;
pub mod reference;
pub mod report;
#[cfg(not(target_arch = "wasm32"))]
pub mod reproduce;
pub mod train;
#[cfg(not(target_feature = "atomics"))]
pub mod ui;
pub mod worker;
