//! The oracle: every operation in 64-bit floating point, as plain loops that read like their
//! definitions, one function an operation.
//!
//! It is derived from the mathematics and knows nothing of any executor; what the executors compute
//! is measured against it ([`crate::check`]), and it is measured against central differences and
//! numbers from other libraries. A tensor is a `Vec<f64>`, in which 32-bit integers are exact too.
//! [`Interpreter`] runs whole plans.

pub mod conv;
pub mod data;
pub mod elementwise;
pub mod ground;
pub mod interpreter;
pub mod linear;
pub mod loss;
pub mod norm;
pub mod pool;
pub mod score;

pub use interpreter::Interpreter;

use crate::plan::Op;

/// Performs one operation on its operands, in the order of [`Op::operands`]. Operands that the
/// operation writes are replaced, whatever they held.
///
/// # Panics
/// When number or lengths of the operands are not those of the operation.
pub fn run(op: &Op, operands: &mut [Vec<f64>]) {
    let lens: Vec<usize> = operands.iter().map(Vec::len).collect();
    let due: Vec<usize> = op.operands().iter().map(|operand| operand.len).collect();
    assert_eq!(lens, due, "operands of {op:?}");
    perform(op, operands);
    for (operand, content) in op.operands().iter().zip(operands) {
        assert_eq!(operand.len, content.len(), "{} of {op:?}", operand.name);
    }
}

fn perform(op: &Op, operands: &mut [Vec<f64>]) {
    match op {
        Op::Augment(..) | Op::CentreCrops(_) | Op::BatchRows { .. } => data::run(op, operands),
        Op::ConvForward(_) | Op::ConvBackwardData(_) | Op::ConvBackwardWeight(_) => conv::run(op, operands),
        Op::LinearForward(_) | Op::LinearBackwardData(_) | Op::LinearBackwardWeight(_) => {
            linear::run(op, operands);
        }
        Op::MaxPoolForward(_)
        | Op::MaxPoolReluForward(_)
        | Op::MaxPoolBackward(_)
        | Op::AveragePoolForward(_)
        | Op::AveragePoolBackward(_) => pool::run(op, operands),
        Op::Tick | Op::ReluForward(_) | Op::ReluBackward(_) | Op::Dropout(_) | Op::Add(_) | Op::Sgd(_) => {
            elementwise::run(op, operands)
        }
        Op::BatchNormStatistics(_)
        | Op::BatchNormForward(_)
        | Op::BatchNormInference(_)
        | Op::BatchNormBackwardWeight(_)
        | Op::BatchNormBackwardData(_) => norm::run(op, operands),
        Op::Loss(..) => loss::run(op, operands),
        Op::Tally(_) | Op::AveragePredictions { .. } => score::run(op, operands),
        Op::ClassSums { .. } | Op::Centroids { .. } | Op::PairwiseDistances { .. } | Op::GroundDistance { .. } => {
            ground::run(op, operands)
        }
    }
}

/// A family was given another family's operation, or operands that are not the operation's.
fn mismatch(op: &Op, operands: &[Vec<f64>]) -> ! {
    panic!("{op:?} does not take these {} operands here", operands.len())
}

/// Whether a row's target says that the row holds no sample.
fn is_padding(target: f64) -> bool {
    target == f64::from(crate::plan::PADDING)
}

/// Index of the largest value; the first of equals.
fn first_largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of every family need: noise, comparison, central differences, fixtures.

    use crate::plan::random::{pcg4d, unit};

    /// Numbers in [-1, 1), the same for the same seed.
    pub fn noise(seed: u32, len: usize) -> Vec<f64> {
        let draw = |index| 2.0 * f64::from(unit(pcg4d([seed, 0, index, 99])[0])) - 1.0;
        (0..len as u32).map(draw).collect()
    }

    /// Scalar product: a scalar function of a tensor with a non-unit gradient.
    pub fn dot(a: &[f64], b: &[f64]) -> f64 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// Asserts that two tensors agree to `tolerance` relative to the largest wanted entry.
    pub fn assert_close(got: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(got.len(), want.len());
        let scale = want.iter().fold(f64::MIN_POSITIVE, |scale, value| value.abs().max(scale));
        for (index, (got, want)) in got.iter().zip(want).enumerate() {
            let error = (got - want).abs() / scale;
            assert!(error <= tolerance, "[{index}]: got {got}, want {want}, error {error:e} of {scale:e}");
        }
    }

    /// Asserts that `gradient` is that of `function` at `point`, by central differences.
    pub fn assert_gradient(point: &[f64], gradient: &[f64], function: impl Fn(&[f64]) -> f64) {
        const STEP: f64 = 1e-5;
        let mut moved = point.to_vec();
        let differences: Vec<f64> = (0..point.len())
            .map(|index| {
                moved[index] = point[index] + STEP;
                let above = function(&moved);
                moved[index] = point[index] - STEP;
                let below = function(&moved);
                moved[index] = point[index];
                (above - below) / (2.0 * STEP)
            })
            .collect();
        assert!(differences.iter().any(|difference| *difference != 0.0), "the function is constant");
        assert_close(gradient, &differences, 1e-7);
    }

    /// A file of expected values from other libraries.
    pub fn fixture(name: &str) -> serde_json::Value {
        let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// The numbers of a JSON array, of arrays in arrays one after another.
    pub fn numbers(value: &serde_json::Value) -> Vec<f64> {
        match value {
            serde_json::Value::Array(list) => list.iter().flat_map(numbers).collect(),
            number => vec![number.as_f64().unwrap()],
        }
    }
}
