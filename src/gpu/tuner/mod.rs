//! The tuner: which of several kernels is the fastest for an operation of this shape, by this adapter's own clock.
//!
//! When a plan is announced, each of its larger operations is to be run on random operands by the fixed choice and by its rivals
//! ([`Loads::rivals`]), the dearest operation first, until the budget is spent: of the operation that is then being tried the ways
//! tried so far are judged, all others keep the fixed choice, and it and they are tried when the program next runs. What was tried
//! to the end is remembered, by adapter, driver, shape, kernels and what compiles them, and so is what had the whole budget twice:
//! the first time a driver may have compiled kernels in it. All of this goes on a little at a time ([`Executor::tune`]): a program
//! may wait between, a page may not.
//!
//! A choice never changes a result. Equal seeds give equal bits, on one adapter and in a run that is resumed, whatever is
//! remembered there and however a measurement falls: a rival counts only if all that it writes has the bits of what the
//! fixed choice writes. So the tuner does not choose what decides the order of a sum, such as the chunks that inner places are
//! cut into, where more might be gained.

mod trial;

use super::executor::Gpu;
use super::kernels::Family;
use super::lower::{Dispatch, Loads, lower, scratch_words};
use crate::plan::{Adapter, Element, Executor, ExecutorError, Op, Plan, Tuned};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use trial::{Trial, Tried};
use web_time::Instant;

/// Time that one executor spends on tuning; a submission that has begun is ended.
const BUDGET: Duration = Duration::from_millis(1200);
/// Fewest floating-point operations for which a choice can matter: what takes microseconds anyway is not timed.
const LEAST_OPERATIONS: u64 = 1 << 20;
/// Most words of an operation's operands and scratch: they are in memory twice while it is tried, and what each way wrote. A page has less room.
const MOST_WORDS: usize = if cfg!(target_arch = "wasm32") { 16 << 20 } else { 64 << 20 };
/// What compiles the kernels, beside the driver: what their speed may depend on and their text does not tell. To be raised with
/// these crates, and whenever `pipelines.rs` compiles by other options.
const COMPILERS: &str = "wgpu 30.0.1, naga 30.0.1, options 1";
/// A rival is chosen if it takes less than this share of the fixed choice's time: below lies noise.
const WORTH_IT: f64 = 0.95;

/// What was found for an operation of some shape on some adapter.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Choice {
    /// The adapter and the operation in words, for people who read them.
    pub adapter: String,
    /// The operation with its shape.
    pub operation: String,
    /// What was the fastest.
    pub loads: Loads,
    /// Whether the whole budget was too short for it, once: it is tried again.
    pub again: bool,
}

/// Choices by what they depend on: adapter, driver, shape and kernels, as a hash.
pub type Choices = BTreeMap<String, Choice>;

/// Chooses kernels by their time.
pub struct Tuner {
    left: Duration,
    known: Choices,
    /// What was found and is still to be remembered.
    found: Choices,
    remember: Box<dyn Fn(&Choices)>,
    /// What is still to be found out.
    open: VecDeque<Question>,
    /// Whether the whole budget is left for the first of these.
    is_whole: bool,
    /// The first of these being tried.
    trial: Option<Trial>,
    /// Since when something is being found out.
    began: Option<Instant>,
}

impl Tuner {
    /// A tuner that knows earlier choices, and hands those that it makes to `remember`.
    pub fn new(known: Choices, remember: impl Fn(&Choices) + 'static) -> Self {
        let (remember, open, found) = (Box::new(remember), VecDeque::new(), Choices::new());
        Self { left: BUDGET, known, found, remember, open, is_whole: true, trial: None, began: None }
    }

    /// What is remembered of a question.
    fn known(&self, question: &Question, adapter: &Adapter) -> Option<Loads> {
        let choice = self.known.get(&question.key(adapter)).filter(|choice| !choice.again)?;
        question.ways.iter().any(|(way, _)| *way == choice.loads).then_some(choice.loads)
    }

    /// Whether a trial waits for a reading.
    pub(super) fn is_reading(&self) -> bool {
        self.trial.as_ref().is_some_and(Trial::is_reading)
    }

    fn advance(&mut self, gpu: &mut Gpu) -> Tuned {
        let Some(question) = self.open.front() else { return Tuned::Done };
        let until = *self.began.get_or_insert_with(Instant::now) + self.left;
        match self.trial.get_or_insert_default().advance(gpu, question, until) {
            Ok(Tried::Waiting) => return Tuned::Waiting,
            Ok(Tried::Advanced) => return Tuned::Advanced,
            Ok(Tried::Decided { loads, whole }) => self.decide(gpu, loads, whole),
            // What one operation is refused another need not be.
            Err(ExecutorError::Refused { .. } | ExecutorError::Misfit(_)) => drop(self.open.pop_front()),
            Ok(Tried::Undecided) | Err(_) => self.open.clear(),
        }
        (self.trial, self.is_whole) = (None, false);
        if !self.open.is_empty() {
            return Tuned::Advanced;
        }
        self.end();
        Tuned::Done
    }

