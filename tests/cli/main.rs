//! The program as its user runs it: exit codes, files, words on standard error. Everything is as
//! small as it can be, and of the same shapes wherever possible: a software driver keeps what it
//! has compiled.

mod damage;
mod devices;
mod divergence;
mod evaluation;
mod folders;
mod losses;
mod output;
mod program;
mod protocol;
mod refusals;
mod reproduction;
#[cfg(unix)]
mod resume;
mod runs;
mod sweeps;
mod training;
