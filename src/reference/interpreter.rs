//! Runs whole plans in 64-bit floating point.

use crate::plan::executor::{Adapter, AdapterKind, Executor, ExecutorError, PlanHandle, Ticket};
use crate::plan::{Access, Element, Limits, Plan, Residency, SlotId, Step};
use std::collections::HashMap;

/// A kept slot.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    element: Element,
    values: Vec<f64>,
}

/// A plan and the transient slots of its last replay.
#[derive(Clone, Debug)]
struct Prepared {
    plan: Plan,
    transients: HashMap<SlotId, Vec<f64>>,
}

/// An executor that keeps every number in `f64` and finishes each replay at once. It is the oracle
/// of whole networks, step by step.
#[derive(Clone, Debug, Default)]
pub struct Interpreter {
    adapter: Adapter,
    kept: HashMap<String, Kept>,
    plans: Vec<Prepared>,
    readings: HashMap<Ticket, Vec<u8>>,
    tickets: u64,
}

impl Interpreter {
    /// An interpreter without plans or slots.
    #[must_use]
    pub fn new() -> Self {
        let adapter = Adapter {
            name: "reference".to_owned(),
            backend: "interpreter in 64-bit floating point".to_owned(),
            driver: String::new(),
            kind: AdapterKind::Processor,
        };
        Self { adapter, ..Self::default() }
    }

    /// The content of a kept slot.
    ///
    /// # Panics
    /// When no prepared plan has a kept slot of this name.
    #[must_use]
    pub fn get(&self, slot: &str) -> &[f64] {
        match self.kept.get(slot) {
            Some(kept) => &kept.values,
            None => panic!("no kept slot `{slot}`"),
        }
    }

    /// Replaces the content of a kept slot, in full precision.
    ///
    /// # Panics
    /// When no prepared plan has a kept slot of this name, or of another length.
    pub fn set(&mut self, slot: &str, values: Vec<f64>) {
        let Some(kept) = self.kept.get_mut(slot) else { panic!("no kept slot `{slot}`") };
        assert_eq!(kept.values.len(), values.len(), "length of slot `{slot}`");
        kept.values = values;
    }

    /// What a slot of a plan holds after the plan's last replay: transient slots too, as their last
    /// step left them. None before the first replay.
    #[must_use]
    pub fn values(&self, plan: PlanHandle, slot: SlotId) -> Option<&[f64]> {
        let prepared = self.plans.get(plan.0)?;
        match prepared.transients.get(&slot) {
            Some(values) => Some(values),
            None => self.kept.get(&prepared.plan.slots.get(slot.0)?.name).map(|kept| &kept.values[..]),
        }
    }

    /// Performs one step on the present contents. What it only writes is not a number beforehand.
    fn perform(&mut self, handle: PlanHandle, step: &Step) {
        let described = step.op.operands();
        let mut operands: Vec<Vec<f64>> = Vec::new();
        for (view, operand) in step.views.iter().zip(&described) {
            operands.push(match operand.access {
                Access::Write => vec![f64::NAN; view.len],
                Access::Read | Access::Update => {
                    self.content(handle, view.slot)[view.offset..view.offset + view.len].to_vec()
                }
            });
        }
        super::run(&step.op, &mut operands);
        for ((view, operand), values) in step.views.iter().zip(&described).zip(&operands) {
            if operand.access != Access::Read {
                self.content(handle, view.slot)[view.offset..view.offset + view.len].copy_from_slice(values);
            }
        }
    }

    /// The content of a slot of a plan that is being replayed.
    fn content(&mut self, handle: PlanHandle, slot: SlotId) -> &mut [f64] {
        let Prepared { plan, transients } = &mut self.plans[handle.0];
        let described = &plan.slots[slot.0];
        match described.residency {
            Residency::Transient => transients.entry(slot).or_insert_with(|| vec![f64::NAN; described.len]),
            // `prepare` made every kept slot of the plan.
            _ => &mut self.kept.get_mut(&described.name).expect("kept slots exist once prepared").values,
        }
    }

