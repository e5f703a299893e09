//! A run under way: the trainer driven a little at a time, its events kept in files and told.

use super::WorkError;
use super::artifacts::Artifacts;
use super::exporting;
use super::message::{Command, Message, Order, Pace, Picture, Scene};
use super::opening::Begun;
use super::work::{Next, Tell};
use crate::bench::Workload;
use crate::data::Dataset;
use crate::nn::Loss;
use crate::train::cell::Cell;
use crate::train::run::RunFolder;
use crate::train::{Advance, Event, Goal, Session};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use web_time::Instant;

/// Time between checkpoints within an epoch.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(120);
/// Time between messages that tell of steps.
const TOLD_EVERY: Duration = Duration::from_millis(50);
/// Time over which images a second are counted.
const RATE_OVER: f64 = 1.0;

/// What a run asks of the worker that holds it.
pub enum Ask {
    /// Go on so.
    More(Next),
    /// All is written: the run can be given up.
    Left,
    /// A file could not be written: the run rests, so that it can be saved once there is room.
    Unwritten(WorkError),
}

/// A run under way.
pub struct Run {
    session: Session,
    artifacts: Artifacts,
    data: Arc<Dataset>,
    tell: Tell,
    device: String,
    /// Whether nothing is to be done before the next command.
    idle: bool,
    /// Whether the next snapshot is followed by all other files.
    whole: bool,
    /// Whether the run is to be given up once it is saved.
    leaving: bool,
    /// Whether it ends here, of its own or by command.
    ending: bool,
    saved_at: Instant,
    pace: Rate,
}

impl Run {
    /// A run that has begun, on a device of this name; it trains at once or rests.
    pub fn new(begun: Begun, device: &str, begins: bool, tell: Tell) -> Self {
        let Begun { mut session, artifacts, data } = begun;
        if !begins {
            session.aim(Goal::Step(0));
        }
        Self {
            session,
            artifacts,
            data,
            tell,
            device: device.to_owned(),
            idle: false,
            whole: false,
            leaving: false,
            ending: false,
            saved_at: Instant::now(),
            pace: Rate::default(),
        }
    }

    /// All that is known of it now.
    pub fn scene(&self, why: &str, skipped: Vec<String>) -> Scene {
        let record = &self.artifacts.record;
        let trainer = self.session.trainer();
        let progress = trainer.map(|trainer| trainer.progress());
        Scene {
            place: self.artifacts.folder.path.clone(),
            data: self.data.name.clone(),
            source: record.source.clone(),
            protocol: record.protocol.clone(),
            settings: record.settings.clone(),
            classes: record.classes.clone(),
            class_values: self.data.class_values.clone(),
            train_images: record.images[0],
            labels: self.data.test.labels.clone(),
            names: self.data.test.names.clone(),
            parameters: trainer.map_or(0, |trainer| trainer.model().parameters().count()),
            memory: trainer.map_or(0, |trainer| trainer.memory_bytes()),
            adapter: record.sittings.last().map(|sitting| sitting.adapter.clone()).unwrap_or_default(),
            why: why.to_owned(),
            skipped,
            rows: progress.map_or_else(Vec::new, |progress| progress.history.clone()),
            step: progress.map_or(0, |progress| progress.step),
            held: progress.map_or_else(Default::default, |progress| progress.held.clone()),
            batches: trainer.map_or(1, |trainer| trainer.batches()),
        }
    }

    /// Tells the results of earlier epochs, as far as they were kept; where the last one has just ended, that is measured anew.
    ///
    /// # Errors
    /// When what was kept is damaged.
    pub fn tell_earlier(&self) -> Result<(), WorkError> {
        let Some(trainer) = self.session.trainer() else { return Ok(()) };
        let (epochs, progress) = (self.artifacts.epochs(), trainer.progress());
        let anew = (progress.cursor == 0).then_some(progress.epoch);
        for epoch in epochs.numbers().filter(|epoch| Some(*epoch) != anew) {
            let results = epochs.results(epoch, &progress.history);
            for result in results.map_err(|why| self.artifacts.folder.damaged_epochs(&why))? {
                (self.tell)(Message::Epoch(Box::new(result)));
            }
        }
        Ok(())
    }

