//! Every kernel of an executor against the oracle ([`crate::reference`]).
//!
//! A case is one operation, or a convolution and the pooling that follows, on random inputs that
//! both sides are given alike. Its operands lie within larger slots; what has to be written holds
//! no numbers beforehand, and the words around it must stay as they are. All of every written
//! tensor is compared: integers exactly, floating point by the largest difference relative to the
//! largest wanted entry.

mod cases;
mod compare;
mod heads;
mod inputs;
mod tolerance;

use crate::plan::executor::{Executor, ExecutorError, Ticket};
use crate::plan::{ALIGNMENT, Access, Element, Operand, Plan, Residency, View};
use cases::Case;
use inputs::Fill;

/// Words around an operand that no kernel may touch: a number, but one that spoils every sum.
const GUARD: u32 = 0x7E5A_BEEF;

/// What the check found of one kernel.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// The kernel, by [`crate::plan::Op::name`]; with `_pooled` behind it, the operation and the pooling that follows.
    pub kernel: String,
    /// Cases that ran.
    pub cases: usize,
    /// The largest error of the case that came closest to its tolerance, relative to the largest
    /// entry of its tensor; [`f64::MAX`] where a number is missing.
    pub worst: f64,
    /// The tolerance of that case.
    pub tolerance: f64,
    /// What was wrong, one line a tensor: case, operand, index, got, wanted.
    pub failures: Vec<String>,
}

/// How far [`Check::advance`] came.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Something was done; call again.
    Advanced,
    /// The executor is still computing; wait or come back later.
    Waiting,
    /// All cases of a kernel are done.
    Kernel(Row),
    /// All cases are done.
    Done,
}

/// A check under way, case by case, without ever waiting.
#[derive(Debug)]
pub struct Check {
    /// The cases with their numbers, which name their slots.
    cases: Vec<(usize, Case)>,
    done: usize,
    running: Option<Running>,
    row: Row,
}

/// A submitted case.
#[derive(Debug)]
struct Running {
    written: Vec<Written>,
}

/// A written operand of a submitted case.
#[derive(Debug)]
struct Written {
    operand: Operand,
    offset: usize,
    wanted: Vec<f64>,
    ticket: Ticket,
    got: Option<Vec<u8>>,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

impl Check {
    /// A check of every kernel.
    #[must_use]
    pub fn new() -> Self {
        Self::of(|_| true)
    }

    /// A check of the kernels whose names are wanted.
    #[must_use]
    pub fn of(wanted: impl Fn(&str) -> bool) -> Self {
        let cases = cases::all().into_iter().enumerate().filter(|(_, case)| wanted(&case.name())).collect();
        Self { cases, done: 0, running: None, row: Row::default() }
    }

    /// Cases done, and cases in all.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.done, self.cases.len())
    }

    /// Starts a case or looks whether its results have arrived, and returns at once.
    ///
    /// # Errors
    /// When the executor fails; what differs from the oracle is no error but in the rows.
    pub fn advance(&mut self, executor: &mut dyn Executor) -> Result<Progress, ExecutorError> {
        let Some((number, case)) = self.cases.get(self.done) else { return Ok(Progress::Done) };
        let Some(running) = &mut self.running else {
            self.running = Some(start(*number, case, executor)?);
            return Ok(Progress::Advanced);
        };
        executor.poll()?;
        for written in running.written.iter_mut().filter(|written| written.got.is_none()) {
            written.got = executor.collect(written.ticket)?;
        }
        if running.written.iter().any(|written| written.got.is_none()) {
            return Ok(Progress::Waiting);
        }
        Ok(self.finish())
    }

    /// Compares the case whose results have arrived.
    fn finish(&mut self) -> Progress {
        let (case, running) = (&self.cases[self.done].1, self.running.take());
        let kernel = case.name();
        if self.row.cases == 0 {
            self.row.kernel.clone_from(&kernel);
        }
        running.iter().flat_map(|running| &running.written).for_each(|written| judge(case, written, &mut self.row));
        self.row.cases += 1;
        self.done += 1;
        match self.cases.get(self.done) {
            Some((_, next)) if next.name() == kernel => Progress::Advanced,
            _ => Progress::Kernel(std::mem::take(&mut self.row)),
        }
    }
}

