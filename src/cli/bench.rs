//! `backhoe bench`: a workload's numbers as a table or as JSON.

use super::args::BenchArguments;
use super::{CliError, open, say};
use backhoe::bench::{Measurement, measure};

/// Measures a workload.
pub fn run(arguments: &BenchArguments) -> Result<(), CliError> {
    let mut executor = open(&arguments.device, true)?;
    let measured = measure(&mut *executor, &arguments.workload).map_err(|error| CliError::Words(error.to_string()))?;
    if arguments.json {
        return say(false, serde_json::json!(measured));
    }
    print(&measured)
}

fn print(m: &Measurement) -> Result<(), CliError> {
    say(false, format_args!("{} on {}", m.workload, m.adapter))?;
    say(
        false,
        format_args!(
            "training   {:8.1} images/s, {:.1} ms a step of {:.2} GFLOP",
            m.train_images_per_s, m.step_ms, m.step_gflop
        ),
    )?;
    say(false, format_args!("inference  {:8.1} images/s by centre crop and mirror image", m.infer_images_per_s))?;
    say(
        false,
        format_args!(
            "first step after {:.2} s; the host takes {:.2} ms a step; {:.1} MiB",
            m.first_step_s, m.host_ms, m.memory_mib
        ),
    )?;
    say(
        false,
        format_args!(
            "peaks here {:8.1} GFLOP/s (matrix product of 512 cubed), {:.1} GB/s (addition)",
            m.peak_gflops, m.copy_gb_per_s
        ),
    )?;
    say(false, format_args!("\n{:28} {:>9} {:>9} {:>8} {:>7}", "kind of step", "ms", "GFLOP/s", "of peak", "GB/s"))?;
    for kind in &m.kinds {
        let share = 100.0 * kind.of_peak;
        say(
            false,
            format_args!("{:28} {:9.2} {:9.2} {share:6.1} % {:7.2}", kind.op, kind.ms, kind.gflops, kind.gb_per_s),
        )?;
    }
    Ok(())
}
