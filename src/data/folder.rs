//! A folder of class folders as a data set.
//!
//! ```text
//! data/cats/1.png        data/train/cats/1.png     data/classes.txt  (optional: order and values of the classes)
//! data/dogs/a/2.jpg      data/test/cats/2.png      data/votes.csv    (optional: votes by class for images)
//! ```
//!
//! Where there are `train` and `test` folders they are the two splits, else the images are split by class, and by subject
//! where a `subjects.csv` names them. Files that
//! cannot be read as images are named and passed over, or refused in strict mode. What training runs leave is no data:
//! a folder with a [`RECORD`] is not searched, and one with nothing but such folders is no class. [`decode_bytes`] is
//! portable; the rest needs files and threads.

#[cfg(not(target_arch = "wasm32"))]
mod classes;
mod decode;
#[cfg(not(target_arch = "wasm32"))]
mod error;
#[cfg(not(target_arch = "wasm32"))]
mod grouping;
#[cfg(not(target_arch = "wasm32"))]
mod load;
#[cfg(not(target_arch = "wasm32"))]
mod scan;
#[cfg(not(target_arch = "wasm32"))]
mod store;
#[cfg(not(target_arch = "wasm32"))]
mod votes;
#[cfg(not(target_arch = "wasm32"))]
mod walk;

#[cfg(not(target_arch = "wasm32"))]
pub use classes::ClassListError;
pub use decode::{DecodeError, decode_bytes};
#[cfg(not(target_arch = "wasm32"))]
pub use error::{FolderError, SkipReason, Skipped};
#[cfg(not(target_arch = "wasm32"))]
pub use grouping::{Grouping, GroupingError};
#[cfg(not(target_arch = "wasm32"))]
pub use load::{Folder, Loaded, decode_file};
#[cfg(not(target_arch = "wasm32"))]
pub use scan::image_files;
#[cfg(not(target_arch = "wasm32"))]
pub use votes::VotesError;
#[cfg(not(target_arch = "wasm32"))]
pub use walk::RECORD;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