    fn kept_slot(&mut self, slot: &str) -> Result<&mut Kept, ExecutorError> {
        let missing = || slot_error(slot, "no prepared plan keeps a slot of this name".to_owned());
        self.kept.get_mut(slot).ok_or_else(missing)
    }
}

fn slot_error(slot: &str, why: String) -> ExecutorError {
    ExecutorError::Slot { slot: slot.to_owned(), why }
}

/// A 32-bit word as the number that it means.
fn number(element: Element, word: [u8; 4]) -> f64 {
    match element {
        Element::F32 => f64::from(f32::from_le_bytes(word)),
        Element::U32 => f64::from(u32::from_le_bytes(word)),
    }
}

/// A number as a 32-bit word.
fn word(element: Element, number: f64) -> [u8; 4] {
    match element {
        Element::F32 => (number as f32).to_le_bytes(),
        Element::U32 => (number as u32).to_le_bytes(),
    }
}

impl Executor for Interpreter {
    fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    fn limits(&self) -> Limits {
        Limits { binding_bytes: u64::MAX, resident_bytes: u64::MAX, total_bytes: None }
    }

    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError> {
        for slot in plan.slots.iter().filter(|slot| slot.residency != Residency::Transient) {
            let fresh = Kept { element: slot.element, values: vec![0.0; slot.len] };
            let kept = self.kept.entry(slot.name.clone()).or_insert(fresh);
            if (kept.element, kept.values.len()) != (slot.element, slot.len) {
                let why = format!(
                    "it is kept with {} words of {:?}, and this plan wants {} of {:?}",
                    kept.values.len(),
                    kept.element,
                    slot.len,
                    slot.element
                );
                return Err(slot_error(&slot.name, why));
            }
        }
        self.plans.push(Prepared { plan: plan.clone(), transients: HashMap::new() });
        Ok(PlanHandle(self.plans.len() - 1))
    }

    fn submit(&mut self, plan: PlanHandle) -> Result<(), ExecutorError> {
        let Some(prepared) = self.plans.get_mut(plan.0) else {
            return Err(ExecutorError::Refused {
                what: format!("replay plan {}", plan.0),
                why: "it was never prepared".to_owned(),
            });
        };
        prepared.transients.clear();
        for step in prepared.plan.steps.clone() {
            self.perform(plan, &step);
        }
        Ok(())
    }

    fn in_flight(&self) -> usize {
        0
    }

    fn write(&mut self, slot: &str, word: usize, bytes: &[u8]) -> Result<(), ExecutorError> {
        let kept = self.kept_slot(slot)?;
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() || word + words.len() > kept.values.len() {
            let why = format!("{} bytes from word {word} on do not fit its {} words", bytes.len(), kept.values.len());
            return Err(slot_error(slot, why));
        }
        for (value, bytes) in kept.values[word..].iter_mut().zip(words) {
            *value = number(kept.element, *bytes);
        }
        Ok(())
    }

    fn request(&mut self, slot: &str) -> Result<Ticket, ExecutorError> {
        let kept = self.kept_slot(slot)?;
        let bytes = kept.values.iter().flat_map(|value| word(kept.element, *value)).collect();
        self.tickets += 1;
        self.readings.insert(Ticket(self.tickets), bytes);
        Ok(Ticket(self.tickets))
    }

    fn collect(&mut self, ticket: Ticket) -> Result<Option<Vec<u8>>, ExecutorError> {
        Ok(self.readings.remove(&ticket))
    }

    fn poll(&mut self) -> Result<(), ExecutorError> {
        Ok(())
    }

    fn wait(&mut self) -> Result<(), ExecutorError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::executor::read_now;
    use crate::plan::{Op, View};

