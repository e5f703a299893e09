//! A plan as works: a step, or two of which the second alone reads what the first writes and that are done together.

use super::conv3x3;
use super::{Argument, Dispatch, Loads, lower};
use crate::plan::memory::lifetimes;
use crate::plan::{Memory, Op, Plan, Residency, Step, View};

/// Steps that are done together, and their dispatches.
pub struct Work {
    /// The first step.
    pub step: usize,
    /// The views of all its steps in a row, which the dispatches' operands number.
    pub views: Vec<View>,
    /// What is to be done.
    pub dispatches: Vec<Dispatch>,
}

impl Work {
    /// The views that something is bound to.
    fn bound(&self) -> impl Iterator<Item = View> + '_ {
        let arguments = self.dispatches.iter().flat_map(|dispatch| &dispatch.arguments);
        arguments.filter_map(|argument| match *argument {
            Argument::Operand(operand) | Argument::Page { operand, .. } => Some(self.views[operand]),
            Argument::Scratch { .. } | Argument::Shape(_) => None,
        })
    }
}

/// The works of a plan in order; `loads` tells out of which memory an operation's kernels read.
pub fn works(plan: &Plan, loads: impl Fn(&Op) -> Loads) -> Vec<Work> {
    let mut works = Vec::new();
    let mut step = 0;
    while let Some(first) = plan.steps.get(step) {
        let loads = loads(&first.op);
        let together = plan.steps.get(step + 1).and_then(|second| fused(plan, [first, second], loads));
        let (count, dispatches) = together.map_or_else(|| (1, lower(&first.op, loads)), |both| (2, both));
        let views = plan.steps[step..step + count].iter().flat_map(|step| step.views.iter().copied()).collect();
        works.push(Work { step, views, dispatches });
        step += count;
    }
    works
}

/// The dispatches of two steps in one go: of a convolution and the pooling of its ReLU, where nobody else looks at what passes
/// from one to the other, nothing that is read is written over, and there is a kernel for both.
fn fused(plan: &Plan, [first, second]: [&Step; 2], loads: Loads) -> Option<Vec<Dispatch>> {
    let (Op::ConvForward(conv), Op::MaxPoolReluForward(pool)) = (first.op, second.op) else { return None };
    let passed = *first.views.last()?;
    let users = plan.steps.iter().flat_map(|step| &step.views).filter(|view| view.slot == passed.slot).count();
    let transient = plan.slots[passed.slot.0].residency == Residency::Transient;
    let alone = transient && second.views[0] == passed && users == 2;
    let apart = second.views[1..].iter().all(|written| first.views.iter().all(|read| read.slot != written.slot));
    if alone && apart { conv3x3::forward_pooled(&conv, &pool, loads) } else { None }
}

/// Where a plan's slots lie. What passes from one step of a work to the other is nowhere.
pub fn memory(plan: &Plan, works: &[Work]) -> Memory {
    let uses = works.iter().enumerate().flat_map(|(number, work)| work.bound().map(move |view| (number, view)));
    let scratch_words = works.iter().map(|work| scratch_words(&work.dispatches)).max().unwrap_or(0);
    Memory { scratch_words, ..Memory::with_lifetimes(plan, &lifetimes(plan, uses)) }
}

/// Words of scratch memory that the dispatches of a work share.
pub fn scratch_words(dispatches: &[Dispatch]) -> usize {
    let end = |argument: &Argument| match *argument {
        Argument::Scratch { offset, len } => offset + len,
        Argument::Operand(_) | Argument::Page { .. } | Argument::Shape(_) => 0,
    };
    dispatches.iter().flat_map(|dispatch| &dispatch.arguments).map(end).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::shape::{Conv, Pool};
    use crate::plan::{Element, Residency};

    fn conv() -> Conv {
        Conv {
            batch: 2,
            in_channels: 3,
            out_channels: 16,
            in_height: 8,
            in_width: 8,
            kernel_height: 3,
            kernel_width: 3,
            stride: 1,
            padding: 1,
            bias: false,
        }
    }

    fn pool() -> Pool {
        Pool { planes: 32, in_height: 8, in_width: 8, window_height: 2, window_width: 2, stride: 2, padding: 0 }
    }

    /// Images that are written, convolved and pooled.
    fn plan(passed: Residency, pool: Pool) -> Plan {
        let conv = conv();
        let mut plan = Plan::default();
        let images = plan.transient("images", Element::F32, conv.input_len());
        let weight = plan.kept("weight", Element::F32, conv.weight_len(), Residency::State);
        let passed = match passed {
            Residency::Transient => plan.transient("passed", Element::F32, conv.output_len()),
            kept => plan.kept("passed", Element::F32, conv.output_len(), kept),
        };
        let output = plan.transient("output", Element::F32, pool.output_len());
        let argmax = plan.transient("argmax", Element::U32, pool.output_len());
        let zeros = plan.kept("zeros", Element::F32, images.len, Residency::Data);
        plan.push(Op::Add(images.len), &[zeros, zeros, images]);
        plan.push(Op::ConvForward(conv), &[images, weight, passed]);
        plan.push(Op::MaxPoolReluForward(pool), &[passed, output, argmax]);
        plan
    }

    fn steps(plan: &Plan, loads: Loads) -> Vec<usize> {
        works(plan, |_| loads).iter().map(|work| work.step).collect()
    }

    #[test]
    fn pooling_is_done_with_the_convolution_where_nobody_else_looks() {
        let alone = plan(Residency::Transient, pool());
        assert_eq!(steps(&alone, Loads::Pages), [0, 1]);
        assert_eq!(steps(&alone, Loads::Storage), [0, 1]);
        assert_eq!(steps(&alone, Loads::Tiles), [0, 1, 2], "tiles have no such kernel");
        assert_eq!(steps(&plan(Residency::Data, pool()), Loads::Pages), [0, 1, 2], "somebody may read it afterwards");
        let other = Pool { in_height: 4, in_width: 16, ..pool() };
        assert_eq!(steps(&plan(Residency::Transient, other), Loads::Pages), [0, 1, 2], "windows of other rows");
        let mut over = plan(Residency::Transient, pool());
        over.steps[2].views[1].slot = over.steps[1].views[0].slot;
        assert_eq!(steps(&over, Loads::Pages), [0, 1, 2], "the images are written over");
        let mut watched = alone;
        let passed = watched.steps[2].views[0];
        let sum = watched.transient("sum", Element::F32, passed.len);
        watched.push(Op::Add(passed.len), &[passed, passed, sum]);
        assert_eq!(steps(&watched, Loads::Pages), [0, 1, 2, 3]);
    }

    #[test]
    fn what_passes_takes_no_memory_and_results_do_not_lie_on_what_is_read() {
        let plan = plan(Residency::Transient, pool());
        let memory = memory(&plan, &works(&plan, |_| Loads::Pages));
        let block = |name: &str| memory.block_of[plan.slots.iter().position(|slot| slot.name == name).unwrap()];
        assert_eq!(block("passed"), None);
        assert!(block("images").is_some() && block("output").is_some());
        assert_ne!(block("images"), block("output"));
    }
}
