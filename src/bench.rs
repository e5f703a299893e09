//! Measures a workload on an executor: images a second, time a kind of step, and the adapter's own
//! peaks in the same run.

use crate::nn::plans::{Batches, evaluation, training};
use crate::nn::{Loss, Model, ModelError, zoo};
use crate::plan::executor::read_now;
use crate::plan::shape::Linear;
use crate::plan::{Adapter, Augmentation, Clock, Element, Executor, ExecutorError, Op, Plan, PlanHandle, Residency};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Samples a batch of every workload.
const BATCH: usize = 64;
/// Time spent on each measurement.
const SPAN: Duration = Duration::from_millis(1500);

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
    /// Seconds from opening the plan to the end of the first step.
    pub first_step_s: f64,
    /// Milliseconds the processor spends to submit a step.
    pub host_ms: f64,
    /// GFLOP of a training step, by the plan.
    pub step_gflop: f64,
    /// MiB of the training plan, scratch included.
    pub memory_mib: f64,
    /// GFLOP/s of the best matrix product here, 512 cubed.
    pub peak_gflops: f64,
    /// GB/s of an element-wise addition of 4 M elements.
    pub copy_gb_per_s: f64,
    /// Time by kind of step.
    pub kinds: Vec<Kind>,
}

/// Time of one kind of step.
#[derive(Debug, Serialize)]
pub struct Kind {
    /// The operation.
    pub op: &'static str,
    /// Milliseconds of a training step.
    pub ms: f64,
    /// GFLOP/s, by the plan's count.
    pub gflops: f64,
    /// Share of the arithmetic peak.
    pub of_peak: f64,
    /// GB/s if each operand moves once.
    pub gb_per_s: f64,
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

/// The network of a workload: 3x32x32 and 8 classes.
fn network(workload: &str) -> Result<Model, BenchError> {
    match workload {
        "R1" => Ok(zoo::plain(32, &[16, 32, 64], 128, 8)?),
        "R2" => Ok(zoo::plain(32, &[32, 64, 128], 256, 8)?),
        other => Err(BenchError::NoWorkload(other.to_owned())),
    }
}

fn batches(split: &'static str) -> Batches {
    Batches { split, batch: BATCH, samples: 4 * BATCH, count: 4, stored_side: 36, resident: true }
}

/// Measures a workload: the full training step with the EMD loss, and evaluation.
///
/// # Errors
/// When there is no such workload or the device fails.
pub fn measure(executor: &mut dyn Executor, workload: &str) -> Result<Measurement, BenchError> {
    let model = network(workload)?;
    let augmentation = Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true };
    let step = training(&model, &[Loss::Emd], &batches("train"), augmentation);
    let began = Instant::now();
    let plan = executor.prepare(&step)?;
    fill(executor, &model)?;
    submit(executor, plan, "train")?;
    settle(executor)?;
    let first_step_s = began.elapsed().as_secs_f64();
    let (step_s, host_s) = replay(executor, plan, "train")?;
    let examination = executor.prepare(&evaluation(&model, &["emd"], &batches("test")))?;
    let (examine_s, _) = replay(executor, examination, "test")?;
    let (peak_gflops, copy_gb_per_s) = (product_peak(executor)?, copy_peak(executor)?);
    Ok(Measurement {
        workload: workload.to_owned(),
        adapter: executor.adapter().clone(),
        train_images_per_s: BATCH as f64 / step_s,
        infer_images_per_s: BATCH as f64 / examine_s,
        step_ms: 1e3 * step_s,
        first_step_s,
        host_ms: 1e3 * host_s,
        step_gflop: step.cost().operations as f64 / 1e9,
        memory_mib: executor.fits(&step).map_err(ExecutorError::from)?.bytes() as f64 / f64::from(1 << 20),
        peak_gflops,
        copy_gb_per_s,
        kinds: kinds(executor, &step, peak_gflops)?,
    })
}

/// First weights and a learning rate, so that the numbers are those of training.
fn fill(executor: &mut dyn Executor, model: &Model) -> Result<(), ExecutorError> {
    let parameters = model.parameters();
    let weights = parameters.to_arena(&parameters.initial(1));
    executor.write("emd/weights", 0, bytemuck::cast_slice(&weights))?;
    let settings = crate::plan::StepSettings { learning_rate: 0.01, momentum: 0.9, ..Default::default() };
    executor.write("emd/settings", 0, bytemuck::bytes_of(&settings))?;
    let order: Vec<u32> = (0..4 * BATCH as u32).collect();
    executor.write("train/order", 0, bytemuck::cast_slice(&order))
}