    /// The name of the device it was given.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// A step of the same network, batch and losses, to be measured; nothing while the device is being opened.
    pub fn workload(&self) -> Option<(Workload, Vec<Loss>)> {
        let settings = self.session.settings();
        let model = self.session.trainer()?.model().clone();
        let batch = settings.batch.min(self.data.train.len());
        Some((Workload::new(model, batch, settings.augmentation), settings.losses.clone()))
    }

    /// An order that begins it again from the same first weights, with the settings as they are now.
    pub fn order(&self) -> Order {
        let cell = Cell { settings: self.session.settings().clone(), ..self.artifacts.record.cell() };
        Order { cell, place: None, device: self.device.clone(), begins: true, sized_by_device: false }
    }

    /// Its folder.
    pub fn folder(&self) -> &RunFolder {
        &self.artifacts.folder
    }

    /// Does what is asked of it.
    ///
    /// # Errors
    /// When a setting is out of range, a file cannot be written or the device fails.
    pub fn take(&mut self, command: Command) -> Result<(), WorkError> {
        // What only tells or writes something finds a run that rests, and leaves it so.
        self.idle &= matches!(command, Command::Images(_) | Command::Export(_) | Command::Look(_));
        match command {
            Command::Go(pace) => self.go(pace),
            Command::Change(change) => {
                self.session.change(change)?;
                let settings = self.session.settings().clone();
                (self.tell)(Message::Changed(Box::new(settings)));
            }
            Command::Ground(edit) => {
                self.session.hold(edit.clone())?;
                (self.tell)(Message::Held(edit));
            }
            Command::Save => self.save_all(),
            Command::Stop => {
                self.session.aim(Goal::Step(0));
                self.ending = true;
                self.save_all();
            }
            Command::Look(look) => self.session.look(look),
            Command::Images(indices) => self.show_images(&indices),
            Command::Export(export) => {
                let written = exporting::write(&export, Some(&self.artifacts.folder))?;
                (self.tell)(Message::Written(written));
            }
            _ => {}
        }
        Ok(())
    }

    fn go(&mut self, pace: Pace) {
        let progress = self.session.trainer().map(|trainer| trainer.progress());
        let (step, epoch) = progress.map_or((0, 0), |progress| (progress.step, progress.epoch));
        self.pace = Rate::default();
        self.session.aim(match pace {
            Pace::Run => Goal::End,
            Pace::Rest => Goal::Step(0),
            Pace::Step => Goal::Step(step + 1),
            Pace::Epoch => Goal::Epoch(epoch + 1),
        });
    }

    fn save_all(&mut self) {
        self.whole = true;
        self.session.save();
    }

    fn show_images(&self, indices: &[usize]) {
        let test = &self.data.test;
        let picture = |&index: &usize| Picture { index, side: test.side, planes: test.image(index).to_vec() };
        let there = indices.iter().filter(|&&index| index < test.len());
        (self.tell)(Message::Images(there.map(picture).collect()));
    }

    /// Saves it, so that it can be given up.
    pub fn leave(&mut self) {
        self.idle = false;
        self.leaving = true;
        self.session.aim(Goal::Step(0));
        let step = self.session.trainer().map(|trainer| trainer.progress().step);
        let kept = step == Some(self.artifacts.kept_step()) && !self.session.is_changed();
        if !kept || !self.artifacts.is_whole() {
            self.save_all();
        }
    }

    /// Writes what can be written of a run that ended by an error, which is the one that counts.
    pub fn keep_what_there_is(&mut self) {
        if self.artifacts.finish().is_ok() {
            self.tell_kept();
        }
    }

    fn tell_kept(&self) {
        (self.tell)(Message::Kept { step: self.artifacts.kept_step(), whole: self.artifacts.is_whole() });
    }

