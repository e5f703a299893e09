//! What the method costs over plain training: the share of losses, sums, features and distances in a step of R1, the
//! host's part in it, and the step of three losses against that of one.
//!
//!     cargo bench --bench overhead -- --csv overhead.csv

mod common;

use backhoe::bench::{Request, SPAN, Workload, measure, pace};
use backhoe::nn::Loss;
use backhoe::nn::plans::distances;
use clap::Parser;
use common::{Arguments, Table, number, open};
use std::error::Error;

/// Kinds of step that no plain classifier has, the loss but for its softmax among them.
const METHOD: [&str; 3] = ["loss_emd", "tally", "class_sums"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut table = Table::new(open(&arguments)?.adapter(), &["what", "ms", "of the step"]);
    let race = vec![Loss::Xe, Loss::Emd, Loss::Xemd2];
    let request = Request { workload: "R1".to_owned(), race, ..Request::default() };
    let m = measure(&mut *open(&arguments)?, &request)?;
    let mut row = |name: &str, ms: f64, share: f64| table.row(vec![name.to_owned(), number(ms), number(share)]);
    row("step", m.step_ms, 1.0);
    for kind in m.kinds.iter().filter(|kind| METHOD.contains(&kind.op)) {
        row(kind.op, kind.ms, kind.of_step);
    }
    let method = m.kinds.iter().filter(|kind| METHOD.contains(&kind.op));
    let (ms, share) = method.fold((0.0, 0.0), |sum, kind| (sum.0 + kind.ms, sum.1 + kind.of_step));
    row("the method's kinds together", ms, share);
    let ms = distances_ms(&arguments)?;
    row("distances, once an epoch", ms, ms / m.step_ms);
    if let Some(host) = m.host_ms {
        row("host", host, host / m.step_ms);
    }
    if let Some(race) = m.race {
        row("race of three losses", race.step_ms, race.times_one);
    }
    table.finish(&arguments)
}

/// Milliseconds of centroids, distances and ground distances of R1's eight classes.
fn distances_ms(arguments: &Arguments) -> Result<f64, Box<dyn Error>> {
    let mut executor = open(arguments)?;
    let workload = Workload::named("R1")?;
    workload.start(&mut *executor, &[Loss::Emd])?;
    let plan = executor.prepare(&distances(&workload.model, &[Loss::Emd], false))?;
    Ok(1e3 * pace(&mut *executor, plan, "train", SPAN)?.step_s)
}
