//! How fast a prepared plan replays, as the trainer replays it: a few submissions in flight, none waited for.

use super::workload::{EPOCH, rewind};
use crate::plan::executor::settle;
use crate::plan::{Executor, ExecutorError, PlanHandle, Usage};
use crate::train::examiner::MOST_IN_FLIGHT;
use std::time::Duration;
use web_time::Instant;

/// A window of replays lasts at least so long.
const WINDOW: Duration = Duration::from_millis(250);
/// Fewest replays of a window, and fewest windows.
const FEWEST: usize = 2;

/// What a replay takes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Seconds of a replay: the median of windows of replays.
    pub step_s: f64,
    /// Seconds of the calling thread to submit it while nothing is under way, median; none where the work is done within
    /// the call. (Some drivers let a submission wait for those before it: that is no work of the host.)
    pub host_s: Option<f64>,
    /// Submissions of a replay.
    pub submissions: f64,
    /// Dispatches of a replay.
    pub dispatches: f64,
    /// Bytes uploaded for a replay.
    pub uploaded_bytes: f64,
}

/// Replays a plan of a split, which has been filled, for about `span`.
///
/// # Errors
/// When the device fails.
pub fn pace(executor: &mut dyn Executor, plan: PlanHandle, split: &str, span: Duration) -> Result<Pace, ExecutorError> {
    let mut run = Run { executor, plan, split, left: 0, replays: 0, host: Vec::new(), deferred: false };
    run.window()?;
    run.replays = 0;
    let before = run.executor.usage();
    let began = Instant::now();
    let mut windows = Vec::new();
    while began.elapsed() < span || windows.len() < FEWEST {
        windows.push(run.window()?);
    }
    let steps = run.replays as f64;
    let a_step = |count: fn(&Usage) -> u64| (count(&run.executor.usage()) - count(&before)) as f64 / steps;
    Ok(Pace {
        step_s: median(&mut windows),
        submissions: a_step(|usage| usage.submissions),
        dispatches: a_step(|usage| usage.dispatches),
        uploaded_bytes: a_step(|usage| usage.uploaded_bytes),
        host_s: run.deferred.then(|| median(&mut run.host)),
    })
}

/// Replays under way.
struct Run<'a> {
    executor: &'a mut dyn Executor,
    plan: PlanHandle,
    split: &'a str,
    /// Batches left of the epoch.
    left: usize,
    /// Replays submitted.
    replays: usize,
    /// Seconds of each submission's call that found nothing under way.
    host: Vec<f64>,
    /// Whether a submission was ever under way after its call.
    deferred: bool,
}

impl Run<'_> {
    /// Seconds a replay, over a window of them that begins and ends with nothing under way.
    fn window(&mut self) -> Result<f64, ExecutorError> {
        let (began, first) = (Instant::now(), self.replays);
        while began.elapsed() < WINDOW || self.replays - first < FEWEST {
            self.submit()?;
        }
        settle(self.executor)?;
        Ok(began.elapsed().as_secs_f64() / (self.replays - first) as f64)
    }

    fn submit(&mut self) -> Result<(), ExecutorError> {
        while self.executor.in_flight() >= MOST_IN_FLIGHT {
            self.executor.wait()?;
        }
        if self.left == 0 {
            rewind(self.executor, self.split)?;
            self.left = EPOCH;
        }
        self.left -= 1;
        self.replays += 1;
        let (idle, start) = (self.executor.in_flight() == 0, Instant::now());
        self.executor.submit(self.plan)?;
        if idle {
            self.host.push(start.elapsed().as_secs_f64());
        }
        self.deferred |= self.executor.in_flight() > 0;
        Ok(())
    }
}

/// The middle of values, of which there is at least one.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
