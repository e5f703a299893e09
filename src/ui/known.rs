//! All that the worker has told so far.

mod memory;

use crate::data::files;
use crate::data::protocol::Protocol;
use crate::data::source::Source;
use crate::nn::Loss;
use crate::train::{EpochResult, EpochRow, GroundEdit, Settings};
use crate::worker::message::{Agreement, Brought, Kept, Lack, Message, Passes, Picture, Scene, Seen, Trouble};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most notes that are kept.
const MOST_NOTES: usize = 100;

/// What the worker is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// There is no run.
    #[default]
    Empty,
    /// Data are made or read.
    Loading {
        /// Images done.
        done: usize,
        /// Images in all.
        of: usize,
    },
    /// Kernels are compiled.
    Preparing,
    /// It trains.
    Training,
    /// It waits for a command.
    Resting,
    /// All epochs are done, or it was stopped.
    Finished,
    /// The worker is gone.
    Closed,
}

/// A run of this sitting that another has followed.
#[derive(Clone, Debug)]
pub struct Past {
    /// How it was trained.
    pub settings: Settings,
    /// Where its data came from.
    pub source: Source,
    /// How they were grouped and divided.
    pub protocol: Protocol,
    /// Its rows.
    pub rows: Vec<EpochRow>,
}

/// All that the worker has told so far.
#[derive(Default)]
pub struct Known {
    /// Runs that have begun or were opened so far.
    pub run: usize,
    /// Whether the worker has the run still, so that it can be steered, saved and asked for things.
    pub alive: bool,
    /// Why no GPU trains, where a page cannot have one.
    pub lack: Option<Lack>,
    /// The run.
    pub scene: Option<Scene>,
    /// What is being done.
    pub phase: Phase,
    /// A row an epoch and loss.
    pub rows: Vec<EpochRow>,
    /// Results by epochs done, from 1, in the order of the racers.
    pub epochs: BTreeMap<usize, Vec<EpochResult>>,
    /// Epochs done.
    pub epoch: usize,
    /// Batches done in the present epoch.
    pub batch: usize,
    /// Images a second.
    pub rate: f64,
    /// Mean loss of the present epoch so far.
    pub losses: HashMap<Loss, f64>,
    /// Steps done by the last checkpoint, and whether all files are of that step.
    pub kept: Option<(usize, bool)>,
    /// Test images, no larger than they are shown; some of those that were asked for.
    pub images: HashMap<usize, Picture>,
    /// Epochs whose results are no longer kept.
    pub dropped: usize,
    /// What was looked at last in a network.
    pub seen: Option<Arc<Seen>>,
    /// How the device agrees with the reference.
    pub agreement: Option<Agreement>,
    /// Time by kind of step.
    pub passes: Option<Passes>,
    /// What went wrong, newest last, until the user has read it.
    pub troubles: Vec<Trouble>,
    /// Files written, and other good news, newest last.
    pub notes: Vec<String>,
    /// Cells of D that are held fast.
    pub held: Arc<GroundEdit>,
    /// Earlier runs of this sitting.
    pub past: Vec<Past>,
    /// The runs that are kept, where that was asked for.
    pub runs: Option<Vec<Kept>>,
    /// What was brought into the page, until it is taken up.
    pub brought: Option<Brought>,
}

