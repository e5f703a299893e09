//! Evaluation of networks over a split, batch by batch, without waiting.

use super::batches::{batches, slot, stream, upload};
use crate::data::Images;
use crate::nn::Model;
use crate::nn::plans::{Batches, evaluation};
use crate::plan::{Clock, Executor, ExecutorError, PlanHandle, Ticket};

/// Replays that may be under way before the examiner and the trainer hold back: enough to keep a
/// device busy, few enough to stop soon.
pub const MOST_IN_FLIGHT: usize = 3;

/// Evaluates networks over a split.
pub struct Examiner {
    batches: Batches,
    racers: Vec<String>,
    plan: PlanHandle,
    order: Vec<u32>,
    next: usize,
    tickets: Vec<Ticket>,
    outcomes: Vec<Vec<f32>>,
    staging: Vec<u8>,
}

impl Examiner {
    /// Prepares the evaluation of the racers' weights over `images` and uploads these.
    ///
    /// # Errors
    /// When the plan does not fit or the device is lost.
    pub fn new(
        executor: &mut dyn Executor,
        model: &Model,
        racers: &[&str],
        images: &Images,
        batch: usize,
    ) -> Result<Self, ExecutorError> {
        let batches = batches("test", images, batch, false, executor.limits());
        let plan = executor.prepare(&evaluation(model, racers, &batches))?;
        upload(executor, &batches, images)?;
        let order = batches.fill((0..batches.samples as u32).collect());
        executor.write(&slot(&batches, "order"), 0, bytemuck::cast_slice(&order))?;
        let racers = racers.iter().map(|&racer| racer.to_owned()).collect();
        let (tickets, outcomes, staging) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { batches, racers, plan, order, next: 0, tickets, outcomes, staging })
    }

    /// Begins again from the first batch.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn begin(&mut self, executor: &mut dyn Executor) -> Result<(), ExecutorError> {
        self.next = 0;
        self.outcomes.clear();
        executor.write(&slot(&self.batches, "clock"), 0, bytemuck::bytes_of(&Clock::default()))
    }

    /// Batches submitted and batches in all.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.batches.count)
    }

    /// Submits what may be submitted. Once all is done, the predictions of each racer over all
    /// samples, samples x classes; before, nothing.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn advance(
        &mut self,
        executor: &mut dyn Executor,
        images: &Images,
    ) -> Result<Option<Vec<Vec<f32>>>, ExecutorError> {
        executor.poll()?;
        while self.next < self.batches.count {
            if executor.in_flight() >= MOST_IN_FLIGHT {
                return Ok(None);
            }
            let rows = self.next * self.batches.batch..(self.next + 1) * self.batches.batch;
            stream(executor, &self.batches, images, &self.order[rows], &mut self.staging)?;
            executor.submit(self.plan)?;
            self.next += 1;
            if self.next == self.batches.count {
                let outcomes = self.racers.iter().map(|racer| executor.request(&format!("{racer}/outcomes")));
                self.tickets = outcomes.collect::<Result<_, _>>()?;
            }
        }
        while let Some(&ticket) = self.tickets.get(self.outcomes.len()) {
            let Some(bytes) = executor.collect(ticket)? else { return Ok(None) };
            self.outcomes.push(bytemuck::pod_collect_to_vec(&bytes));
        }
        Ok(Some(std::mem::take(&mut self.outcomes)))
    }
}
