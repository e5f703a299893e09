//! What the driver reports beside the calls: why nothing goes on, what is done, and what it refuses.

use crate::plan::ExecutorError;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// What callbacks report: why nothing goes on, and replays done.
pub(super) struct Health {
    failure: Mutex<Option<ExecutorError>>,
    /// What is being attempted, for the words of what the driver refuses outside of a scope.
    attempt: Mutex<&'static str>,
    done: AtomicUsize,
    /// Who wants to know that something has finished.
    waiting: Mutex<Option<Waker>>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            failure: Mutex::new(None),
            attempt: Mutex::new("open the device"),
            done: AtomicUsize::new(0),
            waiting: Mutex::new(None),
        }
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    /// Whom to wake at the next thing that finishes.
    pub(super) fn wake_later(&self, waker: &Waker) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    /// Replays done.
    pub(super) fn done(&self) -> usize {
        self.done.load(Ordering::Acquire)
    }

    pub(super) fn note_done(&self) {
        self.done.fetch_add(1, Ordering::Release);
        self.wake();
    }

    /// A lost device explains whatever was refused before.
    pub(super) fn note_lost(&self, why: String) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*failure, Some(ExecutorError::Lost(_))) {
            *failure = Some(ExecutorError::Lost(why));
        }
        self.wake();
    }

    pub(super) fn note_refused(&self, why: String) {
        let what = (*self.attempt.lock().unwrap_or_else(PoisonError::into_inner)).to_owned();
        self.note(ExecutorError::Refused { what, why });
    }

    /// The first failure counts.
    pub(super) fn note(&self, failed: ExecutorError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failed);
    }

    pub(super) fn attempt(&self, what: &'static str) {
        *self.attempt.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    pub(super) fn check(&self) -> Result<(), ExecutorError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map_or(Ok(()), Err)
    }
}

/// What the driver will say of some work: at once on the desktop, after a while in a page.
pub(super) struct Scope {
    what: &'static str,
    error: Pin<Box<dyn Future<Output = Option<wgpu::Error>>>>,
    pub(super) heard: bool,
}

impl Scope {
    pub(super) fn new(what: &'static str, error: impl Future<Output = Option<wgpu::Error>> + 'static) -> Self {
        Self { what, error: Box::pin(error), heard: false }
    }

    /// Why the driver refused the work, if it did and has said so.
    pub(super) fn refusal(&mut self) -> Option<ExecutorError> {
        let Poll::Ready(error) = self.error.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { return None };
        self.heard = true;
        error.map(|error| ExecutorError::Refused { what: self.what.to_owned(), why: error.to_string() })
    }
}
