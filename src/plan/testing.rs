//! An executor for tests of what stands above executors: another one with less room, or with
//! accidents.

use super::executor::{Adapter, Executor, ExecutorError, PlanHandle, Ticket};
use super::{Limits, Memory, Misfit, Plan};

/// What happens before a submission.
pub type Accident<E> = Box<dyn FnMut(&mut E) -> Result<(), ExecutorError>>;

/// `inner` with other limits, and with accidents before submissions.
pub struct Wrapped<E> {
    inner: E,
    limits: Limits,
    before_submit: Accident<E>,
}

impl<E: Executor> Wrapped<E> {
    pub fn with_limits(inner: E, limits: Limits) -> Self {
        Self { inner, limits, before_submit: Box::new(|_| Ok(())) }
    }

    pub fn with_accidents(inner: E, before_submit: Accident<E>) -> Self {
        Self { limits: inner.limits(), inner, before_submit }
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
    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError> {
        self.fits(plan)?;
        self.inner.prepare(plan)
    }
    fn submit(&mut self, plan: PlanHandle) -> Result<(), ExecutorError> {
        (self.before_submit)(&mut self.inner)?;
        self.inner.submit(plan)
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