/// The operations of all cases: every kernel with shapes of every kind.
#[cfg(test)]
pub(crate) fn operations() -> Vec<crate::plan::Op> {
    plans().into_iter().flat_map(|(_, plan)| plan.steps).map(|step| step.op).collect()
}

/// The plans of all cases, each with what the check calls it ([`Row::kernel`]).
#[must_use]
pub fn plans() -> Vec<(String, Plan)> {
    cases::all().iter().enumerate().map(|(number, case)| (case.name(), laid(number, case).0)).collect()
}

/// Checks every kernel of an executor; `progress` is told of each as it is done.
///
/// # Errors
/// When the executor fails; what differs from the oracle is no error but in the rows.
pub fn check(executor: &mut dyn Executor, progress: &mut dyn FnMut(&Row)) -> Result<Vec<Row>, ExecutorError> {
    finish(Check::new(), executor, progress)
}

/// Goes on with a check to its end, waiting for the executor where need be.
///
/// # Errors
/// As [`check`].
pub fn finish(
    mut check: Check,
    executor: &mut dyn Executor,
    progress: &mut dyn FnMut(&Row),
) -> Result<Vec<Row>, ExecutorError> {
    let mut rows = Vec::new();
    loop {
        match check.advance(executor)? {
            Progress::Advanced => {}
            Progress::Waiting => executor.wait()?,
            Progress::Kernel(row) => {
                progress(&row);
                rows.push(row);
            }
            Progress::Done => return Ok(rows),
        }
    }
}

/// Prepares and submits a case, and performs it by the oracle.
fn start(number: usize, case: &Case, executor: &mut dyn Executor) -> Result<Running, ExecutorError> {
    let described = case.operands();
    let (plan, views) = laid(number, case);
    let handle = executor.prepare(&plan)?;
    let mut operands = fill(number, case, &described);
    for (k, view) in views.iter().enumerate() {
        let words = guarded(&described[k], &operands[k], view.offset);
        executor.write(&plan.slots[view.slot.0].name, 0, bytemuck::cast_slice(&words))?;
    }
    executor.submit(handle)?;
    let mut written = Vec::new();
    for (k, view) in views.iter().enumerate() {
        if described[k].access != Access::Read {
            let ticket = executor.request(&plan.slots[view.slot.0].name)?;
            written.push((k, view.offset, ticket));
        }
    }
    case.perform(&mut operands);
    let result = |(k, offset, ticket): (usize, usize, Ticket)| Written {
        operand: described[k],
        offset,
        wanted: std::mem::take(&mut operands[k]),
        ticket,
        got: None,
    };
    Ok(Running { written: written.into_iter().map(result).collect() })
}

/// A case's plan, and the views of its operands.
fn laid(number: usize, case: &Case) -> (Plan, Vec<View>) {
    let mut plan = Plan::default();
    let views: Vec<View> =
        case.operands().iter().enumerate().map(|(k, operand)| lay(&mut plan, number, k, operand)).collect();
    match case.pooling {
        None => plan.push(case.op, &views),
        Some(pooling) => {
            let (first, second) = views.split_at(case.op.operands().len() - 1);
            let passed = plan.transient("check/passed", Element::F32, pooling.operands()[0].len);
            plan.push(case.op, &[first, &[passed]].concat());
            plan.push(pooling, &[&[passed], second].concat());
        }
    }
    (plan, views)
}

/// A view for an operand within a slot of its own: every other one begins some way into its slot,
/// and each is followed by words that are not its own.
fn lay(plan: &mut Plan, number: usize, k: usize, operand: &Operand) -> View {
    let offset = (number + k) % 2 * ALIGNMENT;
    let name = format!("check/{number}/{}", operand.name);
    let len = offset + operand.len + ALIGNMENT;
    plan.kept(&name, operand.element, len, Residency::Data).part(offset, operand.len)
}

