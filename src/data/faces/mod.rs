//! The embedded data set `faces`: portraits of people from 0 to 90 years, drawn rather than
//! photographed, so that age groups can be learned without a download.
//!
//! A picture starts from a real-valued age and from a `Person` that does not depend on
//! it: skin, hair, build, pose, expression, light, background, spectacles, beard, blur and noise.
//! Age works through eleven cues (`ageing::Cue`), each along a growth chart of its own and each
//! running ahead of the true age or behind it ([`AGE_SPREAD`]), so that neighbouring groups are
//! honestly confusable.
//!
//! Every picture is a function of its seed, split and index alone: the same on every platform
//! (`stream`, `paint`), whatever the number of pictures and of threads.

mod ageing;
mod cuts;
mod draw;
mod drawing;
mod extras;
mod features;
mod finish;
mod hair;
mod head;
mod lines;
mod paint;
mod person;
mod stream;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use crate::data::Dataset;

pub use ageing::AGE_SPREAD;
use ageing::Ages;
pub use drawing::Drawing;
use person::Person;
use stream::{Purpose, Stream};

/// The age groups: name, first age, and the age at which the group ends, in years. The names are
/// ages in completed years, so "0-2" ends at the third birthday.
pub const GROUPS: [(&str, f64, f64); 8] = [
    ("0-2", 0.0, 3.0),
    ("4-6", 4.0, 7.0),
    ("8-13", 8.0, 14.0),
    ("15-20", 15.0, 21.0),
    ("25-32", 25.0, 33.0),
    ("38-43", 38.0, 44.0),
    ("48-53", 48.0, 54.0),
    ("60-", 60.0, 91.0),
];

/// The sides that [`Faces`] takes, in pixels.
pub const SIDES: RangeInclusive<usize> = 16..=256;

/// The numbers of images that [`Faces`] takes in a split.
const COUNTS: RangeInclusive<usize> = 1..=1_000_000;

/// Why there is no data set of faces.
#[derive(Debug, thiserror::Error)]
pub enum FacesError {
    /// The side is outside what can be drawn well.
    #[error(
        "faces cannot be drawn {side} pixels wide; ask for a side from {} to {}",
        SIDES.start(),
        SIDES.end()
    )]
    Side {
        /// The side asked for, in pixels.
        side: usize,
    },
    /// A split would be empty, or beyond reason.
    #[error(
        "the {split} split of the faces cannot have {count} images; ask for {} to {}",
        COUNTS.start(),
        COUNTS.end()
    )]
    Count {
        /// "train" or "test".
        split: &'static str,
        /// The number of images asked for.
        count: usize,
    },
    /// The images do not fit in memory.
    #[error("{count} faces of {side} x {side} pixels do not fit in memory; ask for fewer or smaller")]
    Memory {
        /// The number of images asked for.
        count: usize,
        /// Their side in pixels.
        side: usize,
    },
}

/// What data set of faces to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faces {
    /// Number of training images, 1 to 1,000,000.
    pub train: usize,
    /// Number of test images, 1 to 1,000,000.
    pub test: usize,
    /// Width and height of every image in pixels, 16 to 256.
    pub side: usize,
    /// What every image is drawn from; another seed gives other people.
    pub seed: u64,
}

/// One of the two splits.
#[derive(Clone, Copy)]
enum Split {
    Train = 0,
    Test = 1,
}

impl Split {
    fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

impl Faces {
    /// Draws the data set "faces". The classes are [`GROUPS`], as even in number as the counts
    /// allow and in random order; `values` are the ages in years, and a class stands for the middle of its own. An image depends on seed, split
    /// and index alone: a larger data set begins with the images of a smaller one.
    ///
    /// # Errors
    /// [`FacesError`] for a side or a count out of range, or for more images than memory holds.
    pub fn dataset(&self) -> Result<Dataset, FacesError> {
        let mut drawing = self.begin()?;
        while drawing.advance() {}
        Ok(drawing.finish())
    }

    /// Makes room for [`Faces::dataset`], to be drawn some images at a time.
    ///
    /// # Errors
    /// As [`Faces::dataset`].
    pub fn begin(&self) -> Result<Drawing, FacesError> {
        Drawing::new(*self)
    }

    /// The group of an image: every eight images in a row are one of each group, shuffled.
    fn label(&self, split: Split, index: usize) -> u32 {
        let block = (index / GROUPS.len()) as u64;
        let mut stream = Stream::new(Purpose::Order, [self.seed, split as u64, block]);
        let mut order: [u32; GROUPS.len()] = core::array::from_fn(|i| i as u32);
        for last in (1..order.len()).rev() {
            order.swap(last, stream.below(last + 1));
        }
        order[index % GROUPS.len()]
    }

    fn age(&self, split: Split, index: usize, label: u32) -> f64 {
        let key = [self.seed, split as u64, index as u64];
        age_in(label as usize, &mut Stream::new(Purpose::Age, key))
    }
}

/// An age drawn evenly from a group.
fn age_in(group: usize, stream: &mut Stream) -> f64 {
    let (_, from, to) = GROUPS[group];
    from + (to - from) * stream.unit()
}

/// The portrait of the person that `purpose` and `key` stand for, at `age` years.
fn picture(purpose: Purpose, key: [u64; 3], age: f64, side: usize) -> Vec<u8> {
    let person = Person::draw(&mut Stream::new(purpose, key));
    let mut noise = Stream::new(Purpose::Noise, key);
    draw::draw(&person, &Ages::of(age, &person), side, &mut noise)
}

/// One portrait: planar RGB, 3 x `side` x `side` bytes (none for a `side` of 0). `age` is in years
/// and counts as 0 or 100 beyond them; the same `person` at another age is the same person, in the
/// same pose and light, grown older. It is meant for sides from 16 to 256.
pub fn portrait(age: f64, person: u64, side: usize) -> Vec<u8> {
    picture(Purpose::Sitter, [person, 0, 0], age, side)
}

/// A sheet of portraits, one row a group from the youngest down, each of other people: width and
/// height in pixels, and interleaved RGB bytes (row by row).
pub fn contact_sheet(columns: usize, side: usize, seed: u64) -> (usize, usize, Vec<u8>) {
    let (width, height) = (columns * side, GROUPS.len() * side);
    let mut sheet = vec![0; 3 * width * height];
    for row in 0..GROUPS.len() {
        for column in 0..columns {
            let key = [seed, row as u64, column as u64];
            let age = age_in(row, &mut Stream::new(Purpose::Age, key));
            let planar = picture(Purpose::Sheet, key, age, side);
            for (at, &value) in planar.iter().enumerate() {
                let (channel, y, x) = (at / (side * side), at / side % side, at % side);
                sheet[3 * ((row * side + y) * width + column * side + x) + channel] = value;
            }
        }
    }
    (width, height, sheet)
}
