//! Files in memory. Folders are where files are. Who keeps them elsewhere asks for what has changed ([`next_change`]), and may
//! take the bytes of what is kept out of memory until they are needed ([`release`]).

use super::{Entry, Kind, UNFINISHED};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is in a file.
enum Content {
    Here(Vec<u8>),
    /// So many bytes, which are kept elsewhere alone.
    Away(u64),
}

/// All files, and which have been written or removed and are not kept elsewhere yet, in the order of that.
struct Shelf {
    files: BTreeMap<PathBuf, Content>,
    changed: Vec<PathBuf>,
}

static SHELF: Mutex<Shelf> = Mutex::new(Shelf { files: BTreeMap::new(), changed: Vec::new() });

fn shelf() -> MutexGuard<'static, Shelf> {
    SHELF.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    fn put(&mut self, path: PathBuf, bytes: Vec<u8>) {
        self.change(&path);
        self.files.insert(path, Content::Here(bytes));
    }

    /// What changes again comes after all that has changed before.
    fn change(&mut self, path: &Path) {
        self.changed.retain(|changed| changed != path);
        self.changed.push(path.to_owned());
    }

    /// A folder's files, or a file itself.
    fn below(&self, path: &Path) -> impl Iterator<Item = (&PathBuf, &Content)> {
        self.files.range(path.to_owned()..).take_while(move |(file, _)| file.starts_with(path))
    }
}

/// The first change that is not kept elsewhere yet: a file and its bytes, or none where it was removed.
#[must_use]
pub fn next_change() -> Option<(PathBuf, Option<Vec<u8>>)> {
    let shelf = shelf();
    let path = shelf.changed.first()?;
    let bytes = match shelf.files.get(path) {
        Some(Content::Here(bytes)) => Some(bytes.clone()),
        Some(Content::Away(_)) | None => None,
    };
    Some((path.clone(), bytes))
}

/// A change is kept elsewhere from now on.
pub fn kept(path: &Path) {
    shelf().changed.retain(|changed| changed != path);
}

/// Puts a file that need not be kept elsewhere: it is already, or nobody wants it to.
pub fn lay(path: PathBuf, bytes: Vec<u8>) {
    shelf().files.insert(path, Content::Here(bytes));
}

/// Tells of a file that is kept elsewhere, so long as none of this name is here.
pub fn note(path: PathBuf, len: u64) {
    let mut shelf = shelf();
    if !matches!(shelf.files.get(&path), Some(Content::Here(_))) {
        shelf.files.insert(path, Content::Away(len));
    }
}

/// Takes the bytes out of memory of files that `may` go, as far as they are kept elsewhere.
pub fn release(may: impl Fn(&Path) -> bool) {
    let Shelf { files, changed } = &mut *shelf();
    for (_, content) in files.iter_mut().filter(|(path, _)| may(path) && !changed.contains(path)) {
        if let Content::Here(bytes) = content {
            *content = Content::Away(bytes.len() as u64);
        }
    }
}

/// Takes a file away, of which nobody need be told.
pub fn take(path: &Path) -> Option<Vec<u8>> {
    let mut shelf = shelf();
    shelf.changed.retain(|changed| changed != path);
    match shelf.files.remove(path)? {
        Content::Here(bytes) => Some(bytes),
        Content::Away(_) => None,
    }
}

/// The files of a folder and of those in it whose latest state is kept elsewhere.
#[must_use]
pub fn settled(folder: &Path) -> Vec<PathBuf> {
    let shelf = shelf();
    let settled = shelf.below(folder).map(|(path, _)| path).filter(|path| !shelf.changed.contains(path));
    settled.cloned().collect()
}

/// The bytes of a file.
///
/// # Errors
/// When there is none, or it is kept elsewhere alone.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    match shelf().files.get(path) {
        Some(Content::Here(bytes)) => Ok(bytes.clone()),
        Some(Content::Away(_)) => Err(io::Error::other("not in memory at present: open the run first")),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Writes a file.
///
/// # Errors
/// None; on a disk there are.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    shelf().put(path.to_owned(), bytes.to_vec());
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
    // It stays in no case: neither as a file nor as a change.
    let bytes = take(&place);
    let (written, bytes) = (written?, bytes.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?);
    shelf().put(path.to_owned(), bytes);
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
    shelf().below(path).next().is_some()
}

/// Bytes of a file, where there is one.
#[must_use]
pub fn len(path: &Path) -> Option<u64> {
    shelf().files.get(path).map(|content| match content {
        Content::Here(bytes) => bytes.len() as u64,
        Content::Away(len) => *len,
    })
}

