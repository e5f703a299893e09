//! Losses from other libraries, and losses against distributions, by the numbers of these libraries
//! (`fixtures/make_rivals.py`): on the oracle, on this machine's adapter and on its processor.

mod common;

use backhoe::nn::Loss;
use backhoe::nn::loss::{Labelling, Table};
use backhoe::plan::{LossShape, Op, Operand, Plan, Residency, View};
use backhoe::reference::Interpreter;
use common::{Device, assert_close, assert_within, devices, largest};
use serde_json::Value;

/// `xe` and `emd` stand for their forms against votes.
const RIVALS: [Loss; 6] = [Loss::Corn, Loss::Qwk, Loss::Sord, Loss::Binomial, Loss::Xe, Loss::Emd];

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// A plan of one loss, each of whose operands has a slot of its name.
fn plan(op: Op, prefix: &str) -> Plan {
    let mut plan = Plan::default();
    let slot = |o: &Operand| plan.kept(&format!("{prefix}{}", o.name), o.element, o.len, Residency::Data);
    let views: Vec<View> = op.operands().iter().map(slot).collect();
    plan.push(op, &views);
    plan
}

/// Fills the table of distributions that a loss is trained on, and says which row is whose.
fn put_table(device: &mut dyn Device, loss: Loss, case: &Value, labels: &[u32], prefix: &str) {
    let classes = case["classes"].as_u64().unwrap() as usize;
    let (rows, table) = match loss.table(true) {
        Some(Table::Votes) => ((0..labels.len() as u32).collect(), numbers(&case["votes"])),
        Some(Table::Classes) => (labels.to_vec(), loss.class_labels(classes).unwrap()),
        _ => return,
    };
    device.put_words(&format!("{prefix}rows"), &rows);
    device.put(&format!("{prefix}table"), &table);
}

/// The probability of a class above each but the last, of distributions.
fn above(probabilities: &[f64], classes: usize) -> Vec<f64> {
    let of_row = |row: &[f64]| (1..classes).map(|i| row[i..].iter().sum()).collect::<Vec<f64>>();
    probabilities.chunks(classes).flat_map(of_row).collect()
}

/// To `tolerance` of the largest entry, and `rounding` where next to nothing is left of two numbers near 1.
fn check(device: &mut dyn Device, tolerance: f64, rounding: f64) {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rivals.json")).unwrap();
    let fixture: Value = serde_json::from_str(&text).unwrap();
    for (index, case) in fixture["cases"].as_array().unwrap().iter().enumerate() {
        let labels: Vec<u32> = numbers(&case["labels"]).into_iter().map(|label| label as u32).collect();
        let shape = LossShape { batch: labels.len(), classes: case["classes"].as_u64().unwrap() as usize };
        let labelling = Labelling { samples: shape.batch, classes: shape.classes, votes: true };
        for loss in RIVALS {
            let prefix = format!("{loss}/{index}/");
            let handle = device.prepare(&plan(Op::Loss(loss.kind(labelling), shape), &prefix)).unwrap();
            let want = &case["expect"][loss.name()];
            device.put(&format!("{prefix}logits"), &numbers(&want["logits"]));
            device.put_words(&format!("{prefix}targets"), &labels);
            put_table(device, loss, case, &labels, &prefix);
            device.submit(handle).unwrap();
            if loss == Loss::Corn {
                let above = above(&device.take(&format!("{prefix}probabilities")), shape.classes);
                assert_close(&format!("chain of case {index}"), &above, &numbers(&want["above"]), tolerance);
            }
            let mean =
                device.take(&format!("{prefix}terms")).chunks(3).map(|row| row[0]).sum::<f64>() / shape.batch as f64;
            for (what, got) in [("loss", vec![mean]), ("grad", device.take(&format!("{prefix}logit_gradient")))] {
                let want = numbers(&want[what]);
                let what = format!("{what} of {loss} with {} classes, case {index}", shape.classes);
                assert_within(&what, &got, &want, tolerance * largest(&want) + rounding);
            }
        }
    }
}

#[test]
fn rivals_and_their_gradients_on_the_oracle() {
    check(&mut Interpreter::new(), 1e-10, 1e-15);
}

#[test]
fn rivals_and_their_gradients_on_the_adapter() {
    devices().iter_mut().for_each(|device| check(&mut **device, 1e-4, 1e-7));
}
