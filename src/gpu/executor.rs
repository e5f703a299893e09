//! The executor: memory, bindings and replays of plans on one device.

use super::adapter::{AdapterChoice, DeviceError, choose};
use super::lower::{Argument, Dispatch, lower};
use super::pipelines::Pipelines;
use super::readback::Readback;
use crate::plan::{
    Adapter, Executor, ExecutorError, Limits, Memory, Peaks, Plan, PlanHandle, Residency, Slot, Ticket, Usage, View,
};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A dispatch with everything bound.
pub(super) struct Bound {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    grid: [u32; 3],
}

impl Bound {
    fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.dispatch_workgroups(self.grid[0], self.grid[1], self.grid[2]);
    }
}

/// A kept slot's memory.
pub(super) struct Kept {
    pub(super) buffer: wgpu::Buffer,
    len: usize,
}

/// What callbacks report: why the device is gone, and replays done.
#[derive(Default)]
struct Health {
    lost: Mutex<Option<String>>,
    done: AtomicUsize,
}

impl Health {
    fn note_lost(&self, why: String) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert(why);
    }

    fn check(&self) -> Result<(), ExecutorError> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.as_ref().map_or(Ok(()), |why| Err(ExecutorError::Lost(why.clone())))
    }
}

/// Runs plans on a wgpu device.
pub struct Gpu {
    adapter: Adapter,
    device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    health: Arc<Health>,
    pipelines: Pipelines,
    kept: HashMap<String, Kept>,
    blocks: Vec<wgpu::Buffer>,
    plans: Vec<Vec<Bound>>,
    readback: Readback,
    submitted: usize,
    usage: Usage,
    submissions: VecDeque<wgpu::SubmissionIndex>,
}