impl Known {
    /// Takes a message in.
    pub fn take(&mut self, message: Message) {
        match message {
            Message::Lacks(lack) => self.lack = Some(lack),
            // The run before was left by then.
            Message::Loading { done, of } => (self.phase, self.alive) = (Phase::Loading { done, of }, false),
            Message::Preparing => (self.phase, self.alive) = (Phase::Preparing, false),
            Message::CalledOff => self.end(),
            Message::Begun(scene) => self.begin(*scene),
            Message::Step { epoch, batch, rate } => {
                (self.epoch, self.batch, self.rate) = (epoch, batch, rate);
                self.phase = Phase::Training;
            }
            Message::Loss { loss, mean } => {
                self.losses.insert(loss, mean);
            }
            Message::Epoch(result) => self.end_epoch(*result),
            Message::Resting => self.phase = Phase::Resting,
            Message::Finished => self.phase = Phase::Finished,
            Message::Changed(settings) => {
                if let Some(scene) = &mut self.scene {
                    scene.settings = *settings;
                }
            }
            Message::Held(edit) => self.held = Arc::new(edit),
            Message::Recovered { why, adapter, step } => {
                self.note(format!("The device was lost ({why}); {adapter} goes on from step {step}."));
                if let Some(scene) = &mut self.scene {
                    scene.adapter = adapter;
                }
            }
            Message::Kept { step, whole } => self.kept = Some((step, whole)),
            Message::Images(pictures) => memory::keep_images(&mut self.images, pictures),
            Message::Seen(seen) => self.seen = Some(Arc::from(seen)),
            Message::Checked(agreement) => self.agreement = Some(*agreement),
            Message::Measured(passes) => self.passes = Some(*passes),
            Message::Written(path) => self.note(format!("Written: {}", path.display())),
            Message::Runs(runs) => self.runs = Some(runs),
            Message::Brought(brought) => self.brought = Some(brought),
            Message::Failed(trouble) => self.fail(trouble),
            Message::Closed => (self.phase, self.alive) = (Phase::Closed, false),
        }
    }

    fn fail(&mut self, trouble: Trouble) {
        if trouble.ends {
            self.end();
        }
        self.troubles.push(trouble);
    }

    /// No run is under way any more; one that was before is still shown.
    fn end(&mut self) {
        self.alive = false;
        self.phase = if self.scene.is_some() { Phase::Finished } else { Phase::Empty };
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
        let over = self.notes.len().saturating_sub(MOST_NOTES);
        self.notes.drain(..over);
    }

    /// A run begins: what was known of the one before is past.
    fn begin(&mut self, mut scene: Scene) {
        let rows = std::mem::take(&mut scene.rows);
        let earlier = std::mem::replace(self, Self { phase: Phase::Training, alive: true, ..Self::default() });
        self.run = earlier.run + 1;
        (self.past, self.lack) = (earlier.past, earlier.lack);
        (self.runs, self.brought) = (earlier.runs, earlier.brought);
        self.agreement = earlier.agreement.filter(|found| found.over && found.adapter == scene.adapter);
        if let Some(scene) = earlier.scene.filter(|_| !earlier.rows.is_empty()) {
            let Scene { settings, source, protocol, .. } = scene;
            self.past.push(Past { settings, source, protocol, rows: earlier.rows });
        }
        self.held = Arc::new(scene.held.clone());
        if !scene.skipped.is_empty() {
            self.note(format!("{} passed over: see Engine.", files(scene.skipped.len())));
        }
        self.epoch = rows.last().map_or(0, |row| row.epoch);
        self.rows = rows;
        self.scene = Some(scene);
    }

    fn end_epoch(&mut self, result: EpochResult) {
        let epoch = result.row.epoch;
        // A run that was opened tells its earlier epochs, and its last one once more.
        if !self.rows.iter().any(|row| row.epoch == epoch && row.loss == result.row.loss) {
            self.rows.push(result.row.clone());
        }
        for class in &result.absent {
            self.note(format!("Class {class} had no image in epoch {epoch}; it keeps its last centroid."));
        }
        let results = self.epochs.entry(epoch).or_default();
        results.retain(|other| other.row.loss != result.row.loss);
        results.push(result);
        if epoch >= self.epoch {
            (self.epoch, self.batch) = (epoch, 0);
            self.losses.clear();
        }
        self.dropped += memory::make_room(&mut self.epochs, memory::MOST_RESULTS);
    }

    /// Class names; none before a run.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.scene.as_ref().map_or(&[], |scene| &scene.classes)
    }

    /// The racers; none before a run.
    #[must_use]
    pub fn losses_racing(&self) -> &[Loss] {
        self.scene.as_ref().map_or(&[], |scene| &scene.settings.losses)
    }

    /// Whether the run has steps that no saved file shows; of one that is no longer there, nothing can be saved.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        let stepped = self.epoch > 0 || self.batch > 0;
        self.alive && stepped && (self.phase == Phase::Training || !matches!(self.kept, Some((_, true))))
    }
}

#[cfg(test)]
mod tests;
