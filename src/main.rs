//! The `backhoe` program.

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(cli::args::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::warn(format_args!("backhoe: {error}"));
            match error {
                cli::CliError::Stopped(_) => ExitCode::from(130),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
