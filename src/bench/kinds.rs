//! The time of each kind of step: every step of a plan is replayed alone, on the contents it would find in its place.

use super::pace::median;
use super::workload::rewind;
use crate::plan::{Executor, ExecutorError, Op, Peaks, Plan, PlanHandle, Residency};
use serde::Serialize;
use std::collections::BTreeMap;
use web_time::Instant;

/// Seconds of a submission where nobody waits for the result.
const LONG_ENOUGH: f64 = 0.01;
/// Most repetitions of a step in one submission.
const MOST: usize = 256;
/// Submissions of which the median counts.
const TIMES: usize = 3;

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

/// Steps being timed one after the other, without ever waiting.
#[derive(Debug)]
pub struct Timing {
    whole: Plan,
    handle: PlanHandle,
    /// Whether the whole was replayed once, so that every step finds its contents.
    filled: bool,
    /// Steps looked at.
    done: usize,
    /// A submission lasts about so many seconds, so that what surrounds the step does not count.
    long_enough: f64,
    trial: Option<Trial>,
    sums: BTreeMap<&'static str, Sum>,
}

/// A step being timed: once to warm up, once to learn how long it takes, then repeated so many times a submission.
#[derive(Debug)]
struct Trial {
    handle: PlanHandle,
    /// Repetitions of the step in a submission.
    times: usize,
    began: Instant,
    submissions: usize,
    measured: Vec<f64>,
}

impl Timing {
    /// Prepares to time a training plan; its kept slots may be filled before or after. Submissions last about `long_enough`
    /// seconds.
    ///
    /// # Errors
    /// When the plan with all its tensors kept does not fit, or the device fails.
    pub fn new(executor: &mut dyn Executor, plan: &Plan, long_enough: f64) -> Result<Self, ExecutorError> {
        let whole = kept(plan);
        let handle = executor.prepare(&whole)?;
        let (trial, sums) = (None, BTreeMap::new());
        Ok(Self { whole, handle, filled: false, done: 0, long_enough, trial, sums })
    }

    /// Steps timed, and steps in all.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.done, self.whole.steps.len())
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
        if !self.filled {
            rewind(executor, "train")?;
            executor.submit(self.handle)?;
            self.filled = true;
            return Ok(Timed::Advanced);
        }
        let Some(step) = self.whole.steps.get(self.done) else { return Ok(Timed::Done) };
        if step.op == Op::Tick {
            self.done += 1;
        } else if let Some(trial) = self.trial.take() {
            self.note(executor, trial)?;
        } else {
            rewind(executor, "train")?;
            let handle = self.prepare(executor, 1)?;
            self.trial = Some(Trial::submit(executor, handle, 1, 0, Vec::new())?);
        }
        Ok(Timed::Advanced)
    }

    /// Notes how long a submission took that is done, and submits the next of its step.
    fn note(&mut self, executor: &mut dyn Executor, trial: Trial) -> Result<(), ExecutorError> {
        let seconds = trial.began.elapsed().as_secs_f64();
        let Trial { mut handle, mut times, submissions, mut measured, .. } = trial;
        if submissions == 2 {
            times = ((self.long_enough / seconds).ceil() as usize).clamp(1, MOST);
            if times > 1 {
                handle = self.prepare(executor, times)?;
            }
        } else if submissions > 2 {
            measured.push(seconds / times as f64);
        }
        if measured.len() < TIMES {
            self.trial = Some(Trial::submit(executor, handle, times, submissions, measured)?);
            return Ok(());
        }
        let op = &self.whole.steps[self.done].op;
        let (cost, sum) = (op.cost(), self.sums.entry(op.name()).or_default());
        sum.seconds += median(&mut measured);
        sum.operations += cost.operations as f64;
        sum.bytes += cost.bytes as f64;
        self.done += 1;
        Ok(())
    }

    /// The present step alone, so many times.
    fn prepare(&self, executor: &mut dyn Executor, times: usize) -> Result<PlanHandle, ExecutorError> {
        let step = &self.whole.steps[self.done];
        executor.prepare(&Plan { slots: self.whole.slots.clone(), steps: vec![step.clone(); times] })
    }

    /// Time by kind of step so far, slowest first.
    #[must_use]
    pub fn kinds(&self, peaks: Option<Peaks>) -> Vec<Kind> {
        let all = self.sums.values().map(|sum| sum.seconds).sum();
        let mut kinds: Vec<Kind> = self.sums.iter().map(|(op, sum)| kind(op, *sum, all, peaks)).collect();
        kinds.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        kinds
    }
}

impl Trial {
    /// Submits a step's plan once more.
    fn submit(
        executor: &mut dyn Executor,
        handle: PlanHandle,
        times: usize,
        before: usize,
        measured: Vec<f64>,
    ) -> Result<Self, ExecutorError> {
        let began = Instant::now();
        executor.submit(handle)?;
        Ok(Self { handle, times, began, submissions: before + 1, measured })
    }
}

/// Time by kind of step of a training plan whose kept slots have been filled, slowest first.
///
/// # Errors
/// When the device fails.
pub fn kinds(executor: &mut dyn Executor, plan: &Plan, peaks: Option<Peaks>) -> Result<Vec<Kind>, ExecutorError> {
    let mut timing = Timing::new(executor, plan, LONG_ENOUGH)?;
    loop {
        match timing.advance(executor)? {
            Timed::Advanced => {}
            Timed::Waiting => executor.wait()?,
            Timed::Done => return Ok(timing.kinds(peaks)),
        }
    }
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

/// The plan with every transient slot kept: after a replay each holds what the plan's steps left in it.
fn kept(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for slot in plan.slots.iter_mut().filter(|slot| slot.residency == Residency::Transient) {
        slot.name = format!("bench/{}", slot.name);
        slot.residency = Residency::Data;
    }
    plan
}
