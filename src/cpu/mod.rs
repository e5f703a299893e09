//! The processor's side: lowers a plan's steps once to tasks on equal units, chains those that can
//! be done image by image, and replays them natively with threads and vector instructions. Knows
//! no network, no file and no window.
//!
//! Every number is computed by the same instructions in the same order however the units are
//! shared out, so that equal seeds give equal bits whatever the number of threads.

mod batch;
mod conv;
mod elementwise;
mod executor;
mod linear;
mod loss;
mod lower;
mod norm;
mod ordinal;
mod peaks;
mod pool;
mod program;
mod reading;
mod task;
mod threads;
mod tile;
mod window;
mod winograd;
mod words;

pub use executor::Cpu;
