//! What is kept of a run's epochs beside their rows: distances and confusions, so that a run that is opened again can be
//! replayed.
//!
//! `epochs.bin` is little-endian. It begins with [`MAGIC`], the number of classes and the stride, each u32. A block an epoch
//! follows, epochs ascending: the epoch and the block's length in bytes, each u32, and that many bytes of zlib. Unpacked they
//! are, for each racer, the length of its name (u32), the name, the raw distances and the ground distance (f32), and the counts
//! by true and predicted class (u32). A matrix is a byte 1 and its upper triangle with the diagonal, row by row, where it is
//! symmetric, else a byte 0 and all of its rows.
//!
//! The file has at most [`MOST_BYTES`]. Where an epoch more would make it larger, the stride is doubled: from then on the
//! first epoch and every epoch a stride further are kept, and the others are dropped. What is in it depends on the epochs alone, not
//! on where the run was interrupted.

use super::{RunError, RunFolder, at, write_whole};
use crate::files;
use crate::train::metrics::{Confusion, Evaluation};
use crate::train::{EpochResult, EpochRow};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// The beginning of the file.
const MAGIC: &[u8; 16] = b"backhoe epochs 1";
/// Most bytes of the file: of a hundred classes and three racers some 400 epochs, of a thousand about six.
pub const MOST_BYTES: usize = 64 << 20;
/// Longest name of a racer.
const LONGEST_NAME: usize = 64;

/// Matrices of a run's epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epochs {
    classes: usize,
    /// Of every how many epochs, from the first on, the matrices are kept.
    stride: usize,
    /// By epochs done, from 1, compressed.
    blocks: BTreeMap<usize, Vec<u8>>,
}

impl Epochs {
    /// Of no epoch yet, and of so many classes.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes, stride: 1, blocks: BTreeMap::new() }
    }

    /// The epochs, counted from 1, whose matrices are there.
    pub fn numbers(&self) -> impl Iterator<Item = usize> {
        self.blocks.keys().copied()
    }

    /// Keeps the matrices of an epoch, the results of all racers; whether anything has changed.
    pub fn keep(&mut self, results: &[EpochResult]) -> bool {
        self.keep_within(MOST_BYTES, results)
    }

    /// [`Epochs::keep`] in at most so many bytes.
    fn keep_within(&mut self, most: usize, results: &[EpochResult]) -> bool {
        let Some(epoch) = results.first().map(|result| result.row.epoch) else { return false };
        if !self.has_place_for(epoch) || self.blocks.contains_key(&epoch) {
            return false;
        }
        self.blocks.insert(epoch, packed(results));
        while self.len() > most && self.blocks.len() > 1 {
            self.stride *= 2;
            let stride = self.stride;
            self.blocks.retain(|epoch, _| (epoch - 1).is_multiple_of(stride));
        }
        if self.len() > most {
            self.blocks.clear();
        }
        true
    }

    fn has_place_for(&self, epoch: usize) -> bool {
        epoch.checked_sub(1).is_some_and(|before| before.is_multiple_of(self.stride))
    }

    /// Forgets the epochs after so many, which a run that goes on from its checkpoint trains again.
    pub fn forget_after(&mut self, epoch: usize) {
        self.blocks.retain(|&kept, _| kept <= epoch);
    }

    /// The results of all racers in an epoch whose matrices are there, as far as they were kept: their rows are those of
    /// `history`, and there are no predictions of single images.
    ///
    /// # Errors
    /// What is wrong with the matrices.
    pub fn results(&self, epoch: usize, history: &[EpochRow]) -> Result<Vec<EpochResult>, String> {
        let Some(block) = self.blocks.get(&epoch) else { return Ok(Vec::new()) };
        let rows: Vec<&EpochRow> = history.iter().filter(|row| row.epoch == epoch).collect();
        let most = rows.len() * (12 * self.classes * self.classes + LONGEST_NAME + 16);
        let mut unpacked = Vec::new();
        let read = ZlibDecoder::new(block.as_slice()).take(most as u64).read_to_end(&mut unpacked);
        read.map_err(|error| format!("epoch {epoch} cannot be unpacked: {error}"))?;
        let mut reader = Reader { bytes: &unpacked, classes: self.classes };
        let mut results = Vec::new();
        for row in rows {
            results
                .push(reader.result(row).ok_or_else(|| format!("epoch {epoch} has other matrices than its racers"))?);
        }
        Ok(results)
    }

    /// Bytes of the file.
    fn len(&self) -> usize {
        MAGIC.len() + 8 + self.blocks.values().map(|block| 8 + block.len()).sum::<usize>()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        bytes.extend_from_slice(MAGIC);
        put(&mut bytes, self.classes);
        put(&mut bytes, self.stride);
        for (&epoch, block) in &self.blocks {
            put(&mut bytes, epoch);
            put(&mut bytes, block.len());
            bytes.extend_from_slice(block);
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes.strip_prefix(MAGIC)?;
        let [classes, stride] = [number(&mut bytes)?, number(&mut bytes)?];
        let mut epochs = Self { classes, stride, ..Self::new(classes) };
        while !bytes.is_empty() {
            let [epoch, len] = [number(&mut bytes)?, number(&mut bytes)?];
            let block = bytes.split_off(..len)?;
            if epochs.blocks.last_key_value().is_some_and(|(&last, _)| last >= epoch) || !epochs.has_place_for(epoch) {
                return None;
            }
            epochs.blocks.insert(epoch, block.to_vec());
        }
        (stride > 0).then_some(epochs)
    }
}

