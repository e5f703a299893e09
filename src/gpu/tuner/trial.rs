//! Trials: an operation done in each of its ways on the same random operands, with memory of its own. Nothing waits: a trial is
//! advanced, and looks whether what it submitted is done.

use super::super::executor::{Gpu, Kept, Prepared};
use super::super::health::Scope;
use super::super::lower::Loads;
use super::super::readback::Readback;
use super::{Question, WORTH_IT};
use crate::plan::random::pcg4d;
use crate::plan::{Access, Executor, ExecutorError, Op, Operand, Plan, PlanHandle, Residency, Ticket, Usage};
use std::collections::{HashMap, VecDeque};
use web_time::Instant;

/// Seconds of a submission in which what surrounds the operation does not count: browsers look only now and then whether one is
/// done.
const LONG_ENOUGH: f64 = if cfg!(target_arch = "wasm32") { 0.02 } else { 0.002 };
/// Most repetitions of an operation in a submission.
const MOST: f64 = if cfg!(target_arch = "wasm32") { 256.0 } else { 64.0 };
/// A rival that takes so many times as long as the fixed choice is not repeated.
const HOPELESS: f64 = 2.0;
/// Submissions, of which the fastest counts: other work on the machine takes its share of the others.
const TIMES: usize = 3;

/// What an operation came to in one way.
#[cfg_attr(test, derive(Clone))]
struct Outcome {
    /// All that it wrote.
    written: Vec<Vec<u8>>,
    /// Seconds of a submission of it alone.
    once: f64,
    /// Seconds of the operation.
    seconds: f64,
    /// Whether time ran out before it was timed as often as it should be.
    cut: bool,
}

/// How far a trial came.
pub(super) enum Tried {
    /// Something was done.
    Advanced,
    /// The device is computing.
    Waiting,
    /// The fastest way that writes the bits of the fixed choice, of those that were tried before time ran out.
    Decided {
        /// The choice.
        loads: Loads,
        /// Whether all ways were tried to the end.
        whole: bool,
    },
    /// None was tried before time ran out.
    Undecided,
}

/// An operation being tried, one way after the other.
#[derive(Default)]
pub(super) struct Trial {
    apart: Apart,
    outcomes: Vec<(Loads, Outcome)>,
    attempt: Option<Attempt>,
}

impl Trial {
    /// Whether it waits for a reading.
    pub(super) fn is_reading(&self) -> bool {
        !self.apart.readback.is_idle()
    }

    /// Does a little.
    pub(super) fn advance(
        &mut self,
        gpu: &mut Gpu,
        question: &Question,
        until: Instant,
    ) -> Result<Tried, ExecutorError> {
        gpu.poll()?;
        if gpu.in_flight() > 0 {
            return Ok(Tried::Waiting);
        }
        self.apart.check()?;
        let way = question.ways.get(self.outcomes.len());
        let Some(&(loads, _)) = way.filter(|_| self.attempt.is_some() || Instant::now() < until) else {
            let whole = self.outcomes.len() == question.ways.len() && self.outcomes.iter().all(|(_, way)| !way.cut);
            return Ok(pick(&self.outcomes).map_or(Tried::Undecided, |loads| Tried::Decided { loads, whole }));
        };
        let patience = patience(&self.outcomes);
        let attempt = self.attempt.take();
        let advanced = gpu.apart(&mut self.apart, loads, |gpu| match attempt {
            Some(attempt) => attempt.advance(gpu, patience, until),
            None => Attempt::begin(gpu, &question.op).map(Attempted::Advanced),
        })?;
        match advanced {
            Attempted::Advanced(attempt) => self.attempt = Some(attempt),
            Attempted::Waiting(attempt) => {
                self.attempt = Some(attempt);
                return Ok(Tried::Waiting);
            }
            Attempted::Done(outcome) => self.outcomes.push((loads, outcome)),
        }
        Ok(Tried::Advanced)
    }
}

/// What a trial has of an executor: slots, plans, readings, counts and what the driver says of them are no business of what is to
/// be prepared, and go with the trial, also when it fails.
#[derive(Default)]
struct Apart {
    kept: HashMap<String, Kept>,
    plans: Vec<Prepared>,
    readback: Readback,
    usage: Usage,
    scopes: Vec<Scope>,
}

