//! The time of each step by replays: every step of a plan is replayed alone, on the contents it would find in its place.

use super::kinds::Timed;
use super::pace::median;
use super::workload::rewind;
use crate::plan::{Executor, ExecutorError, Op, Plan, PlanHandle, Residency};
use web_time::Instant;

/// Most repetitions of a step in one submission.
const MOST: usize = 256;
/// Submissions of which the median counts.
const TIMES: usize = 3;

/// Steps being timed one after the other, without ever waiting.
#[derive(Debug)]
pub(super) struct Alone {
    whole: Plan,
    handle: PlanHandle,
    /// Whether the whole was replayed once, so that every step finds its contents.
    filled: bool,
    /// A submission lasts about so many seconds, so that what surrounds the step does not count.
    long_enough: f64,
    trial: Option<Trial>,
    /// Seconds of the steps looked at; none for one that is not timed.
    seconds: Vec<Option<f64>>,
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

impl Alone {
    /// Prepares to time a training plan. Submissions last about `long_enough` seconds.
    pub(super) fn new(executor: &mut dyn Executor, plan: &Plan, long_enough: f64) -> Result<Self, ExecutorError> {
        let whole = kept(plan);
        let handle = executor.prepare(&whole)?;
        Ok(Self { whole, handle, filled: false, long_enough, trial: None, seconds: Vec::new() })
    }

    /// Seconds of the steps looked at so far, in their order. The clock's step is not timed: alone, it would run on.
    pub(super) fn seconds(&self) -> &[Option<f64>] {
        &self.seconds
    }

    /// Submits something to be timed on an executor that rests.
    pub(super) fn advance(&mut self, executor: &mut dyn Executor) -> Result<Timed, ExecutorError> {
        if !self.filled {
            rewind(executor, "train")?;
            executor.submit(self.handle)?;
            self.filled = true;
            return Ok(Timed::Advanced);
        }
        let Some(step) = self.whole.steps.get(self.seconds.len()) else { return Ok(Timed::Done) };
        if step.op == Op::Tick {
            self.seconds.push(None);
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
        self.seconds.push(Some(median(&mut measured)));
        Ok(())
    }

    /// The present step alone, so many times.
    fn prepare(&self, executor: &mut dyn Executor, times: usize) -> Result<PlanHandle, ExecutorError> {
        let step = &self.whole.steps[self.seconds.len()];
        executor.prepare(&Plan { slots: self.whole.slots.clone(), steps: vec![step.clone(); times] })
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

/// The plan with every transient slot kept: after a replay each holds what the plan's steps left in it.
fn kept(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for slot in plan.slots.iter_mut().filter(|slot| slot.residency == Residency::Transient) {
        slot.name = format!("bench/{}", slot.name);
        slot.residency = Residency::Data;
    }
    plan
}
