//! A run that outlives its device: where the device is lost, it is opened again and the run goes on
//! from its last snapshot. Polled like the trainer, and like it never waits by itself.

use super::event::Event;
use super::looking::Look;
use super::settings::Settings;
use super::snapshot::Snapshot;
use super::trainer::{Advance, Change, Goal, GroundEdit, TrainError, Trainer};
use crate::data::Dataset;
use crate::plan::{Executor, ExecutorError, Tuned};
use std::sync::Arc;
use std::task::Waker;

/// Losses of the device without a snapshot in between that are borne.
const MOST_LOSSES: usize = 3;

/// Opens the device anew: nothing while it is still opening, or why it does not open.
pub type Opener = Box<dyn FnMut() -> Result<Option<Box<dyn Executor>>, String> + Send>;

/// Trains, and goes on where the device is lost.
pub struct Session {
    open: Opener,
    data: Arc<Dataset>,
    settings: Settings,
    trainer: Option<Trainer>,
    /// A device that was opened anew and tries kernels, before a trainer is prepared on it.
    tuning: Option<Box<dyn Executor>>,
    last: Option<Box<Snapshot>>,
    /// Results of an epoch whose snapshot has not arrived: they come again where it never does.
    held: Vec<Event>,
    save_wanted: bool,
    goal: Goal,
    /// A look that was asked for and has not been told.
    look: Option<Look>,
    /// Epochs in all, as of the last snapshot.
    epochs: usize,
    /// What was asked for since the last snapshot, each after so many steps.
    asked: Vec<(usize, Asked)>,
    /// How many of these are done, since the last snapshot was gone back to.
    redone: usize,
    losses: usize,
    lost: String,
}

/// Something that a snapshot keeps.
#[derive(Clone, Debug)]
enum Asked {
    Change(Change),
    Hold(GroundEdit),
}

impl Asked {
    fn of(self, trainer: &mut Trainer) -> Result<(), TrainError> {
        match self {
            Self::Change(change) => trainer.change(change),
            Self::Hold(edit) => trainer.hold(edit),
        }
    }
}

impl Session {
    /// Prepares a run from its first step, or from a snapshot on for `settings.epochs` epochs in
    /// all; the snapshot's other settings count then. `executor` is the device to begin with, `open` opens the next. Which kernels
    /// suit the first is to be found out before ([`Trainer::announce`]).
    ///
    /// # Errors
    /// As [`Trainer::new`] and [`Trainer::resume`].
    pub fn new(
        executor: Box<dyn Executor>,
        open: Opener,
        data: Arc<Dataset>,
        settings: Settings,
        snapshot: Option<Snapshot>,
    ) -> Result<Self, TrainError> {
        let (last, held, lost, epochs) = (snapshot.map(Box::new), Vec::new(), String::new(), settings.epochs);
        let mut session = Self {
            open,
            data,
            settings,
            trainer: None,
            tuning: None,
            last,
            held,
            save_wanted: false,
            goal: Goal::End,
            look: None,
            epochs,
            asked: Vec::new(),
            redone: 0,
            losses: 0,
            lost,
        };
        session.trainer = Some(session.prepare(executor)?);
        Ok(session)
    }

    /// The trainer; none while the device is being opened.
    #[must_use]
    pub fn trainer(&self) -> Option<&Trainer> {
        self.trainer.as_ref()
    }

