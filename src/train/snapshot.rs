//! The complete state of a run at one step: what a checkpoint file holds.

use super::event::EpochRow;
use super::settings::Settings;
use super::trainer::{Change, GroundEdit};
use crate::data::identity::Identity;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The settings it runs with.
    pub settings: Settings,
    /// The data it is trained and tested on.
    pub data: Identity,
    /// Epochs done.
    pub epoch: usize,
    /// Batches done in the present epoch.
    pub cursor: usize,
    /// Steps done since the run began.
    pub step: usize,
    /// The lambda chosen for each loss, where one was chosen.
    pub lambdas: Vec<Option<f32>>,
    /// Seconds since the run began, evaluation included.
    pub seconds: f64,
    /// Seconds of them in which steps were trained.
    pub step_seconds: f64,
    /// A row an epoch and loss.
    pub history: Vec<EpochRow>,
    /// Cells of D that are held fast.
    #[serde(default)]
    pub held: GroundEdit,
    /// What was changed while the run went on, each after so many steps; `settings` are those after all of them.
    #[serde(default)]
    pub changes: Vec<(usize, Change)>,
}

/// The complete state of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Where the run stands.
    pub progress: Progress,
    /// The words of every state slot, by name.
    pub slots: HashMap<String, Vec<u8>>,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not a checkpoint, or cut short.
    #[error("the checkpoint is damaged ({0}); a run can be started anew from its run.json's settings")]
    Damaged(String),
    /// It belongs to other data.
    #[error("the data are not those of the checkpoint: {0}; put them back as they were, then resume")]
    OtherData(String),
    /// Its progress is not told as it is today.
    #[error("the checkpoint is of another version of this program ({0}); resume it with that, or begin the run anew")]
    OtherVersion(String),
    /// A slot is missing or has another size.
    #[error("the checkpoint lacks `{0}` in the size this network needs: it belongs to other settings")]
    Slot(String),
}

/// Key of the progress in the file's metadata.
const KEY: &str = "backhoe.progress";

impl Snapshot {
    /// A safetensors file: a u32 tensor a slot, the progress as JSON in its header.
    ///
    /// # Errors
    /// When the format refuses it, which it does for no state of ours.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        let damaged = |error: &dyn std::fmt::Display| SnapshotError::Damaged(error.to_string());
        let json = serde_json::to_string(&self.progress).map_err(|error| damaged(&error))?;
        let mut views = Vec::new();
        for (name, bytes) in &self.slots {
            let view = TensorView::new(Dtype::U32, vec![bytes.len() / 4], bytes).map_err(|error| damaged(&error))?;
            views.push((name.as_str(), view));
        }
        views.sort_by_key(|(name, _)| *name);
        let metadata = HashMap::from([(KEY.to_owned(), json)]);
        safetensors::serialize(views, Some(metadata)).map_err(|error| damaged(&error))
    }

    /// Reads what [`Snapshot::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are cut short, altered or of another kind.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let damaged = |error: &dyn std::fmt::Display| SnapshotError::Damaged(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(&error))?;
        let json = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let json = json.ok_or_else(|| damaged(&"it has no progress in its header"))?;
        let progress = serde_json::from_str(json).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => SnapshotError::OtherVersion(error.to_string()),
            _ => damaged(&error),
        })?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error))?;
        let slots = file.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect();
        Ok(Self { progress, slots })
    }

    /// The floats of a slot.
    #[must_use]
    pub fn floats(&self, slot: &str) -> Option<Vec<f32>> {
        self.slots.get(slot).map(|bytes| bytemuck::pod_collect_to_vec(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let progress = Progress {
            settings: Settings::default(),
            data: Identity {
                name: "faces".to_owned(),
                classes: vec!["0-2".to_owned()],
                images: [7, 1],
                sums: ["ab".to_owned(), "cd".to_owned()],
            },
            epoch: 1,
            cursor: 2,
            step: 3,
            lambdas: vec![None, Some(0.5)],
            seconds: 1.25,
            step_seconds: 0.75,
            history: Vec::new(),
            held: GroundEdit::default(),
            changes: Vec::new(),
        };
        let slots = HashMap::from([
            ("xe/weights".to_owned(), 1.5f32.to_le_bytes().to_vec()),
            ("xe/fault".to_owned(), vec![1, 0, 0, 0, 2, 0, 0, 0]),
        ]);
        Snapshot { progress, slots }
    }

    #[test]
    fn a_snapshot_survives_its_file() {
        let bytes = snapshot().to_bytes().unwrap();
        assert_eq!(Snapshot::from_bytes(&bytes).unwrap(), snapshot());
        assert_eq!(Snapshot::from_bytes(&bytes).unwrap().floats("xe/weights").unwrap(), [1.5]);
    }

    #[test]
    fn a_cut_or_foreign_file_is_refused() {
        let bytes = snapshot().to_bytes().unwrap();
        for cut in [0, 8, 100, bytes.len() - 1] {
            assert!(matches!(Snapshot::from_bytes(&bytes[..cut]), Err(SnapshotError::Damaged(_))), "{cut}");
        }
        assert!(Snapshot::from_bytes(b"not a checkpoint at all, only words").is_err());
    }

    #[test]
    fn one_of_another_version_is_said_to_be() {
        let metadata = HashMap::from([(KEY.to_owned(), r#"{"epoch": 1, "data": ["faces", ["0-2"], 7]}"#.to_owned())]);
        let view = TensorView::new(Dtype::U32, vec![1], &[0; 4]).unwrap();
        let bytes = safetensors::serialize([("xe/fault", view)], Some(metadata)).unwrap();
        let error = Snapshot::from_bytes(&bytes).unwrap_err();
        assert!(matches!(&error, SnapshotError::OtherVersion(_)), "{error}");
    }
}
