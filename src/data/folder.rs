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
//! a folder with a [`RECORD`] is not searched, and one with nothing but such folders is no class. In a page
//! the folder lies in memory; [`image_files`] looks into files on the disk.

mod classes;
mod decode;
mod error;
mod grouping;
mod load;
mod scan;
mod store;
mod votes;
mod walk;

pub use classes::ClassListError;
pub use decode::{DecodeError, decode_bytes};
pub use error::{FolderError, SkipReason, Skipped};
pub use grouping::{Grouping, GroupingError};
pub use load::{Folder, Loaded, Reading, decode_file};
pub use scan::image_files;
pub use votes::VotesError;
pub use walk::RECORD;

#[cfg(test)]
mod tests;