    /// The settings, as they are after all changes.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.trainer.as_ref().map_or(&self.settings, |trainer| &trainer.progress().settings)
    }

    /// Asks for a snapshot between two steps; it arrives as an event.
    pub fn save(&mut self) {
        self.save_wanted = true;
        if let Some(trainer) = &mut self.trainer {
            trainer.save();
        }
    }

    /// Sets how far to train ([`Trainer::aim`]).
    pub fn aim(&mut self, goal: Goal) {
        self.goal = goal;
        if let Some(trainer) = &mut self.trainer {
            trainer.aim(goal);
        }
    }

    /// Asks for a look into a network ([`Trainer::look`]); of two that are asked for at once, the later may be told alone.
    pub fn look(&mut self, look: Look) {
        self.look = Some(look);
        if let Some(trainer) = &mut self.trainer {
            trainer.look(look);
        }
    }

    /// Whether something was changed or held that no snapshot has yet.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether a look has not been told yet.
    #[must_use]
    pub fn is_looking(&self) -> bool {
        self.look.is_some()
    }

    /// Trains with another setting from the next step on.
    ///
    /// # Errors
    /// As [`Trainer::change`].
    pub fn change(&mut self, change: Change) -> Result<(), TrainError> {
        self.ask(Asked::Change(change))
    }

    /// Trains with these cells of D from the next epoch on.
    ///
    /// # Errors
    /// As [`Trainer::hold`].
    pub fn hold(&mut self, edit: GroundEdit) -> Result<(), TrainError> {
        self.ask(Asked::Hold(edit))
    }

    /// Tells the results of the last epoch once more ([`Trainer::review`]).
    ///
    /// # Errors
    /// As [`Session::advance`].
    pub fn review(&mut self) -> Result<(), TrainError> {
        let reviewed = self.trainer.as_mut().map_or(Ok(()), Trainer::review);
        reviewed.or_else(|error| self.survive(error).map(|_| ()))
    }

    fn ask(&mut self, asked: Asked) -> Result<(), TrainError> {
        let trainer = self.trainer.as_mut().ok_or(TrainError::Opening)?;
        let step = trainer.progress().step;
        let done = asked.clone().of(trainer);
        done.or_else(|error| self.survive(error).map(|_| ()))?;
        // What is still to be done again would come upon it later.
        self.asked.truncate(self.redone);
        self.asked.push((step, asked));
        self.redone = self.asked.len();
        Ok(())
    }

    /// Does again what was asked for after as many steps as are done now.
    fn redo(&mut self) -> Result<(), TrainError> {
        while let (Some(trainer), Some((step, asked))) = (&mut self.trainer, self.asked.get(self.redone)) {
            if *step > trainer.progress().step {
                break;
            }
            self.redone += 1;
            if let Err(error) = asked.clone().of(trainer) {
                self.survive(error)?;
            }
        }
        Ok(())
    }

    /// Does a little, as [`Trainer::advance`]. An epoch's results are told together with the
    /// snapshot after it, so that none is told twice.
    ///
    /// # Errors
    /// When training fails for another reason than a lost device, the device is lost again and
    /// again, or it does not open any more.
    pub fn advance(&mut self, events: &mut Vec<Event>) -> Result<Advance, TrainError> {
        self.redo()?;
        let Some(trainer) = &mut self.trainer else { return self.reopen(events) };
        let mut told = Vec::new();
        let advanced = trainer.advance(&mut told);
        told.into_iter().for_each(|event| self.tell(event, events));
        match advanced {
            Ok(advance) => Ok(advance),
            Err(error) => self.survive(error),
        }
    }

    /// Waits until the device has finished something, where waiting is possible (not in a page).
    ///
    /// # Errors
    /// As [`Session::advance`].
    pub fn wait(&mut self) -> Result<(), TrainError> {
        let Some(executor) = self.executor() else { return Ok(()) };
        match executor.wait() {
            Ok(()) => Ok(()),
            Err(error) => self.survive(error.into()).map(|_| ()),
        }
    }

    /// Wakes a task once the device has finished something: [`Session::wait`] for a page. While the device is being opened,
    /// who opens it wakes.
    pub fn wake(&mut self, waker: &Waker) {
        if let Some(executor) = self.executor() {
            executor.wake(waker);
        }
    }

    /// The device; none while it is being opened.
    fn executor(&mut self) -> Option<&mut dyn Executor> {
        match (&mut self.trainer, &mut self.tuning) {
            (Some(trainer), _) => Some(trainer.executor()),
            (None, Some(executor)) => Some(&mut **executor),
            (None, None) => None,
        }
    }

    fn tell(&mut self, event: Event, events: &mut Vec<Event>) {
        match &event {
            Event::Epoch(_) => return self.held.push(event),
            Event::Seen(seen) if self.look == Some(seen.look) => self.look = None,
            Event::Snapshot(snapshot) => {
                self.last = Some(snapshot.clone());
                self.losses = 0;
                self.save_wanted = false;
                self.epochs = snapshot.progress.settings.epochs;
                // What is still to be done again was asked for after this snapshot's step.
                self.asked.drain(..self.redone);
                self.redone = 0;
                events.append(&mut self.held);
            }
            _ => {}
        }
        events.push(event);
    }

    /// Gives up the trainer where its device is lost.
    fn survive(&mut self, error: TrainError) -> Result<Advance, TrainError> {
        let TrainError::Executor(ExecutorError::Lost(why)) = error else { return Err(error) };
        (self.trainer, self.tuning) = (None, None);
        self.held.clear();
        self.losses += 1;
        if self.losses > MOST_LOSSES {
            return Err(TrainError::LostAgain { times: self.losses, why });
        }
        self.lost = why;
        Ok(Advance::Working)
    }

    fn reopen(&mut self, events: &mut Vec<Event>) -> Result<Advance, TrainError> {
        let Some(mut executor) = self.tuning.take() else { return self.open_anew() };
        let tuned = executor.tune();
        if tuned != Tuned::Done {
            self.tuning = Some(executor);
            return Ok(if tuned == Tuned::Waiting { Advance::Waiting } else { Advance::Working });
        }
        let adapter = executor.adapter().clone();
        let mut trainer = match self.prepare(executor) {
            Ok(trainer) => trainer,
            Err(error) => return self.survive(error),
        };
        trainer.aim(self.goal);
        if let Some(look) = self.look {
            trainer.look(look);
        }
        if self.save_wanted {
            trainer.save();
        }
        self.redone = 0;
        let step = trainer.progress().step;
        self.trainer = Some(trainer);
        events.push(Event::Recovered { why: self.lost.clone(), adapter, step });
        Ok(Advance::Working)
    }

    fn open_anew(&mut self) -> Result<Advance, TrainError> {
        let opened = (self.open)().map_err(|why| TrainError::Gone { lost: self.lost.clone(), why })?;
        let Some(mut executor) = opened else { return Ok(Advance::Waiting) };
        let settings = self.last.as_ref().map_or(&self.settings, |snapshot| &snapshot.progress.settings);
        Trainer::announce(&mut *executor, &self.data, settings);
        self.tuning = Some(executor);
        Ok(Advance::Working)
    }

    fn prepare(&self, executor: Box<dyn Executor>) -> Result<Trainer, TrainError> {
        let data = Arc::clone(&self.data);
        match &self.last {
            Some(snapshot) => Trainer::resume(executor, data, snapshot, self.epochs),
            None => Trainer::new(executor, data, self.settings.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
