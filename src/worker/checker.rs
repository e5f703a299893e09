//! The check of a device against the f64 reference, beside a run.

use super::aside::Own;
use super::message::{Agreement, Message};
use super::work::Next;
use crate::check::{Check, Progress};
use std::task::Waker;
use std::time::Duration;
use web_time::Instant;

/// Share of the time that a check takes beside a run under way: training takes a tenth longer meanwhile.
const SHARE: f64 = 1.0 / 11.0;
/// Time between messages.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// A check under way.
pub(super) struct Checker {
    own: Own,
    check: Check,
    duty: Duty,
    /// Since when the case under way has been.
    began: Option<Instant>,
    told_at: Option<Instant>,
    agreement: Agreement,
}

impl Checker {
    /// A check of every kernel.
    pub(super) fn new(own: Own) -> Self {
        Self::of(own, Check::new())
    }

    fn of(own: Own, check: Check) -> Self {
        let (duty, agreement) = (Duty::new(), Agreement::default());
        Self { own, check, duty, began: None, told_at: None, agreement }
    }

    /// Does a little: at most a case where it has the machine to itself, so that commands are heard in between, else what
    /// its share of the time allows. Idle when it is over.
    pub(super) fn advance(&mut self, alone: bool, tell: &dyn Fn(Message)) -> Next {
        if alone {
            self.duty = Duty::new();
        }
        loop {
            if self.began.is_none() && !alone && !self.duty.allows() {
                return Next::Waiting;
            }
            let next = self.step().unwrap_or_else(|why| {
                (self.agreement.over, self.agreement.trouble) = (true, Some(why));
                Next::Idle
            });
            self.tell(tell);
            if next != Next::Working || (alone && self.began.is_none()) {
                return next;
            }
        }
    }

    /// Begins a case, or looks whether it is done.
    fn step(&mut self) -> Result<Next, String> {
        let Some(executor) = self.own.get()? else { return Ok(Next::Waiting) };
        let began = *self.began.get_or_insert_with(Instant::now);
        let before = self.check.progress().0;
        let progress = self.check.advance(executor).map_err(|error| error.to_string())?;
        let (done, of) = self.check.progress();
        self.agreement.adapter = executor.adapter().clone();
        self.agreement.cases = [done, of];
        self.agreement.over = done == of;
        if done > before {
            self.duty.spent += began.elapsed();
            self.began = None;
            self.own.renew();
        }
        match progress {
            Progress::Waiting => return Ok(Next::Waiting),
            Progress::Kernel(row) => self.agreement.rows.push(row),
            Progress::Advanced | Progress::Done => {}
        }
        Ok(if self.agreement.over { Next::Idle } else { Next::Working })
    }

    /// Tells now and then, and at the end.
    fn tell(&mut self, tell: &dyn Fn(Message)) {
        if self.agreement.over || self.told_at.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told_at = Some(Instant::now());
            tell(Message::Checked(Box::new(self.agreement.clone())));
        }
    }

    /// Waits for its device.
    pub(super) fn wait(&mut self) {
        self.own.wait();
    }

    /// Wakes a task once its device has finished something.
    pub(super) fn wake(&mut self, waker: &Waker) {
        self.own.wake(waker);
    }
}

/// Keeps to a share of the time.
struct Duty {
    since: Instant,
    spent: Duration,
}

impl Duty {
    fn new() -> Self {
        Self { since: Instant::now(), spent: Duration::ZERO }
    }

    fn allows(&self) -> bool {
        self.spent.as_secs_f64() <= SHARE * self.since.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests;
