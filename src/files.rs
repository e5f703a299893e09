//! Files of runs: on the disk, or in a page, which has none, in memory. Both by the same functions, chosen when the program is
//! compiled; who serves a page keeps what is in its memory where a browser keeps things.

#[cfg(not(target_arch = "wasm32"))]
mod disk;
#[cfg(any(test, target_arch = "wasm32"))]
pub mod memory;

#[cfg(not(target_arch = "wasm32"))]
pub use disk::{create_folder, exists, len, names, read, remove, remove_folder, replace, write, write_whole};
#[cfg(target_arch = "wasm32")]
pub use memory::{create_folder, exists, len, names, read, remove, remove_folder, replace, write, write_whole};

/// How the names of files begin that are not whole yet; a killed run leaves such a one.
pub const UNFINISHED: &str = ".unfinished-";