    /// Does a little.
    ///
    /// # Errors
    /// When training fails.
    pub fn advance(&mut self) -> Result<Ask, WorkError> {
        if self.idle && !self.session.is_looking() {
            return Ok(Ask::More(Next::Idle));
        }
        if self.saved_at.elapsed() >= CHECKPOINT_EVERY {
            self.saved_at = Instant::now();
            self.session.save();
        }
        let mut events = Vec::new();
        let advanced = self.session.advance(&mut events);
        let mut unwritten = None;
        for event in events {
            unwritten = self.keep(event).err().or(unwritten);
        }
        if let Some(error) = unwritten {
            (self.whole, self.leaving, self.ending) = (false, false, false);
            self.session.aim(Goal::Step(0));
            advanced?;
            return Ok(Ask::Unwritten(error));
        }
        Ok(Ask::More(match advanced? {
            Advance::Working => Next::Working,
            Advance::Waiting => Next::Waiting,
            Advance::Resting | Advance::Finished if self.leaving => return Ok(Ask::Left),
            // It rested before, and was only looked into.
            Advance::Resting | Advance::Finished if self.idle => Next::Idle,
            Advance::Resting => self.rest(self.ending),
            Advance::Finished => self.rest(true),
        }))
    }

    fn rest(&mut self, ended: bool) -> Next {
        self.idle = true;
        self.ending = false;
        (self.tell)(if ended { Message::Finished } else { Message::Resting });
        Next::Working
    }

    /// Waits until the device has finished something.
    ///
    /// # Errors
    /// When training fails.
    pub fn wait(&mut self) -> Result<(), WorkError> {
        Ok(self.session.wait()?)
    }

    /// Wakes a task once the device has finished something.
    pub fn wake(&mut self, waker: &Waker) {
        self.session.wake(waker);
    }

    fn keep(&mut self, event: Event) -> Result<(), WorkError> {
        match &event {
            Event::Step { epoch, batch, .. } => self.tell_step(*epoch, *batch),
            Event::Loss { loss, mean } => (self.tell)(Message::Loss { loss: *loss, mean: *mean }),
            Event::Epoch(result) => (self.tell)(Message::Epoch(result.clone())),
            Event::Recovered { why, adapter, step } => {
                (self.tell)(Message::Recovered { why: why.clone(), adapter: adapter.clone(), step: *step });
            }
            Event::Seen(seen) => (self.tell)(Message::Seen(seen.clone())),
            Event::Snapshot(_) => {}
        }
        let saved = matches!(event, Event::Snapshot(_));
        self.artifacts.take(event)?;
        if saved {
            self.saved_at = Instant::now();
            if std::mem::take(&mut self.whole) {
                self.artifacts.finish()?;
            }
            self.tell_kept();
        }
        Ok(())
    }

    fn tell_step(&mut self, epoch: usize, batch: usize) {
        let size = self.artifacts.record.settings.batch.min(self.data.train.len());
        let Some(rate) = self.pace.count(size) else { return };
        (self.tell)(Message::Step { epoch, batch, rate });
    }
}

/// Images a second of the last moments, told now and then.
#[derive(Default)]
struct Rate {
    counted: std::collections::VecDeque<(Instant, usize)>,
    told_at: Option<Instant>,
}

impl Rate {
    /// Counts a batch; the rate, where it is time to tell.
    fn count(&mut self, images: usize) -> Option<f64> {
        let now = Instant::now();
        self.counted.push_back((now, images));
        let seconds = |then: Instant| now.duration_since(then).as_secs_f64();
        while self.counted.len() > 2 && self.counted.front().is_some_and(|&(then, _)| seconds(then) > RATE_OVER) {
            self.counted.pop_front();
        }
        if self.told_at.is_some_and(|told| now.duration_since(told) < TOLD_EVERY) {
            return None;
        }
        self.told_at = Some(now);
        let (since, _) = *self.counted.front()?;
        let images: usize = self.counted.iter().skip(1).map(|&(_, images)| images).sum();
        Some(if seconds(since) > 0.0 { images as f64 / seconds(since) } else { 0.0 })
    }
}
