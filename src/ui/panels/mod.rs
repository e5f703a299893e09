//! The panels, each a file: what it shows, and the little state that is its own.

pub mod controls;
pub mod edit;
pub mod engine;
pub mod ground;
pub mod inside;
pub mod mistakes;
pub mod mover;
pub mod race;
pub mod replay;
pub mod top;
pub mod welcome;
