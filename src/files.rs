//! Files of runs and images: on the disk, or in a page, which has none, in memory. Both by the same functions, chosen when the program is
//! compiled; who serves a page keeps what is in its memory where a browser keeps things.

#[cfg(not(target_arch = "wasm32"))]
mod disk;
#[cfg(any(test, target_arch = "wasm32"))]
pub mod memory;
pub mod packed;

#[cfg(not(target_arch = "wasm32"))]
pub use disk::{
    create_folder, entries, exists, kind, len, names, read, remove, remove_folder, replace, true_path, write,
    write_whole,
};
#[cfg(target_arch = "wasm32")]
pub use memory::{
    create_folder, entries, exists, kind, len, names, read, remove, remove_folder, replace, true_path, write,
    write_whole,
};

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// What an entry of a folder is, or what a link leads to.
#[derive(Debug)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A pipe, a socket, a device: opening one could wait for ever.
    Other,
    /// A link to nothing, or without permission.
    Unknown(io::Error),
}

/// An entry of a folder.
#[derive(Debug)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Whether it leads somewhere else.
    pub is_link: bool,
}

impl Entry {
    /// Its name, as text.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        self.path.file_name().unwrap_or_default().to_string_lossy()
    }

    /// A folder itself, rather than a link that may lead round in a circle.
    #[must_use]
    pub fn is_own_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder) && !self.is_link
    }
}

/// A file's text.
///
/// # Errors
/// When it cannot be read, or is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// How the names of files begin that are not whole yet; a killed run leaves such a one.
pub const UNFINISHED: &str = ".unfinished-";