    /// Answers the first question: for good where all ways were tried to the end, or the whole budget was too short again; else for
    /// this program.
    fn decide(&mut self, gpu: &mut Gpu, loads: Loads, whole: bool) {
        let Some(question) = self.open.pop_front() else { return };
        gpu.chosen.0.push((question.op, loads));
        if whole || self.is_whole {
            let (adapter, operation) = (gpu.adapter().to_string(), format!("{:?}", question.op));
            let key = question.key(gpu.adapter());
            let again = !whole && !self.known.contains_key(&key);
            self.found.insert(key, Choice { adapter, operation, loads, again });
        }
    }

    fn end(&mut self) {
        if !self.found.is_empty() {
            (self.remember)(&std::mem::take(&mut self.found));
        }
        let spent = self.began.take().map_or(Duration::ZERO, |began| began.elapsed());
        self.left = self.left.saturating_sub(spent);
    }
}

/// The operations that were decided, with what was decided.
#[derive(Debug, Default)]
pub(super) struct Chosen(Vec<(Op, Loads)>);

impl Chosen {
    pub fn of(&self, op: &Op) -> Option<Loads> {
        self.0.iter().find(|(other, _)| other == op).map(|(_, loads)| *loads)
    }
}

/// An operation that can be computed in several ways.
pub(super) struct Question {
    op: Op,
    /// The ways, the fixed choice first, and what the operation becomes by each.
    ways: Vec<(Loads, Vec<Dispatch>)>,
}

impl Question {
    /// The rivals that differ from the fixed choice, and take no more scratch memory: what fits a device keeps fitting.
    fn new(op: Op, fixed: Loads) -> Self {
        let mut ways = vec![(fixed, lower(&op, fixed))];
        for &loads in fixed.rivals() {
            let dispatches = lower(&op, loads);
            let fits = scratch_words(&dispatches) <= scratch_words(&ways[0].1);
            if fits && ways.iter().all(|(_, other)| *other != dispatches) {
                ways.push((loads, dispatches));
            }
        }
        Self { op, ways }
    }

    fn is_open(&self) -> bool {
        let operands = self.op.operands();
        let words: usize = operands.iter().map(|operand| operand.len).sum();
        let words = words + scratch_words(&self.ways[0].1);
        // Random words are no labels or places that a kernel could index by.
        let plain = operands.iter().all(|operand| operand.element == Element::F32);
        self.ways.len() > 1 && plain && words <= MOST_WORDS && self.op.cost().operations >= LEAST_OPERATIONS
    }

    /// What the answer depends on.
    fn key(&self, adapter: &Adapter) -> String {
        self.key_by(adapter, COMPILERS, Family::source)
    }

    /// The same by what compiles the kernels, and their text.
    fn key_by(&self, adapter: &Adapter, compilers: &str, source: impl Fn(Family) -> &'static str) -> String {
        let mut hash = Sha256::new();
        // The program's version stands for the contents that trials compute with, and for how they are timed.
        hash.update(format!("{}{compilers}{adapter}{:?}", env!("CARGO_PKG_VERSION"), self.ways));
        // A browser compiles kernels, too, and says nothing of the driver below it.
        #[cfg(target_arch = "wasm32")]
        hash.update(super::browser::agent());
        for dispatch in self.ways.iter().flat_map(|(_, dispatches)| dispatches) {
            hash.update(source(dispatch.kernel.family));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The questions that a plan asks, the dearest operation first.
fn questions(plan: &Plan, gpu: &Gpu) -> Vec<Question> {
    let mut ops: Vec<Op> = Vec::new();
    for step in &plan.steps {
        if gpu.chosen.of(&step.op).is_none() && !ops.contains(&step.op) {
            ops.push(step.op);
        }
    }
    ops.sort_by_key(|op| std::cmp::Reverse(op.cost().operations));
    ops.into_iter().map(|op| Question::new(op, gpu.loads)).filter(Question::is_open).collect()
}

impl Gpu {
    /// Has a tuner decide, for the plans announced from now on, where kernels have rivals.
    pub fn set_tuner(&mut self, tuner: Tuner) {
        self.tuner = Some(tuner);
    }

    /// Chooses for the operations of a plan what is remembered; the questions that are left.
    pub(super) fn recall(&mut self, plan: &Plan) -> Vec<Question> {
        let Some(tuner) = &self.tuner else { return Vec::new() };
        let (mut known, mut left) = (Vec::new(), Vec::new());
        for question in questions(plan, self) {
            match tuner.known(&question, self.adapter()) {
                Some(loads) => known.push((question.op, loads)),
                None => left.push(question),
            }
        }
        self.chosen.0.extend(known);
        left
    }

    /// Is to find out what a plan asks and is not remembered.
    pub(super) fn ask_about(&mut self, plan: &Plan) {
        if self.fits(plan).is_err() {
            return;
        }
        let left = self.recall(plan);
        let Some(tuner) = &mut self.tuner else { return };
        for question in left {
            if tuner.open.iter().all(|open| open.op != question.op) {
                tuner.open.push_back(question);
            }
        }
    }

    /// Does a little to find out what was asked.
    pub(super) fn try_kernels(&mut self) -> Tuned {
        // Plans that are tried are no questions.
        let Some(mut tuner) = self.tuner.take() else { return Tuned::Done };
        let tuned = tuner.advance(self);
        self.tuner = Some(tuner);
        tuned
    }
}

#[cfg(test)]
mod tests;
