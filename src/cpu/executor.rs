//! The executor: memory, and replays of stages on a pool of threads.

use super::lower::reach;
use super::peaks::peaks;
use super::program::{Home, Layout, Stage, layout, stages, view};
use super::task::{Argument, MOST_ARGUMENTS, Words as Operand};
use super::threads::Threads;
use super::words::Words;
use crate::plan::{
    Access, Adapter, AdapterKind, Executor, ExecutorError, Limits, Memory, Misfit, Peaks, Plan, PlanHandle, Residency,
    Slot, Step, Ticket, Usage,
};
use pulp::Arch;
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Where an argument's words lie.
enum Place {
    /// So many words of shared memory from the first on.
    Shared { words: Arc<Words>, first: usize, len: usize },
    /// Words of the thread's own memory, of which the part at hand has all or fewer.
    Thread { first: usize, len: usize },
}

/// A stage with everything bound: for each task one place an argument.
struct Bound {
    stage: Stage,
    places: Vec<Vec<Place>>,
}

impl Bound {
    /// Does all parts; `own` is the memory of each thread.
    fn run(&self, own: &[Words]) {
        let part = |part: usize| {
            let own = if let [own] = own { own } else { &own[rayon::current_thread_index().unwrap_or(0)] };
            // SAFETY: a thread does one part at a time and none within another, so its memory is its
            // own. Stages come one after the other, and a stage chains only tasks whose parts write
            // words apart from those that other parts read or write.
            unsafe { self.run_part(part, own) };
        };
        match (self.stage.parts, own.len()) {
            // Without a pool of one's own nobody else's is to be used.
            (parts, 1) => (0..parts).for_each(part),
            (1, _) => part(0),
            (parts, _) => (0..parts).into_par_iter().for_each(part),
        }
    }

    /// Does one part.
    ///
    /// # Safety
    /// Nobody else uses `own` or words of the part meanwhile, unless both only read them.
    unsafe fn run_part(&self, part: usize, own: &Words) {
        for (member, places) in self.stage.members.iter().zip(&self.places) {
            let task = &member.task;
            let units = self.stage.units(task, part);
            let mut operands: [Operand<'_>; MOST_ARGUMENTS] = std::array::from_fn(|_| Operand::Read(&[]));
            for ((operand, place), argument) in operands.iter_mut().zip(places).zip(&task.arguments) {
                // SAFETY: the caller's promise; and a plan's step never writes words that another of
                // its operands names.
                *operand = unsafe { lend(place, argument, &units, own) };
            }
            let last = own.len() - task.thread_words..own.len();
            // SAFETY: slots that live in the thread's memory end before these words.
            let last = unsafe { own.write(last) };
            (task.work)(units, &mut operands[..places.len()], bytemuck::cast_slice_mut(last));
        }
    }
}

/// The words of an argument that belong to the units.
///
/// # Safety
/// As [`Words::read`] or [`Words::write`], by the argument's access.
unsafe fn lend<'a>(place: &'a Place, argument: &Argument, units: &Range<usize>, own: &'a Words) -> Operand<'a> {
    let (words, range) = match place {
        Place::Shared { words, first, len } => {
            let cut = argument.cut.of(units, *len);
            (&**words, first + cut.start..first + cut.end)
        }
        Place::Thread { first, len } => {
            let cut = argument.cut.of(&(0..units.len()), *len);
            (own, first + cut.start..first + cut.end)
        }
    };
    // SAFETY: the caller's promise.
    unsafe {
        match argument.access {
            Access::Read => Operand::Read(words.read(range)),
            Access::Write | Access::Update => Operand::Write(words.write(range)),
        }
    }
}

/// Runs plans on the processor.
pub struct Cpu {
    adapter: Adapter,
    threads: Threads,
    kept: HashMap<String, Arc<Words>>,
    blocks: Vec<Arc<Words>>,
    scratch: Arc<Words>,
    own: Vec<Words>,
    plans: Vec<Vec<Bound>>,
    readings: HashMap<Ticket, Vec<u8>>,
    tickets: u64,
    usage: Usage,
    /// Bytes that were free when it was opened, where the system tells.
    memory: Option<u64>,
}

impl Cpu {
    /// Opens the processor with so many threads, or one a core; in a page with those that its host started, if any.
    #[must_use]
    pub fn open(threads: Option<usize>) -> Self {
        let threads = Threads::open(threads);
        Self {
            adapter: describe(threads.count()),
            kept: HashMap::new(),
            blocks: Vec::new(),
            scratch: Arc::new(Words::empty()),
            own: (0..threads.count()).map(|_| Words::empty()).collect(),
            threads,
            plans: Vec::new(),
            readings: HashMap::new(),
            tickets: 0,
            usage: Usage::default(),
            memory: free_memory(),
        }
    }