impl Gpu {
    /// Opens an adapter with WebGPU's default limits and no optional feature.
    ///
    /// # Errors
    /// When there is no such adapter or it does not open.
    pub fn open(choice: &AdapterChoice) -> Result<Self, DeviceError> {
        let found = choose(choice)?;
        let descriptor = wgpu::DeviceDescriptor { label: Some("backhoe"), ..wgpu::DeviceDescriptor::default() };
        let opened = pollster::block_on(found.handle.request_device(&descriptor));
        let (device, queue) = opened
            .map_err(|error| DeviceError::Open { adapter: found.adapter.name.clone(), why: error.to_string() })?;
        let health = Arc::new(Health::default());
        let (on_loss, on_error) = (Arc::clone(&health), Arc::clone(&health));
        device.set_device_lost_callback(move |reason, message| on_loss.note_lost(format!("{reason:?}: {message}")));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| on_error.note_lost(error.to_string())));
        Ok(Self {
            adapter: found.adapter,
            device,
            queue,
            health,
            pipelines: Pipelines::default(),
            kept: HashMap::new(),
            blocks: Vec::new(),
            plans: Vec::new(),
            readback: Readback::default(),
            submitted: 0,
            usage: Usage::default(),
            submissions: VecDeque::new(),
        })
    }

    /// Does `work` within error scopes; what the driver refuses becomes an error that names `what`.
    fn guarded<T>(&mut self, what: &str, work: impl FnOnce(&mut Self) -> T) -> Result<T, ExecutorError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let result = work(self);
        let errors = [pollster::block_on(validation.pop()), pollster::block_on(memory.pop())];
        self.health.check()?;
        match errors.into_iter().flatten().next() {
            Some(error) => Err(ExecutorError::Refused { what: what.to_owned(), why: error.to_string() }),
            None => Ok(result),
        }
    }

    pub(super) fn buffer(&mut self, label: &str, words: usize) -> wgpu::Buffer {
        let size = 4 * words.max(1) as u64;
        self.usage.allocated_bytes += size;
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::UNIFORM
                | wgpu::BufferUsages::COPY_SRC
                | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    fn keep(&mut self, slot: &Slot) -> Result<(), ExecutorError> {
        match self.kept.get(&slot.name) {
            Some(kept) if kept.len == slot.len => Ok(()),
            Some(kept) => Err(ExecutorError::Slot {
                slot: slot.name.clone(),
                why: format!("holds {} words, the plan wants {}", kept.len, slot.len),
            }),
            None => {
                let buffer = self.buffer(&slot.name, slot.len);
                self.kept.insert(slot.name.clone(), Kept { buffer, len: slot.len });
                Ok(())
            }
        }
    }

    /// One buffer a block, shared with earlier plans where theirs are large enough: plans never
    /// run at the same time.
    fn plan_blocks(&mut self, sizes: &[usize]) -> Vec<wgpu::Buffer> {
        for (index, &words) in sizes.iter().enumerate() {
            let large_enough = self.blocks.get(index).is_some_and(|block| block.size() >= 4 * words as u64);
            if !large_enough {
                let block = self.buffer("block", words);
                self.blocks.truncate(index);
                self.blocks.push(block);
            }
        }
        self.blocks[..sizes.len()].to_vec()
    }

    fn build(&mut self, plan: &Plan, memory: &Memory) -> Vec<Bound> {
        let lowered: Vec<Vec<Dispatch>> = plan.steps.iter().map(|step| lower(&step.op)).collect();
        let scratch_words = lowered.iter().flatten().flat_map(|dispatch| &dispatch.arguments).map(scratch_end).max();
        let scratch = self.buffer("scratch", scratch_words.unwrap_or(0));
        let blocks = self.plan_blocks(&memory.blocks);
        let mut bound = Vec::new();
        for (step, dispatches) in plan.steps.iter().zip(&lowered) {
            for dispatch in dispatches {
                let resource = |argument: &Argument| match *argument {
                    Argument::Scratch { offset, len } => (scratch.clone(), offset, len),
                    Argument::Operand(index) => {
                        let view = step.views[index];
                        (self.memory_of(plan, memory, &blocks, view), view.offset, view.len)
                    }
                };
                let resources: Vec<_> = dispatch.arguments.iter().map(resource).collect();
                bound.push(self.bind(dispatch, &resources));
            }
        }
        bound
    }

    fn memory_of(&self, plan: &Plan, memory: &Memory, blocks: &[wgpu::Buffer], view: View) -> wgpu::Buffer {
        let slot = &plan.slots[view.slot.0];
        match (slot.residency, memory.block_of[view.slot.0]) {
            (Residency::Transient, Some(block)) => blocks[block].clone(),
            _ => self.kept[&slot.name].buffer.clone(),
        }
    }

    pub(super) fn bind(&mut self, dispatch: &Dispatch, resources: &[(wgpu::Buffer, usize, usize)]) -> Bound {
        let layout = self.pipelines.layout(&self.device, dispatch.kernel);
        let entries: Vec<_> = dispatch
            .kernel
            .bindings
            .iter()
            .zip(resources)
            .map(|(binding, (buffer, offset, len))| wgpu::BindGroupEntry {
                binding: binding.number,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset: 4 * *offset as u64,
                    size: wgpu::BufferSize::new(4 * *len as u64),
                }),
            })
            .collect();
        let label = Some(dispatch.kernel.entry);
        let descriptor = wgpu::BindGroupDescriptor { label, layout: &layout, entries: &entries };
        Bound {
            bindings: self.device.create_bind_group(&descriptor),
            pipeline: self.pipelines.get(&self.device, dispatch),
            grid: dispatch.grid,
        }
    }

    pub(super) fn kept(&self, slot: &str) -> Result<&Kept, ExecutorError> {
        self.kept
            .get(slot)
            .ok_or_else(|| ExecutorError::Slot { slot: slot.to_owned(), why: "no plan keeps it".to_owned() })
    }

    /// Runs a dispatch so many times in one submission and waits for it.
    pub(super) fn run_alone(&mut self, bound: &Bound, times: usize) -> Result<(), ExecutorError> {
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("alone") });
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for _ in 0..times {
            bound.record(&mut pass);
        }
        drop(pass);
        let wait =
            wgpu::PollType::Wait { submission_index: Some(self.queue.submit([encoder.finish()])), timeout: None };
        self.device.poll(wait).map_err(|error| ExecutorError::Lost(error.to_string()))?;
        self.health.check()
    }

    /// Submits a plan's dispatches: one encoder, one pass, one submission.
    fn replay(&mut self, plan: PlanHandle) {
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("replay") });
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for bound in &self.plans[plan.0] {
            bound.record(&mut pass);
        }
        drop(pass);
        self.submissions.push_back(self.queue.submit([encoder.finish()]));
        self.submitted += 1;
        self.usage.submissions += 1;
        self.usage.dispatches += self.plans[plan.0].len() as u64;
        let health = Arc::clone(&self.health);
        self.queue.on_submitted_work_done(move || {
            health.done.fetch_add(1, Ordering::Release);
        });
    }

    /// Forgets submissions that are known to be done.
    fn retire(&mut self) {
        let in_flight = self.in_flight();
        let done = self.submissions.len().saturating_sub(in_flight);
        self.submissions.drain(..done);
    }
}

