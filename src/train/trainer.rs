//! The trainer: a state machine that is polled. It never waits; whoever drives it does, or draws
//! a frame in between.

mod epoch;
mod error;
mod plans;
mod saving;
mod steering;

pub use error::TrainError;
pub use steering::{Change, Goal, GroundEdit};

use super::batches::{batches, stream, upload};
use super::event::Event;
use super::examiner::{self, Examiner, MOST_IN_FLIGHT};
use super::ids::Ids;
use super::looking::{Look, Looking, Subject};
use super::settings::{Ground, Settings};
use super::snapshot::Progress;
use super::targets::write_tables;
use crate::data::Dataset;
use crate::data::identity::Identity;
use crate::nn::plans::{Batches, learned_slot};
use crate::nn::{Loss, Model};
use crate::plan::{Executor, ExecutorError, PlanHandle, Ticket};
use plans::Plans;
use std::sync::Arc;
use std::time::Duration;
use web_time::Instant;

/// How often the loss so far is read.
const READING_INTERVAL: Duration = Duration::from_millis(250);

/// What a call of [`Trainer::advance`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Something was done; call again.
    Working,
    /// The device is busy; call again when it has finished something.
    Waiting,
    /// The goal is reached, and the device at rest.
    Resting,
    /// The run is over.
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Training,
    Evaluating,
    Saving,
    Finished,
}

/// What is read of each racer: within an epoch the first two, at its end all.
const READINGS: [&str; 6] = ["fault", "sums", "class_counts", "distances", "ground", "train_confusion"];

/// Trains racing losses on one data set.
pub struct Trainer {
    executor: Box<dyn Executor>,
    data: Arc<Dataset>,
    settings: Settings,
    model: Model,
    batches: Batches,
    step_plan: PlanHandle,
    distance_plan: PlanHandle,
    examiner: Examiner,
    state: Vec<(String, usize)>,
    order: Vec<u32>,
    staging: Vec<u8>,
    phase: Phase,
    progress: Progress,
    readings: Vec<Ticket>,
    arrived: Vec<Vec<u8>>,
    measured: Option<Vec<Vec<u8>>>,
    predicted: Option<Vec<Vec<f32>>>,
    save_wanted: bool,
    /// Whether the last epoch is measured once more.
    reviewing: bool,
    memory_bytes: u64,
    goal: Goal,
    /// The racers' matrices D, classes x classes each, as the last epoch left them.
    learned: Vec<Vec<f32>>,
    /// Whether the D that the next epoch trains with is still to be written.
    grounds_due: bool,
    ids: Ids,
    looking: Looking,
    /// Since when the run's clock goes; it stands while the trainer rests.
    began: Option<Instant>,
    /// Since when steps are trained without a break.
    steps_began: Option<Instant>,
    last_reading: Instant,
}

impl Trainer {
    /// Prepares a run from its first step: plans, first weights, data.
    ///
    /// # Errors
    /// When a setting is out of range, the plan does not fit, or the device fails.
    pub fn new(executor: Box<dyn Executor>, data: Arc<Dataset>, settings: Settings) -> Result<Self, TrainError> {
        let identity = Identity::of(&data);
        Self::begin(executor, data, identity, settings)
    }

