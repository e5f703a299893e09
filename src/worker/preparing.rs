//! A run whose images are read: its device finds out which kernels suit it, then it begins or goes on.

use super::WorkError;
use super::message::Order;
use super::opening::{self, Begun};
use super::reading::Waiting;
use super::work::Next;
use crate::data::Dataset;
use crate::data::folder::Skipped;
use crate::device::Opened;
use crate::plan::Tuned;
use crate::train::run::Made;
use crate::train::session::Opener;
use crate::train::{Settings, Trainer};
use std::sync::Arc;
use std::task::Waker;

/// A run that is to begin or to go on.
pub struct Preparing {
    data: Arc<Dataset>,
    skipped: Vec<Skipped>,
    opened: Opened,
    run: Waiting,
    settings: Settings,
    made: Made,
}

/// A run that has begun or goes on.
pub struct Ready {
    /// The run.
    pub begun: Begun,
    /// The name of its device.
    pub device: String,
    /// Why it runs on that.
    pub why: &'static str,
    /// Files that were passed over.
    pub skipped: Vec<Skipped>,
    /// Whether it trains at once.
    pub begins: bool,
}

impl Preparing {
    /// One on these data.
    ///
    /// # Errors
    /// When its ground distance is none of their classes.
    pub(super) fn new(
        data: Arc<Dataset>,
        skipped: Vec<Skipped>,
        mut opened: Opened,
        mut run: Waiting,
        made: Made,
    ) -> Result<Self, WorkError> {
        let settings = match &mut run {
            Waiting::New { cell, ground, .. } => opening::settings(cell, ground.take(), &data.classes)?,
            Waiting::Kept { snapshot, .. } => snapshot.progress.settings.clone(),
        };
        Trainer::announce(&mut *opened.executor, &data, &settings);
        Ok(Self { data, skipped, opened, run, settings, made })
    }

    /// Does a little to find out which kernels suit the run. Idle when that is over.
    pub fn advance(&mut self) -> Next {
        match self.opened.executor.tune() {
            Tuned::Advanced => Next::Working,
            Tuned::Waiting => Next::Waiting,
            Tuned::Done => Next::Idle,
        }
    }

    /// Waits until the device has finished something. That it failed shows when it is next asked for something.
    pub fn wait(&mut self) {
        let _ = self.opened.executor.wait();
    }

    /// Wakes a task once the device has finished something.
    pub fn wake(&mut self, waker: &Waker) {
        self.opened.executor.wake(waker);
    }

    /// The run; `opener` opens its device again.
    ///
    /// # Errors
    /// When the run does not fit its data or the device.
    pub fn ready(self, opener: impl FnOnce(&str) -> Opener) -> Result<Ready, WorkError> {
        let Self { data, skipped, opened: Opened { executor, why }, run, settings, .. } = self;
        match run {
            Waiting::New { order, cell, folder, .. } => {
                let Order { device, begins, .. } = *order;
                let begun = opening::begin(&folder, &cell, settings, data, executor, opener(&device))?;
                Ok(Ready { begun, device, why, skipped, begins })
            }
            Waiting::Kept { device, folder, record, snapshot, epochs } => {
                let mut begun = opening::resume(folder, *record, *snapshot, epochs, data, executor, opener(&device))?;
                begun.session.review()?;
                Ok(Ready { begun, device, why, skipped, begins: false })
            }
        }
    }

    /// What was made for the run, to be removed where that does not begin.
    pub fn made(&self) -> Made {
        self.made.clone()
    }
}

#[cfg(test)]
mod tests;
