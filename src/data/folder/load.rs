//! Loads a folder: searches it, decodes the files in parallel, some at a time, splits what could be read.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rayon::prelude::*;

use super::decode::{DecodeError, MAX_BYTES, decode_named};
use super::error::{FolderError, SkipReason, Skipped};
use super::grouping::Grouping;
use super::scan::{Scan, Search, Source, named_format};
use super::store::{IN_MEMORY, Store};
use super::votes::Votes;
use super::walk::natural;
use crate::data::split::{check_fraction, divided};
use crate::data::{Dataset, Images, check_side};
use crate::files::{self, Kind};

/// A folder of class folders, with or without `train` and `test` above them.
///
/// The classes come in natural order of their folders' names, or as `classes.txt` in the folder lists them: a folder
/// name a line, and after a tab or a comma a number where the classes stand for one. A `votes.csv` has a line an image
/// (its path below the folder), with a number a class: distributions to train on. Folders inside a class folder are
/// searched too; hidden files and folders are not. Where a `subjects.csv` says whom each image shows, nobody is trained on
/// and tested on.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// Where the data lies.
    pub path: PathBuf,
    /// Width and height that images are cropped and resized to, 1 to [`MAX_SIDE`](crate::data::MAX_SIDE).
    pub side: usize,
    /// Share of each class that is tested on, above 0 and below 1; not used where there are `train` and `test`.
    pub test_fraction: f64,
    /// Decides which images are tested on where there is no `test` folder.
    pub seed: u64,
    /// Whether a file that cannot be read is an error rather than passed over.
    pub strict: bool,
}

/// A data set from a folder, and what in the folder did not become part of it.
#[derive(Debug)]
pub struct Loaded {
    /// The images that could be read, named by their paths below the folder.
    pub dataset: Dataset,
    /// Files and folders that were passed over, in natural order of their paths.
    pub skipped: Vec<Skipped>,
}

/// A decoded file.
struct Picture {
    source: Source,
    /// 3 x side x side.
    pixels: Bytes,
}

/// Decoded pixels that wait to be stored, in bytes: enough for all threads.
const WAITING: usize = 64 << 20;
/// Most images that a thread decodes before it is asked whether to go on.
const AT_ONCE: usize = 8;

/// Folders that are searched before it is asked whether to go on.
const SEARCHED_AT_ONCE: usize = 16;

/// A folder that is searched for images, which then are read, some at a time.
pub struct Reading {
    folder: Folder,
    /// Most bytes of pixels that are kept in memory.
    in_memory: usize,
    stage: Stage,
}

enum Stage {
    Searching(Search),
    Decoding(Decoding),
}

/// Images that are being read.
struct Decoding {
    scan: Scan,
    /// Number of files in each class folder.
    found: Vec<usize>,
    votes: Option<Votes>,
    store: Store,
    /// What became of the files so far, in their order: a place in the store, or why there is none.
    outcomes: Vec<Result<usize, SkipReason>>,
}

impl Folder {
    /// Reads all images of the folder, on all threads of rayon's pool.
    ///
    /// `progress(done, total)` is told from time to time how many files are done, from 0 on. Beyond 1 GiB the decoded pixels are
    /// kept in a temporary file, not in memory.
    ///
    /// # Errors
    /// [`FolderError`]; with `strict` also for the first file, in natural order, that would be passed over.
    pub fn load(&self, progress: &dyn Fn(usize, usize)) -> Result<Loaded, FolderError> {
        let mut reading = self.read()?;
        loop {
            let [done, total] = reading.progress();
            progress(done, total);
            if !reading.advance()? {
                return reading.finish();
            }
        }
    }

    /// Finds the class folders, and searches none of them yet.
    ///
    /// # Errors
    /// [`FolderError`] where there is something that no image can mend.
    pub fn read(&self) -> Result<Reading, FolderError> {
        self.read_keeping(IN_MEMORY)
    }

    /// [`Folder::read`] with at most so many bytes of pixels in memory.
    pub(super) fn read_keeping(&self, in_memory: usize) -> Result<Reading, FolderError> {
        check_side(self.side)?;
        let search = Search::begin(&self.path)?;
        if !search.has_splits() {
            check_fraction(self.test_fraction)?;
        }
        Ok(Reading { folder: self.clone(), in_memory, stage: Stage::Searching(search) })
    }