    fn begin(
        mut executor: Box<dyn Executor>,
        data: Arc<Dataset>,
        identity: Identity,
        settings: Settings,
    ) -> Result<Self, TrainError> {
        let Plans { model, batches, step, memory, distance, .. } = Plans::of(&*executor, &data, &settings)?;
        let step_plan = executor.prepare(&step)?;
        let distance_plan = executor.prepare(&distance)?;
        let tested = [data.test.len(), data.test.side];
        let mut examiner = Examiner::new(&mut *executor, &model, &settings.losses, tested, settings.batch)?;
        examiner.load(&mut *executor, &data.test)?;
        let ids = Ids::of(&settings, data.classes.len());
        upload(&mut *executor, &batches, &data.train, &ids)?;
        write_tables(&mut *executor, &settings.losses, &batches, &data, &ids)?;
        let slots = step.state().chain(distance.state());
        let mut state: Vec<(String, usize)> = slots.map(|slot| (slot.name.clone(), slot.len)).collect();
        state.sort();
        state.dedup();
        let progress = Progress {
            data: identity,
            epoch: 0,
            cursor: 0,
            step: 0,
            lambdas: vec![None; settings.losses.len()],
            seconds: 0.0,
            step_seconds: 0.0,
            history: Vec::new(),
            held: GroundEdit::default(),
            changes: Vec::new(),
            settings: settings.clone(),
        };
        let mut trainer = Self {
            executor,
            data,
            settings,
            model,
            batches,
            step_plan,
            distance_plan,
            examiner,
            state,
            order: Vec::new(),
            staging: Vec::new(),
            phase: Phase::Training,
            progress,
            readings: Vec::new(),
            arrived: Vec::new(),
            measured: None,
            predicted: None,
            save_wanted: false,
            reviewing: false,
            memory_bytes: memory.bytes(),
            goal: Goal::End,
            learned: Vec::new(),
            grounds_due: false,
            ids,
            looking: Looking::default(),
            began: Some(Instant::now()),
            steps_began: None,
            last_reading: Instant::now(),
        };
        trainer.write_first_state()?;
        trainer.begin_epoch()?;
        Ok(trainer)
    }

    /// The executor, for what it says of itself and for waiting.
    pub fn executor(&mut self) -> &mut dyn Executor {
        &mut *self.executor
    }