impl Apart {
    /// An error where the driver has refused something by now.
    fn check(&mut self) -> Result<(), ExecutorError> {
        let refused = self.scopes.iter_mut().find_map(Scope::refusal);
        self.scopes.retain(|scope| !scope.heard);
        refused.map_or(Ok(()), Err)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // A browser would let go of them at some time.
        self.kept.values().for_each(|kept| kept.buffer.destroy());
        self.plans.iter().flat_map(|plan| &plan.own).for_each(wgpu::Buffer::destroy);
        self.readback.destroy();
    }
}

impl Gpu {
    /// Does something for a trial, with what that has and these loads.
    fn apart<T>(
        &mut self,
        apart: &mut Apart,
        loads: Loads,
        work: impl FnOnce(&mut Self) -> Result<T, ExecutorError>,
    ) -> Result<T, ExecutorError> {
        let (fixed, scopes) = (std::mem::replace(&mut self.loads, loads), std::mem::take(&mut self.scopes));
        self.exchange(apart);
        let done = self.guarded("try kernels", work).and_then(|done| done);
        self.exchange(apart);
        self.loads = fixed;
        apart.scopes.append(&mut std::mem::replace(&mut self.scopes, scopes));
        done
    }

    fn exchange(&mut self, apart: &mut Apart) {
        std::mem::swap(&mut self.kept, &mut apart.kept);
        std::mem::swap(&mut self.plans, &mut apart.plans);
        std::mem::swap(&mut self.readback, &mut apart.readback);
        std::mem::swap(&mut self.usage, &mut apart.usage);
    }
}

/// What was submitted last.
enum Stage {
    /// The operation for the first time, when a driver may still have to compile.
    First,
    /// Readings of what it wrote.
    Reading(VecDeque<Ticket>),
    /// The operation once, to learn how long it takes.
    Once,
    /// So often that the submission is long enough to count; so many of those that count are done.
    Repeated(usize),
}

/// An operation being done in one way.
struct Attempt {
    plan: Plan,
    handle: PlanHandle,
    /// Repetitions of the operation in a submission.
    times: f64,
    began: Instant,
    stage: Stage,
    outcome: Outcome,
}

/// How far an attempt came.
enum Attempted {
    Advanced(Attempt),
    Waiting(Attempt),
    Done(Outcome),
}

impl Attempt {
    /// Prepares an operation and submits it for the first time.
    fn begin(gpu: &mut Gpu, op: &Op) -> Result<Self, ExecutorError> {
        let plan = alone(op);
        let handle = gpu.prepare(&plan)?;
        for (number, operand) in op.operands().iter().enumerate() {
            gpu.write(operand.name, 0, bytemuck::cast_slice(&contents(number as u32, operand)))?;
        }
        let outcome = Outcome { written: Vec::new(), once: f64::INFINITY, seconds: f64::INFINITY, cut: false };
        let mut attempt = Self { plan, handle, times: 1.0, began: Instant::now(), stage: Stage::First, outcome };
        attempt.submit(gpu)?;
        Ok(attempt)
    }

    /// Goes on once what was submitted is done. What takes longer than `patience`, in seconds, is not repeated, nor is anything
    /// when time has run out.
    fn advance(mut self, gpu: &mut Gpu, patience: f64, until: Instant) -> Result<Attempted, ExecutorError> {
        let seconds = self.began.elapsed().as_secs_f64();
        match &mut self.stage {
            Stage::First => {
                self.stage = Stage::Reading(self.request(gpu)?);
                return Ok(Attempted::Waiting(self));
            }
            Stage::Reading(tickets) => {
                while let Some(ticket) = tickets.front() {
                    let Some(bytes) = gpu.collect(*ticket)? else { return Ok(Attempted::Waiting(self)) };
                    self.outcome.written.push(bytes);
                    tickets.pop_front();
                }
                self.stage = Stage::Once;
                self.submit(gpu)?;
                return Ok(Attempted::Advanced(self));
            }
            Stage::Once => {
                (self.outcome.once, self.outcome.seconds) = (seconds, seconds);
                self.outcome.cut = seconds <= patience && Instant::now() >= until;
                if seconds > patience || self.outcome.cut {
                    return Ok(Attempted::Done(self.outcome));
                }
                self.stage = Stage::Repeated(0);
                self.repeat(gpu, seconds)?;
            }
            Stage::Repeated(done) => {
                self.outcome.seconds = self.outcome.seconds.min(seconds / self.times);
                let counts = self.times >= MOST || seconds >= LONG_ENOUGH / 2.0;
                *done += usize::from(counts);
                self.outcome.cut = *done < TIMES && Instant::now() >= until;
                if *done == TIMES || self.outcome.cut {
                    return Ok(Attempted::Done(self.outcome));
                }
                if counts { self.submit(gpu)? } else { self.repeat(gpu, seconds)? }
            }
        }
        Ok(Attempted::Advanced(self))
    }