    /// Prepares to read what was found.
    fn decoding(&self, scan: Scan, in_memory: usize) -> Result<Decoding, FolderError> {
        let found = counts(&scan, scan.sources.iter());
        self.check_filled(&scan, &found, &found)?;
        let images = scan.sources.iter().map(|source| source.name.as_str()).collect();
        let votes = Votes::read(&self.path, &scan.classes.names, &images)?;
        let count = scan.sources.len();
        let store = Store::new(count, self.size(), in_memory).map_err(|source| self.refused(count, source))?;
        Ok(Decoding { scan, found, votes, store, outcomes: Vec::with_capacity(count) })
    }

    /// Bytes of an image.
    fn size(&self) -> usize {
        3 * self.side * self.side
    }

    /// What was read, and everything that was not, sorted.
    fn separate(
        &self,
        scan: &mut Scan,
        decoded: Vec<Result<Bytes, SkipReason>>,
    ) -> Result<(Vec<Picture>, Vec<Skipped>), FolderError> {
        let (mut pictures, mut skipped) = (Vec::new(), std::mem::take(&mut scan.skipped));
        for (source, decoded) in scan.sources.drain(..).zip(decoded) {
            match decoded {
                Ok(pixels) => pictures.push(Picture { source, pixels }),
                Err(reason) => skipped.push(Skipped { path: source.path, reason }),
            }
        }
        skipped.sort_by(|a, b| natural(&a.path.to_string_lossy(), &b.path.to_string_lossy()));
        if (self.strict || pictures.is_empty()) && !skipped.is_empty() {
            let (count, first) = (skipped.len(), skipped.swap_remove(0));
            return Err(match self.strict {
                true => FolderError::Strict(first),
                false => FolderError::AllBroken { path: self.path.clone(), count, first },
            });
        }
        Ok((pictures, skipped))
    }

    /// Checks that each class folder has images among the `kept`, of those that were `found`.
    fn check_filled(&self, scan: &Scan, kept: &[usize], found: &[usize]) -> Result<(), FolderError> {
        if kept.iter().all(|&count| count == 0) {
            return Err(FolderError::NoImages(self.path.clone()));
        }
        let Some(empty) = kept.iter().position(|&count| count == 0) else {
            return Ok(());
        };
        let folder = &scan.folders[empty];
        Err(FolderError::EmptyClass {
            class: scan.classes.names[folder.class as usize].clone(),
            path: folder.path.clone(),
            passed_over: found[empty],
        })
    }

    /// For each picture, whether it is tested on.
    fn tested(&self, scan: &Scan, pictures: &[Picture], kept: &[usize]) -> Result<Vec<bool>, FolderError> {
        let folders = pictures.iter().map(|picture| &scan.folders[picture.source.folder]);
        if scan.has_splits {
            return Ok(folders.map(|folder| folder.tested).collect());
        }
        if let Some(single) = kept.iter().position(|&count| count == 1) {
            return Err(FolderError::TooFewToSplit { class: scan.classes.names[single].clone() });
        }
        let labels: Vec<_> = folders.map(|folder| folder.class).collect();
        let names: Vec<String> = pictures.iter().map(|picture| picture.source.name.clone()).collect();
        let subjects = Grouping::in_folder(&self.path)?.subject_numbers(&names)?;
        let mut tested = vec![false; labels.len()];
        for index in divided(&labels, subjects.as_deref(), self.test_fraction, self.seed)?.test {
            tested[index] = true;
        }
        Ok(tested)
    }

    fn dataset(&self, scan: Scan, pictures: Vec<Picture>, tested: &[bool], votes: Option<&Votes>) -> Dataset {
        let test_count = tested.iter().filter(|&&tested| tested).count();
        let mut train = Images::with_capacity(self.side, tested.len() - test_count);
        let mut test = Images::with_capacity(self.side, test_count);
        for (Picture { source, pixels }, &tested) in pictures.into_iter().zip(tested) {
            let class = scan.folders[source.folder].class;
            let value = scan.classes.values[class as usize];
            let images = if tested { &mut test } else { &mut train };
            images.votes.extend(votes.into_iter().flat_map(|votes| votes.of(&source.name, class)));
            images.push(pixels, class, value, source.name);
        }
        Dataset { name: self.name(), classes: scan.classes.names, class_values: scan.classes.values, train, test }
    }

    /// Why so many images could not be kept.
    fn refused(&self, images: usize, source: io::Error) -> FolderError {
        let side = self.side;
        if source.kind() == io::ErrorKind::OutOfMemory {
            return FolderError::Memory { images, side };
        }
        FolderError::Store { images, side, folder: std::env::temp_dir(), source }
    }

