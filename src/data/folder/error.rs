//! What can be wrong with a data folder, and with a single file in it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::classes::ClassListError;
use super::decode::DecodeError;
use super::grouping::GroupingError;
use super::votes::VotesError;
use crate::data::SideError;
use crate::data::split::SplitError;

/// A file or folder that was passed over, and why.
#[derive(Debug, Error)]
#[error("{}: {reason}", path.display())]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: SkipReason,
}

/// Why a file or folder was passed over.
#[derive(Debug, Error)]
pub enum SkipReason {
    /// It could not be read as an image.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It could not be opened or listed: no permission, or a link to nothing.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A pipe, a socket, a device.
    #[error("not a regular file")]
    NotAFile,
    /// A link to a folder that was read already, or to one that it lies in.
    #[error("a link to a folder that holds it or was read already")]
    Loop,
    /// An image beside the class folders.
    #[error("lies beside the class folders, so that it has no class: move it into one")]
    NoClass,
    /// A folder beside `train` and `test`.
    #[error("a folder beside `train` and `test`, of which only those two are read")]
    NotASplit,
}

/// Why a folder could not be loaded.
#[derive(Debug, Error)]
pub enum FolderError {
    /// There is nothing at the path.
    #[error("{} does not exist: name a folder with one folder of images for each class", .0.display())]
    Missing(PathBuf),
    /// A file where a folder was expected.
    #[error("{} is not a folder: name one with one folder of images for each class", .0.display())]
    NotAFolder(PathBuf),
    /// A folder could not be listed.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The side is out of bounds.
    #[error(transparent)]
    Side(#[from] SideError),
    /// The test fraction is out of bounds.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The list of subjects does not fit the images.
    #[error(transparent)]
    Grouping(#[from] GroupingError),
    /// What is wrong with the table of votes.
    #[error("{}: {source}", path.display())]
    Votes {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<VotesError>,
    },
    /// No folder inside the folder.
    #[error("{} has no class folders: put the images of each class into a folder of its own", .0.display())]
    NoClasses(PathBuf),
    /// One class folder only.
    #[error("{} has a single class, `{class}`: it takes at least 2 to tell apart", path.display())]
    SingleClass {
        /// The folder.
        path: PathBuf,
        /// The one class in it.
        class: String,
    },
    /// A class folder's name is not text.
    #[error("the name of {} is not valid Unicode: rename the folder, its name is the class's", .0.display())]
    ClassName(PathBuf),
    /// The class folders are there, but no file is in any of them.
    #[error("there are no images in {}: its class folders are empty", .0.display())]
    NoImages(PathBuf),
    /// A file or folder to predict on that has nothing of the kind.
    #[error("there are no image files in {}", .0.display())]
    NoImageFiles(PathBuf),
    /// A class folder without a single readable image.
    #[error(
        "class `{class}` has no images in {} (files there that could not be read: {passed_over}): add images, or remove \
         the folder",
        path.display()
    )]
    EmptyClass {
        /// The class.
        class: String,
        /// Its folder.
        path: PathBuf,
        /// Files in it that could not be read as images.
        passed_over: usize,
    },
    /// Not one file could be read as an image.
    #[error("none of the {count} files in {} could be read as an image; the first: {first}", path.display())]
    AllBroken {
        /// The folder.
        path: PathBuf,
        /// Files that were tried.
        count: usize,
        /// The first of them.
        first: Skipped,
    },
    /// Either `train` or `test` is there, but not the other.
    #[error(
        "{} has a `{present}` folder but no `{absent}` folder: add one, or put the class folders straight into the data \
         folder to have them split",
        path.display()
    )]
    HalfSplit {
        /// The folder.
        path: PathBuf,
        /// "train" or "test".
        present: &'static str,
        /// The other one.
        absent: &'static str,
    },
    /// Classes that only one of `train` and `test` has.
    #[error(
        "{} has no class folder for {}, which `{other}` has: both need the same classes",
        path.display(),
        listed(classes)
    )]
    MissingClasses {
        /// The folder in which they are missing.
        path: PathBuf,
        /// The classes.
        classes: Vec<String>,
        /// "train" or "test", the one that has them.
        other: &'static str,
    },
    /// A class with too few images to have one on each side of the split.
    #[error(
        "class `{class}` has a single image, and a split needs at least 2: add images, or make `train` and `test` \
         folders"
    )]
    TooFewToSplit {
        /// The class.
        class: String,
    },
    /// `classes.txt` is wrong or does not fit the folders.
    #[error("{}: {source}", path.display())]
    ClassList {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        source: ClassListError,
    },
    /// The images would not fit into memory.
    #[error("{images} images of {side} x {side} pixels do not fit into memory: choose a smaller side")]
    Memory {
        /// Files that would be read.
        images: usize,
        /// The side asked for.
        side: usize,
    },
    /// The images could not be kept in a temporary file.
    #[error(
        "{images} images of {side} x {side} pixels are too many for memory, and cannot be kept in a file in {}: {source}; \
         make room there, let TMPDIR (TMP on Windows) name a folder with room, or choose a smaller side",
        folder.display()
    )]
    Store {
        /// Files that would be read.
        images: usize,
        /// The side asked for.
        side: usize,
        /// The folder of temporary files.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Strict mode: the first file that would have been passed over.
    #[error("{0} (strict mode takes no such file: mend or remove it, or load without strict mode)")]
    Strict(Skipped),
}

/// Up to ten names in quotes, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let quoted: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
}
