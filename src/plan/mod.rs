//! A plan: steps over slots, as plain data.
//!
//! A [`Step`] is one operation of a training or evaluation pass ([`Op`], with its shapes) and the
//! [`View`]s of slots that it reads and writes, in the order of [`Op::operands`]. A [`Slot`] is a
//! named run of 32-bit words; transient slots live from their first write to their last use, and
//! those that never live together share a block of memory ([`memory`]). A plan can be printed
//! ([`std::fmt::Display`]), costed ([`Plan::cost`]) and refused ([`Plan::fits`]) before anything
//! runs. Nothing here knows of networks, devices or files.

pub mod executor;
pub mod loss;
pub mod memory;
pub mod op;
pub mod random;
pub mod shape;
mod signature;
#[cfg(test)]
pub(crate) mod testing;
mod text;

pub use executor::{Adapter, AdapterKind, Executor, ExecutorError, Peaks, PlanHandle, Stamps, Ticket, Tuned, Usage};
pub use loss::{Link, LossKind};
pub use memory::{Limits, Memory, Misfit};
pub use op::{Cost, Op};
pub use shape::{Augmentation, BatchNorm, Conv, Crops, Dropout, Linear, LossShape, Pool};
pub use signature::{Access, Element, Operand};
pub(crate) use signature::{CLOCK_WORDS, SETTINGS_WORDS, TERMS};

/// Views begin on multiples of this many words: WebGPU binds storage buffers at multiples of
/// 256 bytes.
pub const ALIGNMENT: usize = 64;

/// The label of a row that holds no sample: it has no loss, no gradient and counts nowhere.
pub const PADDING: u32 = u32::MAX;

/// The place of a maximum that is not above 0, where ReLU and max pooling are one: its gradient goes nowhere.
pub const NOWHERE: u32 = u32::MAX;

/// Words of the `clock` slot that every plan with randomness or time reads.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Clock {
    /// Seed of every random draw of the run.
    pub seed: u32,
    /// Epoch, from 0.
    pub epoch: u32,
    /// Training steps done since the run began.
    pub step: u32,
    /// Batches done in this epoch: where the next batch begins in `order`.
    pub cursor: u32,
}

/// Words of a racer's `settings` slot: what a step needs to know and a user may change as it runs.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct StepSettings {
    /// Learning rate.
    pub learning_rate: f32,
    /// Momentum of SGD.
    pub momentum: f32,
    /// L2 weight decay.
    pub weight_decay: f32,
    /// Weight of the distance term in equation 16; 0 during the jump start.
    pub lambda: f32,
    /// Power of the ground distance in equation 16.
    pub omega: f32,
    /// Bias of the ground distance in equation 16, negative.
    pub mu: f32,
    /// Weight of the entropy in A-EMD.
    pub regulariser: f32,
    /// Fills the struct to 32 bytes.
    pub reserved: f32,
}

/// Names a slot within one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub usize);

/// How long a slot's content lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Residency {
    /// Kept between replays and between plans, found by its name, and part of a checkpoint:
    /// parameters, momenta, sums, centroids.
    State,
    /// Kept and found by name, but not part of a checkpoint: the data set, its order, outcomes.
    Data,
    /// Lives within one replay; shares memory with slots that do not live at the same time.
    Transient,
}

/// A named run of 32-bit words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Unique within a plan; kept slots of two plans with one name are the same memory.
    pub name: String,
    /// Length in words.
    pub len: usize,
    /// What the words mean.
    pub element: Element,
    /// How long the content lives.
    pub residency: Residency,
}

/// A run of words within a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The slot.
    pub slot: SlotId,
    /// First word, a multiple of [`ALIGNMENT`].
    pub offset: usize,
    /// Number of words.
    pub len: usize,
}

impl View {
    /// The words `offset .. offset + len` of this view.
    #[must_use]
    pub fn part(self, offset: usize, len: usize) -> Self {
        assert!(offset + len <= self.len, "part of a view reaches beyond it");
        Self { slot: self.slot, offset: self.offset + offset, len }
    }
}

