//! A run whose images are being read, before it is prepared.

use super::WorkError;
use super::message::{Message, Order};
use super::opening::{self, GroundFile};
use super::preparing::Preparing;
use super::work::Tell;
use crate::device::Opened;
use crate::plan::AdapterKind;
use crate::train::cell::{Cell, Loading};
use crate::train::run::{Epochs, Made, Record, RunFolder};
use crate::train::{Settings, Snapshot};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use web_time::Instant;

/// Time between messages that tell how many images are read.
const TOLD_EVERY: Duration = Duration::from_millis(50);

/// A run whose images are being read.
pub struct Reading {
    images: Loading,
    opened: Opened,
    run: Waiting,
    made: Made,
    told_at: Instant,
    /// Images there are, as was told last.
    told_of: usize,
    /// Whether all images are read.
    is_read: bool,
}

/// What waits for the images.
pub(super) enum Waiting {
    /// A run that is to begin.
    New { order: Box<Order>, cell: Box<Cell>, folder: RunFolder, ground: Option<GroundFile> },
    /// One that is to go on.
    Kept { device: String, folder: RunFolder, record: Box<Record>, snapshot: Box<Snapshot>, epochs: Epochs },
}

impl Reading {
    fn new(images: Loading, opened: Opened, run: Waiting, made: Made) -> Self {
        Self { images, opened, run, made, told_at: Instant::now(), told_of: 0, is_read: false }
    }

    /// Reads the images of a run that is to begin; its folder is made.
    ///
    /// # Errors
    /// When a setting is out of range, the folder cannot be made, or there are no such images.
    pub fn begin(order: Box<Order>, opened: Opened, tell: &Tell) -> Result<Self, WorkError> {
        let mut cell = Box::new(order.cell.clone());
        if order.sized_by_device {
            let software = opened.executor.adapter().kind == AdapterKind::Software;
            (cell.settings.channels, cell.settings.hidden) = Settings::network_for(software);
        }
        cell.settings.check()?;
        let folder = opening::place(order.place.as_deref(), &cell.source.name())?;
        let read = opening::ground_file(&cell).and_then(|ground| Ok((ground, images(&cell, tell)?)));
        match read {
            Ok((ground, images)) => {
                let made = Made::Folder(folder.clone());
                let run = Waiting::New { order, cell, folder, ground };
                Ok(Self::new(images, opened, run, made))
            }
            Err(error) => {
                folder.remove_empty();
                Err(error)
            }
        }
    }

    /// Reads the images of the run in a folder.
    ///
    /// # Errors
    /// When the folder holds none that could go on, or there are no such images.
    pub fn resume(place: &Path, device: String, opened: Opened, tell: &Tell) -> Result<Self, WorkError> {
        let (folder, made) = RunFolder::at(place)?;
        let read = || {
            let snapshot = Box::new(folder.read_checkpoint()?);
            let mut record = Box::new(folder.read_record()?);
            record.source = opening::found(record.source);
            // Now: in a page the folder's files may be gone from memory once its images are read.
            let epochs = folder.read_epochs(snapshot.progress.data.classes.len())?;
            let images = images(&record.cell(), tell)?;
            Ok((images, Waiting::Kept { device, folder, record, snapshot, epochs }))
        };
        match read() {
            Ok((images, run)) => Ok(Self::new(images, opened, run, made)),
            Err(error) => {
                made.undo();
                Err(error)
            }
        }
    }

    /// Reads some more images and tells how many are done; whether there is more to do. It ends with a step of its own once all are
    /// read and that was told: whoever shows it can do so before the run is prepared ([`Reading::read`]), which takes a while.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn advance(&mut self, tell: &Tell) -> Result<bool, WorkError> {
        if self.is_read {
            return Ok(false);
        }
        self.is_read = !self.images.advance()?;
        let [done, of] = self.images.progress();
        if of != self.told_of || self.told_at.elapsed() >= TOLD_EVERY {
            (self.told_at, self.told_of) = (Instant::now(), of);
            tell(Message::Loading { done, of });
        }
        if self.is_read {
            tell(Message::Preparing);
        }
        Ok(true)
    }

    /// The run that is to be prepared, once all images are read.
    ///
    /// # Errors
    /// When the images are no data to train on, or the run does not fit them.
    pub fn read(self) -> Result<Preparing, WorkError> {
        let (data, skipped) = self.images.finish()?;
        Preparing::new(Arc::new(data), skipped, self.opened, self.run, self.made)
    }

    /// What was made for the run, to be removed where that does not begin.
    pub fn made(&self) -> Made {
        self.made.clone()
    }
}

/// Begins to look for the images of a cell.
fn images(cell: &Cell, tell: &Tell) -> Result<Loading, WorkError> {
    tell(Message::Loading { done: 0, of: 0 });
    Ok(Loading::begin(&cell.source, &cell.protocol, cell.settings.stored_side, cell.settings.seed)?)
}

#[cfg(test)]
mod tests;
