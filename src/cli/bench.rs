//! `backhoe bench`: a workload's numbers as a table or as JSON.

use super::args::BenchArguments;
use super::history::History;
use super::{CliError, open, say};
use backhoe::bench::{Measurement, Request, measure};
use backhoe::check;
use std::fmt::Write;
use std::time::Instant;

/// Measures a workload.
pub fn run(arguments: &BenchArguments) -> Result<(), CliError> {
    if arguments.submit {
        return say(false, submission(arguments)?.trim_end());
    }
    let history = arguments.history.as_deref().map(History::open).transpose()?;
    let measured = measured(arguments, &arguments.workload)?;
    history.map_or(Ok(()), |history| history.append(&measured))?;
    if arguments.json {
        return say(false, serde_json::json!(measured));
    }
    say(false, words(&measured).trim_end())
}

fn measured(arguments: &BenchArguments, workload: &str) -> Result<Measurement, CliError> {
    let began = Instant::now();
    let mut executor = open(&arguments.device, true)?;
    let request = Request {
        workload: workload.to_owned(),
        race: arguments.loss.clone(),
        open: Some(began.elapsed()),
        ..Request::default()
    };
    measure(&mut *executor, &request).map_err(|error| CliError::Words(error.to_string()))
}

/// Both workloads with the version, the system and what the check finds, fenced for Markdown.
fn submission(arguments: &BenchArguments) -> Result<String, CliError> {
    let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    let mut text = format!("```text\nbackhoe {version} on {os}, {arch}\n\n");
    for workload in ["R1", "R2"] {
        text += &words(&measured(arguments, workload)?);
        text.push('\n');
    }
    let rows = check::check(&mut *open(&arguments.device, true)?, &mut |_| ())?;
    text += &format!("{} against the f64 reference\n```\n", check::summary(&rows));
    Ok(text)
}

/// The numbers in words. Writing into a `String` cannot fail.
fn words(m: &Measurement) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} on {}", m.workload, m.adapter);
    let _ = writeln!(
        text,
        "training   {:8.1} images/s, {:.1} ms a step of {:.2} GFLOP",
        m.train_images_per_s, m.step_ms, m.step_gflop
    );
    let _ = writeln!(text, "inference  {:8.1} images/s by centre crop and mirror image", m.infer_images_per_s);
    let host = m.host_ms.map_or("does the step itself".to_owned(), |ms| format!("takes {ms:.2} ms"));
    let _ = writeln!(
        text,
        "a step     the host {host}; submissions {:.0}, dispatches {:.0}, bytes uploaded {:.0}",
        m.submissions, m.dispatches, m.uploaded_bytes
    );
    let s = &m.startup;
    let _ = writeln!(
        text,
        "first step after {:.2} s: {}try kernels {:.2}, prepare {:.2}, fill {:.2}, step {:.2}",
        s.open_s.unwrap_or(0.0) + m.first_step_s,
        s.open_s.map_or(String::new(), |open| format!("open {open:.2}, ")),
        s.tune_s,
        s.prepare_s,
        s.fill_s,
        s.replay_s
    );
    let process = m.process_mib.map_or(String::new(), |mib| format!("; the process held up to {mib:.0} MiB"));
    let _ = writeln!(
        text,
        "memory     {:.1} MiB by the plan, {:.1} MiB taken for training and evaluation{process}",
        m.memory_mib, m.allocated_mib
    );
    if let (Some(gflops), Some(gb_per_s)) = (m.peak_gflops, m.copy_gb_per_s) {
        let _ = writeln!(text, "peaks here {gflops:8.1} GFLOP/s of multiply-adds, {gb_per_s:.1} GB/s of a copy");
    }
    if let Some(race) = &m.race {
        let names: Vec<&str> = race.losses.iter().map(|loss| loss.name()).collect();
        let _ = writeln!(
            text,
            "race       {:.1} ms a step of {}: {:.2} times the step of one",
            race.step_ms,
            names.join(", "),
            race.times_one
        );
    }
    table(&mut text, m);
    text
}

fn table(text: &mut String, m: &Measurement) {
    let together: f64 = m.kinds.iter().map(|kind| kind.ms).sum();
    let _ = writeln!(text, "kinds      {together:8.3} ms together, {}\n", m.kinds_timed_by);
    let _ = writeln!(
        text,
        "{:24} {:>9} {:>7} {:>9} {:>8} {:>8} {:>8}",
        "kind of step", "ms", "share", "GFLOP/s", "of peak", "GB/s", "of copy"
    );
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    for kind in &m.kinds {
        let _ = writeln!(
            text,
            "{:24} {:9.3} {:>7} {:9.2} {:>8} {:8.2} {:>8}",
            kind.op,
            kind.ms,
            percent(Some(kind.of_step)),
            kind.gflops,
            percent(kind.of_peak),
            kind.gb_per_s,
            percent(kind.of_copy)
        );
    }
}