    /// total += relu(x[64..]) by way of transients.
    fn plan() -> (Plan, View) {
        let mut plan = Plan::default();
        let x = plan.kept("x", Element::F32, 67, Residency::Data).part(64, 3);
        let positive = plan.transient("positive", Element::F32, 3);
        let total = plan.kept("total", Element::F32, 3, Residency::State);
        let sum = plan.transient("sum", Element::F32, 3);
        plan.push(Op::ReluForward(3), &[x, positive]);
        plan.push(Op::Add(3), &[positive, total, sum]);
        plan.push(Op::ReluForward(3), &[sum, total]);
        (plan, positive)
    }

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn steps_run_in_order_on_views_and_kept_slots_last() {
        let (plan, positive) = plan();
        let mut interpreter = Interpreter::new();
        let handle = interpreter.prepare(&plan).unwrap();
        assert_eq!(interpreter.values(handle, positive.slot), None);
        interpreter.write("x", 64, &bytes(&[1.5, -2.0, 3.0])).unwrap();
        interpreter.submit(handle).unwrap();
        interpreter.submit(handle).unwrap();
        assert_eq!(interpreter.get("total"), [3.0, 0.0, 6.0]);
        assert_eq!(interpreter.values(handle, positive.slot), Some(&[1.5, 0.0, 3.0][..]));
        assert_eq!(read_now(&mut interpreter, "total").unwrap(), bytes(&[3.0, 0.0, 6.0]));
        let other = interpreter.prepare(&plan).unwrap();
        assert_ne!(other, handle);
        assert_eq!(interpreter.get("total"), [3.0, 0.0, 6.0], "kept between plans");
    }

    #[test]
    fn transients_begin_every_replay_as_no_number() {
        let mut plan = Plan::default();
        let x = plan.kept("x", Element::F32, 2, Residency::Data);
        let y = plan.kept("y", Element::F32, 2, Residency::Data);
        let late = plan.transient("late", Element::F32, 2);
        plan.push(Op::Add(2), &[late, late, y]);
        plan.push(Op::ReluForward(2), &[x, late]);
        let mut interpreter = Interpreter::new();
        let handle = interpreter.prepare(&plan).unwrap();
        for _ in 0..2 {
            interpreter.submit(handle).unwrap();
            assert!(interpreter.get("y").iter().all(|value| value.is_nan()));
            assert_eq!(interpreter.values(handle, late.slot), Some(&[0.0; 2][..]));
        }
    }

    #[test]
    fn values_are_kept_in_full_precision() {
        let (plan, _) = plan();
        let mut interpreter = Interpreter::new();
        let handle = interpreter.prepare(&plan).unwrap();
        interpreter.set("total", vec![1.0 + 1e-12, 0.0, 0.0]);
        interpreter.submit(handle).unwrap();
        assert_eq!(interpreter.get("total")[0], 1.0 + 1e-12);
    }

    #[test]
    fn a_reading_is_of_its_moment_and_comes_once() {
        let (plan, _) = plan();
        let mut interpreter = Interpreter::new();
        let handle = interpreter.prepare(&plan).unwrap();
        let ticket = interpreter.request("total").unwrap();
        interpreter.write("x", 64, &bytes(&[1.0; 3])).unwrap();
        interpreter.submit(handle).unwrap();
        assert_eq!(interpreter.collect(ticket).unwrap(), Some(bytes(&[0.0; 3])));
        assert_eq!(interpreter.collect(ticket).unwrap(), None);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let (plan, _) = plan();
        let mut interpreter = Interpreter::new();
        interpreter.prepare(&plan).unwrap();
        let error = interpreter.write("nothing", 0, &[]).unwrap_err();
        assert!(error.to_string().contains("`nothing`"));
        assert!(interpreter.write("x", 66, &bytes(&[1.0, 2.0])).unwrap_err().to_string().contains("67 words"));
        assert!(interpreter.write("x", 0, &[1, 2, 3]).is_err());
        assert!(interpreter.request("positive").is_err(), "transient slots cannot be read");
        assert!(interpreter.submit(PlanHandle(7)).is_err());
        let mut other = Plan::default();
        other.kept("x", Element::U32, 67, Residency::Data);
        assert!(interpreter.prepare(&other).unwrap_err().to_string().contains("67 of U32"));
    }
}
