//! Trials: an operation done in each of its ways on the same random operands, with memory of its own.

use super::super::executor::Gpu;
use super::super::lower::Loads;
use super::{Question, WORTH_IT};
use crate::plan::executor::{read_now, settle};
use crate::plan::random::pcg4d;
use crate::plan::{Access, Executor, ExecutorError, Op, Operand, Plan, PlanHandle, Residency};
use std::time::Instant;

/// Seconds of a submission in which what surrounds the operation does not count.
const LONG_ENOUGH: f64 = 0.002;
/// Most repetitions of an operation in a submission.
const MOST: f64 = 64.0;
/// A rival that takes so many times as long as the fixed choice is not repeated.
const HOPELESS: f64 = 2.0;
/// Submissions, of which the fastest counts: other work on the machine takes its share of the others.
const TIMES: usize = 3;

/// What an operation came to in one way.
struct Outcome {
    /// All that it wrote.
    written: Vec<Vec<u8>>,
    seconds: f64,
}

impl Gpu {
    /// The fastest way that writes the bits of the fixed choice, of those that were tried before time ran out; none where none
    /// was.
    pub(super) fn fastest(&mut self, question: &Question, until: Instant) -> Result<Option<Loads>, ExecutorError> {
        // Slots, plans and counts of what is to be prepared are no trial's business.
        let (kept, plans, usage) = (std::mem::take(&mut self.kept), self.plans.len(), self.usage);
        let fixed = self.loads;
        let found = self.guarded("try kernels", |gpu| gpu.fastest_alone(question, until)).and_then(|found| found);
        self.kept = kept;
        self.plans.truncate(plans);
        self.usage = usage;
        self.loads = fixed;
        found
    }

    fn fastest_alone(&mut self, question: &Question, until: Instant) -> Result<Option<Loads>, ExecutorError> {
        let mut outcomes: Vec<(Loads, Outcome)> = Vec::new();
        for &(loads, _) in &question.ways {
            if Instant::now() >= until {
                break;
            }
            self.loads = loads;
            let by_rule = outcomes.first().map_or(f64::INFINITY, |(_, by_rule)| by_rule.seconds);
            let outcome = self.outcome(&question.op, HOPELESS * by_rule, until)?;
            outcomes.push((loads, outcome));
        }
        Ok(pick(&outcomes))
    }

    /// What the present loads come to; what takes longer than `patience`, in seconds, is not repeated.
    fn outcome(&mut self, op: &Op, patience: f64, until: Instant) -> Result<Outcome, ExecutorError> {
        let (plan, operands) = (alone(op), op.operands());
        let handle = self.prepare(&plan)?;
        for (number, operand) in operands.iter().enumerate() {
            self.write(operand.name, 0, bytemuck::cast_slice(&contents(number as u32, operand)))?;
        }
        // The first time a driver may still have to compile.
        self.timed(handle)?;
        let written = operands.iter().filter(|operand| operand.access != Access::Read);
        let written = written.map(|operand| read_now(self, operand.name)).collect::<Result<_, _>>()?;
        Ok(Outcome { written, seconds: self.seconds(&plan, handle, patience, until)? })
    }

    /// Seconds of a plan of one step: the fastest of a few submissions that are long enough, or of those that time is left for.
    fn seconds(
        &mut self,
        plan: &Plan,
        handle: PlanHandle,
        patience: f64,
        until: Instant,
    ) -> Result<f64, ExecutorError> {
        let mut best = self.timed(handle)?;
        if best > patience {
            return Ok(best);
        }
        let times = (LONG_ENOUGH / best).ceil().clamp(1.0, MOST);
        let steps = std::iter::repeat_n(&plan.steps, times as usize).flatten().cloned().collect();
        let handle = self.prepare(&Plan { slots: plan.slots.clone(), steps })?;
        for _ in 0..TIMES {
            if Instant::now() < until {
                best = best.min(self.timed(handle)? / times);
            }
        }
        Ok(best)
    }

    fn timed(&mut self, handle: PlanHandle) -> Result<f64, ExecutorError> {
        let began = Instant::now();
        self.submit(handle)?;
        settle(self)?;
        Ok(began.elapsed().as_secs_f64())
    }
}

/// The fixed choice, which comes first, or the fastest of those that write its bits and are worth it.
fn pick(outcomes: &[(Loads, Outcome)]) -> Option<Loads> {
    let ((fixed, by_rule), rivals) = outcomes.split_first()?;
    let same = rivals.iter().filter(|(_, rival)| rival.written == by_rule.written);
    let best = same.min_by(|(_, a), (_, b)| a.seconds.total_cmp(&b.seconds));
    Some(best.filter(|(_, best)| best.seconds <= WORTH_IT * by_rule.seconds).map_or(*fixed, |(loads, _)| *loads))
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

    fn outcome(written: u8, seconds: f64) -> Outcome {
        Outcome { written: vec![vec![written]], seconds }
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
    fn tiles_of_either_size_write_the_same_bits() {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        // Inner places in several chunks, sizes that no tile divides.
        let op = Op::LinearForward(Linear { batch: 70, inputs: 333, outputs: 67, bias: true });
        let written = [Loads::SmallTiles, Loads::LargeTiles, Loads::Tiles].map(|loads| {
            gpu.loads = loads;
            gpu.outcome(&op, 0.0, Instant::now()).unwrap().written
        });
        assert!(written[0] == written[1] && written[1] == written[2]);
        let numbers: Vec<f32> = bytemuck::pod_collect_to_vec(&written[0][0]);
        assert!(numbers.len() == 70 * 67 && numbers.iter().all(|number| number.is_finite() && *number != 0.0));
    }
}