    /// The folder's own name, also where the path is `.` or ends in `..`.
    fn name(&self) -> String {
        let full = files::true_path(&self.path).unwrap_or_else(|_| self.path.clone());
        full.file_name().map_or("folder".into(), |name| name.to_string_lossy().into())
    }
}

impl Reading {
    /// Files done, and files in all; none of either while it is searched for them.
    #[must_use]
    pub fn progress(&self) -> [usize; 2] {
        match &self.stage {
            Stage::Searching(_) => [0, 0],
            Stage::Decoding(decoding) => decoding.progress(),
        }
    }

    /// Searches some more folders, or decodes some more files on all threads of rayon's pool; whether there are more.
    ///
    /// # Errors
    /// [`FolderError`] where a class folder cannot be read or is empty; when the pixels cannot be kept.
    pub fn advance(&mut self) -> Result<bool, FolderError> {
        let search = match &mut self.stage {
            Stage::Decoding(decoding) => return decoding.advance(&self.folder),
            Stage::Searching(search) => search,
        };
        for _ in 0..SEARCHED_AT_ONCE {
            if !search.advance()? {
                let scan = search.take();
                self.stage = Stage::Decoding(self.folder.decoding(scan, self.in_memory)?);
                break;
            }
        }
        Ok(true)
    }

    /// The data set, once all files are done.
    ///
    /// # Errors
    /// As [`Folder::load`].
    pub fn finish(mut self) -> Result<Loaded, FolderError> {
        loop {
            match self.stage {
                Stage::Decoding(decoding) => return decoding.finish(&self.folder),
                // Nobody finishes what has more to do: what was not searched is, then.
                Stage::Searching(_) => drop(self.advance()?),
            }
        }
    }
}

impl Decoding {
    fn progress(&self) -> [usize; 2] {
        [self.outcomes.len(), self.scan.sources.len()]
    }

    fn advance(&mut self, folder: &Folder) -> Result<bool, FolderError> {
        let [done, total] = self.progress();
        let threads = rayon::current_num_threads();
        let some = (WAITING / folder.size()).clamp(threads, AT_ONCE * threads).min(total - done);
        let sources = &self.scan.sources[done..done + some];
        let decoded: Vec<_> = sources.par_iter().map(|source| decode_path(&source.path, folder.side)).collect();
        for outcome in decoded {
            let mut put = |pixels| self.store.put(pixels).map_err(|source| folder.refused(total, source));
            self.outcomes.push(match outcome {
                Ok(pixels) => Ok(put(pixels)?),
                Err(reason) => Err(reason),
            });
        }
        Ok(done + some < total)
    }

    fn finish(self, folder: &Folder) -> Result<Loaded, FolderError> {
        let Self { mut scan, found, votes, store, outcomes } = self;
        let images = store.images().map_err(|source| folder.refused(scan.sources.len(), source))?;
        let pixels = |outcome: Result<usize, SkipReason>| outcome.map(|place| images[place].clone());
        let decoded = outcomes.into_iter().map(pixels).collect();
        let (pictures, skipped) = folder.separate(&mut scan, decoded)?;
        let kept = counts(&scan, pictures.iter().map(|picture| &picture.source));
        folder.check_filled(&scan, &kept, &found)?;
        let tested = folder.tested(&scan, &pictures, &kept)?;
        Ok(Loaded { dataset: folder.dataset(scan, pictures, &tested, votes.as_ref()), skipped })
    }
}

/// Decodes one image file into 3 x `side` x `side` planar RGB, as [`decode_bytes`](super::decode_bytes) does.
///
/// # Errors
/// [`Skipped`] with the path and what is wrong with the file.
pub fn decode_file(path: &Path, side: usize) -> Result<Vec<u8>, Skipped> {
    decode_path(path, side).map_err(|reason| Skipped { path: path.into(), reason })
}

fn decode_path(path: &Path, side: usize) -> Result<Vec<u8>, SkipReason> {
    if !matches!(files::kind(path)?, Kind::File) {
        return Err(SkipReason::NotAFile);
    }
    if files::len(path).is_some_and(|bytes| bytes > MAX_BYTES) {
        return Err(DecodeError::TooLarge.into());
    }
    Ok(decode_named(&files::read(path)?, named_format(path), side)?)
}

/// Number of files in each class folder.
fn counts<'a>(scan: &Scan, sources: impl Iterator<Item = &'a Source>) -> Vec<usize> {
    let mut counts = vec![0; scan.folders.len()];
    for source in sources {
        counts[source.folder] += 1;
    }
    counts
}
