//! Training: the trainer, its schedule, what it measures and what it keeps. Knows no window.

pub mod batches;
pub mod cell;
pub mod event;
pub mod examiner;
pub mod ids;
pub mod looking;
pub mod metrics;
pub mod predictions;
pub mod run;
#[cfg(not(target_arch = "wasm32"))]
pub mod search;
pub mod seriation;
pub mod session;
pub mod settings;
pub mod snapshot;
pub mod statistics;
pub mod targets;
pub mod trainer;

pub use event::{EpochResult, EpochRow, Event};
pub use examiner::Examiner;
pub use looking::{Look, Maps, Seen};
pub use predictions::Predictions;
pub use session::Session;
pub use settings::{Ground, Lambda, Settings, SettingsError};
pub use snapshot::{Snapshot, SnapshotError};
pub use trainer::{Advance, Change, Goal, GroundEdit, TrainError, Trainer};