/// Submits one replay from the first batch on.
fn submit(executor: &mut dyn Executor, plan: PlanHandle, split: &str) -> Result<(), ExecutorError> {
    executor.write(&format!("{split}/clock"), 0, bytemuck::bytes_of(&Clock::default()))?;
    executor.submit(plan)
}

/// Waits until everything submitted is done.
fn settle(executor: &mut dyn Executor) -> Result<(), ExecutorError> {
    while executor.in_flight() > 0 {
        executor.wait()?;
    }
    Ok(())
}

/// Median seconds of a replay, and of the host's part in it.
fn replay(executor: &mut dyn Executor, plan: PlanHandle, split: &str) -> Result<(f64, f64), ExecutorError> {
    submit(executor, plan, split)?;
    settle(executor)?;
    let (mut whole, mut host) = (Vec::new(), Vec::new());
    let began = Instant::now();
    while began.elapsed() < SPAN || whole.len() < 3 {
        let start = Instant::now();
        submit(executor, plan, split)?;
        host.push(start.elapsed().as_secs_f64());
        settle(executor)?;
        whole.push(start.elapsed().as_secs_f64());
    }
    Ok((median(&mut whole), median(&mut host)))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Time of each kind of step: each step is replayed alone, several times in one submission.
fn kinds(executor: &mut dyn Executor, step: &Plan, peak: f64) -> Result<Vec<Kind>, ExecutorError> {
    const TIMES: usize = 4;
    let mut sums: BTreeMap<&'static str, (f64, f64, f64)> = BTreeMap::new();
    for single in step.steps.iter().filter(|single| single.op != Op::Tick) {
        let plan = Plan { slots: step.slots.clone(), steps: vec![single.clone(); TIMES] };
        let handle = executor.prepare(&plan)?;
        submit(executor, handle, "train")?;
        settle(executor)?;
        let start = Instant::now();
        submit(executor, handle, "train")?;
        settle(executor)?;
        let seconds = start.elapsed().as_secs_f64() / TIMES as f64;
        let cost = single.op.cost();
        let sum = sums.entry(single.op.name()).or_default();
        *sum = (sum.0 + seconds, sum.1 + cost.operations as f64, sum.2 + cost.bytes as f64);
    }
    let kind = |(op, (seconds, operations, bytes)): (&'static str, (f64, f64, f64))| Kind {
        op,
        ms: 1e3 * seconds,
        gflops: operations / seconds / 1e9,
        of_peak: operations / seconds / 1e9 / peak,
        gb_per_s: bytes / seconds / 1e9,
    };
    let mut kinds: Vec<Kind> = sums.into_iter().map(kind).collect();
    kinds.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    Ok(kinds)
}

/// GFLOP/s of a matrix product of 512 cubed.
fn product_peak(executor: &mut dyn Executor) -> Result<f64, ExecutorError> {
    let shape = Linear { batch: 512, inputs: 512, outputs: 512, bias: false };
    let op = Op::LinearForward(shape);
    let seconds = alone(executor, op, "peak")?;
    Ok(op.cost().operations as f64 / seconds / 1e9)
}

/// GB/s of an addition of 4 M elements.
fn copy_peak(executor: &mut dyn Executor) -> Result<f64, ExecutorError> {
    let op = Op::Add(4 << 20);
    let seconds = alone(executor, op, "copy")?;
    Ok(op.cost().bytes as f64 / seconds / 1e9)
}

/// Best seconds of an operation alone.
fn alone(executor: &mut dyn Executor, op: Op, name: &str) -> Result<f64, ExecutorError> {
    let mut plan = Plan::default();
    let kept = |plan: &mut Plan, operand: &crate::plan::Operand| {
        plan.kept(&format!("bench/{name}/{}", operand.name), Element::F32, operand.len, Residency::Data)
    };
    let views: Vec<_> = op.operands().iter().map(|operand| kept(&mut plan, operand)).collect();
    plan.push(op, &views);
    let last = plan.slots[plan.slots.len() - 1].name.clone();
    let handle = executor.prepare(&plan)?;
    let mut best = f64::INFINITY;
    for _ in 0..6 {
        let start = Instant::now();
        executor.submit(handle)?;
        settle(executor)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    read_now(executor, &last)?;
    Ok(best)
}
