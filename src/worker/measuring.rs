//! The time of each kind of step of the run's own plan, measured on a device of its own with contents of its own.

use super::aside::Own;
use super::message::{Message, PassTime, Passes};
use super::work::Next;
use crate::bench::{Kind, Timed, TimedBy, Timing, Workload};
use crate::nn::Loss;
use crate::plan::{Executor, ExecutorError};
use std::task::Waker;

/// Seconds of a submission: long enough to be measured, short enough that all steps of three racers take about two seconds.
const LONG_ENOUGH: f64 = 0.003;

/// A measurement under way.
pub(super) struct Measuring {
    own: Own,
    workload: Workload,
    losses: Vec<Loss>,
    timing: Option<Timing>,
    /// The progress that was told last.
    told: Option<(usize, usize)>,
}

impl Measuring {
    /// That of a training step of these losses.
    pub(super) fn new(own: Own, workload: Workload, losses: Vec<Loss>) -> Self {
        Self { own, workload, losses, timing: None, told: None }
    }

    /// Times a submission, or looks whether it is done. Idle when it is over.
    pub(super) fn advance(&mut self, tell: &dyn Fn(Message)) -> Next {
        let before = self.told;
        let next = match self.step() {
            Ok(Timed::Waiting) => Next::Waiting,
            Ok(Timed::Advanced) => Next::Working,
            Ok(Timed::Done) => Next::Idle,
            Err(why) => {
                tell(Message::Measured(Box::new(Passes { over: true, trouble: Some(why), ..Passes::default() })));
                return Next::Idle;
            }
        };
        self.told = self.timing.as_ref().map(Timing::progress);
        if self.told != before || next == Next::Idle {
            tell(Message::Measured(Box::new(self.passes(next == Next::Idle))));
        }
        next
    }

    fn step(&mut self) -> Result<Timed, String> {
        let words = |error: ExecutorError| error.to_string();
        let Some(executor) = self.own.get()? else { return Ok(Timed::Waiting) };
        if let Some(timing) = &mut self.timing {
            return timing.advance(executor).map_err(words);
        }
        self.timing = Some(prepare(executor, &self.workload, &self.losses).map_err(words)?);
        Ok(Timed::Advanced)
    }

    fn passes(&self, over: bool) -> Passes {
        let (done, of) = self.told.unwrap_or_default();
        let kinds = self.timing.as_ref().map_or_else(Vec::new, |timing| timing.kinds(None));
        let timed_by = self.timing.as_ref().map_or_else(TimedBy::default, Timing::by);
        Passes { kinds: kinds.iter().map(pass).collect(), timed_by, steps: [done, of], over, trouble: None }
    }

    /// Waits for its device.
    pub(super) fn wait(&mut self) {
        self.own.wait();
    }

    /// Wakes a task once its device has finished something.
    pub(super) fn wake(&mut self, waker: &Waker) {
        self.own.wake(waker);
    }
}

fn prepare(executor: &mut dyn Executor, workload: &Workload, losses: &[Loss]) -> Result<Timing, ExecutorError> {
    let timing = Timing::new(executor, &workload.training(losses), LONG_ENOUGH)?;
    workload.fill_training(executor, losses)?;
    Ok(timing)
}

fn pass(kind: &Kind) -> PassTime {
    PassTime { op: kind.op.to_owned(), ms: kind.ms, share: kind.of_step, gflops: kind.gflops }
}

#[cfg(test)]
mod tests;