fn scratch_end(argument: &Argument) -> usize {
    match *argument {
        Argument::Scratch { offset, len } => offset + len,
        Argument::Operand(_) => 0,
    }
}

impl Executor for Gpu {
    fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    fn limits(&self) -> Limits {
        Limits { binding_bytes: self.device.limits().max_storage_buffer_binding_size, total_bytes: None }
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn peaks(&mut self) -> Result<Option<Peaks>, ExecutorError> {
        self.guarded("measure its peaks", Self::measure_peaks)?.map(Some)
    }

    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError> {
        let memory = plan.fits(self.limits())?;
        let bound = self.guarded("prepare a plan", |gpu| {
            for slot in plan.slots.iter().filter(|slot| slot.residency != Residency::Transient) {
                gpu.keep(slot)?;
            }
            Ok::<_, ExecutorError>(gpu.build(plan, &memory))
        })??;
        self.plans.push(bound);
        Ok(PlanHandle(self.plans.len() - 1))
    }

    fn submit(&mut self, plan: PlanHandle) -> Result<(), ExecutorError> {
        self.replay(plan);
        self.poll()
    }

    fn in_flight(&self) -> usize {
        self.submitted - self.health.done.load(Ordering::Acquire)
    }

    fn write(&mut self, slot: &str, word: usize, bytes: &[u8]) -> Result<(), ExecutorError> {
        let kept = self.kept(slot)?;
        if !bytes.len().is_multiple_of(4) || word + bytes.len() / 4 > kept.len {
            let why = format!("{} bytes at word {word} do not fit its {} words", bytes.len(), kept.len);
            return Err(ExecutorError::Slot { slot: slot.to_owned(), why });
        }
        self.queue.write_buffer(&kept.buffer, 4 * word as u64, bytes);
        self.usage.uploaded_bytes += bytes.len() as u64;
        self.health.check()
    }

    fn request(&mut self, slot: &str) -> Result<Ticket, ExecutorError> {
        let kept = self.kept(slot)?;
        let (buffer, bytes) = (kept.buffer.clone(), 4 * kept.len as u64);
        Ok(Ticket(self.readback.request(&self.device, &self.queue, &buffer, bytes)))
    }

    fn collect(&mut self, ticket: Ticket) -> Result<Option<Vec<u8>>, ExecutorError> {
        self.poll()?;
        self.readback.collect(ticket.0).map_err(ExecutorError::Lost)
    }

    fn poll(&mut self) -> Result<(), ExecutorError> {
        self.device.poll(wgpu::PollType::Poll).map_err(|error| ExecutorError::Lost(error.to_string()))?;
        self.retire();
        self.health.check()
    }

    fn wait(&mut self) -> Result<(), ExecutorError> {
        let wait = wgpu::PollType::Wait { submission_index: self.submissions.pop_front(), timeout: None };
        self.device.poll(wait).map_err(|error| ExecutorError::Lost(error.to_string()))?;
        self.retire();
        self.health.check()
    }
}
