//! The time of each kind of step: every step of a plan is replayed alone, on the contents it would find in its place.

use super::pace::median;
use super::workload::rewind;
use crate::plan::executor::settle;
use crate::plan::{Executor, ExecutorError, Op, Peaks, Plan, PlanHandle, Residency, Step};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// A submission lasts about so many seconds, so that what surrounds the step does not count.
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
#[derive(Clone, Copy, Default)]
struct Sum {
    seconds: f64,
    operations: f64,
    bytes: f64,
}

/// Time by kind of step of a training plan whose kept slots have been filled, slowest first.
///
/// # Errors
/// When the device fails.
pub fn kinds(executor: &mut dyn Executor, plan: &Plan, peaks: Option<Peaks>) -> Result<Vec<Kind>, ExecutorError> {
    let whole = kept(plan);
    let handle = executor.prepare(&whole)?;
    rewind(executor, "train")?;
    executor.submit(handle)?;
    settle(executor)?;
    rewind(executor, "train")?;
    let mut sums: BTreeMap<&'static str, Sum> = BTreeMap::new();
    for step in whole.steps.iter().filter(|step| step.op != Op::Tick) {
        let (seconds, cost) = (alone(executor, &whole, step)?, step.op.cost());
        let sum = sums.entry(step.op.name()).or_default();
        sum.seconds += seconds;
        sum.operations += cost.operations as f64;
        sum.bytes += cost.bytes as f64;
    }
    let all = sums.values().map(|sum| sum.seconds).sum();
    let mut kinds: Vec<Kind> = sums.into_iter().map(|(op, sum)| kind(op, sum, all, peaks)).collect();
    kinds.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    Ok(kinds)
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

/// Seconds of one step: repeated in one submission until that lasts long enough.
fn alone(executor: &mut dyn Executor, whole: &Plan, step: &Step) -> Result<f64, ExecutorError> {
    let prepare = |executor: &mut dyn Executor, times: usize| {
        executor.prepare(&Plan { slots: whole.slots.clone(), steps: vec![step.clone(); times] })
    };
    let once = prepare(executor, 1)?;
    timed(executor, once)?;
    let seconds = timed(executor, once)?;
    let times = ((LONG_ENOUGH / seconds).ceil() as usize).clamp(1, MOST);
    let repeated = if times == 1 { once } else { prepare(executor, times)? };
    let mut measured = Vec::new();
    for _ in 0..TIMES {
        measured.push(timed(executor, repeated)? / times as f64);
    }
    Ok(median(&mut measured))
}

/// Seconds of one submission.
fn timed(executor: &mut dyn Executor, plan: PlanHandle) -> Result<f64, ExecutorError> {
    let start = Instant::now();
    executor.submit(plan)?;
    settle(executor)?;
    Ok(start.elapsed().as_secs_f64())
}