    fn keep(&mut self, slot: &Slot) -> Result<(), ExecutorError> {
        match self.kept.get(&slot.name) {
            Some(kept) if kept.len() == slot.len => Ok(()),
            Some(kept) => {
                Err(slot_error(&slot.name, format!("holds {} words, the plan wants {}", kept.len(), slot.len)))
            }
            None => {
                let words = self.allocate(&slot.name, slot.len)?;
                self.kept.insert(slot.name.clone(), Arc::new(words));
                Ok(())
            }
        }
    }

    /// Makes shared memory large enough. Plans never run at the same time, so they share it; those
    /// bound before keep what they have.
    fn make_room(&mut self, shared: &Memory, own: usize) -> Result<(), ExecutorError> {
        for (index, &len) in shared.blocks.iter().enumerate() {
            if self.blocks.get(index).is_none_or(|block| block.len() < len) {
                let block = Arc::new(self.allocate("a block of a plan", len)?);
                self.blocks.splice(index..self.blocks.len().min(index + 1), [block]);
            }
        }
        if self.scratch.len() < shared.scratch_words {
            self.scratch = Arc::new(self.allocate("the scratch memory of a plan", shared.scratch_words)?);
        }
        if self.own.iter().any(|words| words.len() < own) {
            let threads = 0..self.own.len();
            self.own = threads.map(|_| self.allocate("the memory of a thread", own)).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    fn bind(&self, plan: &Plan, homes: &[Home], stage: Stage) -> Bound {
        let place = |step: &Step, argument: &Argument| match view(step, argument) {
            None => Place::Shared { words: Arc::clone(&self.scratch), first: 0, len: argument.scratch_len() },
            Some(view) => {
                let shared = |words| Place::Shared { words: Arc::clone(words), first: view.offset, len: view.len };
                match homes[view.slot.0] {
                    Home::Kept => shared(&self.kept[&plan.slots[view.slot.0].name]),
                    Home::Block(block) => shared(&self.blocks[block]),
                    Home::Thread { first, len } => Place::Thread { first, len },
                }
            }
        };
        let places = stage
            .members
            .iter()
            .map(|member| member.task.arguments.iter().map(|a| place(&plan.steps[member.step], a)).collect())
            .collect();
        Bound { stage, places }
    }

    fn allocate(&mut self, what: &str, len: usize) -> Result<Words, ExecutorError> {
        let refused = || slot_error(what, format!("there is no memory for its {} MiB", (4 * len).div_ceil(1 << 20)));
        let words = Words::new(len).ok_or_else(refused)?;
        self.usage.allocated_bytes += 4 * len as u64;
        Ok(words)
    }

    fn find(&self, slot: &str) -> Result<&Words, ExecutorError> {
        let missing = || slot_error(slot, "no plan keeps it".to_owned());
        self.kept.get(slot).map(|words| &**words).ok_or_else(missing)
    }
}

fn slot_error(slot: &str, why: String) -> ExecutorError {
    ExecutorError::Slot { slot: slot.to_owned(), why }
}

/// Whether tasks can count all words of each sample and matrix, in 32 bits.
fn countable(plan: &Plan) -> Result<(), Misfit> {
    const COUNTED: u64 = 1 << 32;
    for step in &plan.steps {
        let words = reach(&step.op) as u64;
        if words > COUNTED {
            let slot = plan.slots[step.views[0].slot.0].name.clone();
            return Err(Misfit::Words { slot, op: step.op.name(), needed: 4 * words, limit: 4 * COUNTED });
        }
    }
    Ok(())
}

/// The processor in words.
fn describe(threads: usize) -> Adapter {
    let instructions = match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "AVX-512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "AVX2",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "NEON",
        #[cfg(target_arch = "wasm32")]
        Arch::Simd128(_) => "simd128",
        Arch::Scalar => "no vectors",
        #[allow(unreachable_patterns, reason = "pulp may learn of more")]
        _ => "vectors",
    };
    let words = if threads == 1 { "thread" } else { "threads" };
    let in_page = cfg!(target_arch = "wasm32");
    let unnamed = || if in_page { "this browser" } else { std::env::consts::ARCH }.to_owned();
    Adapter {
        name: processor_name().unwrap_or_else(unnamed),
        backend: format!("{}, {instructions}, {threads} {words}", if in_page { "WebAssembly" } else { "native" }),
        driver: String::new(),
        kind: AdapterKind::Processor,
    }
}

/// What the system calls the processor, where it tells.
fn processor_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Bytes that the system could give without swapping, where it tells.
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1024 * kib)
}

