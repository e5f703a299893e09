//! The tuner: which of several kernels is the fastest for an operation of this shape, by this adapter's own clock.
//!
//! When a plan is prepared, each of its larger operations is run on random operands by the fixed choice and by its rivals
//! ([`Loads::rivals`]), the dearest operation first, until the budget is spent: of the operation that is then being tried the ways
//! tried so far are judged, all others keep the fixed choice and are tried when the program next runs. What was found is
//! remembered by adapter, driver, shape and the text of the kernels.
//!
//! A choice never changes a result. Equal seeds give equal bits, on one adapter and in a run that is resumed, whatever is
//! remembered there and however a measurement falls: a rival counts only if all that it writes has the bits of what the
//! fixed choice writes. So the tuner does not choose what decides the order of a sum, such as the chunks that inner places are
//! cut into, where more might be gained.

mod trial;

use super::executor::{Gpu, scratch_words};
use super::lower::{Dispatch, Loads, lower};
use crate::plan::{Adapter, Element, Executor, ExecutorError, Op, Plan};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Time that one executor spends on tuning; a trial that has begun is ended.
const BUDGET: Duration = Duration::from_millis(1200);
/// Fewest floating-point operations for which a choice can matter: what takes microseconds anyway is not timed.
const LEAST_OPERATIONS: u64 = 1 << 20;
/// Most words of an operation's operands: they are in memory twice while it is tried.
const MOST_WORDS: usize = 64 << 20;
/// A rival is chosen if it takes at most this share of the fixed choice's time: below lies noise.
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
}

/// Choices by what they depend on: adapter, driver, shape and kernels, as a hash.
pub type Choices = BTreeMap<String, Choice>;

/// Chooses kernels by their time.
pub struct Tuner {
    left: Duration,
    known: Choices,
    remember: Box<dyn Fn(&Choices)>,
}

impl Tuner {
    /// A tuner that knows earlier choices, and hands those that it makes to `remember`.
    pub fn new(known: Choices, remember: impl Fn(&Choices) + 'static) -> Self {
        Self { left: BUDGET, known, remember: Box::new(remember) }
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
struct Question {
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
        // Random words are no labels or places that a kernel could index by.
        let plain = operands.iter().all(|operand| operand.element == Element::F32);
        self.ways.len() > 1 && plain && words <= MOST_WORDS && self.op.cost().operations >= LEAST_OPERATIONS
    }

    /// What the answer depends on.
    fn key(&self, adapter: &Adapter) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{adapter}{:?}", self.ways));
        for dispatch in self.ways.iter().flat_map(|(_, dispatches)| dispatches) {
            hash.update(dispatch.kernel.family.source());
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
    /// Has a tuner decide, for the plans prepared from now on, where kernels have rivals.
    pub fn set_tuner(&mut self, tuner: Tuner) {
        self.tuner = Some(tuner);
    }

    /// Decides how the operations of a plan that fits are computed: as remembered, else by trial while time is left. Waits.
    ///
    /// # Errors
    /// When the plan does not fit. What goes wrong in a trial leaves the fixed choice; a device that was lost in it is
    /// found lost by whatever is done next.
    pub(super) fn tune(&mut self, plan: &Plan) -> Result<(), ExecutorError> {
        let Some(mut tuner) = self.tuner.take() else { return Ok(()) };
        let fits = self.fits(plan);
        if fits.is_ok() {
            let began = Instant::now();
            self.decide(questions(plan, self), &mut tuner);
            tuner.left = tuner.left.saturating_sub(began.elapsed());
            self.usage.tuning += began.elapsed();
        }
        self.tuner = Some(tuner);
        fits.map(|_| ()).map_err(ExecutorError::from)
    }

    fn decide(&mut self, questions: Vec<Question>, tuner: &mut Tuner) {
        let until = Instant::now() + tuner.left;
        let mut found = Choices::new();
        for question in questions {
            let key = question.key(self.adapter());
            let known = tuner.known.get(&key).map(|choice| choice.loads);
            let known = known.filter(|loads| question.ways.iter().any(|(way, _)| way == loads));
            let loads = match known {
                Some(loads) => loads,
                None => match self.fastest(&question, until) {
                    Ok(Some(loads)) => loads,
                    Ok(None) => continue,
                    Err(_) => break,
                },
            };
            if known.is_none() {
                let (adapter, operation) = (self.adapter().to_string(), format!("{:?}", question.op));
                found.insert(key, Choice { adapter, operation, loads });
            }
            self.chosen.0.push((question.op, loads));
        }
        if !found.is_empty() {
            (tuner.remember)(&found);
        }
    }
}

#[cfg(test)]
mod tests;
