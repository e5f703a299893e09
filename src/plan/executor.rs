//! What runs plans: the one interface between those who write plans and those who execute them.

use super::{Limits, Memory, Misfit, Plan};
use std::task::Waker;

/// A prepared plan of one executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanHandle(pub usize);

/// A reading under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What an executor runs on, in words for people and for `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Adapter {
    /// The adapter's own name.
    pub name: String,
    /// Vulkan, Metal, WebGPU and so on.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// What computes.
    pub kind: AdapterKind,
}

/// What computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterKind {
    /// A graphics card or chip.
    #[default]
    Gpu,
    /// A graphics driver that computes on the processor.
    Software,
    /// The processor, without a driver between.
    Processor,
}

impl std::fmt::Display for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            AdapterKind::Gpu => "GPU, ",
            AdapterKind::Software => "software driver, ",
            AdapterKind::Processor => "",
        };
        write!(f, "{} ({kind}{}", self.name, self.backend)?;
        if !self.driver.is_empty() {
            write!(f, ", {}", self.driver)?;
        }
        write!(f, ")")
    }
}

/// What a device reaches in work made to reach it, the measure of all other work on it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Peaks {
    /// GFLOP/s of independent multiply-adds in 32 bits, each counted as two operations.
    pub gflops: f64,
    /// GB/s of a copy larger than caches, bytes read and bytes written together.
    pub gb_per_s: f64,
}

/// What an executor has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Usage {
    /// Replays handed to the device.
    pub submissions: u64,
    /// Kernels run in them.
    pub dispatches: u64,
    /// Bytes written into slots.
    pub uploaded_bytes: u64,
    /// Bytes of memory taken for slots, shared blocks and scratch.
    pub allocated_bytes: u64,
}

/// Why an executor could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// The plan is too large for the device.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The device is gone; everything since the last checkpoint has to be done again.
    #[error("the device was lost ({0}); start again, or go on from the last checkpoint with --resume")]
    Lost(String),
    /// The driver refused something: it would refuse it again.
    #[error("the graphics driver refused to {what}: {why}; `backhoe check` tests this adapter")]
    Refused {
        /// What was attempted.
        what: String,
        /// The driver's words.
        why: String,
    },
    /// A slot of this name was never prepared, or the data does not fit it.
    #[error("slot `{slot}`: {why}")]
    Slot {
        /// The slot's name.
        slot: String,
        /// What is wrong.
        why: String,
    },
}

/// How far [`Executor::tune`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuned {
    /// Something was done; call again.
    Advanced,
    /// The executor is still computing; wait or come back later.
    Waiting,
    /// There is nothing to find out, or no time left for it.
    Done,
}

/// Runs plans. Submissions, writes and readings take effect in the order of the calls; none of
/// them waits for a device. Where the processor itself is the device, it replays within `submit`.
pub trait Executor {
    /// What this runs on.
    fn adapter(&self) -> &Adapter;

    /// What fits.
    fn limits(&self) -> Limits;

    /// The memory that a plan takes here: its slots, and what kernels need besides.
    ///
    /// # Errors
    /// A step whose words cannot be counted.
    fn memory(&self, plan: &Plan) -> Result<Memory, Misfit> {
        Ok(Memory::of(plan))
    }

    /// Whether a plan fits this executor, scratch included, and the memory it takes.
    ///
    /// # Errors
    /// As [`Executor::memory`]; the first slot that is too large, or the whole, with its numbers.
    fn fits(&self, plan: &Plan) -> Result<Memory, Misfit> {
        plan.binds(self.limits())?;
        self.memory(plan)?.within(self.limits())
    }

    /// What it has done so far; zeros where it does not count.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Measures the device's own peaks now, in well under a few seconds; none where it cannot.
    ///
    /// # Errors
    /// When the device is lost or refuses the kernels.
    fn peaks(&mut self) -> Result<Option<Peaks>, ExecutorError> {
        Ok(None)
    }

    /// The device's own clock, by which steps are timed in their place; none where it has none that can be trusted.
    fn stamps(&mut self) -> Option<&mut dyn Stamps> {
        None
    }

    /// Says that a plan is going to be prepared: what is worth finding out about its operations is found out by
    /// [`Executor::tune`]. A plan that does not fit is passed over. Nothing else depends on it.
    fn announce(&mut self, _plan: &Plan) {}

