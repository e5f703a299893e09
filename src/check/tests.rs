//! The check itself, on the oracle and on executors with faults.

use super::*;
use crate::plan::Limits;
use crate::plan::executor::{Adapter, PlanHandle};
use crate::reference::Interpreter;
use std::collections::HashMap;

/// What goes wrong in an otherwise right executor.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Every number a thousandth too large.
    Scaled,
    /// The last element keeps what it held before.
    Unwritten,
    NoNumber,
    /// The word right after the operand, or right before it.
    Beyond,
    Before,
    /// An integer one too large.
    Counted,
    /// Arrives at the third look.
    Late,
}

/// Tampers with what is read of every slot whose name ends in `operand`.
struct Faulty {
    interpreter: Interpreter,
    operand: &'static str,
    fault: Fault,
    /// What was written to each slot.
    written: HashMap<String, Vec<u32>>,
    /// The slots that are being read.
    readings: HashMap<Ticket, String>,
    looks: usize,
    waits: usize,
}

impl Faulty {
    fn new(operand: &'static str, fault: Fault) -> Self {
        Self {
            interpreter: Interpreter::new(),
            operand,
            fault,
            written: HashMap::new(),
            readings: HashMap::new(),
            looks: 0,
            waits: 0,
        }
    }

    /// Changes what is read of a slot, whose view lies between guards.
    fn tamper(&self, slot: &str, words: &mut [u32]) {
        let first = words.iter().position(|word| *word != GUARD).unwrap();
        let behind = words.iter().rposition(|word| *word != GUARD).unwrap() + 1;
        match self.fault {
            Fault::None | Fault::Late => {}
            Fault::Scaled => {
                for word in &mut words[first..behind] {
                    *word = (f32::from_bits(*word) * 1.001).to_bits();
                }
            }
            Fault::Unwritten => words[behind - 1] = self.written[slot][behind - 1],
            Fault::NoNumber => words[(first + behind) / 2] = f32::NAN.to_bits(),
            Fault::Beyond => words[behind] = 0,
            Fault::Before if first > 0 => words[first - 1] = 0,
            Fault::Before => {}
            Fault::Counted => words[first] += 1,
        }
    }
}

impl Executor for Faulty {
    fn adapter(&self) -> &Adapter {
        self.interpreter.adapter()
    }
    fn limits(&self) -> Limits {
        self.interpreter.limits()
    }
    fn prepare(&mut self, plan: &Plan) -> Result<PlanHandle, ExecutorError> {
        self.interpreter.prepare(plan)
    }
    fn submit(&mut self, plan: PlanHandle) -> Result<(), ExecutorError> {
        self.interpreter.submit(plan)
    }
    fn in_flight(&self) -> usize {
        self.interpreter.in_flight()
    }
    fn write(&mut self, slot: &str, word: usize, bytes: &[u8]) -> Result<(), ExecutorError> {
        self.written.insert(slot.to_owned(), words_of(bytes));
        self.interpreter.write(slot, word, bytes)
    }
    fn request(&mut self, slot: &str) -> Result<Ticket, ExecutorError> {
        let ticket = self.interpreter.request(slot)?;
        self.readings.insert(ticket, slot.to_owned());
        Ok(ticket)
    }
    fn collect(&mut self, ticket: Ticket) -> Result<Option<Vec<u8>>, ExecutorError> {
        self.looks += 1;
        if self.fault == Fault::Late && !self.looks.is_multiple_of(3) {
            return Ok(None);
        }
        let bytes = self.interpreter.collect(ticket)?;
        Ok(bytes.map(|bytes| {
            let mut words: Vec<u32> = words_of(&bytes);
            let slot = &self.readings[&ticket];
            if slot.ends_with(&format!("/{}", self.operand)) {
                self.tamper(slot, &mut words);
            }
            bytemuck::cast_slice(&words).to_vec()
        }))
    }
    fn poll(&mut self) -> Result<(), ExecutorError> {
        self.interpreter.poll()
    }
    fn wait(&mut self) -> Result<(), ExecutorError> {
        self.waits += 1;
        self.interpreter.wait()
    }
}

