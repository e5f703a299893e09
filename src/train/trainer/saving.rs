//! Snapshots of a run, and going on from one.

use super::{Advance, Phase, TrainError, Trainer};
use crate::data::Dataset;
use crate::data::identity::Identity;
use crate::nn::Loss;
use crate::plan::Executor;
use crate::train::event::Event;
use crate::train::settings::Settings;
use crate::train::snapshot::{Progress, Snapshot, SnapshotError};
use std::collections::HashMap;
use std::sync::Arc;

impl Trainer {
    /// Goes on from a snapshot as if the run had never stopped. The snapshot's settings count,
    /// but for the number of epochs, which may grow.
    ///
    /// # Errors
    /// As [`Trainer::new`], and when the snapshot belongs to other data or settings.
    pub fn resume(
        executor: Box<dyn Executor>,
        data: Arc<Dataset>,
        snapshot: &Snapshot,
        epochs: usize,
    ) -> Result<Self, TrainError> {
        let identity = Identity::of(&data);
        if let Some(change) = snapshot.progress.data.change(&identity) {
            return Err(SnapshotError::OtherData(change).into());
        }
        let settings = Settings { epochs, ..snapshot.progress.settings.clone() };
        let mut trainer = Self::begin(executor, data, identity, settings.clone())?;
        for (name, len) in &trainer.state {
            let bytes = snapshot.slots.get(name).filter(|bytes| bytes.len() == 4 * len);
            let bytes = bytes.ok_or_else(|| SnapshotError::Slot(name.clone()))?;
            trainer.executor.write(name, 0, bytes)?;
        }
        trainer.learned = trainer.learned_of(snapshot);
        trainer.grounds_due = snapshot.progress.cursor == 0;
        let progress = &snapshot.progress;
        let possible = progress.cursor < trainer.batches.count
            && u32::try_from(progress.step).is_ok()
            && progress.lambdas.len() == settings.losses.len();
        if !possible {
            return Err(SnapshotError::Damaged("its progress contradicts its settings".to_owned()).into());
        }
        trainer.progress = Progress { settings, ..progress.clone() };
        if trainer.progress.epoch >= epochs {
            trainer.phase = Phase::Finished;
        }
        trainer.begin_epoch()?;
        Ok(trainer)
    }

    /// Asks for a snapshot between two steps; it arrives as an event.
    pub fn save(&mut self) {
        self.save_wanted = true;
    }

    /// Between two epochs a snapshot has the D that was learned; the cells that are held come upon it afterwards.
    pub(super) fn begin_snapshot(&mut self) -> Result<(), TrainError> {
        if self.progress.cursor == 0 {
            self.lay_ground_bare()?;
        }
        self.readings = self.state.iter().map(|(name, _)| self.executor.request(name)).collect::<Result<_, _>>()?;
        self.phase = Phase::Saving;
        self.save_wanted = false;
        Ok(())
    }

    pub(super) fn collect_snapshot(&mut self, events: &mut Vec<Event>) -> Result<Advance, TrainError> {
        let Some(words) = self.collect()? else { return Ok(Advance::Waiting) };
        let slots: HashMap<_, _> = self.state.iter().map(|(name, _)| name.clone()).zip(words).collect();
        for (racer, loss) in self.settings.losses.iter().enumerate() {
            self.check_fault(racer, &slots[&format!("{loss}/fault")])?;
        }
        let mut progress = self.progress.clone();
        progress.seconds = self.seconds();
        events.push(Event::Snapshot(Box::new(Snapshot { progress, slots })));
        if self.progress.epoch >= self.settings.epochs {
            self.phase = Phase::Finished;
            return Ok(Advance::Finished);
        }
        if self.progress.cursor == 0 {
            self.begin_epoch()?;
        }
        self.phase = Phase::Training;
        Ok(Advance::Working)
    }

    /// The matrices D of a snapshot, with the cells that were held in it.
    fn learned_of(&self, snapshot: &Snapshot) -> Vec<Vec<f32>> {
        let of = |loss: &Loss| snapshot.floats(&self.slot_of(*loss, "ground")).unwrap_or_default();
        self.settings.losses.iter().map(of).collect()
    }
}