    /// Tries, a little at a time, which kernels are the fastest for the plans that were announced. It never waits for the device; a
    /// call may have a kernel compiled and an operation's memory filled. To be called until it is done, before anything else is
    /// submitted. What goes wrong in it changes nothing but how fast plans are; a device that was lost in it is found lost by
    /// whatever is done next.
    fn tune(&mut self) -> Tuned {
        Tuned::Done
    }

    /// Makes ready to replay a plan: memory, kernels, bindings. New kept slots begin as zeros.
    ///
    /// # Errors
    /// When the plan does not fit or the driver refuses it.
    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError>;

    /// Replays a plan once.
    ///
    /// # Errors
    /// When the device is lost.
    fn submit(&mut self, plan: PlanHandle) -> Result<(), ExecutorError>;

    /// Replays under way that are not known to be finished.
    fn in_flight(&self) -> usize;

    /// Writes bytes into a kept slot from its `word`th word on.
    ///
    /// # Errors
    /// When there is no such slot or the bytes reach beyond it.
    fn write(&mut self, slot: &str, word: usize, bytes: &[u8]) -> Result<(), ExecutorError>;

    /// Asks for the content a kept slot has after all that was submitted so far.
    ///
    /// # Errors
    /// When there is no such slot.
    fn request(&mut self, slot: &str) -> Result<Ticket, ExecutorError>;

    /// The content asked for, once, when it has arrived.
    ///
    /// # Errors
    /// When the device is lost.
    fn collect(&mut self, ticket: Ticket) -> Result<Option<Vec<u8>>, ExecutorError>;

    /// Notices what has finished. Never waits.
    ///
    /// # Errors
    /// When the device is lost.
    fn poll(&mut self) -> Result<(), ExecutorError>;

    /// Waits until something has finished, where waiting is possible (not in a page).
    ///
    /// # Errors
    /// When the device is lost.
    fn wait(&mut self) -> Result<(), ExecutorError>;

    /// Wakes a task once something more has finished, at once where nothing is under way. For a page, where that comes by
    /// itself; elsewhere it is [`Executor::poll`] that notices.
    fn wake(&mut self, waker: &Waker) {
        waker.wake_by_ref();
    }
}

/// Times the steps of a replay by the device's own clock.
pub trait Stamps {
    /// Replays a plan once, as [`Executor::submit`] does, with a timestamp before and behind each of its steps.
    ///
    /// # Errors
    /// When the device is lost or refuses the timestamps.
    fn submit_stamped(&mut self, plan: PlanHandle) -> Result<Ticket, ExecutorError>;

    /// Seconds of each step of that replay, once, when they have arrived. None for a step of which the clock says nothing:
    /// a timestamp is missing, or the later is before the earlier; zero for one that is over within a tick of the clock. Of steps
    /// that are done together the first has the time of all, the others zero.
    ///
    /// # Errors
    /// When the device is lost.
    fn collect_stamped(&mut self, ticket: Ticket) -> Result<Option<Vec<Option<f64>>>, ExecutorError>;
}

/// Waits until every replay is done: for programs that may block.
///
/// # Errors
/// When the device is lost.
pub fn settle(executor: &mut dyn Executor) -> Result<(), ExecutorError> {
    while executor.in_flight() > 0 {
        executor.wait()?;
    }
    Ok(())
}

/// Tries kernels for what was announced, and waits until that is done: for programs that may block.
pub fn tune_now(executor: &mut dyn Executor) {
    loop {
        match executor.tune() {
            Tuned::Advanced => {}
            Tuned::Waiting => {
                // Where that fails so does what is tried, which then ends.
                let _ = executor.wait();
            }
            Tuned::Done => return,
        }
    }
}

/// Asks for a kept slot and waits for it: for programs that may block.
///
/// # Errors
/// As [`Executor::request`] and [`Executor::collect`].
pub fn read_now(executor: &mut dyn Executor, slot: &str) -> Result<Vec<u8>, ExecutorError> {
    let ticket = executor.request(slot)?;
    loop {
        if let Some(bytes) = executor.collect(ticket)? {
            return Ok(bytes);
        }
        executor.wait()?;
    }
}
