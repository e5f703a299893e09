//! Training: the trainer, its schedule, what it measures and what it keeps. Knows no window.

pub mod batches;
pub mod event;
pub mod examiner;
pub mod metrics;
pub mod seriation;
pub mod settings;
pub mod snapshot;
pub mod trainer;

pub use event::{EpochResult, Event};
pub use examiner::Examiner;
pub use settings::{Lambda, Settings, SettingsError};
pub use snapshot::{Snapshot, SnapshotError};
pub use trainer::{Advance, TrainError, Trainer};