/// What there is at a path.
///
/// # Errors
/// When there is nothing.
pub fn kind(path: &Path) -> io::Result<Kind> {
    if len(path).is_some() {
        return Ok(Kind::File);
    }
    if exists(path) { Ok(Kind::Folder) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// The entries of a folder, in the order of their names.
///
/// # Errors
/// As [`kind`], for each of them.
pub fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
    let paths = names(folder)?.into_iter().map(|name| folder.join(name));
    Ok(paths.map(|path| Ok(Entry { kind: kind(&path)?, path, is_link: false })))
}

/// The path by which a file or folder is known: its own, for there are no links.
///
/// # Errors
/// When there is nothing.
pub fn true_path(path: &Path) -> io::Result<PathBuf> {
    if exists(path) { Ok(path.to_owned()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// The names in a folder, in their order.
///
/// # Errors
/// None; on a disk there are.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let shelf = shelf();
    let below = shelf.below(folder).filter_map(|(file, _)| file.strip_prefix(folder).ok()?.components().next());
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
    shelf.change(path);
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
    use std::sync::LazyLock;

    /// Every test has a shelf's folder of its own, but changes are asked for one at a time.
    static TURN: LazyLock<Mutex<()>> = LazyLock::new(|| Mutex::new(()));

    /// All that has changed.
    fn changes() -> Vec<(PathBuf, Option<Vec<u8>>)> {
        std::iter::from_fn(|| next_change().inspect(|(path, _)| kept(path))).collect()
    }

    #[test]
    fn files_are_found_replaced_removed_and_told_of() {
        let _turn = TURN.lock();
        let place = |name: &str| Path::new("shelf-test").join(name);
        write(&place("a/one"), b"1").unwrap();
        lay(place("two"), b"22".to_vec());
        assert_eq!(names(Path::new("shelf-test")).unwrap(), ["a", "two"]);
        assert_eq!((len(&place("two")), len(&place("a"))), (Some(2), None));
        assert!(exists(&place("a")) && !exists(&place("b")));
        assert_eq!(remove_folder(&place("a")).unwrap_err().kind(), io::ErrorKind::DirectoryNotEmpty);
        assert_eq!(changes(), [(place("a/one"), Some(b"1".to_vec()))]);
        replace(&place("two"), |beside| write(beside, b"3")).unwrap();
        remove(&place("a/one")).unwrap();
        assert_eq!(changes(), [(place("two"), Some(b"3".to_vec())), (place("a/one"), None)], "in their order");
        assert_eq!(names(Path::new("shelf-test")).unwrap(), ["two"]);
        assert_eq!(read(&place("a/one")).unwrap_err().kind(), io::ErrorKind::NotFound);
        let refused = replace(&place("two"), |beside| {
            write(beside, b"half")?;
            Err::<(), _>(io::Error::other("no"))
        });
        assert!(refused.is_err() && read(&place("two")).unwrap() == b"3");
        assert_eq!((names(Path::new("shelf-test")).unwrap(), changes()), (vec!["two".to_owned()], Vec::new()));
        assert!(matches!(kind(&place("two")), Ok(Kind::File)) && kind(&place("none")).is_err());
        assert!(matches!(kind(Path::new("shelf-test")), Ok(Kind::Folder)));
    }

    #[test]
    fn what_is_not_kept_elsewhere_stays_in_memory() {
        let _turn = TURN.lock();
        let place = |name: &str| Path::new("released").join(name);
        [place("kept"), place("new"), place("held")].iter().for_each(|path| write(path, b"123").unwrap());
        [place("kept"), place("held")].iter().for_each(|path| kept(path));
        release(|path| path.starts_with("released") && path != place("held"));
        assert!(read(&place("kept")).is_err() && len(&place("kept")) == Some(3));
        assert!(read(&place("new")).is_ok() && read(&place("held")).is_ok());
        assert_eq!(settled(Path::new("released")), [place("held"), place("kept")]);
        note(place("held"), 9);
        note(place("other"), 9);
        assert_eq!((len(&place("held")), len(&place("other"))), (Some(3), Some(9)));
        lay(place("kept"), b"4".to_vec());
        assert_eq!((read(&place("kept")).unwrap(), take(&place("new"))), (b"4".to_vec(), Some(b"123".to_vec())));
        assert!(changes().is_empty(), "who takes a file is told of it");
    }
}
