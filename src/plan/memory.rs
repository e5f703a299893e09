//! Where a plan's slots lie: kept slots by name, transient slots in blocks that are shared by
//! those whose lifetimes do not meet.

use super::{Plan, Residency, SlotId, View};

/// The block and the lifetime of a transient slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tenancy {
    block: usize,
    last_use: usize,
}

/// The memory of one plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Length in words of each shared block.
    pub blocks: Vec<usize>,
    /// The block of each slot; none for kept slots and for slots that nothing needs memory for.
    pub block_of: Vec<Option<usize>>,
    /// Words of kept slots.
    pub kept_words: usize,
    /// Words that an executor's kernels need besides; see [`super::Executor::memory`].
    pub scratch_words: usize,
}

impl Memory {
    /// Assigns transient slots to blocks, first come first served: a slot takes the free block
    /// that wastes least, or grows the largest free one, or opens a new one.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self::with_lifetimes(plan, &lifetimes(plan, uses(plan)))
    }

    /// The same for lifetimes that are known: the first and the last use of each slot, in any count
    /// of time. Slots without one take no block.
    #[must_use]
    pub fn with_lifetimes(plan: &Plan, lifetimes: &[Option<(usize, usize)>]) -> Self {
        let mut memory = Self { block_of: vec![None; plan.slots.len()], ..Self::default() };
        let mut tenants: Vec<Tenancy> = Vec::new();
        let mut by_birth: Vec<usize> = (0..plan.slots.len()).collect();
        by_birth.sort_by_key(|&slot| lifetimes[slot]);
        for slot in by_birth {
            if plan.slots[slot].residency != Residency::Transient {
                memory.kept_words += plan.slots[slot].len;
            } else if let Some((birth, last_use)) = lifetimes[slot] {
                tenants.retain(|tenant| tenant.last_use >= birth);
                let block = memory.take(&tenants, plan.slots[slot].len);
                tenants.push(Tenancy { block, last_use });
                memory.block_of[slot] = Some(block);
            }
        }
        memory
    }

    /// A block of at least `len` words that no living tenant holds.
    fn take(&mut self, tenants: &[Tenancy], len: usize) -> usize {
        let free = |block: &usize| tenants.iter().all(|tenant| tenant.block != *block);
        let waste = |block: &usize| {
            let size = self.blocks[*block];
            (size < len, size.abs_diff(len))
        };
        let best = (0..self.blocks.len()).filter(free).min_by_key(waste);
        let block = best.unwrap_or_else(|| {
            self.blocks.push(0);
            self.blocks.len() - 1
        });
        self.blocks[block] = self.blocks[block].max(len);
        block
    }

    /// Bytes of kept slots, shared blocks and scratch together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        4 * (self.kept_words + self.blocks.iter().sum::<usize>() + self.scratch_words) as u64
    }

    /// Itself, where it is no more than the device has.
    pub(super) fn within(self, limits: Limits) -> Result<Self, Misfit> {
        match limits.total_bytes {
            Some(limit) if self.bytes() > limit => Err(Misfit::Total { needed: self.bytes(), limit }),
            _ => Ok(self),
        }
    }
}

/// Which step uses which views.
fn uses(plan: &Plan) -> impl Iterator<Item = (usize, View)> + '_ {
    let steps = plan.steps.iter().enumerate();
    steps.flat_map(|(number, step)| step.views.iter().map(move |view| (number, *view)))
}

/// First and last use of each slot, by uses in the order of their times: in what count of time, its caller knows.
pub(crate) fn lifetimes(plan: &Plan, uses: impl Iterator<Item = (usize, View)>) -> Vec<Option<(usize, usize)>> {
    let mut lifetimes = vec![None; plan.slots.len()];
    for (time, view) in uses {
        let SlotId(slot) = view.slot;
        let first = lifetimes[slot].map_or(time, |(first, _)| first);
        lifetimes[slot] = Some((first, time));
    }
    lifetimes
}

/// What a device offers to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest binding in bytes; 128 MiB by WebGPU's default.
    pub binding_bytes: u64,
    /// Largest data set that is to lie on the device as a whole; a larger one comes batch by batch.
    pub resident_bytes: u64,
    /// Memory for everything, where it is known.
    pub total_bytes: Option<u64>,
}