    /// Where the run stands.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The network, as losses with an output a class train it.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Bytes of memory that the plan of a training step takes, scratch included.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Batches of an epoch.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.batches.count
    }

    /// Does a little: submits a step, or looks whether a reading has arrived.
    ///
    /// # Errors
    /// When a loss diverges or the device fails.
    pub fn advance(&mut self, events: &mut Vec<Event>) -> Result<Advance, TrainError> {
        self.executor.poll()?;
        self.look_on(events)?;
        let advance = match self.phase {
            Phase::Training => self.train(events)?,
            Phase::Evaluating => self.evaluate(events)?,
            Phase::Saving => self.collect_snapshot(events)?,
            Phase::Finished if self.save_wanted => {
                self.begin_snapshot()?;
                Advance::Working
            }
            Phase::Finished => Advance::Finished,
        };
        let still = matches!(advance, Advance::Resting | Advance::Finished);
        Ok(if still && self.looking.is_wanted() { Advance::Waiting } else { advance })
    }

    /// Asks for a look into a network, as it is now; it arrives as an event and changes nothing of the run.
    pub fn look(&mut self, look: Look) {
        self.looking.want(look);
    }

    fn look_on(&mut self, events: &mut Vec<Event>) -> Result<(), TrainError> {
        if !self.looking.is_wanted() {
            return Ok(());
        }
        let Self { model, settings, data, ids, progress, .. } = self;
        let subject = Subject { model, racers: &settings.losses, data, ids, step: progress.step };
        let seen = self.looking.advance(&mut *self.executor, &subject)?;
        events.extend(seen.map(|seen| Event::Seen(Box::new(seen))));
        Ok(())
    }

    fn train(&mut self, events: &mut Vec<Event>) -> Result<Advance, TrainError> {
        self.read_loss(events)?;
        let epoch_done = self.progress.cursor == self.batches.count;
        if epoch_done || self.save_wanted || self.goal_reached() {
            return self.leave_training(epoch_done);
        }
        if self.executor.in_flight() >= MOST_IN_FLIGHT {
            return Ok(Advance::Waiting);
        }
        self.began.get_or_insert_with(Instant::now);
        self.steps_began.get_or_insert_with(Instant::now);
        let rows = self.progress.cursor * self.batches.batch..(self.progress.cursor + 1) * self.batches.batch;
        stream(&mut *self.executor, &self.batches, &self.data.train, &self.order[rows], &mut self.staging)?;
        self.executor.submit(self.step_plan)?;
        self.progress.cursor += 1;
        self.progress.step += 1;
        let (epoch, batch) = (self.progress.epoch, self.progress.cursor);
        events.push(Event::Step { epoch, batch, batches: self.batches.count });
        Ok(Advance::Working)
    }

    /// Goes on to the evaluation or to a snapshot, or rests, once no reading is under way and the last step is done, so
    /// that the steps' clock counts steps alone.
    fn leave_training(&mut self, epoch_done: bool) -> Result<Advance, TrainError> {
        if !self.readings.is_empty() || self.executor.in_flight() > 0 {
            return Ok(Advance::Waiting);
        }
        if let Some(began) = self.steps_began.take() {
            self.progress.step_seconds += began.elapsed().as_secs_f64();
        }
        if epoch_done {
            self.end_epoch()?;
        } else if self.save_wanted {
            self.begin_snapshot()?;
        } else {
            self.stop_clock();
            return Ok(Advance::Resting);
        }
        Ok(Advance::Working)
    }

    /// Seconds since the run began, without those in which it rested.
    fn seconds(&self) -> f64 {
        self.progress.seconds + self.began.map_or(0.0, |began| began.elapsed().as_secs_f64())
    }

    fn stop_clock(&mut self) {
        self.progress.seconds = self.seconds();
        self.began = None;
    }

    /// Reads the epoch's sums now and then; one reading is under way at a time.
    fn read_loss(&mut self, events: &mut Vec<Event>) -> Result<(), TrainError> {
        if self.readings.is_empty() {
            let within = (1..self.batches.count).contains(&self.progress.cursor) && !self.save_wanted;
            if within && self.last_reading.elapsed() >= READING_INTERVAL {
                self.last_reading = Instant::now();
                self.readings = self.request(&READINGS[..2])?;
            }
            return Ok(());
        }
        let Some(readings) = self.collect()? else { return Ok(()) };
        for (index, racer) in readings.chunks(2).enumerate() {
            self.check_fault(index, &racer[0])?;
            let sums: Vec<f32> = bytemuck::pod_collect_to_vec(&racer[1]);
            let mean = f64::from(sums[0]) / f64::from(sums[3]);
            events.push(Event::Loss { loss: self.settings.losses[index], mean });
        }
        Ok(())
    }

    /// A network that its last step broke shows it in its predictions alone.
    fn check_outcomes(&self, racer: usize, outcomes: &[f32]) -> Result<(), TrainError> {
        if outcomes.iter().all(|p| p.is_finite()) {
            return Ok(());
        }
        Err(self.diverged(racer, self.progress.step as u32))
    }

    fn diverged(&self, racer: usize, step: u32) -> TrainError {
        let learning_rate = self.settings.rate(racer);
        TrainError::Diverged { loss: self.settings.losses[racer], step, learning_rate }
    }

    fn check_fault(&self, racer: usize, fault: &[u8]) -> Result<(), TrainError> {
        match bytemuck::pod_collect_to_vec::<u8, u32>(fault)[0] {
            0 => Ok(()),
            step => Err(self.diverged(racer, step)),
        }
    }

    /// The full name of a racer's slot of readings.
    fn slot_of(&self, loss: Loss, slot: &str) -> String {
        let slot = if slot == "ground" { learned_slot(loss, self.settings.ground != Ground::Learned) } else { slot };
        format!("{loss}/{slot}")
    }

    /// Asks for these slots of every racer.
    fn request(&mut self, slots: &[&str]) -> Result<Vec<Ticket>, ExecutorError> {
        let mut names = Vec::new();
        for &loss in &self.settings.losses {
            names.extend(slots.iter().map(|slot| self.slot_of(loss, slot)));
        }
        names.iter().map(|name| self.executor.request(name)).collect()
    }

    /// All readings asked for, once the last has arrived: they arrive in order.
    fn collect(&mut self) -> Result<Option<Vec<Vec<u8>>>, ExecutorError> {
        while let Some(&ticket) = self.readings.get(self.arrived.len()) {
            let Some(bytes) = self.executor.collect(ticket)? else { return Ok(None) };
            self.arrived.push(bytes);
        }
        self.readings.clear();
        Ok(Some(std::mem::take(&mut self.arrived)))
    }
}
