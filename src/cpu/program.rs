//! A plan as stages. Tasks in a row that can be done part by part (image by image, mostly) are
//! chained into one stage: a thread takes a part through all of them while it is in its cache, and
//! what only they look at never leaves the thread's own memory.

use super::lower::lower;
use super::task::{Argument, Cut, Source, Task};
use crate::plan::memory::lifetimes;
use crate::plan::{Access, Memory, Plan, Residency, Step, View};
use std::ops::Range;

/// Parts into which a stage is divided where nothing else decides.
const PARTS: usize = 64;
/// Fewer parts than this would leave threads idle: no task is chained where it costs so many.
const FEWEST_PARTS: usize = 16;
/// Operations below which one thread is done before a second has begun.
const SMALL: u64 = 50_000;

/// A task of a stage, and the step it belongs to.
pub(super) struct Member {
    pub task: Task,
    pub step: usize,
}

/// Tasks that are done together, part by part.
pub(super) struct Stage {
    pub members: Vec<Member>,
    /// Parts that may be done at the same time, in any order.
    pub parts: usize,
}

impl Stage {
    /// The units of a task that are in a part.
    pub fn units(&self, task: &Task, part: usize) -> Range<usize> {
        part * task.units / self.parts..(part + 1) * task.units / self.parts
    }

    /// Whether a task can be chained to this stage: it divides into the same parts, and no part of
    /// it needs what another part of the stage writes, or the other way round.
    fn takes(&self, plan: &Plan, step: &Step, task: &Task) -> bool {
        let parts = self.parts.min(task.units);
        if parts < FEWEST_PARTS.min(self.parts.max(task.units)) {
            return false;
        }
        let divides = |task: &Task| task.units.is_multiple_of(parts);
        divides(task)
            && self.members.iter().all(|member| {
                divides(&member.task)
                    && (parts == 1 || apart(parts, (&plan.steps[member.step], &member.task), (step, task)))
            })
    }
}

/// Whether no part of one task meets another part of the other.
fn apart(parts: usize, (step_a, a): (&Step, &Task), (step_b, b): (&Step, &Task)) -> bool {
    a.arguments.iter().all(|x| {
        b.arguments.iter().all(|y| {
            let harmless = x.access == Access::Read && y.access == Access::Read;
            harmless || !meet(step_a, x, step_b, y) || alike(parts, (step_a, a, x), (step_b, b, y))
        })
    })
}

/// Whether two arguments share words. Scratch memory is shared by all steps.
fn meet(step_a: &Step, x: &Argument, step_b: &Step, y: &Argument) -> bool {
    match (view(step_a, x), view(step_b, y)) {
        (Some(a), Some(b)) => a.slot == b.slot && a.offset < b.offset + b.len && b.offset < a.offset + a.len,
        (None, None) => true,
        _ => false,
    }
}

/// Whether two arguments are the same words, cut into the same parts.
fn alike(parts: usize, (step_a, a, x): (&Step, &Task, &Argument), (step_b, b, y): (&Step, &Task, &Argument)) -> bool {
    let part = |task: &Task, argument: &Argument| match argument.cut {
        Cut::Each(words) => Some(words * (task.units / parts)),
        Cut::Whole => None,
    };
    let same = view(step_a, x).is_some() && view(step_a, x) == view(step_b, y);
    same && part(a, x).is_some() && part(a, x) == part(b, y)
}

/// The view behind an argument; none for scratch memory.
pub(super) fn view(step: &Step, argument: &Argument) -> Option<View> {
    match argument.source {
        Source::Operand(operand) => Some(step.views[operand]),
        Source::Scratch(_) => None,
    }
}

/// The stages of a plan.
pub(super) fn stages(plan: &Plan) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        for task in lower(&step.op) {
            let member = |task| Member { task, step: index };
            match stages.last_mut() {
                Some(stage) if stage.takes(plan, step, &task) => {
                    stage.parts = stage.parts.min(task.units);
                    stage.members.push(member(task));
                }
                _ => stages.push(Stage { parts: task.units, members: vec![member(task)] }),
            }
        }
    }
    stages.iter_mut().for_each(|stage| stage.parts = parts(plan, stage));
    stages
}