/// Why a plan does not fit a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// One slot is larger than a binding may be.
    #[error("`{slot}` takes {needed} MiB, but this device binds at most {limit} MiB at once", needed = mib(*.needed), limit = mib(*.limit))]
    Binding {
        /// The slot.
        slot: String,
        /// Its bytes.
        needed: u64,
        /// The device's limit.
        limit: u64,
    },
    /// A sample or a matrix has more words than are counted.
    #[error("`{slot}`: {op} takes a sample or a matrix of {needed} MiB at once, but words are counted to {limit} MiB here: take smaller images or layers", needed = mib(*.needed), limit = mib(*.limit))]
    Words {
        /// The slot that the step reads it from.
        slot: String,
        /// The step's operation.
        op: &'static str,
        /// Its bytes, as they are laid out for the step.
        needed: u64,
        /// What is counted.
        limit: u64,
    },
    /// An invocation would loop longer than software drivers let it, which write what they have until then.
    #[error(
        "{op} takes {needed} turns of a loop, but software drivers end them after {limit}, without a word: train with --device cpu, or take smaller layers or batches"
    )]
    Turns {
        /// The step's operation.
        op: &'static str,
        /// Its longest invocation's turns.
        needed: usize,
        /// Those that are safe.
        limit: usize,
    },
    /// The whole is larger than the memory.
    #[error("the plan takes {needed} MiB, but this device has {limit} MiB", needed = mib(*.needed), limit = mib(*.limit))]
    Total {
        /// Bytes of the plan.
        needed: u64,
        /// The device's memory.
        limit: u64,
    },
}

/// Whole mebibytes, rounded up.
fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

impl Plan {
    /// Whether each of the plan's slots fits a binding.
    pub(super) fn binds(&self, limits: Limits) -> Result<(), Misfit> {
        for slot in &self.slots {
            let needed = 4 * slot.len as u64;
            if needed > limits.binding_bytes {
                return Err(Misfit::Binding { slot: slot.name.clone(), needed, limit: limits.binding_bytes });
            }
        }
        Ok(())
    }

    /// Whether the plan's slots fit a device.
    ///
    /// # Errors
    /// The first slot that is too large, or the whole, with its numbers.
    pub fn fits(&self, limits: Limits) -> Result<Memory, Misfit> {
        self.binds(limits)?;
        Memory::of(self).within(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Element, Op, Plan, Residency};
    use super::*;

    /// x -> a -> b -> c -> d, each a ReLU of `len` elements.
    fn chain(len: usize) -> Plan {
        let mut plan = Plan::default();
        let mut input = plan.kept("x", Element::F32, len, Residency::Data);
        for name in ["a", "b", "c", "d"] {
            let output = plan.transient(name, Element::F32, len);
            plan.push(Op::ReluForward(len), &[input, output]);
            input = output;
        }
        plan
    }

    #[test]
    fn slots_that_never_live_together_share_a_block() {
        let memory = Memory::of(&chain(100));
        assert_eq!(memory.block_of, [None, Some(0), Some(1), Some(0), Some(1)]);
        assert_eq!(memory.bytes(), 4 * (100 + 200));
    }

    #[test]
    fn living_slots_never_share_a_block() {
        let mut plan = chain(64);
        let (a, d) = (super::super::View { slot: SlotId(1), offset: 0, len: 64 }, plan.steps[3].views[1]);
        let sum = plan.transient("sum", Element::F32, 64);
        plan.push(Op::Add(64), &[a, d, sum]);
        let memory = Memory::of(&plan);
        let spans = lifetimes(&plan, uses(&plan));
        for i in 1..plan.slots.len() {
            for j in i + 1..plan.slots.len() {
                let ((s, e), (t, f)) = (spans[i].unwrap(), spans[j].unwrap());
                assert!(memory.block_of[i] != memory.block_of[j] || e < t || f < s, "{i} and {j}");
            }
        }
    }

    #[test]
    fn a_plan_that_does_not_fit_is_refused_with_its_numbers() {
        let limits = Limits { binding_bytes: 128 << 20, resident_bytes: 128 << 20, total_bytes: None };
        let error = chain(40 << 20).fits(limits).unwrap_err();
        assert_eq!(error.to_string(), "`x` takes 160 MiB, but this device binds at most 128 MiB at once");
        let limits = Limits { total_bytes: Some(1 << 20), ..limits };
        assert!(chain(1 << 20).fits(limits).unwrap_err().to_string().contains("takes 12 MiB"));
        assert!(chain(1 << 10).fits(limits).is_ok());
    }
}