impl Executor for Cpu {
    fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    fn limits(&self) -> Limits {
        Limits { binding_bytes: u64::MAX, resident_bytes: 0, total_bytes: self.memory }
    }

    fn memory(&self, plan: &Plan) -> Result<Memory, Misfit> {
        countable(plan)?;
        let Layout { shared, thread_words, .. } = layout(plan, &stages(plan));
        Ok(Memory { scratch_words: shared.scratch_words + self.threads.count() * thread_words, ..shared })
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn peaks(&mut self) -> Result<Option<Peaks>, ExecutorError> {
        Ok(Some(peaks(&self.threads)))
    }

    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError> {
        plan.assert_sound();
        self.fits(plan)?;
        for slot in plan.slots.iter().filter(|slot| slot.residency != Residency::Transient) {
            self.keep(slot)?;
        }
        let stages = stages(plan);
        let layout = layout(plan, &stages);
        self.make_room(&layout.shared, layout.thread_words)?;
        self.plans.push(stages.into_iter().map(|stage| self.bind(plan, &layout.homes, stage)).collect());
        Ok(PlanHandle(self.plans.len() - 1))
    }

    fn submit(&mut self, plan: PlanHandle) -> Result<(), ExecutorError> {
        let (stages, own) = (&self.plans[plan.0], &self.own);
        self.threads.install(|| stages.iter().for_each(|stage| stage.run(own)));
        self.usage.submissions += 1;
        self.usage.dispatches += self.plans[plan.0].iter().map(|bound| bound.stage.members.len() as u64).sum::<u64>();
        Ok(())
    }

    fn in_flight(&self) -> usize {
        0
    }

    fn write(&mut self, slot: &str, word: usize, bytes: &[u8]) -> Result<(), ExecutorError> {
        let kept = self.find(slot)?;
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() || word + words.len() > kept.len() {
            let why = format!("{} bytes at word {word} do not fit its {} words", bytes.len(), kept.len());
            return Err(slot_error(slot, why));
        }
        // SAFETY: this has the executor to itself, and replays are over when `submit` returns.
        let kept = unsafe { kept.write(word..word + words.len()) };
        bytemuck::cast_slice_mut::<u32, u8>(kept).copy_from_slice(bytes);
        self.usage.uploaded_bytes += bytes.len() as u64;
        Ok(())
    }

    fn request(&mut self, slot: &str) -> Result<Ticket, ExecutorError> {
        let kept = self.find(slot)?;
        // SAFETY: as in `write`.
        let bytes = bytemuck::cast_slice(unsafe { kept.read(0..kept.len()) }).to_vec();
        self.tickets += 1;
        self.readings.insert(Ticket(self.tickets), bytes);
        Ok(Ticket(self.tickets))
    }

    fn collect(&mut self, ticket: Ticket) -> Result<Option<Vec<u8>>, ExecutorError> {
        Ok(self.readings.remove(&ticket))
    }

    fn poll(&mut self) -> Result<(), ExecutorError> {
        Ok(())
    }

    fn wait(&mut self) -> Result<(), ExecutorError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::lower::lower;
    use super::*;
    use crate::plan::{Conv, Element, Linear, Op};

    /// A plan of one step whose operands are kept.
    fn plan(op: Op) -> Plan {
        let mut plan = Plan::default();
        let operands = op.operands();
        let views: Vec<_> = operands.iter().map(|o| plan.kept(o.name, Element::F32, o.len, Residency::State)).collect();
        plan.push(op, &views);
        plan
    }

    fn conv(batch: usize, side: usize) -> Conv {
        Conv {
            batch,
            in_channels: 15,
            out_channels: 17,
            in_height: side,
            in_width: side,
            kernel_height: 3,
            kernel_width: 3,
            stride: 2,
            padding: 1,
            bias: false,
        }
    }

    /// The last operand after one replay, where every other begins with the same numbers whatever its length.
    fn result(op: Op) -> Vec<u32> {
        let mut cpu = Cpu::open(Some(3));
        let plan = plan(op);
        let handle = cpu.prepare(&plan).unwrap();
        for slot in &plan.slots {
            let numbers: Vec<f32> = (0..slot.len).map(|word| ((word * 7919) % 1013) as f32 / 1013.0 - 0.4).collect();
            cpu.write(&slot.name, 0, bytemuck::cast_slice(&numbers)).unwrap();
        }
        cpu.submit(handle).unwrap();
        let bytes = crate::plan::executor::read_now(&mut cpu, op.operands().last().unwrap().name).unwrap();
        bytemuck::pod_collect_to_vec(&bytes)
    }

    /// Its rows are shared out among threads, those of a batch are not.
    #[test]
    fn a_single_sample_has_the_bits_that_it_has_in_a_batch() {
        let wide = |batch| Conv { in_channels: 83, out_channels: 90, stride: 1, ..conv(batch, 11) };
        for conv in [&|batch| conv(batch, 23), &wide as &dyn Fn(usize) -> Conv] {
            for op in [Op::ConvForward, Op::ConvBackwardData] {
                let units = |batch| lower(&op(conv(batch))).last().unwrap().units;
                assert!(units(1) >= 3 && units(2) == 2, "{} units", units(1));
                let (single, of_batch) = (result(op(conv(1))), result(op(conv(2))));
                assert!(single.iter().any(|word| *word != 0));
                assert_eq!(single, of_batch[..single.len()]);
            }
        }
    }

    #[test]
    fn words_that_are_not_counted_in_32_bits_are_refused_by_name() {
        let cpu = Cpu::open(Some(1));
        // Fifteen planes of 1.6 GB.
        let error = cpu.fits(&plan(Op::ConvForward(conv(1, 20_000)))).unwrap_err().to_string();
        assert!(error.starts_with("`input`: conv_forward takes a sample or a matrix of 2"), "{error}");
        let wide = Linear { batch: 70_000, inputs: 70_000, outputs: 8, bias: false };
        let error = cpu.fits(&plan(Op::LinearBackwardWeight(wide))).unwrap_err().to_string();
        assert!(error.starts_with("`input`: linear_backward_weight takes"), "{error}");
        assert!(cpu.fits(&plan(Op::ConvForward(conv(1, 40)))).is_ok());
    }
}
