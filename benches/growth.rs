//! How time and memory grow with batch, side, channels, classes, racing losses and images: a series each, and the slope over it
//! on logarithmic axes beside that of the plan's operations and bytes.
//!
//!     cargo bench --bench growth -- --csv growth.csv

mod common;

use backhoe::bench::{BenchError, Workload, pace};
use backhoe::nn::Loss;
use backhoe::nn::plans::distances;
use backhoe::plan::{AdapterKind, Memory, Plan};
use clap::Parser;
use common::{Arguments, Table, number, open};
use std::error::Error;
use std::time::Duration;

/// Time spent on each point, at least.
const SPAN: Duration = Duration::from_millis(500);

/// The series that only the processor has.
const THREADS: &str = "threads, R1";

/// What is varied, and the plan measured for each of its values.
struct Series {
    name: &'static str,
    values: &'static [usize],
    point: fn(usize) -> Result<Point, BenchError>,
}

/// One point: a workload, its losses, whether the distances of an epoch's end are measured instead of a step, and the
/// processor's threads where they vary.
struct Point {
    workload: Workload,
    losses: &'static [Loss],
    distances: bool,
    threads: Option<usize>,
}

/// A training step of the EMD loss.
fn step(workload: Result<Workload, BenchError>) -> Result<Point, BenchError> {
    Ok(Point { workload: workload?, losses: &[Loss::Emd], distances: false, threads: None })
}

/// A base small enough for software drivers, varied in one respect at a time.
const SERIES: [Series; 9] = [
    Series { name: "batch", values: &[8, 16, 32, 64], point: |n| step(Workload::plain(n, 32, &[8, 16, 32], 64, 8)) },
    Series { name: "side", values: &[16, 32, 64], point: |n| step(Workload::plain(16, n, &[8, 16, 32], 64, 8)) },
    Series {
        name: "channels",
        values: &[8, 16, 32],
        point: |n| step(Workload::plain(16, 32, &[n, 2 * n, 4 * n], 64, 8)),
    },
    Series {
        name: "classes, emd",
        values: &[2, 10, 100, 1000],
        point: |n| step(Workload::plain(16, 16, &[8, 16], 64, n)),
    },
    Series {
        name: "classes, xemd2",
        values: &[2, 10, 100, 1000],
        point: |n| Ok(Point { losses: &[Loss::Xemd2], ..step(Workload::plain(16, 16, &[8, 16], 64, n))? }),
    },
    Series {
        name: "classes, distances",
        values: &[10, 100, 1000],
        point: |n| Ok(Point { distances: true, ..step(Workload::plain(16, 16, &[8, 16], 64, n))? }),
    },
    Series {
        name: "racing losses",
        values: &[1, 2, 3, 5],
        point: |n| Ok(Point { losses: &Loss::ALL[..n], ..step(Workload::plain(16, 32, &[8, 16, 32], 64, 8))? }),
    },
    Series {
        name: "images",
        values: &[64, 1024, 16_384],
        point: |n| {
            let workload = Workload::plain(16, 32, &[8, 16, 32], 64, 8)?;
            step(Ok(Workload { images: n, ..workload }))
        },
    },
    Series {
        name: THREADS,
        values: &[1, 2, 4],
        point: |n| Ok(Point { threads: Some(n), ..step(Workload::named("R1"))? }),
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let headings = ["what", "value", "ms", "MFLOP", "MiB planned", "MiB taken", "ms, slope", "MFLOP, slope"];
    let adapter = open(&arguments)?.adapter().clone();
    let mut table = Table::new(&adapter, &headings);
    let processor = adapter.kind == AdapterKind::Processor;
    for series in SERIES.iter().filter(|series| processor || series.name != THREADS) {
        let (mut times, mut works) = (Vec::new(), Vec::new());
        for &value in series.values {
            let (measured, plan) = measure(&arguments, &(series.point)(value)?)?;
            let work = plan.cost().operations as f64 / 1e6;
            times.push((value as f64, measured.ms));
            works.push((value as f64, work));
            table.row(vec![
                series.name.to_owned(),
                value.to_string(),
                number(measured.ms),
                number(work),
                number(Memory::of(&plan).bytes() as f64 / 1_048_576.0),
                number(measured.mib),
                last_slope(&times),
                last_slope(&works),
            ]);
        }
    }
    table.finish(&arguments)
}

/// What a point came to.
struct Measured {
    ms: f64,
    mib: f64,
}

fn measure(arguments: &Arguments, point: &Point) -> Result<(Measured, Plan), Box<dyn Error>> {
    let mut arguments = arguments.clone();
    arguments.threads = point.threads.or(arguments.threads);
    let mut executor = open(&arguments)?;
    let started = point.workload.start(&mut *executor, point.losses)?;
    let (handle, plan) = if point.distances {
        let plan = distances(&point.workload.model, point.losses, false);
        (executor.prepare(&plan)?, plan)
    } else {
        (started.handle, started.plan)
    };
    let mib = executor.usage().allocated_bytes as f64 / 1_048_576.0;
    let ms = 1e3 * pace(&mut *executor, handle, "train", SPAN)?.step_s;
    Ok((Measured { ms, mib }, plan))
}

/// Slope between the last two points on logarithmic axes; nothing for the first.
fn last_slope(points: &[(f64, f64)]) -> String {
    let [.., a, b] = points else { return String::new() };
    number((b.1 / a.1).ln() / (b.0 / a.0).ln())
}
