//! The executor: memory, bindings and replays of plans on one device.

#[cfg(not(target_arch = "wasm32"))]
use super::adapter::{AdapterChoice, choose, list};
use super::adapter::{DeviceError, Found};
use super::health::{Health, Scope};
use super::kernels::{PAGE_WORDS, SHAPE_WORDS};
use super::lower::{self, Argument, Dispatch, Loads, Work, ends};
use super::pipelines::Pipelines;
use super::readback::Readback;
use super::stamps::{Stamped, wanted};
use super::tuner::{Chosen, Tuner};
use crate::plan::{
    ALIGNMENT, Adapter, Executor, ExecutorError, Limits, Memory, Misfit, Peaks, Plan, PlanHandle, Residency, Slot,
    Stamps, Ticket, Tuned, Usage, View,
};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

/// A dispatch with everything bound.
pub(super) struct Bound {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    grid: [u32; 3],
}

impl Bound {
    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.dispatch_workgroups(self.grid[0], self.grid[1], self.grid[2]);
    }
}

/// A plan made ready.
pub(super) struct Prepared {
    /// Its dispatches, each with the number of its step, the first of those that are done together.
    pub bound: Vec<(usize, Bound)>,
    /// The plan's steps.
    pub steps: usize,
    /// Scratch and shapes, which no other plan has.
    pub own: [wgpu::Buffer; 2],
}

/// A kept slot's memory.
pub(super) struct Kept {
    pub(super) buffer: wgpu::Buffer,
    len: usize,
}

/// Runs plans on a wgpu device.
pub struct Gpu {
    adapter: Adapter,
    pub(super) loads: Loads,
    /// What decides for some operations otherwise, and what it has decided.
    pub(super) tuner: Option<Tuner>,
    pub(super) chosen: Chosen,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) health: Arc<Health>,
    pipelines: Pipelines,
    pub(super) kept: HashMap<String, Kept>,
    blocks: Vec<wgpu::Buffer>,
    /// The plans that were made ready.
    pub(super) plans: Vec<Prepared>,
    pub(super) readback: Readback,
    pub(super) stamped: Stamped,
    pub(super) scopes: Vec<Scope>,
    submitted: usize,
    pub(super) usage: Usage,
    submissions: VecDeque<wgpu::SubmissionIndex>,
}

impl Gpu {
    /// What has failed, if anything. A device that is being lost refuses this and that while its last
    /// work ends, and is only then known to be lost: before a refusal is told, that end is awaited.
    fn check(&self) -> Result<(), ExecutorError> {
        let failed = self.health.check();
        if matches!(failed, Err(ExecutorError::Refused { .. })) {
            // Whether waiting fails matters less than what is known afterwards.
            let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
            return self.health.check();
        }
        failed
    }

