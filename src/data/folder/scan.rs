//! Finds the class folders and the files in them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use image::ImageFormat;

use super::classes::{Classes, ordered};
use super::error::{FolderError, SkipReason, Skipped};
use super::walk::{Walk, holds_runs_only, list, walk};
use crate::files::{self, Entry, Kind};

/// A folder with the images of one class in one split.
pub(super) struct ClassFolder {
    pub path: PathBuf,
    pub class: u32,
    /// Whether it lies in `test`.
    pub tested: bool,
}

/// A file that should be an image.
pub(super) struct Source {
    pub path: PathBuf,
    /// Its path below the data folder, with `/` between the parts.
    pub name: String,
    /// Index of the class folder that it lies in.
    pub folder: usize,
}

/// What a data folder holds.
#[derive(Default)]
pub(super) struct Scan {
    pub classes: Classes,
    /// Whether there are `train` and `test` folders.
    pub has_splits: bool,
    /// In the order of the classes, those of `train` before those of `test`.
    pub folders: Vec<ClassFolder>,
    /// In the order of the class folders, in each by name.
    pub sources: Vec<Source>,
    pub skipped: Vec<Skipped>,
}

/// A scan that has found the class folders, and searches them one after the other for files.
pub(super) struct Search {
    root: PathBuf,
    scan: Scan,
    /// Class folders that are searched.
    searched: usize,
    /// The search of the next one.
    walk: Option<Walk>,
}

impl Search {
    /// Finds the class folders of the data folder `root`.
    pub fn begin(root: &Path) -> Result<Self, FolderError> {
        if !matches!(kind(root)?, Kind::Folder) {
            return Err(FolderError::NotAFolder(root.into()));
        }
        let entries = list_classes(root)?;
        let split = |name: &str| {
            let mut folders = entries.iter().filter(|entry| matches!(entry.kind, Kind::Folder));
            folders.find(|entry| entry.name().eq_ignore_ascii_case(name)).map(|entry| entry.path.clone())
        };
        let half = |present, absent| Err(FolderError::HalfSplit { path: root.into(), present, absent });
        let scan = match (split("train"), split("test")) {
            (None, None) => scan_unsplit(root, entries)?,
            (Some(train), Some(test)) => scan_splits(root, entries, [train, test])?,
            (Some(_), None) => half("train", "test")?,
            (None, Some(_)) => half("test", "train")?,
        };
        Ok(Self { root: root.into(), scan, searched: 0, walk: None })
    }

    /// Lists one more folder; whether there is more to search.
    pub fn advance(&mut self) -> Result<bool, FolderError> {
        let Some(ClassFolder { path, .. }) = self.scan.folders.get(self.searched) else { return Ok(false) };
        let mut walk = match self.walk.take() {
            Some(walk) => walk,
            None => Walk::begin(path).map_err(unreadable(path))?,
        };
        if walk.advance() {
            self.walk = Some(walk);
            return Ok(true);
        }
        let files = walk.finish(&self.root, &mut self.scan.skipped);
        let source = |(name, path)| Source { path, name, folder: self.searched };
        self.scan.sources.extend(files.into_iter().map(source));
        self.searched += 1;
        Ok(true)
    }

    /// Whether there are `train` and `test` folders.
    pub fn has_splits(&self) -> bool {
        self.scan.has_splits
    }

    /// What was found; nothing is left here.
    pub fn take(&mut self) -> Scan {
        std::mem::take(&mut self.scan)
    }
}

fn scan_unsplit(root: &Path, entries: Vec<Entry>) -> Result<Scan, FolderError> {
    let mut skipped = Vec::new();
    let names = class_names(root, entries, &mut skipped)?;
    check_two_classes(root, &names)?;
    let classes = ordered(root, names)?;
    let folders = class_folders(&classes, root, false).collect();
    Ok(Scan { classes, has_splits: false, folders, sources: Vec::new(), skipped })
}

fn scan_splits(root: &Path, entries: Vec<Entry>, splits: [PathBuf; 2]) -> Result<Scan, FolderError> {
    let mut skipped = Vec::new();
    for Entry { path, kind, .. } in entries {
        match kind {
            Kind::Folder if !splits.contains(&path) => {
                skipped.push(Skipped { path, reason: SkipReason::NotASplit });
            }
            Kind::File if named_format(&path).is_some() => {
                skipped.push(Skipped { path, reason: SkipReason::NoClass });
            }
            _ => {}
        }
    }
    let mut names_of = |split: &Path| class_names(split, list_classes(split)?, &mut skipped);
    let [train, test] = &splits;
    let (trained, tested) = (names_of(train)?, names_of(test)?);
    check_same_classes(test, &tested, &trained, "train")?;
    check_same_classes(train, &trained, &tested, "test")?;
    check_two_classes(train, &trained)?;
    let classes = ordered(root, trained)?;
    let folders = class_folders(&classes, train, false).chain(class_folders(&classes, test, true));
    let folders = folders.collect();
    Ok(Scan { classes, has_splits: true, folders, sources: Vec::new(), skipped })
}