    /// Has the operation done so often in a submission that this takes long enough, where the last one took these seconds.
    fn repeat(&mut self, gpu: &mut Gpu, seconds: f64) -> Result<(), ExecutorError> {
        let times = (self.times * LONG_ENOUGH / seconds).ceil().clamp(self.times, MOST);
        if times > self.times {
            self.times = times;
            let steps = std::iter::repeat_n(&self.plan.steps, times as usize).flatten().cloned().collect();
            self.handle = gpu.prepare(&Plan { slots: self.plan.slots.clone(), steps })?;
        }
        self.submit(gpu)
    }

    fn submit(&mut self, gpu: &mut Gpu) -> Result<(), ExecutorError> {
        self.began = Instant::now();
        gpu.submit(self.handle)
    }

    /// Asks for all that the operation wrote.
    fn request(&self, gpu: &mut Gpu) -> Result<VecDeque<Ticket>, ExecutorError> {
        let operands = self.plan.steps.iter().flat_map(|step| step.op.operands());
        let written = operands.filter(|operand| operand.access != Access::Read);
        written.map(|operand| gpu.request(operand.name)).collect()
    }
}

/// Seconds that a submission of the next way alone may take: what surrounds a short operation is no less by the fixed choice.
fn patience(outcomes: &[(Loads, Outcome)]) -> f64 {
    outcomes.first().map_or(f64::INFINITY, |(_, by_rule)| HOPELESS * by_rule.once)
}

/// The fixed choice, which comes first, or the fastest of those that write its bits and are worth it.
fn pick(outcomes: &[(Loads, Outcome)]) -> Option<Loads> {
    let ((fixed, by_rule), rivals) = outcomes.split_first()?;
    let same = rivals.iter().filter(|(_, rival)| rival.written == by_rule.written);
    let best = same.min_by(|(_, a), (_, b)| a.seconds.total_cmp(&b.seconds));
    Some(best.filter(|(_, best)| best.seconds < WORTH_IT * by_rule.seconds).map_or(*fixed, |(loads, _)| *loads))
}

/// A plan of this operation alone, each operand a kept slot of its name.
fn alone(op: &Op) -> Plan {
    let mut plan = Plan::default();
    let mut view = |operand: &Operand| plan.kept(operand.name, operand.element, operand.len, Residency::Data);
    let views: Vec<_> = op.operands().iter().map(&mut view).collect();
    plan.push(*op, &views);
    plan
}

