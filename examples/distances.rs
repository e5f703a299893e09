//! Learns how far apart classes are from features of your own (section 3.1 of the paper, equations 2, 12 and 13),
//! and reads the order of the classes off the distances: here colours, given as noisy spectra and in no order.
//!
//! ```text
//! cargo run --release --example distances
//! ```

use backhoe::gpu::{AdapterChoice, Gpu};
use backhoe::plan::executor::read_now;
use backhoe::plan::random::{pcg4d, unit};
use backhoe::plan::{Executor, Op, Operand, Plan, Residency, View};
use backhoe::report::matrix_table_text;
use backhoe::train::seriation::{order_tau, seriate};

/// Wavelengths in nanometres.
const COLOURS: [(&str, f32); 7] = [
    ("green", 530.0),
    ("violet", 410.0),
    ("orange", 605.0),
    ("blue", 460.0),
    ("red", 660.0),
    ("cyan", 495.0),
    ("yellow", 580.0),
];
const SAMPLES: usize = 70;
const BANDS: usize = 24;

/// The light of a sample in a band of the spectrum: a bump around its colour, and noise.
fn light(sample: usize, band: usize) -> f32 {
    let wavelength = 380.0 + 14.0 * band as f32;
    let away = (wavelength - COLOURS[sample % COLOURS.len()].1) / 60.0;
    (-away * away).exp() + 0.2 * unit(pcg4d([1, 0, sample as u32, band as u32])[0])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (batch, features, classes) = (SAMPLES, BANDS, COLOURS.len());
    let steps = [
        Op::ClassSums { batch, features, classes },
        Op::Centroids { classes, features },
        Op::PairwiseDistances { classes, features },
        Op::GroundDistance { classes },
    ];
    // A slot for each operand; operands of one name are one slot, which is how each step finds what the last one left.
    let mut plan = Plan::default();
    for op in steps {
        let slot = |operand: &Operand| plan.kept(operand.name, operand.element, operand.len, Residency::Data);
        let views: Vec<View> = op.operands().iter().map(slot).collect();
        plan.push(op, &views);
    }
    let values: Vec<f32> = (0..batch * features).map(|at| light(at / features, at % features)).collect();
    let targets: Vec<u32> = (0..batch).map(|sample| (sample % classes) as u32).collect();
    let mut gpu = Gpu::open(&AdapterChoice::Best)?;
    let handle = gpu.prepare(&plan)?;
    gpu.write("features", 0, bytemuck::cast_slice(&values))?;
    gpu.write("targets", 0, bytemuck::cast_slice(&targets))?;
    gpu.submit(handle)?;
    let ground: Vec<f32> = bytemuck::pod_collect_to_vec(&read_now(&mut gpu, "ground")?);
    let ground: Vec<f64> = ground.into_iter().map(f64::from).collect();
    println!("{}", matrix_table_text(&COLOURS.map(|(name, _)| name.to_owned()), &ground));
    let order = seriate(&ground, classes);
    let names: Vec<&str> = order.iter().map(|&class| COLOURS[class].0).collect();
    println!("order: {}  (Kendall's tau with the order given {:.2})", names.join(", "), order_tau(&order));
    Ok(())
}
