//! Lists folders in natural order, and searches them with all that is below, once each.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{SkipReason, Skipped};
use crate::files::{self, Entry, Kind};

/// The file by which the folder of a training run is known.
pub const RECORD: &str = "run.json";

/// Natural order ("2" before "10"), made total by the bytes.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    natord::compare(a, b).then_with(|| a.cmp(b))
}

fn is_run(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Folder) && is_file(&entry.path.join(RECORD))
}

/// Whether there is a file.
pub(super) fn is_file(path: &Path) -> bool {
    matches!(files::kind(path), Ok(Kind::File))
}

/// The entries of a folder in natural order, hidden ones and runs left out, links followed.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries =
        visible(folder)?.filter(|entry| !entry.as_ref().is_ok_and(is_run)).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| natural(&a.name(), &b.name()).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

/// Whether there are runs in a folder or below it, and nothing else.
pub(super) fn holds_runs_only(folder: &Path) -> bool {
    let run_or_runs = |entry: &Entry| is_run(entry) || (entry.is_own_folder() && holds_runs_only(&entry.path));
    let Ok(mut entries) = visible(folder).map(Iterator::peekable) else { return false };
    entries.peek().is_some() && entries.all(|entry| entry.as_ref().is_ok_and(run_or_runs))
}

/// The entries of a folder as they come, hidden ones left out, links followed.
fn visible(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
    // `__MACOSX` is what macOS leaves in zip archives: shadows of the real files.
    let hidden = |entry: &Entry| entry.name().starts_with('.') || entry.name() == "__MACOSX";
    Ok(files::entries(folder)?.filter(move |entry| !entry.as_ref().is_ok_and(hidden)))
}

/// All files below `folder` with their names below `root`, in natural order of the names. Fails only if `folder`
/// itself cannot be listed.
pub(super) fn walk(folder: &Path, root: &Path, skipped: &mut Vec<Skipped>) -> io::Result<Vec<(String, PathBuf)>> {
    let mut walk = Walk::begin(folder)?;
    while walk.advance() {}
    Ok(walk.finish(root, skipped))
}

/// A search of one folder and all below it, of which each is read once however many links lead to it.
#[derive(Default)]
pub(super) struct Walk {
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
    /// Lists the folder itself.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        let holder = files::true_path(folder)?;
        let mut walk = Self { read: HashSet::from([holder.clone()]), holder, ..Self::default() };
        walk.take(list(folder)?);
        Ok(walk)
    }

    /// Lists one more folder; whether there was one.
    pub fn advance(&mut self) -> bool {
        // Links come last, so that a file is found under its own path where it has one here.
        let Some((path, is_link)) = self.next() else { return false };
        if let Err(reason) = self.enter(&path, is_link) {
            self.skipped.push(Skipped { path, reason });
        }
        true
    }

    /// The files with their names below `root`, in natural order of the names, and what was passed over.
    pub fn finish(mut self, root: &Path, skipped: &mut Vec<Skipped>) -> Vec<(String, PathBuf)> {
        skipped.append(&mut self.skipped);
        let mut files: Vec<_> = self.files.into_iter().map(|path| (name_below(root, &path), path)).collect();
        files.sort_by(|a, b| natural(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
        files
    }

    fn next(&mut self) -> Option<(PathBuf, bool)> {
        let folder = self.folders.pop().map(|path| (path, false));
        folder.or_else(|| self.links.pop().map(|path| (path, true)))
    }

    fn enter(&mut self, path: &Path, is_link: bool) -> Result<(), SkipReason> {
        let target = files::true_path(path)?;
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
