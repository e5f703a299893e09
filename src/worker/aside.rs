//! What is done beside a run, on devices of its own, so that nothing of the run is touched: the check against the reference,
//! and the time of each kind of step.
//!
//! The check goes on beside a run that trains, in pieces of a case, for at most a tenth of the run's own time, and at full
//! speed where the run rests. The measurement has the machine to itself: training stands still for its second or two.

use super::checker::Checker;
use super::measuring::Measuring;
use super::message::{Agreement, Message, Passes};
use super::work::{Next, OpenDevice, Tell};
use crate::bench::Workload;
use crate::nn::Loss;
use crate::plan::Executor;
use std::task::Waker;

/// Bytes that a device of its own may have taken before it is opened anew.
const MOST_BYTES: u64 = 256 << 20;

/// A device of its own, opened when it is first needed.
pub(super) struct Own {
    open: OpenDevice,
    device: String,
    executor: Option<Box<dyn Executor>>,
}

impl Own {
    /// One of this name, still closed.
    pub(super) fn new(open: OpenDevice, device: &str) -> Self {
        Self { open, device: device.to_owned(), executor: None }
    }

    /// The device; nothing while it is being opened.
    ///
    /// # Errors
    /// Why it does not open, in words.
    pub(super) fn get(&mut self) -> Result<Option<&mut dyn Executor>, String> {
        if self.executor.is_none() {
            self.executor = (self.open)(&self.device)?.map(|opened| opened.executor);
        }
        Ok(match &mut self.executor {
            Some(executor) => Some(&mut **executor),
            None => None,
        })
    }

    /// Closes it, where it has taken much memory: kept slots stay as long as their device.
    pub(super) fn renew(&mut self) {
        self.executor = self.executor.take().filter(|executor| executor.usage().allocated_bytes < MOST_BYTES);
    }

    /// Waits until it has finished something. That it failed shows when it is next asked for something.
    pub(super) fn wait(&mut self) {
        if let Some(executor) = &mut self.executor {
            let _ = executor.wait();
        }
    }

    /// Wakes a task once it has finished something.
    pub(super) fn wake(&mut self, waker: &Waker) {
        if let Some(executor) = &mut self.executor {
            executor.wake(waker);
        }
    }
}

/// What is done beside a run.
pub(super) struct Aside {
    open: OpenDevice,
    tell: Tell,
    checker: Option<Checker>,
    measuring: Option<Measuring>,
    /// Whether nothing else is to be done.
    alone: bool,
}

impl Aside {
    /// Nothing yet.
    pub(super) fn new(open: OpenDevice, tell: Tell) -> Self {
        Self { open, tell, checker: None, measuring: None, alone: false }
    }

    /// Checks the device of this name, unless a check is under way.
    pub(super) fn check(&mut self, device: &str) {
        let own = Own::new(self.open.clone(), device);
        self.checker.get_or_insert_with(|| Checker::new(own));
    }

    /// Times the steps of these losses on the device of this name, unless that is under way.
    pub(super) fn measure(&mut self, device: &str, workload: Workload, losses: Vec<Loss>) {
        let own = Own::new(self.open.clone(), device);
        self.measuring.get_or_insert_with(|| Measuring::new(own, workload, losses));
    }

    /// Gives up what is under way, and says so.
    pub(super) fn clear(&mut self) {
        let trouble = Some("it was given up for another run".to_owned());
        if self.checker.take().is_some() {
            let agreement = Agreement { over: true, trouble: trouble.clone(), ..Agreement::default() };
            (self.tell)(Message::Checked(Box::new(agreement)));
        }
        if self.measuring.take().is_some() {
            (self.tell)(Message::Measured(Box::new(Passes { over: true, trouble, ..Passes::default() })));
        }
    }

    /// Does a little of what has the machine to itself; nothing where there is nothing of the kind.
    pub(super) fn hold(&mut self) -> Option<Next> {
        let next = self.measuring.as_mut()?.advance(&*self.tell);
        self.alone = true;
        if next == Next::Idle {
            self.measuring = None;
        }
        Some(if next == Next::Waiting { next } else { Next::Working })
    }

    /// Does a little beside a run that has come to `next`.
    pub(super) fn advance(&mut self, next: Next) -> Next {
        self.alone = next == Next::Idle;
        let Some(checker) = &mut self.checker else { return next };
        let checked = checker.advance(self.alone, &*self.tell);
        if checked == Next::Idle {
            self.checker = None;
        }
        match checked {
            Next::Waiting if self.alone => Next::Waiting,
            _ if self.alone => Next::Working,
            _ => next,
        }
    }

    /// Waits for its device, where nothing else is to be waited for: whether it did.
    pub(super) fn wait(&mut self) -> bool {
        if !self.alone {
            return false;
        }
        match (&mut self.measuring, &mut self.checker) {
            (Some(measuring), _) => measuring.wait(),
            (None, Some(checker)) => checker.wait(),
            (None, None) => return false,
        }
        true
    }

    /// As [`Aside::wait`], but wakes a task.
    pub(super) fn wake(&mut self, waker: &Waker) -> bool {
        if !self.alone {
            return false;
        }
        match (&mut self.measuring, &mut self.checker) {
            (Some(measuring), _) => measuring.wake(waker),
            (None, Some(checker)) => checker.wake(waker),
            (None, None) => return false,
        }
        true
    }
}
