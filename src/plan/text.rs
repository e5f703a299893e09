//! Plans as text: one line a step.

use super::{Access, Op, Plan, Residency, View};
use std::fmt::{Display, Formatter, Result};

impl Plan {
    fn view_text(&self, view: &View) -> String {
        let slot = &self.slots[view.slot.0];
        if view.len == slot.len {
            slot.name.clone()
        } else {
            format!("{}[{}..{}]", slot.name, view.offset, view.offset + view.len)
        }
    }

    /// `what(reads) -> writes`, updates with a star.
    fn step_text(&self, op: &Op, views: &[View]) -> String {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        for (operand, view) in op.operands().iter().zip(views) {
            match operand.access {
                Access::Read => reads.push(self.view_text(view)),
                Access::Write => writes.push(self.view_text(view)),
                Access::Update => writes.push(format!("{}*", self.view_text(view))),
            }
        }
        format!("{}({}) -> {}", op.name(), reads.join(", "), writes.join(", "))
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for slot in self.slots.iter().filter(|slot| slot.residency != Residency::Transient) {
            writeln!(f, "{:?} {}: {} {:?}", slot.residency, slot.name, slot.len, slot.element)?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            let cost = step.op.cost();
            let text = self.step_text(&step.op, &step.views);
            writeln!(f, "{index:3} {text}  [{} operations, {} bytes]", cost.operations, cost.bytes)?;
        }
        let (cost, memory) = (self.cost(), super::Memory::of(self));
        writeln!(f, "{} operations, {} bytes moved, {} bytes of memory", cost.operations, cost.bytes, memory.bytes())
    }
}
