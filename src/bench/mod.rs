//! Measures a workload on an executor: images a second, time a kind of step, what the host does, memory, the way from
//! opening to the first step, and the device's own peaks in the same run.
//!
//! Images are random bytes; weights, learning rate and augmentation are those of training, and each kind of step is
//! timed on what it finds in its place in the step: there, by the device's timestamps, or else alone by repeated replays.

mod alone;
mod kinds;
mod pace;
mod stamped;
mod workload;

pub use kinds::{Kind, Timed, TimedBy, Timing, kinds};
pub use pace::{Pace, pace};
pub use workload::{Started, Workload};

use crate::nn::{Loss, ModelError};
use crate::plan::{Adapter, Executor, ExecutorError};
use serde::Serialize;
use std::time::Duration;

/// Time spent on each measurement where nothing else is said.
pub const SPAN: Duration = Duration::from_millis(1500);
/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;

/// What shall be measured.
#[derive(Clone, Debug)]
pub struct Request {
    /// R1 or R2.
    pub workload: String,
    /// Losses whose common step is measured against that of one; none for no race.
    pub race: Vec<Loss>,
    /// How long the executor took to open, where the caller knows.
    pub open: Option<Duration>,
    /// Time spent on each pace.
    pub span: Duration,
}

impl Default for Request {
    fn default() -> Self {
        Self { workload: "R1".to_owned(), race: Vec::new(), open: None, span: SPAN }
    }
}

/// What a workload came to.
#[derive(Debug, Serialize)]
pub struct Measurement {
    /// R1 or R2.
    pub workload: String,
    /// What it ran on.
    pub adapter: Adapter,
    /// Images a second of the full training step.
    pub train_images_per_s: f64,
    /// Images a second of evaluation by centre crop and mirror image.
    pub infer_images_per_s: f64,
    /// Milliseconds of a training step, median.
    pub step_ms: f64,
    /// Seconds from handing over the plan to the end of the first step.
    pub first_step_s: f64,
    /// The same in parts.
    pub startup: Startup,
    /// Milliseconds the calling thread spends to submit a step to an idle device; none where the step is done within the call.
    pub host_ms: Option<f64>,
    /// Submissions of a training step.
    pub submissions: f64,
    /// Dispatches of a training step.
    pub dispatches: f64,
    /// Bytes uploaded for a training step.
    pub uploaded_bytes: f64,
    /// GFLOP of a training step, by the plan.
    pub step_gflop: f64,
    /// MiB of the training plan.
    pub memory_mib: f64,
    /// MiB that the executor took for training and evaluation, scratch included.
    pub allocated_mib: f64,
    /// Largest MiB that the process held until then, where the system tells.
    pub process_mib: Option<f64>,
    /// GFLOP/s of independent multiply-adds, where the executor measures it.
    pub peak_gflops: Option<f64>,
    /// GB/s of a copy, where the executor measures it.
    pub copy_gb_per_s: Option<f64>,
    /// Several losses against one, where asked for.
    pub race: Option<Race>,
    /// How the kinds of step were timed.
    pub kinds_timed_by: TimedBy,
    /// Time by kind of step.
    pub kinds: Vec<Kind>,
}

/// The way to the first step.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Startup {
    /// Seconds to open the executor, where the caller measured them.
    pub open_s: Option<f64>,
    /// Seconds in which kernels were tried to find the fastest: none where they are remembered or fixed.
    pub tune_s: f64,
    /// Seconds to prepare the plan: memory, compiled kernels, bindings.
    pub prepare_s: f64,
    /// Seconds to write images, weights and settings.
    pub fill_s: f64,
    /// Seconds of the first step.
    pub replay_s: f64,
}

/// Losses that train side by side.
#[derive(Debug, Serialize)]
pub struct Race {
    /// The losses.
    pub losses: Vec<Loss>,
    /// Milliseconds of their common step.
    pub step_ms: f64,
    /// The same as a multiple of the step of one.
    pub times_one: f64,
}

/// Why a workload could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// There is no such workload.
    #[error("there is no workload `{0}`; there are R1 and R2")]
    NoWorkload(String),
    /// The network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The device.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
}

/// Measures a workload: the full training step with the EMD loss, evaluation, and what else was asked for.
///
/// # Errors
/// When there is no such workload or the device fails.
pub fn measure(executor: &mut dyn Executor, request: &Request) -> Result<Measurement, BenchError> {
    measure_workload(executor, &Workload::named(&request.workload)?, request)
}

fn measure_workload(
    executor: &mut dyn Executor,
    workload: &Workload,
    request: &Request,
) -> Result<Measurement, BenchError> {
    let started = workload.start(executor, &[Loss::Emd])?;
    let training = pace(executor, started.handle, "train", request.span)?;
    let examination = workload.examine(executor, Loss::Emd)?;
    let examination = pace(executor, examination, "test", request.span)?;
    let (allocated, process_mib) = (executor.usage().allocated_bytes, process_mib());
    let race = race(executor, workload, request, &training)?;
    let peaks = executor.peaks()?;
    let (kinds, kinds_timed_by) = kinds(executor, &started.plan, peaks)?;
    Ok(Measurement {
        workload: request.workload.clone(),
        adapter: executor.adapter().clone(),
        train_images_per_s: workload.batch as f64 / training.step_s,
        infer_images_per_s: workload.batch as f64 / examination.step_s,
        step_ms: 1e3 * training.step_s,
        first_step_s: started.tune_s + started.prepare_s + started.fill_s + started.replay_s,
        startup: Startup {
            open_s: request.open.map(|open| open.as_secs_f64()),
            tune_s: started.tune_s,
            prepare_s: started.prepare_s,
            fill_s: started.fill_s,
            replay_s: started.replay_s,
        },
        host_ms: training.host_s.map(|seconds| 1e3 * seconds),
        submissions: training.submissions,
        dispatches: training.dispatches,
        uploaded_bytes: training.uploaded_bytes,
        step_gflop: started.plan.cost().operations as f64 / 1e9,
        memory_mib: executor.fits(&started.plan).map_err(ExecutorError::from)?.bytes() as f64 / MIB,
        allocated_mib: allocated as f64 / MIB,
        process_mib,
        peak_gflops: peaks.map(|peaks| peaks.gflops),
        copy_gb_per_s: peaks.map(|peaks| peaks.gb_per_s),
        race,
        kinds_timed_by,
        kinds,
    })
}

/// The step of several losses, where any are given, against the step of one.
fn race(
    executor: &mut dyn Executor,
    workload: &Workload,
    request: &Request,
    one: &Pace,
) -> Result<Option<Race>, BenchError> {
    let losses = &request.race;
    if losses.is_empty() {
        return Ok(None);
    }
    let started = workload.start(executor, losses)?;
    let step_s = pace(executor, started.handle, "train", request.span)?.step_s;
    Ok(Some(Race { losses: losses.clone(), step_ms: 1e3 * step_s, times_one: step_s / one.step_s }))
}

/// Largest MiB that this process has held: Linux tells.
#[must_use]
pub fn process_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests;
