//! Timestamps: a replay with one pass a step, and the device's clock read before and behind each.

use super::executor::{Bound, Gpu};
use crate::plan::{Executor, ExecutorError, PlanHandle, Stamps, Ticket};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of a timestamp.
const STAMP: u64 = wgpu::QUERY_SIZE as u64;
/// Passes of which one query set holds both timestamps.
const PASSES: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;

/// Replays whose timestamps have not been collected.
pub(super) type Stamped = HashMap<Ticket, Stepped>;

/// Which steps a replay's timestamps are of.
#[derive(Default)]
pub(super) struct Stepped {
    /// The step of each pass.
    of_passes: Vec<usize>,
    /// How many steps the plan has. Those that are done with one before have no pass.
    count: usize,
}

/// The features that a device is opened with, of those that its adapter offers. A browser rounds timestamps to 100
/// microseconds, longer than most steps take: they are of no use there.
pub(super) fn wanted(offered: wgpu::Features) -> wgpu::Features {
    if cfg!(target_arch = "wasm32") { wgpu::Features::empty() } else { offered & wgpu::Features::TIMESTAMP_QUERY }
}

/// A replay's passes: runs of dispatches of the same step.
fn passes(dispatches: &[(usize, Bound)]) -> Vec<&[(usize, Bound)]> {
    dispatches.chunk_by(|(a, _), (b, _)| a == b).collect()
}

impl Gpu {
    /// Whether its clock times steps.
    pub(super) fn has_clock(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Records a replay; its timestamps will be in the buffer, two a pass.
    fn record_stamped(&self, passes: &[&[(usize, Bound)]]) -> (wgpu::CommandEncoder, wgpu::Buffer) {
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("stamped") });
        let stamps = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("stamps"),
            size: 2 * STAMP * passes.len() as u64,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        for (number, passes) in passes.chunks(PASSES).enumerate() {
            let queries = 2 * passes.len() as u32;
            let set = self.query_set(queries);
            for (pass, first) in passes.iter().zip((0..).step_by(2)) {
                record_pass(&mut encoder, pass, &set, first);
            }
            encoder.resolve_query_set(&set, 0..queries, &stamps, 2 * STAMP * (number * PASSES) as u64);
        }
        (encoder, stamps)
    }

    fn query_set(&self, count: u32) -> wgpu::QuerySet {
        let (label, ty) = (Some("stamps"), wgpu::QueryType::Timestamp);
        self.device.create_query_set(&wgpu::QuerySetDescriptor { label, ty, count })
    }

    fn submit_passes(&mut self, plan: PlanHandle) -> Ticket {
        let passes = passes(&self.plans[plan.0].bound);
        let steps =
            Stepped { of_passes: passes.iter().map(|pass| pass[0].0).collect(), count: self.plans[plan.0].steps };
        let (encoder, stamps) = self.record_stamped(&passes);
        self.hand_over(encoder, plan);
        let health = Arc::clone(&self.health);
        let arrived = move || health.wake();
        let number = self.readback.request(&self.device, &self.queue, (&stamps, stamps.size()), arrived);
        self.stamped.insert(Ticket(number), steps);
        Ticket(number)
    }
}

/// A step's dispatches, with the clock read into this query and the next.
fn record_pass(encoder: &mut wgpu::CommandEncoder, dispatches: &[(usize, Bound)], set: &wgpu::QuerySet, first: u32) {
    let timestamp_writes = wgpu::ComputePassTimestampWrites {
        query_set: set,
        beginning_of_pass_write_index: Some(first),
        end_of_pass_write_index: Some(first + 1),
    };
    let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(timestamp_writes) };
    let mut pass = encoder.begin_compute_pass(&descriptor);
    dispatches.iter().for_each(|(_, bound)| bound.record(&mut pass));
}

impl Stamps for Gpu {
    fn submit_stamped(&mut self, plan: PlanHandle) -> Result<Ticket, ExecutorError> {
        let ticket = self.guarded("time the steps of a plan", |gpu| gpu.submit_passes(plan))?;
        self.poll()?;
        Ok(ticket)
    }

    fn collect_stamped(&mut self, ticket: Ticket) -> Result<Option<Vec<Option<f64>>>, ExecutorError> {
        let Some(bytes) = self.collect(ticket)? else { return Ok(None) };
        let steps = self.stamped.remove(&ticket).unwrap_or_default();
        let stamps: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes);
        let tick = 1e-9 * f64::from(self.queue.get_timestamp_period());
        Ok(Some(seconds(&steps, &stamps, tick)))
    }
}

/// Seconds of each step, by the timestamps of the passes and the seconds between two ticks of the clock.
fn seconds(steps: &Stepped, stamps: &[u64], tick: f64) -> Vec<Option<f64>> {
    let mut seconds = vec![Some(0.0); steps.count];
    for (&step, stamps) in steps.of_passes.iter().zip(stamps.as_chunks().0) {
        let sum = seconds[step].zip(ticks(*stamps));
        seconds[step] = sum.map(|(before, ticks)| before + tick * ticks as f64);
    }
    seconds
}

/// Ticks between two timestamps, none where what was stamped is shorter than one. A driver writes zeros where it has none, and
/// clocks jump.
fn ticks([begin, end]: [u64; 2]) -> Option<u64> {
    end.checked_sub(begin).filter(|_| begin > 0)
}

#[cfg(test)]
mod tests;