/// The row of one kernel on a faulty executor.
fn row(kernel: &str, operand: &'static str, fault: Fault) -> Row {
    let check = Check::of(|name| name == kernel);
    let mut rows = finish(check, &mut Faulty::new(operand, fault), &mut |_| {}).unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

#[test]
fn the_oracle_passes_its_own_check() {
    let mut told = Vec::new();
    let rows = check(&mut Interpreter::new(), &mut |row| told.push(row.kernel.clone())).unwrap();
    let failures: Vec<&String> = rows.iter().flat_map(|row| &row.failures).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    // The results are rounded to 32 bits, and so are those of two-pass statistics.
    assert!(rows.iter().all(|row| row.worst <= 6e-8 && row.cases > 1), "{}", table(&rows));
    assert_eq!(told, rows.iter().map(|row| row.kernel.clone()).collect::<Vec<_>>());
    let mut names = told.clone();
    names.sort();
    names.dedup();
    assert_eq!((names.len(), told.len()), (KERNELS, KERNELS), "every kernel once: {told:?}");
}

/// Names that `Op::name` can give, and that of convolutions that are pooled.
const KERNELS: usize = 44;

#[test]
fn a_number_a_thousandth_off_is_found_in_every_case() {
    for (kernel, operand) in [
        ("conv_backward_weight", "weight_gradient"),
        ("loss_xemd", "terms"),
        ("batch_norm_statistics", "running_variance"),
    ] {
        let row = row(kernel, operand, Fault::Scaled);
        assert!((row.worst - 1e-3).abs() < 1e-6, "{}", row.worst);
        assert!(row.failures.iter().all(|failure| failure.contains(&format!("{operand}["))));
        assert!(row.failures.len() + 1 >= row.cases, "{} of {}", row.failures.len(), row.cases);
    }
}

#[test]
fn an_element_that_nobody_wrote_is_found() {
    let row = row("linear_forward", "output", Fault::Unwritten);
    assert_eq!((row.failures.len(), row.worst), (row.cases, f64::MAX));
    assert!(row.failures[0].contains("0x7fc0beef"), "{}", row.failures[0]);
}

#[test]
fn what_is_no_number_is_found() {
    let row = row("batch_norm_forward", "output", Fault::NoNumber);
    assert_eq!((row.failures.len(), row.worst), (row.cases, f64::MAX));
    assert!(table(&[row]).contains("no number  "));
}

#[test]
fn words_around_an_operand_are_guarded() {
    let beyond = row("average_pool_forward", "output", Fault::Beyond);
    assert_eq!(beyond.failures.len(), beyond.cases);
    assert!(beyond.failures[0].contains("output[9660]: a word beyond its 9660"), "{}", beyond.failures[0]);
    let before = row("average_pool_forward", "output", Fault::Before);
    assert!(before.failures.len() >= before.cases / 2, "every other operand begins within its slot");
    assert!(before.failures[0].contains("output[-1]"), "{}", before.failures[0]);
}

#[test]
fn integers_are_compared_exactly() {
    let row = row("tally", "confusion", Fault::Counted);
    assert_eq!(row.failures.len(), row.cases);
    assert!(row.failures[0].contains("LossShape { batch: 1, classes: 2 }"), "{}", row.failures[0]);
}

#[test]
fn results_may_come_late() {
    let check = Check::of(|name| name == "max_pool_forward");
    let mut executor = Faulty::new("", Fault::Late);
    let rows = finish(check, &mut executor, &mut |_| {}).unwrap();
    assert!(rows[0].failures.is_empty());
    assert!(executor.waits >= rows[0].cases);
}

#[test]
fn a_check_goes_case_by_case() {
    let mut check = Check::of(|name| name == "tick");
    let mut executor = Faulty::new("", Fault::None);
    assert_eq!(check.progress(), (0, 2));
    assert_eq!(check.advance(&mut executor), Ok(Progress::Advanced));
    assert_eq!(check.advance(&mut executor), Ok(Progress::Advanced));
    assert_eq!(check.progress(), (1, 2));
    check.advance(&mut executor).unwrap();
    let Ok(Progress::Kernel(row)) = check.advance(&mut executor) else { panic!("the last case ends the kernel") };
    assert_eq!((row.kernel.as_str(), row.cases, row.failures.len()), ("tick", 2, 0));
    assert_eq!(check.advance(&mut executor), Ok(Progress::Done));
}

#[test]
fn a_table_has_a_line_for_each_kernel_and_failure() {
    let good = Row { kernel: "add".to_owned(), cases: 6, worst: 3e-8, tolerance: 1e-5, failures: Vec::new() };
    let bad =
        Row { kernel: "sgd".to_owned(), cases: 4, worst: 0.5, failures: vec!["Sgd(1): w".to_owned()], ..good.clone() };
    let text = table(&[good, bad]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "add                              6         3.0e-8     1.0e-5  ok");
    assert!(lines[2].ends_with("1.0e-5  FAILED"));
    assert_eq!(lines[3..], ["2 kernels, 10 cases, 1 failures", "  Sgd(1): w"]);
}
