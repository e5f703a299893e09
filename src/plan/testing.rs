//! An executor for tests of what stands above executors: another one with less room, with accidents,
//! or with a clock.

use super::executor::{Adapter, Executor, ExecutorError, PlanHandle, Stamps, Ticket, Tuned};
use super::{Conv, Limits, Memory, Misfit, Plan};

/// A convolution that is worth a trial, and small enough for each of the ways to compute it.
pub const CONV: Conv = Conv {
    batch: 4,
    in_channels: 16,
    out_channels: 16,
    in_height: 16,
    in_width: 16,
    kernel_height: 3,
    kernel_width: 3,
    stride: 1,
    padding: 1,
    bias: false,
};

/// What happens before a submission.
pub type Accident<E> = Box<dyn FnMut(&mut E) -> Result<(), ExecutorError>>;

/// What the clock says of the steps of a replay, by its number from 0.
pub type Clock = Box<dyn FnMut(usize) -> Vec<Option<f64>>>;

/// `inner` with other limits, with accidents before submissions, and with a clock.
pub struct Wrapped<E> {
    inner: E,
    limits: Limits,
    before_submit: Accident<E>,
    clock: Option<Clock>,
    /// Replays by the clock, and looks at the last of them.
    stamped: [usize; 2],
    /// Plans that were announced, in order.
    pub announced: Vec<Plan>,
    /// How often it was told to find out about them.
    pub tuned: usize,
}

impl<E: Executor> Wrapped<E> {
    pub fn with_limits(inner: E, limits: Limits) -> Self {
        Self {
            inner,
            limits,
            before_submit: Box::new(|_| Ok(())),
            clock: None,
            stamped: [0; 2],
            announced: Vec::new(),
            tuned: 0,
        }
    }

    pub fn with_accidents(inner: E, before_submit: Accident<E>) -> Self {
        let limits = inner.limits();
        Self { before_submit, ..Self::with_limits(inner, limits) }
    }

    pub fn with_clock(inner: E, clock: Clock) -> Self {
        let limits = inner.limits();
        Self { clock: Some(clock), ..Self::with_limits(inner, limits) }
    }
}

impl<E: Executor> Executor for Wrapped<E> {
    fn adapter(&self) -> &Adapter {
        self.inner.adapter()
    }
    fn limits(&self) -> Limits {
        self.limits
    }
    fn memory(&self, plan: &Plan) -> Result<Memory, Misfit> {
        self.inner.memory(plan)
    }
    fn announce(&mut self, plan: &Plan) {
        self.announced.push(plan.clone());
        self.inner.announce(plan);
    }
    fn tune(&mut self) -> Tuned {
        self.tuned += 1;
        self.inner.tune()
    }
    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError> {
        self.fits(plan)?;
        self.inner.prepare(plan)
    }
    fn submit(&mut self, plan: PlanHandle) -> Result<(), ExecutorError> {
        (self.before_submit)(&mut self.inner)?;
        self.inner.submit(plan)
    }
    fn stamps(&mut self) -> Option<&mut dyn Stamps> {
        self.clock.is_some().then_some(self)
    }
    fn in_flight(&self) -> usize {
        self.inner.in_flight()
    }
    fn write(&mut self, slot: &str, word: usize, bytes: &[u8]) -> Result<(), ExecutorError> {
        self.inner.write(slot, word, bytes)
    }
    fn request(&mut self, slot: &str) -> Result<Ticket, ExecutorError> {
        self.inner.request(slot)
    }
    fn collect(&mut self, ticket: Ticket) -> Result<Option<Vec<u8>>, ExecutorError> {
        self.inner.collect(ticket)
    }
    fn poll(&mut self) -> Result<(), ExecutorError> {
        self.inner.poll()
    }
    fn wait(&mut self) -> Result<(), ExecutorError> {
        self.inner.wait()
    }
}

impl<E: Executor> Stamps for Wrapped<E> {
    fn submit_stamped(&mut self, plan: PlanHandle) -> Result<Ticket, ExecutorError> {
        self.stamped = [self.stamped[0] + 1, 0];
        self.submit(plan)?;
        Ok(Ticket(self.stamped[0] as u64))
    }
    /// Arrives at the second look.
    fn collect_stamped(&mut self, ticket: Ticket) -> Result<Option<Vec<Option<f64>>>, ExecutorError> {
        let [replays, looks] = &mut self.stamped;
        assert_eq!(ticket, Ticket(*replays as u64), "of the last replay");
        *looks += 1;
        let arrived = *looks == 2;
        Ok(self.clock.as_mut().filter(|_| arrived).map(|clock| clock(*replays - 1)))
    }
}
