//! The window: watch a network learn how far apart its classes are. It sees settings and messages only ([`crate::worker`]):
//! nothing here waits, computes a gradient or touches a file.

mod address;
pub mod app;
mod bars;
mod curves;
mod desk;
pub mod dialogs;
mod distances;
mod drawing;
#[cfg(test)]
mod fixture;
mod keyboard;
pub mod known;
mod layout;
mod letters;
mod matrix;
mod metric;
mod panels;
mod picture;
mod scaling;
mod shot;
mod terms;
mod theme;

pub use address::Address;
pub use app::App;
pub use known::Known;
pub use panels::{PanelName, controls};
