//! Tasks: what a step becomes. A task is some work on equal units (samples, planes, elements …)
//! that do not depend on each other, so that threads may share them out as they like: the result
//! has the same bits however they do.

use crate::plan::{Access, Op, Operand};
use std::ops::Range;

/// Which words of an argument belong to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Every unit sees all of them.
    Whole,
    /// Unit `u` has the words from `u` times this on; the last may have fewer.
    Each(usize),
}

impl Cut {
    /// The words of units within an argument of `len` words.
    pub fn of(self, units: &Range<usize>, len: usize) -> Range<usize> {
        match self {
            Self::Whole => 0..len,
            Self::Each(words) => (units.start * words).min(len)..(units.end * words).min(len),
        }
    }
}

/// Where an argument's words lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The step's n-th view.
    Operand(usize),
    /// The first words of the memory that the tasks of one step share.
    Scratch(usize),
}

/// What a task reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    /// Where it lies.
    pub source: Source,
    /// What the task does to it.
    pub access: Access,
    /// How it is shared out among the units.
    pub cut: Cut,
}

impl Argument {
    /// Words of scratch memory that it needs.
    pub fn scratch_len(&self) -> usize {
        match self.source {
            Source::Scratch(len) => len,
            Source::Operand(_) => 0,
        }
    }
}

/// The words of an argument that belong to the units at hand.
pub(super) enum Words<'a> {
    Read(&'a [u32]),
    Write(&'a mut [u32]),
}

impl Words<'_> {
    /// As floating point.
    pub fn floats(&self) -> &[f32] {
        bytemuck::cast_slice(self.integers())
    }

    /// As integers.
    pub fn integers(&self) -> &[u32] {
        match self {
            Self::Read(words) => words,
            Self::Write(words) => words,
        }
    }

    /// As floating point to be written.
    pub fn floats_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(self.integers_mut())
    }

    /// As integers to be written.
    pub fn integers_mut(&mut self) -> &mut [u32] {
        match self {
            Self::Read(_) => unreachable!("a task writes what its own list of arguments says is read"),
            Self::Write(words) => words,
        }
    }
}

/// Most arguments of a task.
pub(super) const MOST_ARGUMENTS: usize = 8;

/// Works on a range of units: given their words, and words of the thread's own.
pub(super) type Work = Box<dyn Fn(Range<usize>, &mut [Words<'_>], &mut [f32]) + Send + Sync>;

/// Some work on equal units.
pub(super) struct Task {
    /// How many units.
    pub units: usize,
    /// What it reads and writes, at most [`MOST_ARGUMENTS`].
    pub arguments: Vec<Argument>,
    /// Words that a thread needs for itself while it works.
    pub thread_words: usize,
    /// The work.
    pub work: Work,
}

impl Task {
    /// A task whose arguments are the operation's operands, cut like this.
    pub fn new<const N: usize>(
        op: &Op,
        units: usize,
        cuts: [Cut; N],
        work: impl Fn(Range<usize>, &mut [Words<'_>; N]) + Send + Sync + 'static,
    ) -> Self {
        Self::with_scratch(operands(op, cuts), units, 0, move |units, words: &mut [Words<'_>; N], _| work(units, words))
    }

    /// A task with any arguments and words of the thread's own.
    pub fn with_scratch<const N: usize>(
        arguments: Vec<Argument>,
        units: usize,
        thread_words: usize,
        work: impl Fn(Range<usize>, &mut [Words<'_>; N], &mut [f32]) + Send + Sync + 'static,
    ) -> Self {
        debug_assert_eq!(arguments.len(), N);
        let work: Work = Box::new(move |units, words, own| {
            let Ok(words) = words.try_into() else { unreachable!("a task is given as many words as it has arguments") };
            work(units, words, own);
        });
        Self { units, arguments, thread_words, work }
    }
}

/// The operation's operands, cut like this.
pub(super) fn operands<const N: usize>(op: &Op, cuts: [Cut; N]) -> Vec<Argument> {
    let operands = op.operands();
    debug_assert_eq!(operands.len(), N, "{op:?}");
    let argument = |(index, (operand, cut)): (usize, (&Operand, Cut))| Argument {
        source: Source::Operand(index),
        access: operand.access,
        cut,
    };
    operands.iter().zip(cuts).enumerate().map(argument).collect()
}

/// A step's n-th view that is read.
pub(super) fn read(operand: usize, cut: Cut) -> Argument {
    Argument { source: Source::Operand(operand), access: Access::Read, cut }
}

/// A step's n-th view that is written.
pub(super) fn write(operand: usize, cut: Cut) -> Argument {
    Argument { source: Source::Operand(operand), access: Access::Write, cut }
}

/// The first `len` words of the step's scratch memory.
pub(super) fn scratch(len: usize, access: Access, cut: Cut) -> Argument {
    Argument { source: Source::Scratch(len), access, cut }
}
