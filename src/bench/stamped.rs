//! The time of each step by timestamps: the whole plan is replayed, and the device's clock read around each step.

use super::kinds::Timed;
use super::pace::median;
use super::workload::rewind;
use crate::plan::{Executor, ExecutorError, Plan, PlanHandle, Ticket};
use web_time::Instant;

/// Replays before those that count: drivers compile and devices raise their clocks in the first.
const WARMING: usize = 2;
/// Replays that count, of which the median of each step does.
const REPLAYS: usize = 11;

/// Steps being timed in their place.
#[derive(Debug)]
pub(super) struct Stamped {
    handle: PlanHandle,
    steps: usize,
    /// The replay under way, and when it was submitted.
    under_way: Option<(Ticket, Instant)>,
    replays: usize,
    /// Seconds of each step in each replay whose timestamps make sense.
    measured: Vec<Vec<f64>>,
    /// Seconds of each step in the end; empty before, and where most replays' timestamps make none.
    seconds: Vec<Option<f64>>,
}

impl Stamped {
    /// Prepares to time a training plan on an executor with a clock.
    pub(super) fn new(executor: &mut dyn Executor, plan: &Plan) -> Result<Self, ExecutorError> {
        let (handle, steps) = (executor.prepare(plan)?, plan.steps.len());
        Ok(Self { handle, steps, under_way: None, replays: 0, measured: Vec::new(), seconds: Vec::new() })
    }

    /// Seconds of each step, once done; empty where the clock is not to be trusted.
    pub(super) fn seconds(&self) -> &[Option<f64>] {
        &self.seconds
    }

    /// Submits a replay on an executor that rests, or looks whether the timestamps of the last have arrived.
    pub(super) fn advance(&mut self, executor: &mut dyn Executor) -> Result<Timed, ExecutorError> {
        if self.replays == WARMING + REPLAYS {
            return Ok(Timed::Done);
        }
        if self.under_way.is_none() {
            rewind(executor, "train")?;
        }
        // Without a clock nothing was measured, which is what the caller finds.
        let Some(stamps) = executor.stamps() else { return Ok(Timed::Done) };
        let Some((ticket, began)) = self.under_way else {
            let began = Instant::now();
            self.under_way = Some((stamps.submit_stamped(self.handle)?, began));
            return Ok(Timed::Advanced);
        };
        let Some(seconds) = stamps.collect_stamped(ticket)? else { return Ok(Timed::Waiting) };
        self.under_way = None;
        self.note(seconds, began.elapsed().as_secs_f64());
        Ok(Timed::Advanced)
    }

    /// Notes a replay's times, of which the host saw the submission and the arrival so many seconds apart.
    fn note(&mut self, seconds: Vec<Option<f64>>, apart: f64) {
        self.replays += 1;
        if self.replays > WARMING {
            self.measured.extend(sensible(seconds, self.steps, apart));
        }
        if self.replays == WARMING + REPLAYS && 2 * self.measured.len() > REPLAYS {
            let seconds: Vec<f64> = (0..self.steps).map(|step| self.median(step)).collect();
            // The ticks of a clock may be so long that most steps are over within one.
            if seconds.iter().sum::<f64>() > 0.0 {
                self.seconds = seconds.into_iter().map(Some).collect();
            }
        }
    }

    fn median(&self, step: usize) -> f64 {
        median(&mut self.measured.iter().map(|seconds| seconds[step]).collect::<Vec<_>>())
    }
}

/// The times of a replay where every step has one, and all together are something and no longer than the host waited for them:
/// steps follow each other, so that more comes of a clock that jumped or counts other ticks than its driver says. A step may be
/// over before the clock counts on.
fn sensible(seconds: Vec<Option<f64>>, steps: usize, apart: f64) -> Option<Vec<f64>> {
    let seconds: Vec<f64> =
        seconds.into_iter().map(|step| step.filter(|&seconds| seconds >= 0.0)).collect::<Option<_>>()?;
    let together: f64 = seconds.iter().sum();
    (seconds.len() == steps && together > 0.0 && together <= apart).then_some(seconds)
}

#[cfg(test)]
mod tests;