/// Whether two operands of one step may not be bound together: a buffer is never read-only and
/// writable in one dispatch, and nothing is written twice.
fn clash((x, a): (Access, &View), (y, b): (Access, &View)) -> bool {
    let overlap = a.offset < b.offset + b.len && b.offset < a.offset + a.len;
    let (reads_x, reads_y) = (x == Access::Read, y == Access::Read);
    a.slot == b.slot && (reads_x != reads_y || (!reads_x && overlap))
}

/// One operation and the views it works on, in the order of [`Op::operands`].
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The operation with its shapes.
    pub op: Op,
    /// One view an operand.
    pub views: Vec<View>,
}

/// Steps over slots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The slots, indexed by [`SlotId`].
    pub slots: Vec<Slot>,
    /// The steps in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// A kept slot, made on first mention. The same name always means the same slot.
    ///
    /// # Panics
    /// When the name was given before with another length, element or residency: a mistake of the
    /// code that writes the plan.
    pub fn kept(&mut self, name: &str, element: Element, len: usize, residency: Residency) -> View {
        let slot = Slot { name: name.to_owned(), len, element, residency };
        let found = self.slots.iter().position(|other| other.name == name);
        let index = found.unwrap_or_else(|| {
            self.slots.push(slot.clone());
            self.slots.len() - 1
        });
        assert_eq!(self.slots[index], slot, "one name, two slots");
        View { slot: SlotId(index), offset: 0, len }
    }

    /// A transient slot of `len` words. Its name gains a number where it is taken.
    pub fn transient(&mut self, name: &str, element: Element, len: usize) -> View {
        let index = self.slots.len();
        let taken = self.slots.iter().any(|slot| slot.name == name);
        let name = if taken { format!("{name}#{index}") } else { name.to_owned() };
        self.slots.push(Slot { name, len, element, residency: Residency::Transient });
        View { slot: SlotId(index), offset: 0, len }
    }

    /// Appends a step.
    ///
    /// # Panics
    /// When the views do not match the operation's operands in number, length, element or
    /// alignment, or overlap where one of them is written: mistakes of the code that writes the
    /// plan, found the first time it runs.
    pub fn push(&mut self, op: Op, views: &[View]) {
        self.assert_step(&op, views);
        self.steps.push(Step { op, views: views.to_vec() });
    }

    /// Holds a plan against the rules that [`Plan::kept`] and [`Plan::push`] keep, for executors whose
    /// safety hangs on them: a plan is plain data that anybody may have changed.
    ///
    /// # Panics
    /// When two kept slots have one name, or a step breaks a rule of [`Plan::push`].
    pub fn assert_sound(&self) {
        let kept = self.slots.iter().filter(|slot| slot.residency != Residency::Transient);
        let mut names = std::collections::HashSet::new();
        assert!(kept.map(|slot| &slot.name).all(|name| names.insert(name)), "one name, two slots");
        self.steps.iter().for_each(|step| self.assert_step(&step.op, &step.views));
    }

    fn assert_step(&self, op: &Op, views: &[View]) {
        let operands = op.operands();
        assert_eq!(operands.len(), views.len(), "{op:?} takes {} views", operands.len());
        for (operand, view) in operands.iter().zip(views) {
            let slot = &self.slots[view.slot.0];
            assert_eq!(
                (operand.len, operand.element),
                (view.len, slot.element),
                "operand {} of {op:?} on slot {}",
                operand.name,
                slot.name
            );
            assert!(view.offset % ALIGNMENT == 0 && view.offset + view.len <= slot.len);
        }
        for (i, (x, a)) in operands.iter().zip(views).enumerate() {
            for (y, b) in operands.iter().zip(views).skip(i + 1) {
                assert!(!clash((x.access, a), (y.access, b)), "{op:?} writes what it reads");
            }
        }
    }

    /// What one replay costs: the sum over its steps.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.steps.iter().map(|step| step.op.cost()).sum()
    }

    /// The kept slots that a checkpoint saves.
    pub fn state(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.residency == Residency::State)
    }
}
