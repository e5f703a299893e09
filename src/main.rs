//! The `backhoe` program, and the same for a browser's page.

#[cfg(not(target_arch = "wasm32"))]
mod cli;
#[cfg(target_arch = "wasm32")]
mod web;

#[cfg(target_arch = "wasm32")]
fn main() {
    web::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    use clap::Parser;
    use std::process::ExitCode;
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
