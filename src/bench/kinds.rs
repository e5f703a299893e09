//! The time of each kind of step: by the device's own clock where it has one, each step in its place; else by replays of
//! each step alone.

use super::alone::Alone;
use super::stamped::Stamped;
use crate::plan::{Executor, ExecutorError, Peaks, Plan, Step};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seconds of a submission where nobody waits for the result.
const LONG_ENOUGH: f64 = 0.01;

/// Time of one kind of step.
#[derive(Clone, Debug, Serialize)]
pub struct Kind {
    /// The operation.
    pub op: &'static str,
    /// Milliseconds of a training step.
    pub ms: f64,
    /// Share of all kinds' time.
    pub of_step: f64,
    /// GFLOP/s, by the plan's count.
    pub gflops: f64,
    /// Share of the arithmetic peak, where that is known.
    pub of_peak: Option<f64>,
    /// GB/s if each operand moves once.
    pub gb_per_s: f64,
    /// Share of the copy peak, where that is known.
    pub of_copy: Option<f64>,
}

/// How steps were timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimedBy {
    /// By timestamps of the device before and behind each step, in its place in the whole. Software drivers do a convolution and
    /// the pooling of its ReLU together where they can: that is the convolution's time, though it counts its own operations alone.
    Timestamps,
    /// By the host's clock, each step alone and repeated, so that nothing is done together.
    #[default]
    Replays,
}

impl std::fmt::Display for TimedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Timestamps => "each in its place, by the device's timestamps",
            Self::Replays => "each alone, by repeated replays",
        })
    }
}

/// What the steps of one kind come to.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    seconds: f64,
    operations: f64,
    bytes: f64,
}

/// How far [`Timing::advance`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    /// Something was done; call again.
    Advanced,
    /// The executor is still computing; wait or come back later.
    Waiting,
    /// Every step is timed.
    Done,
}

/// A plan's steps being timed, without ever waiting.
#[derive(Debug)]
pub struct Timing {
    plan: Plan,
    long_enough: f64,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Timestamps(Stamped),
    Replays(Alone),
}

impl Timing {
    /// Prepares to time a training plan; its kept slots may be filled before or after. Where steps are replayed alone,
    /// submissions last about `long_enough` seconds.
    ///
    /// # Errors
    /// When the plan does not fit (alone: with all its tensors kept), or the device fails.
    pub fn new(executor: &mut dyn Executor, plan: &Plan, long_enough: f64) -> Result<Self, ExecutorError> {
        let way = if executor.stamps().is_some() {
            Way::Timestamps(Stamped::new(executor, plan)?)
        } else {
            Way::Replays(Alone::new(executor, plan, long_enough)?)
        };
        Ok(Self { plan: plan.clone(), long_enough, way })
    }

    /// How the steps are timed: of timestamps that are refused, or turn out to be worth nothing, replays take the place.
    #[must_use]
    pub fn by(&self) -> TimedBy {
        match self.way {
            Way::Timestamps(_) => TimedBy::Timestamps,
            Way::Replays(_) => TimedBy::Replays,
        }
    }

    /// Steps timed, and steps in all. Timestamps time all at once.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.seconds().len(), self.plan.steps.len())
    }

    /// Submits something to be timed, or looks whether it is done, and returns at once.
    ///
    /// # Errors
    /// When the device fails.
    pub fn advance(&mut self, executor: &mut dyn Executor) -> Result<Timed, ExecutorError> {
        executor.poll()?;
        if executor.in_flight() > 0 {
            return Ok(Timed::Waiting);
        }
        let timed = match &mut self.way {
            Way::Timestamps(stamped) => match stamped.advance(executor) {
                // A driver that refuses to stamp a replay can be measured without.
                Err(ExecutorError::Refused { .. }) => Timed::Done,
                timed => timed?,
            },
            Way::Replays(alone) => return alone.advance(executor),
        };
        if timed == Timed::Done && self.seconds().is_empty() {
            self.way = Way::Replays(Alone::new(executor, &self.plan, self.long_enough)?);
            return Ok(Timed::Advanced);
        }
        Ok(timed)
    }

    /// Seconds of the steps timed so far, in their order; none for one that is not timed.
    fn seconds(&self) -> &[Option<f64>] {
        match &self.way {
            Way::Timestamps(stamped) => stamped.seconds(),
            Way::Replays(alone) => alone.seconds(),
        }
    }

    /// Time by kind of step so far, slowest first; without kinds that are over before the clock counts on.
    #[must_use]
    pub fn kinds(&self, peaks: Option<Peaks>) -> Vec<Kind> {
        let mut sums = sums(&self.plan.steps, self.seconds());
        sums.retain(|_, sum| sum.seconds > 0.0);
        let all = sums.values().map(|sum| sum.seconds).sum();
        let mut kinds: Vec<Kind> = sums.iter().map(|(op, sum)| kind(op, *sum, all, peaks)).collect();
        kinds.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        kinds
    }
}

/// Time by kind of step of a training plan whose kept slots have been filled, slowest first, and how it was measured.
///
/// # Errors
/// When the device fails.
pub fn kinds(
    executor: &mut dyn Executor,
    plan: &Plan,
    peaks: Option<Peaks>,
) -> Result<(Vec<Kind>, TimedBy), ExecutorError> {
    let mut timing = Timing::new(executor, plan, LONG_ENOUGH)?;
    loop {
        match timing.advance(executor)? {
            Timed::Advanced => {}
            Timed::Waiting => executor.wait()?,
            Timed::Done => return Ok((timing.kinds(peaks), timing.by())),
        }
    }
}

/// The steps that were timed, by kind.
fn sums(steps: &[Step], seconds: &[Option<f64>]) -> BTreeMap<&'static str, Sum> {
    let mut sums: BTreeMap<&'static str, Sum> = BTreeMap::new();
    for (step, seconds) in steps.iter().zip(seconds) {
        let Some(seconds) = seconds else { continue };
        let (cost, sum) = (step.op.cost(), sums.entry(step.op.name()).or_default());
        sum.seconds += seconds;
        sum.operations += cost.operations as f64;
        sum.bytes += cost.bytes as f64;
    }
    sums
}

fn kind(op: &'static str, sum: Sum, all: f64, peaks: Option<Peaks>) -> Kind {
    let (gflops, gb_per_s) = (sum.operations / sum.seconds / 1e9, sum.bytes / sum.seconds / 1e9);
    Kind {
        op,
        ms: 1e3 * sum.seconds,
        of_step: sum.seconds / all,
        gflops,
        of_peak: peaks.map(|peaks| gflops / peaks.gflops),
        gb_per_s,
        of_copy: peaks.map(|peaks| gb_per_s / peaks.gb_per_s),
    }
}