/// What may be class folders, and what lies beside them.
fn list_classes(folder: &Path) -> Result<Vec<Entry>, FolderError> {
    let mut entries = list(folder).map_err(unreadable(folder))?;
    entries.retain(|entry| !matches!(entry.kind, Kind::Folder) || !holds_runs_only(&entry.path));
    Ok(entries)
}

fn check_same_classes(
    path: &Path,
    names: &[String],
    others: &[String],
    other: &'static str,
) -> Result<(), FolderError> {
    let names: HashSet<_> = names.iter().collect();
    let classes: Vec<_> = others.iter().filter(|name| !names.contains(name)).cloned().collect();
    if classes.is_empty() {
        return Ok(());
    }
    Err(FolderError::MissingClasses { path: path.into(), classes, other })
}

fn class_folders(classes: &Classes, parent: &Path, tested: bool) -> impl Iterator<Item = ClassFolder> {
    let named = (0..).zip(&classes.names);
    named.map(move |(class, name)| ClassFolder { path: parent.join(name), class, tested })
}

/// Names of the class folders among the `entries` of `parent`, in natural order.
fn class_names(parent: &Path, entries: Vec<Entry>, skipped: &mut Vec<Skipped>) -> Result<Vec<String>, FolderError> {
    let holder = files::true_path(parent).map_err(unreadable(parent))?;
    let mut names = Vec::new();
    for entry in entries {
        match entry.kind {
            Kind::Folder if entry.is_link && leads_to_holder(&entry.path, &holder) => {
                skipped.push(Skipped { path: entry.path, reason: SkipReason::Loop });
            }
            Kind::Folder => {
                let name = entry.path.file_name().and_then(OsStr::to_str);
                names.push(name.ok_or_else(|| FolderError::ClassName(entry.path.clone()))?.into());
            }
            Kind::File if named_format(&entry.path).is_some() => {
                skipped.push(Skipped { path: entry.path, reason: SkipReason::NoClass });
            }
            Kind::Unknown(e) if e.kind() == ErrorKind::NotFound => {
                skipped.push(Skipped { path: entry.path, reason: e.into() });
            }
            Kind::Unknown(source) => {
                return Err(FolderError::Read { path: entry.path, source });
            }
            Kind::File | Kind::Other => {}
        }
    }
    Ok(names)
}

fn check_two_classes(path: &Path, names: &[String]) -> Result<(), FolderError> {
    let path = path.into();
    match names {
        [] => Err(FolderError::NoClasses(path)),
        [class] => Err(FolderError::SingleClass { path, class: class.clone() }),
        _ => Ok(()),
    }
}

fn leads_to_holder(link: &Path, holder: &Path) -> bool {
    files::true_path(link).is_ok_and(|target| holder.starts_with(target))
}

/// The image files at `path`: itself if it is a file, else those below the folder in natural order.
///
/// Hidden files and folders are left out, and so are files that neither by name nor by content are images. Also returns
/// what below the folder could not be read.
///
/// # Errors
/// [`FolderError::Missing`], [`FolderError::Read`] of the folder itself or, if there is nothing, [`FolderError::NoImageFiles`].
pub fn image_files(path: &Path) -> Result<(Vec<PathBuf>, Vec<Skipped>), FolderError> {
    let mut skipped = Vec::new();
    let files = match kind(path)? {
        Kind::File => return Ok((vec![path.into()], Vec::new())),
        Kind::Folder => walk(path, path, &mut skipped).map_err(unreadable(path))?,
        Kind::Other | Kind::Unknown(_) => Vec::new(),
    };
    let files: Vec<_> = files.into_iter().map(|(_, path)| path).filter(|p| looks_like_an_image(p)).collect();
    match files.is_empty() && skipped.is_empty() {
        true => Err(FolderError::NoImageFiles(path.into())),
        false => Ok((files, skipped)),
    }
}

/// The format that the file's name promises, if it is one that is read.
pub(super) fn named_format(path: &Path) -> Option<ImageFormat> {
    ImageFormat::from_path(path).ok().filter(ImageFormat::reading_enabled)
}

fn looks_like_an_image(path: &Path) -> bool {
    named_format(path).is_some() || starts_like_an_image(path).unwrap_or(false)
}

fn starts_like_an_image(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut start)?;
    Ok(image::guess_format(&start).is_ok_and(|format| format.reading_enabled()))
}

fn kind(path: &Path) -> Result<Kind, FolderError> {
    files::kind(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => FolderError::Missing(path.into()),
        _ => unreadable(path)(e),
    })
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> FolderError {
    move |source| FolderError::Read { path: path.into(), source }
}