    /// Opens an adapter with WebGPU's default limits, and with timestamps where it offers them; waits for it.
    ///
    /// # Errors
    /// When there is no such adapter or it does not open.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(choice: &AdapterChoice) -> Result<Self, DeviceError> {
        pollster::block_on(Self::open_found(choose(list(), choice)?))
    }

    /// Opens an adapter with WebGPU's default limits, and with timestamps where it offers them. No kernel needs a feature.
    ///
    /// # Errors
    /// When it does not open.
    pub async fn open_found(found: Found) -> Result<Self, DeviceError> {
        let features = wanted(found.handle.features());
        Self::open_with(found, features).await
    }

    pub(super) async fn open_with(found: Found, features: wgpu::Features) -> Result<Self, DeviceError> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("backhoe"),
            required_features: features,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = found
            .handle
            .request_device(&descriptor)
            .await
            .map_err(|error| DeviceError::Open { adapter: found.adapter.name.clone(), why: error.to_string() })?;
        let health = Arc::new(Health::new());
        let (on_loss, on_error) = (Arc::clone(&health), Arc::clone(&health));
        device.set_device_lost_callback(move |reason, message| on_loss.note_lost(format!("{reason:?}: {message}")));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| on_error.note_refused(error.to_string())));
        Ok(Self {
            loads: Loads::of(found.adapter.kind),
            tuner: None,
            chosen: Chosen::default(),
            adapter: found.adapter,
            device,
            queue,
            health,
            pipelines: Pipelines::default(),
            kept: HashMap::new(),
            blocks: Vec::new(),
            plans: Vec::new(),
            readback: Readback::default(),
            stamped: Stamped::default(),
            scopes: Vec::new(),
            submitted: 0,
            usage: Usage::default(),
            submissions: VecDeque::new(),
        })
    }

    /// Out of which memory kernels read, where not what suits the adapter: for the plans prepared from now on.
    pub fn set_loads(&mut self, loads: Loads) {
        self.loads = loads;
    }

    /// Does `work` within error scopes; what the driver refuses becomes an error that names `what`.
    pub(super) fn guarded<T>(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, ExecutorError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let result = work(self);
        let mut scopes = [validation, memory].map(|scope| Scope::new(what, scope.pop()));
        let refused = scopes.iter_mut().filter_map(Scope::refusal).reduce(|first, _| first);
        self.scopes.extend(scopes.into_iter().filter(|scope| !scope.heard));
        self.check()?;
        refused.map_or(Ok(result), Err)
    }

    /// Hears what the driver says of work that it had said nothing of when it was given.
    fn hear(&mut self) {
        for refused in self.scopes.iter_mut().filter_map(Scope::refusal) {
            self.health.note(refused);
        }
        self.scopes.retain(|scope| !scope.heard);
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

    /// What a plan becomes on this adapter.
    fn works(&self, plan: &Plan) -> Vec<Work> {
        lower::works(plan, |op| self.chosen.of(op).unwrap_or(self.loads))
    }

    fn build(&mut self, plan: &Plan, memory: &Memory) -> Prepared {
        let works = self.works(plan);
        let scratch = self.buffer("scratch", memory.scratch_words);
        let blocks = self.plan_blocks(&memory.blocks);
        let shapes = self.shapes(works.iter().flat_map(|work| &work.dispatches));
        let mut next_shape = 0;
        let mut bound = Vec::new();
        for work in &works {
            for dispatch in &work.dispatches {
                let resource = |argument: &Argument| match *argument {
                    Argument::Scratch { offset, len } => (scratch.clone(), offset, len),
                    Argument::Shape(_) => {
                        next_shape += 1;
                        (shapes.clone(), (next_shape - 1) * ALIGNMENT, SHAPE_WORDS)
                    }
                    Argument::Operand(index) => {
                        let view = work.views[index];
                        (self.memory_of(plan, memory, &blocks, view), view.offset, view.len)
                    }
                    Argument::Page { operand, offset } => {
                        let view = work.views[operand];
                        (self.memory_of(plan, memory, &blocks, view), view.offset + offset, PAGE_WORDS)
                    }
                };
                let resources: Vec<_> = dispatch.arguments.iter().map(resource).collect();
                bound.push((work.step, self.bind(dispatch, &resources)));
            }
        }
        Prepared { bound, steps: plan.steps.len(), own: [scratch, shapes] }
    }

    /// A buffer with the shapes of all dispatches in their order, each where a binding may begin.
    fn shapes<'a>(&mut self, dispatches: impl Iterator<Item = &'a Dispatch>) -> wgpu::Buffer {
        let mut words = Vec::new();
        for argument in dispatches.flat_map(|dispatch| &dispatch.arguments) {
            if let Argument::Shape(shape) = argument {
                words.extend(shape);
                words.resize(words.len().next_multiple_of(ALIGNMENT), 0);
            }
        }
        let buffer = self.buffer("shapes", words.len());
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&words));
        buffer
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

    /// Destroys the device, as a driver does that loses it.
    #[cfg(test)]
    pub(crate) fn destroy(&self) {
        self.device.destroy();
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
        self.check()
    }

    /// Submits a plan's dispatches: one encoder, one pass, one submission.
    fn replay(&mut self, plan: PlanHandle) {
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("replay") });
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (_, bound) in &self.plans[plan.0].bound {
            bound.record(&mut pass);
        }
        drop(pass);
        self.hand_over(encoder, plan);
    }

    /// Submits the recorded replay of a plan, and counts it.
    pub(super) fn hand_over(&mut self, encoder: wgpu::CommandEncoder, plan: PlanHandle) {
        self.submissions.push_back(self.queue.submit([encoder.finish()]));
        self.submitted += 1;
        self.usage.submissions += 1;
        self.usage.dispatches += self.plans[plan.0].bound.len() as u64;
        let health = Arc::clone(&self.health);
        self.queue.on_submitted_work_done(move || health.note_done());
    }

    /// Forgets submissions that are known to be done.
    fn retire(&mut self) {
        let in_flight = self.in_flight();
        let done = self.submissions.len().saturating_sub(in_flight);
        self.submissions.drain(..done);
    }
}

