//! The window: watch a network learn how far apart its classes are. It sees settings and messages only ([`crate::worker`]):
//! nothing here waits, computes a gradient or touches a file.

pub mod app;
mod bars;
mod desk;
pub mod dialogs;
mod keyboard;
pub mod known;
mod matrix;
mod panels;
mod picture;
mod terms;
mod theme;

pub use app::App;
pub use known::Known;
pub use panels::controls;
