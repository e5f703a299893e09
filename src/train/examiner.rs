//! Evaluation of networks over a split, batch by batch, without waiting.

use super::batches::{batches, slot, stream, upload};
use super::ids::Ids;
use crate::data::Images;
use crate::nn::plans::{Batches, evaluation};
use crate::nn::{Loss, Model};
use crate::plan::{Clock, Executor, ExecutorError, Misfit, Plan, PlanHandle, Ticket};
use std::collections::VecDeque;

/// Replays that may be under way before the examiner and the trainer hold back: enough to keep a
/// device busy, few enough to stop soon.
pub const MOST_IN_FLIGHT: usize = 3;

/// Readings of predictions that may be under way before the examiner holds back, a racer.
const MOST_READINGS: usize = 2;

/// Evaluates networks over a split, or over images that come in parts.
pub struct Examiner {
    batches: Batches,
    classes: usize,
    racers: Vec<Loss>,
    plan: PlanHandle,
    order: Vec<u32>,
    samples: usize,
    count: usize,
    next: usize,
    tickets: VecDeque<Ticket>,
    arrived: usize,
    outcomes: Vec<Vec<f32>>,
    staging: Vec<u8>,
}

impl Examiner {
    /// Announces the plan of an evaluation to a device that is going to be given to [`Examiner::new`] ([`Executor::announce`]).
    /// Nothing where it does not fit: that says why.
    pub fn announce(executor: &mut dyn Executor, model: &Model, racers: &[Loss], room: [usize; 2], batch: usize) {
        if let Ok((_, plan)) = fitting(executor, model, racers, room, batch) {
            executor.announce(&plan);
        }
    }

    /// Prepares the evaluation of the racers' weights, with room for so many images of a side. A batch
    /// too large for the device is halved until it fits.
    ///
    /// # Errors
    /// When not even a batch of one fits or the device fails.
    pub fn new(
        executor: &mut dyn Executor,
        model: &Model,
        racers: &[Loss],
        room: [usize; 2],
        batch: usize,
    ) -> Result<Self, ExecutorError> {
        let (batches, plan) = fitting(executor, model, racers, room, batch)?;
        let plan = executor.prepare(&plan)?;
        Ok(Self {
            classes: model.classes(),
            racers: racers.to_vec(),
            batches,
            plan,
            order: Vec::new(),
            samples: 0,
            count: 0,
            next: 0,
            tickets: VecDeque::new(),
            arrived: 0,
            outcomes: vec![Vec::new(); racers.len()],
            staging: Vec::new(),
        })
    }

    /// Uploads images, in place of those it had.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// If they are of another side than it was made for, or more.
    pub fn load(&mut self, executor: &mut dyn Executor, images: &Images) -> Result<(), ExecutorError> {
        let Batches { batch, samples, stored_side, .. } = self.batches;
        assert!(images.side == stored_side && images.len() <= samples, "{} images of {}", images.len(), images.side);
        (self.samples, self.count) = (images.len(), images.len().div_ceil(batch));
        upload(executor, &self.batches, images, &Ids::default())?;
        self.order = self.batches.fill((0..images.len() as u32).collect());
        executor.write(&slot(&self.batches, "order"), 0, bytemuck::cast_slice(&self.order))
    }

    /// Begins again from the first batch.
    ///
    /// # Errors
    /// When the device fails.
    pub fn begin(&mut self, executor: &mut dyn Executor) -> Result<(), ExecutorError> {
        self.next = 0;
        self.arrived = 0;
        self.tickets.clear();
        self.outcomes.iter_mut().for_each(Vec::clear);
        executor.write(&slot(&self.batches, "clock"), 0, bytemuck::bytes_of(&Clock::default()))
    }

    /// Batches submitted and batches in all.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.count)
    }

    /// Submits what may be submitted and takes what has arrived. Once all is done, the predictions
    /// of each racer over all samples, samples x numbers of a prediction
    /// ([`crate::plan::Link::columns`]); before, nothing.
    ///
    /// # Errors
    /// When the device fails.
    pub fn advance(
        &mut self,
        executor: &mut dyn Executor,
        images: &Images,
    ) -> Result<Option<Vec<Vec<f32>>>, ExecutorError> {
        executor.poll()?;
        loop {
            self.collect(executor)?;
            let readings = self.tickets.len() / self.racers.len().max(1);
            if self.next == self.count {
                return Ok(self.tickets.is_empty().then(|| self.take()));
            }
            if executor.in_flight() >= MOST_IN_FLIGHT || readings >= MOST_READINGS {
                return Ok(None);
            }
            self.submit(executor, images)?;
        }
    }

    /// Submits a batch; asks for the predictions when their slot is full, and after the last batch.
    fn submit(&mut self, executor: &mut dyn Executor, images: &Images) -> Result<(), ExecutorError> {
        let rows = self.next * self.batches.batch..(self.next + 1) * self.batches.batch;
        stream(executor, &self.batches, images, &self.order[rows], &mut self.staging)?;
        executor.submit(self.plan)?;
        self.next += 1;
        let full = self.next.is_multiple_of(self.batches.kept(self.classes));
        if full || self.next == self.count {
            for racer in &self.racers {
                self.tickets.push_back(executor.request(&format!("{racer}/outcomes"))?);
            }
        }
        Ok(())
    }

    /// Takes the predictions that have arrived: they arrive in the order asked for, a racer after
    /// the other.
    fn collect(&mut self, executor: &mut dyn Executor) -> Result<(), ExecutorError> {
        while let Some(&ticket) = self.tickets.front() {
            let Some(bytes) = executor.collect(ticket)? else { break };
            self.tickets.pop_front();
            let racer = self.arrived % self.racers.len();
            self.arrived += 1;
            self.outcomes[racer].extend(bytemuck::pod_collect_to_vec::<u8, f32>(&bytes));
        }
        Ok(())
    }

    /// The predictions without those of rows that hold no sample.
    fn take(&mut self) -> Vec<Vec<f32>> {
        let mut outcomes = std::mem::replace(&mut self.outcomes, vec![Vec::new(); self.racers.len()]);
        for (outcomes, racer) in outcomes.iter_mut().zip(&self.racers) {
            outcomes.truncate(self.samples * racer.link().columns(self.classes));
        }
        outcomes
    }
}

/// The evaluation with the largest batch, halving the one asked for, that fits.
///
/// # Errors
/// What does not fit of a batch of one.
pub(super) fn fitting(
    executor: &dyn Executor,
    model: &Model,
    racers: &[Loss],
    room: [usize; 2],
    batch: usize,
) -> Result<(Batches, Plan), Misfit> {
    let batches = batches("test", room, batch, false, executor.limits());
    let plan = evaluation(model, racers, &batches);
    match executor.fits(&plan) {
        Ok(_) => Ok((batches, plan)),
        Err(misfit) if batches.batch <= 1 => Err(misfit),
        Err(_) => fitting(executor, model, racers, room, batches.batch / 2),
    }
}

#[cfg(test)]
mod tests;
