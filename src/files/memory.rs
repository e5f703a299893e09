//! Files in memory. Folders are where files are. Who keeps them elsewhere asks for what has changed ([`changes`]).

use super::UNFINISHED;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All files, and which have been written or removed since that was last asked.
struct Shelf {
    files: BTreeMap<PathBuf, Vec<u8>>,
    changed: BTreeSet<PathBuf>,
}

static SHELF: Mutex<Shelf> = Mutex::new(Shelf { files: BTreeMap::new(), changed: BTreeSet::new() });

fn shelf() -> MutexGuard<'static, Shelf> {
    SHELF.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files that were written, or removed (then without bytes), since this was last asked.
#[must_use]
pub fn changes() -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut shelf = shelf();
    let changed = std::mem::take(&mut shelf.changed);
    changed.into_iter().map(|path| (path.clone(), shelf.files.get(&path).cloned())).collect()
}

/// Puts a file where it is already kept elsewhere: that is no change.
pub fn restore(path: PathBuf, bytes: Vec<u8>) {
    shelf().files.insert(path, bytes);
}

/// The bytes of a file.
///
/// # Errors
/// When there is none.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    shelf().files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Writes a file.
///
/// # Errors
/// None; on a disk there are.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut shelf = shelf();
    shelf.files.insert(path.to_owned(), bytes.to_vec());
    shelf.changed.insert(path.to_owned());
    Ok(())
}

/// Writes a file whole or not at all.
///
/// # Errors
/// As [`write`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes)
}

/// Has `write` write a file beside its place, then renames it into it. Returns what `write` does.
///
/// # Errors
/// Those of `write`, and when it writes nothing.
pub fn replace<T, E: From<io::Error>>(path: &Path, write: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let place = path.with_file_name(format!("{UNFINISHED}{name}"));
    let written = write(&place);
    let mut shelf = shelf();
    // It stays in no case: neither as a file nor as a change.
    let bytes = shelf.files.remove(&place);
    shelf.changed.remove(&place);
    let (written, bytes) = (written?, bytes.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?);
    shelf.files.insert(path.to_owned(), bytes);
    shelf.changed.insert(path.to_owned());
    Ok(written)
}

/// Makes a folder: nothing has to be done.
///
/// # Errors
/// None; on a disk there are.
pub fn create_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether there is a file, or one below.
#[must_use]
pub fn exists(path: &Path) -> bool {
    shelf().files.keys().any(|file| file.starts_with(path))
}

/// Bytes of a file, where there is one.
#[must_use]
pub fn len(path: &Path) -> Option<u64> {
    shelf().files.get(path).map(|bytes| bytes.len() as u64)
}

/// The names in a folder, in their order.
///
/// # Errors
/// None; on a disk there are.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let shelf = shelf();
    let below = shelf.files.keys().filter_map(|file| file.strip_prefix(folder).ok()?.components().next());
    let names: BTreeSet<String> = below.map(|name| name.as_os_str().to_string_lossy().into_owned()).collect();
    Ok(names.into_iter().collect())
}

/// Removes a file.
///
/// # Errors
/// When there is none.
pub fn remove(path: &Path) -> io::Result<()> {
    let mut shelf = shelf();
    shelf.files.remove(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    shelf.changed.insert(path.to_owned());
    Ok(())
}

/// Removes a folder that holds nothing: there is none.
///
/// # Errors
/// When it holds something.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    if exists(path) { Err(io::ErrorKind::DirectoryNotEmpty.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_replaced_removed_and_told_of() {
        let place = |name: &str| Path::new("shelf-test").join(name);
        let mine = || -> Vec<_> { changes().into_iter().filter(|(path, _)| path.starts_with("shelf-test")).collect() };
        write(&place("a/one"), b"1").unwrap();
        restore(place("two"), b"22".to_vec());
        assert_eq!(names(Path::new("shelf-test")).unwrap(), ["a", "two"]);
        assert_eq!((len(&place("two")), len(&place("a"))), (Some(2), None));
        assert!(exists(&place("a")) && !exists(&place("b")));
        assert_eq!(remove_folder(&place("a")).unwrap_err().kind(), io::ErrorKind::DirectoryNotEmpty);
        assert_eq!(mine(), [(place("a/one"), Some(b"1".to_vec()))]);
        replace(&place("two"), |beside| write(beside, b"3")).unwrap();
        remove(&place("a/one")).unwrap();
        assert_eq!(mine(), [(place("a/one"), None), (place("two"), Some(b"3".to_vec()))]);
        assert_eq!(names(Path::new("shelf-test")).unwrap(), ["two"]);
        assert_eq!(read(&place("a/one")).unwrap_err().kind(), io::ErrorKind::NotFound);
        let refused = replace(&place("two"), |beside| {
            write(beside, b"half")?;
            Err::<(), _>(io::Error::other("no"))
        });
        assert!(refused.is_err() && read(&place("two")).unwrap() == b"3");
        assert_eq!((names(Path::new("shelf-test")).unwrap(), mine()), (vec!["two".to_owned()], Vec::new()));
    }
}