/// What the operands hold beforehand.
fn fill(number: usize, case: &Case, described: &[Operand]) -> Vec<Vec<f64>> {
    let mut operands: Vec<Vec<f64>> = Vec::new();
    for (k, operand) in described.iter().enumerate() {
        let own = case.fills.iter().find(|(name, _)| *name == operand.name).map(|(_, fill)| fill.clone());
        let mut numbers = vec![f64::NAN; operand.len];
        if operand.access != Access::Write {
            let fill = own.unwrap_or_else(|| Fill::usual(&case.op, operand));
            numbers = fill.numbers([number as u32, k as u32], operand.len);
            numbers.iter_mut().for_each(|number| *number = inputs::rounded(operand.element, *number));
        }
        operands.push(numbers);
    }
    operands
}

/// The words of an operand's slot: guards, content, guards.
fn guarded(operand: &Operand, numbers: &[f64], offset: usize) -> Vec<u32> {
    let mut words = vec![GUARD; offset];
    match operand.access {
        Access::Write => words.extend(vec![inputs::unwritten(operand.element); operand.len]),
        Access::Read | Access::Update => {
            words.extend(numbers.iter().map(|number| inputs::bits(operand.element, *number)));
        }
    }
    words.extend([GUARD; ALIGNMENT]);
    words
}

/// Bytes as an executor returns them, as words.
fn words_of(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

/// Compares a written operand and enters the outcome into the kernel's row.
fn judge(case: &Case, written: &Written, row: &mut Row) {
    let Written { operand, offset, wanted, got, .. } = written;
    let words: Vec<u32> = words_of(got.as_deref().unwrap_or_default());
    let fail = |what: String| format!("{}: {}{what}", describe(case), operand.name);
    let Some(inner) = words.get(*offset..offset + operand.len) else {
        row.failures.push(fail(format!(": {} words came back", words.len())));
        return;
    };
    let behind = offset + operand.len;
    if let Some(at) = (0..words.len()).find(|at| !(*offset..behind).contains(at) && words[*at] != GUARD) {
        let place = at as i64 - *offset as i64;
        row.failures.push(fail(format!("[{place}]: a word beyond its {} was overwritten", operand.len)));
    }
    if case.unspecified.contains(&operand.name) {
        return;
    }
    let tolerance = case.tolerance();
    let outcome = match operand.element {
        Element::F32 => compare::floats(bytemuck::cast_slice(inner), wanted, tolerance),
        Element::U32 => compare::integers(inner, wanted),
    };
    row.failures.extend(outcome.failure.map(fail));
    let strain = |error: f64, tolerance: f64| error / tolerance.max(f64::MIN_POSITIVE);
    if operand.element == Element::F32 && strain(outcome.error, tolerance) >= strain(row.worst, row.tolerance) {
        (row.worst, row.tolerance) = (outcome.error, tolerance);
    }
}

/// A case in words: the operation with its shapes, and the inputs that are not the usual ones.
fn describe(case: &Case) -> String {
    let mut text = format!("{:?}", case.op);
    text.extend(case.pooling.map(|pooling| format!(" and {pooling:?}")));
    for (operand, fill) in &case.fills {
        let fill: String = format!("{fill:?}").chars().take(60).collect();
        text.push_str(&format!(", {operand} {fill}"));
    }
    text
}

/// The rows as a text table, with the failures below it.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<28}{:>6}  {:>13}  {:>9}\n", "kernel", "cases", "largest error", "tolerance");
    for row in rows {
        let verdict = if row.failures.is_empty() { "ok" } else { "FAILED" };
        let worst = if row.worst == f64::MAX { "no number".to_owned() } else { format!("{:.1e}", row.worst) };
        text += &format!("{:<28}{:>6}  {worst:>13}  {:>9.1e}  {verdict}\n", row.kernel, row.cases, row.tolerance);
    }
    text += &format!("{}\n", summary(rows));
    rows.iter().flat_map(|row| &row.failures).for_each(|failure| text += &format!("  {failure}\n"));
    text
}

/// How many kernels and cases there were, and how many failed.
#[must_use]
pub fn summary(rows: &[Row]) -> String {
    let cases: usize = rows.iter().map(|row| row.cases).sum();
    let failures: usize = rows.iter().map(|row| row.failures.len()).sum();
    format!("{} kernels, {cases} cases, {failures} failures", rows.len())
}

#[cfg(test)]
mod tests;