impl Executor for Gpu {
    fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    fn limits(&self) -> Limits {
        let most = self.device.limits().max_storage_buffer_binding_size;
        Limits { binding_bytes: most, resident_bytes: most, total_bytes: None }
    }

    fn memory(&self, plan: &Plan) -> Result<Memory, Misfit> {
        ends(plan, self.adapter.kind)?;
        Ok(lower::memory(plan, &self.works(plan)))
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn peaks(&mut self) -> Result<Option<Peaks>, ExecutorError> {
        if cfg!(target_arch = "wasm32") {
            // A page cannot wait for what it measures.
            return Ok(None);
        }
        self.guarded("measure its peaks", Self::measure_peaks)?.map(Some)
    }

    fn stamps(&mut self) -> Option<&mut dyn Stamps> {
        self.has_clock().then_some(self)
    }

    fn announce(&mut self, plan: &Plan) {
        self.ask_about(plan);
    }

    fn tune(&mut self) -> Tuned {
        self.try_kernels()
    }

    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError> {
        self.recall(plan);
        let memory = self.fits(plan)?;
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
        self.health.attempt("replay a plan");
        self.replay(plan);
        self.poll()
    }

    fn in_flight(&self) -> usize {
        self.submitted - self.health.done()
    }

    fn write(&mut self, slot: &str, word: usize, bytes: &[u8]) -> Result<(), ExecutorError> {
        let kept = self.kept(slot)?;
        if !bytes.len().is_multiple_of(4) || word + bytes.len() / 4 > kept.len {
            let why = format!("{} bytes at word {word} do not fit its {} words", bytes.len(), kept.len);
            return Err(ExecutorError::Slot { slot: slot.to_owned(), why });
        }
        self.health.attempt("write into a slot");
        self.queue.write_buffer(&kept.buffer, 4 * word as u64, bytes);
        self.usage.uploaded_bytes += bytes.len() as u64;
        self.check()
    }

    fn request(&mut self, slot: &str) -> Result<Ticket, ExecutorError> {
        let kept = self.kept(slot)?;
        let (buffer, bytes) = (kept.buffer.clone(), 4 * kept.len as u64);
        self.health.attempt("read a slot");
        let health = Arc::clone(&self.health);
        let arrived = move || health.wake();
        Ok(Ticket(self.readback.request(&self.device, &self.queue, (&buffer, bytes), arrived)))
    }

    fn collect(&mut self, ticket: Ticket) -> Result<Option<Vec<u8>>, ExecutorError> {
        self.poll()?;
        // A reading that the driver never began was refused before, which `poll` has said.
        self.readback.collect(ticket.0).map_err(ExecutorError::Lost)
    }

    fn poll(&mut self) -> Result<(), ExecutorError> {
        self.device.poll(wgpu::PollType::Poll).map_err(|error| ExecutorError::Lost(error.to_string()))?;
        self.retire();
        self.hear();
        self.check()
    }

    fn wait(&mut self) -> Result<(), ExecutorError> {
        let wait = wgpu::PollType::Wait { submission_index: self.submissions.pop_front(), timeout: None };
        self.device.poll(wait).map_err(|error| ExecutorError::Lost(error.to_string()))?;
        self.retire();
        self.check()
    }

    fn wake(&mut self, waker: &Waker) {
        let is_reading = !self.readback.is_idle() || self.tuner.as_ref().is_some_and(Tuner::is_reading);
        if self.in_flight() == 0 && !is_reading {
            return waker.wake_by_ref();
        }
        self.health.wake_later(waker);
    }
}

#[cfg(test)]
mod tests;
