//! Files on the disk. They are written beside their place and renamed into it, so that a full disk or a killed process
//! destroys nothing.

use super::{Entry, Kind, UNFINISHED};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// Writes a file where it is.
///
/// # Errors
/// When the disk is full or the folder is not writable.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::write(path, bytes)
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When the folder is not writable or the disk is full; the old file is then still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    check_place(path)?;
    let mut file = readable().tempfile_in(folder(path))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Has `write` write a file beside its place, then renames it into it. Returns what `write` does.
///
/// # Errors
/// Those of `write`, and when the file cannot be renamed.
pub fn replace<T, E: From<io::Error>>(path: &Path, write: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    check_place(path)?;
    let place = readable().tempfile_in(folder(path))?.into_temp_path();
    let written = write(&place)?;
    std::fs::File::options().write(true).open(&place).and_then(|file| file.sync_all())?;
    place.persist(path).map_err(|error| error.error)?;
    Ok(written)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses a folder before the work rather than after it; and a device such as `/dev/stdout`, which a file renamed into its
/// place would end.
fn check_place(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(there) if !there.is_file() => Err(io::Error::other("is there, and no file that could be replaced")),
        _ => Ok(()),
    }
}

/// Temporary files that others may read once they are renamed, as the umask allows.
fn readable<'a>() -> tempfile::Builder<'a, 'a> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

/// Makes a folder and those around it.
///
/// # Errors
/// When it cannot be made.
pub fn create_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Whether there is a file or folder.
#[must_use]
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Bytes of a file, where there is one.
#[must_use]
pub fn len(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.len())
}

/// What there is at a path, or where a link there leads to.
///
/// # Errors
/// When there is nothing, or it may not be looked at.
pub fn kind(path: &Path) -> io::Result<Kind> {
    let metadata = std::fs::metadata(path)?;
    Ok(match (metadata.is_dir(), metadata.is_file()) {
        (true, _) => Kind::Folder,
        (_, true) => Kind::File,
        _ => Kind::Other,
    })
}

/// The entries of a folder as they come.
///
/// # Errors
/// When it cannot be read.
pub fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
    let entry = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let kind = kind(&path).unwrap_or_else(Kind::Unknown);
        Ok(Entry { path, kind, is_link: entry.file_type()?.is_symlink() })
    };
    Ok(std::fs::read_dir(folder)?.map(move |found| found.and_then(entry)))
}

/// The path by which a file or folder is known however many links lead to it.
///
/// # Errors
/// When there is nothing.
pub fn true_path(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

/// The names in a folder, in their order.
///
/// # Errors
/// When it cannot be read.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Removes a file.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Removes a folder that holds nothing.
///
/// # Errors
/// When it holds something or cannot be removed.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    std::fs::remove_dir(path)
}