impl RunFolder {
    /// Writes the matrices of the epochs.
    ///
    /// # Errors
    /// When the file cannot be written; the old one is then still there.
    pub fn write_epochs(&self, epochs: &Epochs) -> Result<(), RunError> {
        write_whole(&self.epochs(), &epochs.to_bytes())
    }

    /// Reads the matrices of the epochs of a run with so many classes; none where there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read, or is none of this run.
    pub fn read_epochs(&self, classes: usize) -> Result<Epochs, RunError> {
        let path = self.epochs();
        if !files::exists(&path) {
            return Ok(Epochs::new(classes));
        }
        let epochs = Epochs::from_bytes(&at(&path, files::read(&path))?);
        epochs.filter(|epochs| epochs.classes == classes).ok_or_else(|| self.damaged_epochs("it is damaged"))
    }

    /// The error that tells what is wrong with the matrices of the epochs.
    #[must_use]
    pub fn damaged_epochs(&self, why: &str) -> RunError {
        RunError::Epochs { path: self.epochs(), why: why.to_owned() }
    }

    fn epochs(&self) -> std::path::PathBuf {
        self.path.join("epochs.bin")
    }
}

/// The block of an epoch, compressed.
fn packed(results: &[EpochResult]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for result in results {
        put(&mut bytes, result.row.loss.len());
        bytes.extend_from_slice(result.row.loss.as_bytes());
        let counts = result.evaluation.confusion.counts();
        put_matrix(&mut bytes, &words(&result.distances, |distance| (distance as f32).to_bits()));
        put_matrix(&mut bytes, &words(&result.ground, |distance| (distance as f32).to_bits()));
        put_matrix(&mut bytes, &words(counts, |count| u32::try_from(count).unwrap_or(u32::MAX)));
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(&bytes);
    encoder.finish().unwrap_or_default()
}

fn words<T: Copy>(values: &[T], word: impl Fn(T) -> u32) -> Vec<u32> {
    values.iter().map(|&value| word(value)).collect()
}

/// The places of a matrix's upper triangle with the diagonal, row by row; of all where it is not symmetric.
fn places(classes: usize, symmetric: bool) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |i| (if symmetric { i } else { 0 }..classes).map(move |j| (i, j)))
}

fn put_matrix(bytes: &mut Vec<u8>, matrix: &[u32]) {
    let classes = matrix.len().isqrt();
    let symmetric = places(classes, true).all(|(i, j)| matrix[i * classes + j] == matrix[j * classes + i]);
    bytes.push(u8::from(symmetric));
    places(classes, symmetric).for_each(|(i, j)| bytes.extend(matrix[i * classes + j].to_le_bytes()));
}

/// Appends a number; larger ones than there can be here are cut to the largest.
fn put(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (four, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    usize::try_from(u32::from_le_bytes(*four)).ok()
}

/// Reads a block that was unpacked.
struct Reader<'a> {
    bytes: &'a [u8],
    classes: usize,
}

impl Reader<'_> {
    /// The next racer, whose row this is.
    fn result(&mut self, row: &EpochRow) -> Option<EpochResult> {
        let len = number(&mut self.bytes)?;
        (self.bytes.split_off(..len)? == row.loss.as_bytes()).then_some(())?;
        let distance = |word: u32| f64::from(f32::from_bits(word));
        let [distances, ground] = [self.matrix(distance)?, self.matrix(distance)?];
        let confusion = Confusion::from_counts(self.classes, self.matrix(u64::from)?).ok()?;
        let evaluation = Evaluation {
            confusion,
            aem: row.aem / 100.0,
            aeo: row.aeo / 100.0,
            mae: row.mae,
            qwk: row.qwk,
            amae: row.amae,
            rps: row.rps,
            ece: row.ece,
            top5_error: row.top5_error.map(|error| error / 100.0),
            spearman: row.spearman,
        };
        let (row, absent) = (row.clone(), Vec::new());
        Some(EpochResult { row, evaluation, outcomes: Vec::new(), scores: Vec::new(), distances, ground, absent })
    }

    fn matrix<T: Copy + Default>(&mut self, value: impl Fn(u32) -> T) -> Option<Vec<T>> {
        let classes = self.classes;
        let symmetric = *self.bytes.split_off_first()? == 1;
        let mut matrix = vec![T::default(); classes * classes];
        for (i, j) in places(classes, symmetric) {
            let (four, rest) = self.bytes.split_first_chunk()?;
            self.bytes = rest;
            let value = value(u32::from_le_bytes(*four));
            matrix[i * classes + j] = value;
            if symmetric {
                matrix[j * classes + i] = value;
            }
        }
        Some(matrix)
    }
}

#[cfg(test)]
mod tests;
