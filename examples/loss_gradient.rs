//! Evaluates a loss and its gradient with respect to the logits, as a training step does: one step of a plan.
//!
//! ```text
//! cargo run --release --example loss_gradient -- emd
//! ```
//!
//! The losses are those of `backhoe train --loss`, emd where none is named. The true class of all rows is the second of
//! four; the rows put most of their weight on one class after the other.

use backhoe::gpu::{AdapterChoice, Gpu};
use backhoe::nn::Loss;
use backhoe::nn::loss::Labelling;
use backhoe::plan::executor::read_now;
use backhoe::plan::{Executor, LossShape, Op, Operand, Plan, Residency, StepSettings, View};

const CLASSES: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let loss: Loss = std::env::args().nth(1).unwrap_or("emd".to_owned()).parse()?;
    let shape = LossShape { batch: CLASSES, classes: CLASSES };
    let labelling = Labelling { samples: CLASSES, classes: CLASSES, votes: false };
    let op = Op::Loss(loss.kind(labelling), shape);
    // A slot for each operand, under the operand's name.
    let mut plan = Plan::default();
    let slot = |operand: &Operand| plan.kept(operand.name, operand.element, operand.len, Residency::Data);
    let views: Vec<View> = op.operands().iter().map(slot).collect();
    plan.push(op, &views);

    let place = |at: usize| (at / CLASSES, at % CLASSES);
    let cells = || (0..CLASSES * CLASSES).map(place);
    let logits: Vec<f32> = cells().map(|(row, class)| if row == class { 1.5 } else { 0.25 * class as f32 }).collect();
    let ground: Vec<f32> = cells().map(|(i, j)| i.abs_diff(j) as f32 / CLASSES as f32).collect();
    let (omega, mu) = loss.omega_and_mu();
    let settings = StepSettings { lambda: 1.0, omega, mu, regulariser: 0.1, ..StepSettings::default() };

    let mut gpu = Gpu::open(&AdapterChoice::Best)?;
    let handle = gpu.prepare(&plan)?;
    // Some losses have fewer outputs than classes.
    gpu.write("logits", 0, bytemuck::cast_slice(&logits[..op.operands()[0].len]))?;
    gpu.write("targets", 0, bytemuck::cast_slice(&[1u32; CLASSES]))?;
    // Only some losses read a ground distance, and fewer the settings.
    if loss.reads_ground() {
        gpu.write("ground", 0, bytemuck::cast_slice(&ground))?;
    }
    if loss.kind(labelling).reads_settings() {
        gpu.write("settings", 0, bytemuck::bytes_of(&settings))?;
    }
    // And some a table of what each sample is trained on: here each class's own distribution.
    if let Some(labels) = loss.class_labels(CLASSES) {
        let labels: Vec<f32> = labels.into_iter().map(|share| share as f32).collect();
        gpu.write("rows", 0, bytemuck::cast_slice(&[1u32; CLASSES]))?;
        gpu.write("table", 0, bytemuck::cast_slice(&labels))?;
    }
    gpu.submit(handle)?;
    let mut read = |slot: &str| -> Result<Vec<f32>, Box<dyn std::error::Error>> {
        Ok(bytemuck::pod_collect_to_vec(&read_now(&mut gpu, slot)?))
    };
    let (probabilities, gradient, terms) = (read("probabilities")?, read("logit_gradient")?, read("terms")?);
    // Three terms a row: the loss, its cross-entropy, its distance term. The gradient is that of the mean over the rows.
    for (row, terms) in terms.chunks(terms.len() / CLASSES).enumerate() {
        let of_row = row * CLASSES..(row + 1) * CLASSES;
        let outputs = gradient.len() / CLASSES;
        let (p, g) = (&probabilities[of_row], &gradient[row * outputs..(row + 1) * outputs]);
        println!("{loss} {:8.5}  probabilities {p:8.5?}  gradient {g:9.6?}", terms[0]);
    }
    Ok(())
}
