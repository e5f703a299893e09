//! Images a second of R1 and R2, training and evaluation, and each kind of step against the adapter's peaks.
//!
//!     cargo bench --bench throughput -- --csv throughput.csv

mod common;

use backhoe::bench::{Request, measure};
use clap::Parser;
use common::{Arguments, Table, number, open};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let headings = ["what", "ms", "images/s", "GFLOP/s", "of peak", "GB/s", "of copy"];
    let mut table = Table::new(open(&arguments)?.adapter(), &headings);
    for workload in ["R1", "R2"] {
        let request = Request { workload: workload.to_owned(), ..Request::default() };
        let m = measure(&mut *open(&arguments)?, &request)?;
        let rate = 1e3 * m.step_gflop / m.step_ms;
        let share = |share: Option<f64>| share.map_or(String::new(), number);
        let none = String::new;
        let of_peak = share(m.peak_gflops.map(|peak| rate / peak));
        let (ms, speed) = (number(m.step_ms), number(m.train_images_per_s));
        table.row(vec![format!("{workload} training"), ms, speed, number(rate), of_peak, none(), none()]);
        let speed = number(m.infer_images_per_s);
        table.row(vec![format!("{workload} evaluation"), none(), speed, none(), none(), none(), none()]);
        let (peak, copy) = (share(m.peak_gflops), share(m.copy_gb_per_s));
        table.row(vec![format!("{workload} peaks"), none(), none(), peak, none(), copy, none()]);
        for kind in &m.kinds {
            let (gflops, gb_per_s) = (number(kind.gflops), number(kind.gb_per_s));
            let (of_peak, of_copy) = (share(kind.of_peak), share(kind.of_copy));
            let name = format!("{workload} {}", kind.op);
            table.row(vec![name, number(kind.ms), none(), gflops, of_peak, gb_per_s, of_copy]);
        }
    }
    table.finish(&arguments)
}
