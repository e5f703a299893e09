//! What the programs of this folder share: arguments, the executor, and tables on standard output and as CSV.

use backhoe::device::{self, DeviceChoice, Opening};
use backhoe::plan::Executor;
use clap::Parser;
use std::error::Error;
use std::path::PathBuf;

/// What every program takes.
#[derive(Clone, Debug, Parser)]
pub struct Arguments {
    /// `cpu`, `gpu`, a graphics adapter by name or index, or `auto`: a GPU where there is one, else the processor
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Threads of the processor; by default one a core
    #[arg(long)]
    pub threads: Option<usize>,
    /// Whether a graphics adapter times kernels first: `on` or `off`; by default GPUs do
    #[arg(long, value_name = "ON|OFF", value_parser = clap::builder::BoolishValueParser::new())]
    pub tune: Option<bool>,
    /// Write the rows to this file too
    #[arg(long)]
    csv: Option<PathBuf>,
    /// Cargo says it to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// A fresh executor: slots of one name have one size on one executor.
pub fn open(arguments: &Arguments) -> Result<Box<dyn Executor>, Box<dyn Error>> {
    Ok(device::open(&arguments.device, arguments.opening())?.executor)
}

impl Arguments {
    /// How the device computes.
    pub fn opening(&self) -> Opening {
        Opening { threads: self.threads, tune: self.tune }
    }
}

/// Rows that are printed as they come, and kept for the CSV.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table under these headings; says what it runs on.
    pub fn new(adapter: &dyn std::fmt::Display, headings: &[&str]) -> Self {
        println!("{adapter}\n");
        let mut table = Self { rows: Vec::new() };
        table.row(headings.iter().map(|heading| (*heading).to_owned()).collect());
        table
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        let (first, rest) = cells.split_first().map_or(("", &cells[..]), |(first, rest)| (first.as_str(), rest));
        let rest: String = rest.iter().map(|cell| format!(" {cell:>14}")).collect();
        println!("{first:28}{rest}");
        self.rows.push(cells);
    }

    /// Writes the CSV where one is wanted.
    pub fn finish(self, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
        let Some(path) = &arguments.csv else { return Ok(()) };
        let mut file = csv::Writer::from_path(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for row in &self.rows {
            file.write_record(row)?;
        }
        Ok(file.flush()?)
    }
}

/// A number with three digits that count.
pub fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