/// How many parts a complete stage is done in.
fn parts(plan: &Plan, stage: &Stage) -> usize {
    let work: u64 = stage.members.iter().map(|member| plan.steps[member.step].op.cost().operations).sum();
    let same_units = stage.members.iter().all(|member| member.task.units == stage.parts);
    match () {
        () if work < SMALL => 1,
        () if same_units => stage.parts.min(PARTS),
        () => stage.parts,
    }
}

/// Where a slot's words lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// Found by name, kept between replays.
    Kept,
    /// A shared block.
    Block(usize),
    /// So many words, from this one on, of the memory of the thread that works on a part: the part alone.
    Thread { first: usize, len: usize },
}

/// Where everything lies while a plan is replayed.
pub(super) struct Layout {
    pub homes: Vec<Home>,
    /// Kept slots and shared blocks, and scratch that all threads share.
    pub shared: Memory,
    /// Words that each thread has for itself.
    pub thread_words: usize,
}

/// Which stage uses which views.
fn uses<'a>(plan: &'a Plan, stages: &'a [Stage]) -> impl Iterator<Item = (usize, View)> + 'a {
    let members = stages.iter().enumerate().flat_map(|(number, stage)| stage.members.iter().map(move |m| (number, m)));
    members.flat_map(|(number, member)| {
        // Not all views of its step: another task of it may be in another stage.
        let step = &plan.steps[member.step];
        member.task.arguments.iter().filter_map(move |argument| view(step, argument)).map(move |view| (number, view))
    })
}

/// Words of a slot that a part of a stage needs, where parts can keep the slot to themselves: each
/// has its own words of it.
fn part_words(plan: &Plan, stage: &Stage, slot: usize) -> Option<usize> {
    let words = |member: &Member, argument: &Argument| match view(&plan.steps[member.step], argument) {
        Some(view) if view.slot.0 == slot => match argument.cut {
            Cut::Each(words) if view.len == plan.slots[slot].len && words * member.task.units == view.len => {
                // Units may divide unevenly: the largest part decides.
                Some(words * member.task.units.div_ceil(stage.parts))
            }
            _ => None,
        },
        _ => Some(0),
    };
    let arguments = stage.members.iter().flat_map(|member| member.task.arguments.iter().map(move |a| (member, a)));
    let largest = arguments.map(|(member, argument)| words(member, argument)).try_fold(0, |a, b| Some(a.max(b?)))?;
    (stage.parts > 1).then_some(largest)
}

/// Lays out a plan's memory.
pub(super) fn layout(plan: &Plan, stages: &[Stage]) -> Layout {
    let mut lifetimes = lifetimes(plan, uses(plan, stages));
    let mut homes = vec![Home::Kept; plan.slots.len()];
    let mut own_words = vec![0; stages.len()];
    for (slot, described) in plan.slots.iter().enumerate() {
        let Some((first, last)) = lifetimes[slot] else { continue };
        let transient = described.residency == Residency::Transient;
        let words = part_words(plan, &stages[first], slot).filter(|_| transient && first == last);
        if let Some(words) = words {
            homes[slot] = Home::Thread { first: own_words[first], len: words };
            own_words[first] += words.next_multiple_of(16);
            lifetimes[slot] = None;
        }
    }
    let shared = Memory::with_lifetimes(plan, &lifetimes);
    for (home, block) in homes.iter_mut().zip(&shared.block_of) {
        if let Some(block) = block {
            *home = Home::Block(*block);
        }
    }
    let tasks = || stages.iter().zip(&own_words).flat_map(|(stage, own)| stage.members.iter().map(move |m| (m, *own)));
    let scratch = tasks().flat_map(|(member, _)| &member.task.arguments).map(Argument::scratch_len);
    Layout {
        homes,
        shared: Memory { scratch_words: scratch.max().unwrap_or(0), ..shared },
        thread_words: tasks().map(|(member, own)| own + member.task.thread_words).max().unwrap_or(0),
    }
}
