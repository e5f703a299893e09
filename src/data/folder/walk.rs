//! Lists folders in natural order, and searches them with all that is below, once each.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{SkipReason, Skipped};

/// The file by which the folder of a training run is known.
pub const RECORD: &str = "run.json";

/// Natural order ("2" before "10"), made total by the bytes.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    natord::compare(a, b).then_with(|| a.cmp(b))
}

/// What an entry is, or what a link leads to.
pub(super) enum Kind {
    Folder,
    File,
    /// A pipe, a socket, a device: opening one could wait for ever.
    Other,
    /// A link to nothing, or without permission.
    Unknown(io::Error),
}

/// An entry of a folder.
pub(super) struct Entry {
    pub path: PathBuf,
    pub kind: Kind,
    pub is_link: bool,
}

impl Entry {
    fn new(entry: fs::DirEntry) -> io::Result<Self> {
        let path = entry.path();
        let kind = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Kind::Folder,
            Ok(metadata) if metadata.is_file() => Kind::File,
            Ok(_) => Kind::Other,
            Err(e) => Kind::Unknown(e),
        };
        Ok(Self { path, kind, is_link: entry.file_type()?.is_symlink() })
    }

    pub fn name(&self) -> Cow<'_, str> {
        self.path.file_name().unwrap_or_default().to_string_lossy()
    }

    fn is_run(&self) -> bool {
        matches!(self.kind, Kind::Folder) && self.path.join(RECORD).is_file()
    }

    /// A folder itself, rather than a link that may lead round in a circle.
    fn is_own_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder) && !self.is_link
    }
}

/// The entries of a folder in natural order, hidden ones and runs left out, links followed.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries =
        visible(folder)?.filter(|entry| !entry.as_ref().is_ok_and(Entry::is_run)).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| natural(&a.name(), &b.name()).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

/// Whether there are runs in a folder or below it, and nothing else.
pub(super) fn holds_runs_only(folder: &Path) -> bool {
    let run_or_runs = |entry: &Entry| entry.is_run() || (entry.is_own_folder() && holds_runs_only(&entry.path));
    let Ok(mut entries) = visible(folder).map(Iterator::peekable) else { return false };
    entries.peek().is_some() && entries.all(|entry| entry.as_ref().is_ok_and(run_or_runs))
}

/// The entries of a folder as they come, hidden ones left out, links followed.
fn visible(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
    // `__MACOSX` is what macOS leaves in zip archives: shadows of the real files.
    let hidden = |entry: &Entry| entry.name().starts_with('.') || entry.name() == "__MACOSX";
    let entries = fs::read_dir(folder)?.map(|entry| entry.and_then(Entry::new));
    Ok(entries.filter(move |entry| !entry.as_ref().is_ok_and(hidden)))
}

/// All files below `folder` with their names below `root`, in natural order of the names. Fails only if `folder`
/// itself cannot be listed.
pub(super) fn walk(folder: &Path, root: &Path, skipped: &mut Vec<Skipped>) -> io::Result<Vec<(String, PathBuf)>> {
    let holder = fs::canonicalize(folder)?;
    let mut walk = Walk { read: HashSet::from([holder.clone()]), holder, ..Walk::default() };
    walk.take(list(folder)?);
    // Links come last, so that a file is found under its own path where it has one here.
    while let Some((path, is_link)) = walk.next() {
        if let Err(reason) = walk.enter(&path, is_link) {
            walk.skipped.push(Skipped { path, reason });
        }
    }
    skipped.append(&mut walk.skipped);
    let mut files: Vec<_> = walk.files.into_iter().map(|path| (name_below(root, &path), path)).collect();
    files.sort_by(|a, b| natural(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
    Ok(files)
}

/// A search of one folder and all below it, of which each is read once however many links lead to it.
#[derive(Default)]
struct Walk {
    /// The true path of the folder searched.
    holder: PathBuf,
    /// True paths of the folders that were read.
    read: HashSet<PathBuf>,
    folders: Vec<PathBuf>,
    links: Vec<PathBuf>,
    files: Vec<PathBuf>,
    skipped: Vec<Skipped>,
}

impl Walk {
    fn next(&mut self) -> Option<(PathBuf, bool)> {
        let folder = self.folders.pop().map(|path| (path, false));
        folder.or_else(|| self.links.pop().map(|path| (path, true)))
    }

    fn enter(&mut self, path: &Path, is_link: bool) -> Result<(), SkipReason> {
        let target = fs::canonicalize(path)?;
        let holds_us = self.holder.starts_with(&target);
        if holds_us || !self.read.insert(target) {
            // A folder that a link led to before is no news when it is met itself.
            return if is_link { Err(SkipReason::Loop) } else { Ok(()) };
        }
        self.take(list(path)?);
        Ok(())
    }

    fn take(&mut self, entries: Vec<Entry>) {
        for Entry { path, kind, is_link } in entries {
            match kind {
                Kind::Folder if is_link => self.links.push(path),
                Kind::Folder => self.folders.push(path),
                Kind::File => self.files.push(path),
                Kind::Other => self.skipped.push(Skipped { path, reason: SkipReason::NotAFile }),
                Kind::Unknown(e) => self.skipped.push(Skipped { path, reason: e.into() }),
            }
        }
    }
}

fn name_below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(OsStr::to_string_lossy).collect();
    parts.join("/")
}