/// Random numbers from -1 to 1 for what is read, and no numbers for what is written, so that a word that a kernel leaves out
/// shows.
fn contents(number: u32, operand: &Operand) -> Vec<f32> {
    if operand.access == Access::Write {
        return vec![f32::NAN; operand.len];
    }
    let quads = (0..operand.len.div_ceil(4) as u32).flat_map(|quad| pcg4d([1, 0, quad, number]));
    quads.take(operand.len).map(|word| (word >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::AdapterChoice;
    use crate::plan::Linear;
    use std::time::Duration;

    fn outcome(written: u8, seconds: f64) -> Outcome {
        Outcome { written: vec![vec![written]], once: seconds, seconds, cut: false }
    }

    #[test]
    fn the_fastest_is_picked_of_those_that_write_the_same_bits() {
        let picked = |rivals: [(u8, f64); 2]| {
            let [a, b] = rivals.map(|(written, seconds)| outcome(written, seconds));
            pick(&[(Loads::Tiles, outcome(7, 1.0)), (Loads::SmallTiles, a), (Loads::LargeTiles, b)])
        };
        assert_eq!(picked([(7, 0.8), (7, 0.7)]), Some(Loads::LargeTiles));
        assert_eq!(picked([(7, 0.8), (8, 0.1)]), Some(Loads::SmallTiles), "other bits, however fast");
        assert_eq!(picked([(7, 0.97), (7, 1.5)]), Some(Loads::Tiles), "within the noise");
        assert_eq!(picked([(6, 0.1), (8, 0.1)]), Some(Loads::Tiles));
        assert_eq!(pick(&[]), None);
    }

    #[test]
    fn a_rival_is_hopeless_by_the_same_measure_as_the_fixed_choice() {
        assert_eq!(patience(&[]), f64::INFINITY);
        // Of an operation so short that a submission of it alone is mostly what surrounds it.
        let by_rule = Outcome { once: 1e-3, ..outcome(7, 1e-6) };
        assert_eq!(patience(&[(Loads::Tiles, by_rule), (Loads::SmallTiles, outcome(7, 1.0))]), 2e-3);
    }

    /// What an operation comes to by these loads.
    fn tried(gpu: &mut Gpu, op: &Op, loads: Loads, patience: f64) -> Outcome {
        tried_for(gpu, op, loads, patience, Duration::from_secs(60))
    }

    /// The same in so much time.
    fn tried_for(gpu: &mut Gpu, op: &Op, loads: Loads, patience: f64, time: Duration) -> Outcome {
        let (mut apart, mut attempt, until) = (Apart::default(), None, Instant::now() + time);
        loop {
            while gpu.in_flight() > 0 {
                gpu.wait().unwrap();
            }
            let advanced = gpu.apart(&mut apart, loads, |gpu| match attempt.take() {
                Some(attempt) => Attempt::advance(attempt, gpu, patience, until),
                None => Attempt::begin(gpu, op).map(Attempted::Advanced),
            });
            match advanced.unwrap() {
                Attempted::Advanced(under_way) => attempt = Some(under_way),
                Attempted::Waiting(under_way) => {
                    attempt = Some(under_way);
                    gpu.wait().unwrap();
                }
                Attempted::Done(outcome) => return outcome,
            }
        }
    }

    #[test]
    fn tiles_of_either_size_write_the_same_bits() {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        // Inner places in several chunks, sizes that no tile divides.
        let op = Op::LinearForward(Linear { batch: 70, inputs: 333, outputs: 67, bias: true });
        let written =
            [Loads::SmallTiles, Loads::LargeTiles, Loads::Tiles].map(|loads| tried(&mut gpu, &op, loads, 0.0).written);
        assert!(written[0] == written[1] && written[1] == written[2]);
        let numbers: Vec<f32> = bytemuck::pod_collect_to_vec(&written[0][0]);
        assert!(numbers.len() == 70 * 67 && numbers.iter().all(|number| number.is_finite() && *number != 0.0));
    }

    #[test]
    fn what_is_short_is_repeated_and_what_is_hopeless_is_not() {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        let op = Op::ReluForward(1 << 10);
        let Outcome { once, seconds, .. } = tried(&mut gpu, &op, Loads::Pages, f64::INFINITY);
        assert!(seconds < once, "of one among many: {seconds} s, alone: {once} s");
        let Outcome { once, seconds, .. } = tried(&mut gpu, &op, Loads::Pages, 0.0);
        assert_eq!(once, seconds);
    }

    #[test]
    fn what_time_cuts_short_is_told_from_what_is_hopeless() {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        let mut cut = |patience, time| tried_for(&mut gpu, &Op::ReluForward(1 << 10), Loads::Pages, patience, time).cut;
        assert!(cut(f64::INFINITY, Duration::ZERO));
        assert!(!cut(f64::INFINITY, Duration::from_secs(60)));
        assert!(!cut(0.0, Duration::ZERO), "it would not have been repeated anyway");
    }

    #[test]
    fn a_decision_is_whole_where_all_ways_were_tried_to_the_end() {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        let ways = [Loads::Tiles, Loads::SmallTiles].map(|loads| (loads, Vec::new()));
        let question = Question { op: Op::ReluForward(1 << 10), ways: ways.to_vec() };
        let mut decided = |outcomes: &[Outcome]| {
            let outcomes = ways.iter().map(|(loads, _)| *loads).zip(outcomes.iter().cloned()).collect();
            let mut trial = Trial { outcomes, ..Trial::default() };
            match trial.advance(&mut gpu, &question, Instant::now()) {
                Ok(Tried::Decided { loads, whole }) => Some((loads, whole)),
                _ => None,
            }
        };
        let (fixed, rival) = (outcome(7, 1.0), outcome(7, 0.5));
        assert_eq!(decided(&[]), None);
        assert_eq!(decided(std::slice::from_ref(&fixed)), Some((Loads::Tiles, false)), "the rival was not tried");
        assert_eq!(decided(&[fixed.clone(), rival.clone()]), Some((Loads::SmallTiles, true)));
        assert_eq!(decided(&[fixed, Outcome { cut: true, ..rival }]), Some((Loads::SmallTiles, false)));
    }
}
