//! A folder as one file, a zip: packed, and unpacked wherever its files shall go.

use super::{kind, names, read};
use std::borrow::Cow;
use std::io::{self, Cursor, Read, Write};
use std::path::{Component, Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Most bytes that an archive may unpack to: a page has no more memory.
pub const MOST_BYTES: u64 = 1 << 30;

/// Why an archive is of no use.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The bytes are no zip.
    #[error("this is no zip archive that can be read: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// A file could not be read or written.
    #[error("{name}: {source}")]
    File {
        /// The file.
        name: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It would take too much memory, as a decompression bomb does.
    #[error("unpacked it would take more than {} MiB: give a part of it", MOST_BYTES >> 20)]
    TooLarge,
}

/// A file of an archive that cannot be unpacked, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name in the archive.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// A folder's files, though not those of folders in it, below its name.
///
/// # Errors
/// When a file cannot be read.
pub fn pack(folder: &Path) -> Result<Vec<u8>, PackError> {
    let of = |name: &str| {
        let name = name.to_owned();
        move |source| PackError::File { name, source }
    };
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    // A hidden folder would not be seen around the files.
    let own = Some(own.trim_start_matches('.')).filter(|own| !own.is_empty()).unwrap_or("packed");
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names(folder).map_err(of(own))? {
        let path = folder.join(&name);
        if matches!(kind(&path), Ok(super::Kind::File)) {
            archive.start_file(format!("{own}/{name}"), SimpleFileOptions::default().large_file(false))?;
            let bytes = read(&path).map_err(of(&name))?;
            archive.write_all(&bytes).map_err(of(&name))?;
        }
    }
    Ok(archive.finish()?.into_inner())
}

/// Hands every file of an archive to `put`, with its path there; where all lie in one folder, below that. What cannot be unpacked
/// is left out and named.
///
/// # Errors
/// When the bytes are no archive, it would unpack to more than [`MOST_BYTES`], or `put` fails.
pub fn unpack(
    archive: &[u8],
    mut put: impl FnMut(PathBuf, Vec<u8>) -> io::Result<()>,
) -> Result<Vec<Broken>, PackError> {
    let mut archive = ZipArchive::new(Cursor::new(archive))?;
    let names: Vec<PathBuf> = archive.file_names().flatten().map(|name| PathBuf::from(&*name)).collect();
    let holder = holder(names.iter().map(PathBuf::as_path)).map(Path::to_owned);
    let (mut broken, mut room) = (Vec::new(), MOST_BYTES);
    for at in 0..archive.len() {
        let name = archive.name_for_index(at).and_then(Result::ok).map_or_else(String::new, Cow::into_owned);
        match entry(&mut archive, at, &mut room) {
            Err(why) => broken.push(Broken { name, why }),
            Ok(None) => {}
            Ok(Some(_)) if room == 0 => return Err(PackError::TooLarge),
            Ok(Some((path, bytes))) => {
                let path = holder.as_ref().and_then(|holder| path.strip_prefix(holder).ok()).unwrap_or(&path);
                put(path.to_owned(), bytes).map_err(|source| PackError::File { name, source })?;
            }
        }
    }
    Ok(broken)
}

/// A file of an archive, unless it is a folder or a link; as far as there is room for it.
fn entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    at: usize,
    room: &mut u64,
) -> Result<Option<(PathBuf, Vec<u8>)>, String> {
    let file = archive.by_index(at).map_err(|error| error.to_string())?;
    if !file.is_file() {
        return Ok(None);
    }
    let path = file.enclosed_name().ok_or("its name leads out of the archive")?;
    let mut bytes = Vec::new();
    file.take(*room).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    *room -= bytes.len() as u64;
    Ok(Some((path, bytes)))
}

/// The folder in which all of these files lie, hidden ones apart: what a folder that was packed or handed over is called.
pub fn holder<'a>(mut files: impl Iterator<Item = &'a Path>) -> Option<&'a Path> {
    let first = |path: &'a Path| match path.components().next() {
        Some(Component::Normal(name)) => Some(Path::new(name)),
        _ => None,
    };
    // `__MACOSX` is what macOS leaves in archives.
    let hidden = |path: &Path| path.to_string_lossy().starts_with('.') || path == Path::new("__MACOSX");
    let is_below = |path: &Path| path.components().nth(1).is_some();
    let mut folder = None;
    let alone = files.all(|path| match first(path) {
        Some(name) if hidden(name) => true,
        Some(name) => is_below(path) && *folder.get_or_insert(name) == name || path == name && folder == Some(name),
        None => false,
    });
    folder.filter(|_| alone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn unpacked(archive: &[u8]) -> (BTreeMap<PathBuf, Vec<u8>>, Vec<Broken>) {
        let mut files = BTreeMap::new();
        let broken = unpack(archive, |path, bytes| {
            files.insert(path, bytes);
            Ok(())
        });
        (files, broken.unwrap())
    }

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            archive.start_file(*name, stored).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn a_folder_that_was_packed_comes_out_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join(".run-1");
        std::fs::create_dir_all(folder.join("below")).unwrap();
        std::fs::write(folder.join("a"), b"one").unwrap();
        std::fs::write(folder.join("b"), vec![7; 100_000]).unwrap();
        let archive = pack(&folder).unwrap();
        assert!(archive.len() < 2000, "{} bytes", archive.len());
        let (files, broken) = unpacked(&archive);
        assert_eq!(
            (files[Path::new("a")].as_slice(), files[Path::new("b")].len(), files.len()),
            (&b"one"[..], 100_000, 2)
        );
        assert_eq!(broken, []);
        assert_eq!(pack(&folder).unwrap(), archive, "no times are in it");
    }

    #[test]
    fn the_folder_around_all_is_left_away_and_hidden_files_are_not_seen_as_others() {
        let holder_of = |names: &[&str]| holder(names.iter().map(Path::new)).map(|path| path.display().to_string());
        assert_eq!(holder_of(&["x/a/1", "x/b/2", "__MACOSX/a", ".hidden"]), Some("x".to_owned()));
        assert_eq!(holder_of(&["a/1", "b/2"]), None);
        assert_eq!(holder_of(&["x/1", "y"]), None);
        assert_eq!(holder_of(&["x/1", "/y"]), None);
        let (files, _) = unpacked(&zip(&[("x/a/1", b""), ("x/b/2", b"")]));
        assert_eq!(files.keys().collect::<Vec<_>>(), [Path::new("a/1"), Path::new("b/2")]);
    }

    #[test]
    fn what_is_broken_or_leads_out_is_named_and_the_rest_comes() {
        let mut archive = zip(&[("a/1", b"whole"), ("a/2", b"to be broken"), ("../out", b"no"), ("b/3", b"whole")]);
        let at = archive.windows(12).position(|bytes| bytes == b"to be broken").unwrap();
        archive[at] ^= 1;
        let (files, broken) = unpacked(&archive);
        assert_eq!(files.keys().collect::<Vec<_>>(), [Path::new("a/1"), Path::new("b/3")]);
        let names: Vec<_> = broken.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a/2", "../out"], "{broken:?}");
        let error = unpack(b"no archive", |_, _| Ok(())).unwrap_err();
        assert!(error.to_string().contains("no zip archive"), "{error}");
    }
}
