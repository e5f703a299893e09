//! A small real data set inside the program: 1,797 scanned handwritten digits of 8 x 8 pixels.
//!
//! The digits are the test set of *Optical Recognition of Handwritten Digits* by E. Alpaydin and C. Kaynak (CC BY 4.0);
//! `assets/README.md` has the source and what was changed. 13 people wrote them; who wrote which is not recorded, so
//! that each writer is on both sides of a split here. Portable: no files, no threads.

use std::io::Read;

use flate2::read::ZlibDecoder;
use image::{GrayImage, imageops};
use thiserror::Error;

use crate::data::split::{SplitError, check_fraction, stratified};
use crate::data::{Dataset, Images, SideError, check_side, indices};

/// 1797 x 64 grey levels, then 1,797 digits, a byte each, compressed with zlib by `scripts/make-digits`.
const PACKED: &[u8] = include_bytes!("../../assets/digits.zlib");
const COUNT: usize = 1797;
const SIDE: u32 = 8;
/// Largest side of the resized digits, as of the faces: all of them take 338 MiB then.
pub const MOST_SIDE: usize = 256;
/// Each grey level counts the dark pixels in a block of 4 x 4.
const FULL_INK: u32 = 16;

/// The embedded digits as a data set: ten classes "0" to "9", light ink on black, a value equal to the digit.
#[derive(Clone, Debug, PartialEq)]
pub struct Digits {
    /// Width and height that the 8 x 8 pixels are resized to (bilinear), 1 to [`MOST_SIDE`].
    pub side: usize,
    /// Share of each class that is tested on, above 0 and below 1.
    pub test_fraction: f64,
    /// Decides which images are tested on.
    pub seed: u64,
}

/// Why the digits could not be made into a data set.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum DigitsError {
    /// The side is out of bounds.
    #[error(transparent)]
    Side(#[from] SideError),
    /// All digits together would take gigabytes.
    #[error("digits have a side of at most {MOST_SIDE} pixels, not {0}: they were scanned with {SIDE}")]
    TooLarge(usize),
    /// The test fraction is out of bounds.
    #[error(transparent)]
    Split(#[from] SplitError),
}

impl Digits {
    /// Unpacks, resizes and splits the digits.
    ///
    /// # Errors
    /// [`DigitsError`] when `side` or `test_fraction` is out of bounds.
    pub fn dataset(&self) -> Result<Dataset, DigitsError> {
        check_side(self.side)?;
        if self.side > MOST_SIDE {
            return Err(DigitsError::TooLarge(self.side));
        }
        check_fraction(self.test_fraction)?;
        let images = self.images();
        let split = stratified(&images.labels, self.test_fraction, self.seed)?;
        Ok(Dataset {
            name: "digits".into(),
            classes: (0..10).map(|digit| digit.to_string()).collect(),
            class_values: indices(10),
            train: images.select(&split.train),
            test: images.select(&split.test),
        })
    }

    fn images(&self) -> Images {
        let bytes = unpacked();
        let (levels, digits) = bytes.split_at(COUNT * (SIDE * SIDE) as usize);
        let mut images = Images::with_capacity(self.side, COUNT);
        for (index, (levels, &digit)) in levels.chunks((SIDE * SIDE) as usize).zip(digits).enumerate() {
            let plane = resized(levels, self.side as u32);
            let name = format!("digits/{index:04}");
            images.push(plane.repeat(3), digit.into(), digit.into(), name);
        }
        images
    }
}

fn unpacked() -> Vec<u8> {
    let mut bytes = Vec::new();
    // Cannot fail: the bytes are part of the program, and a test unpacks them.
    ZlibDecoder::new(PACKED).read_to_end(&mut bytes).expect("the embedded digits are whole");
    bytes
}

/// One digit, grey levels 0 to 16, as `side` x `side` bytes from 0 to 255.
fn resized(levels: &[u8], side: u32) -> Vec<u8> {
    let grey = |level: &u8| ((u32::from(*level) * 255 + FULL_INK / 2) / FULL_INK) as u8;
    let small = GrayImage::from_fn(SIDE, SIDE, |x, y| image::Luma([grey(&levels[(y * SIDE + x) as usize])]));
    imageops::resize(&small, side, side, imageops::FilterType::Triangle).into_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(side: usize) -> Digits {
        Digits { side, test_fraction: 0.25, seed: 5 }
    }

    #[test]
    fn the_packed_digits_are_those_of_the_source() {
        let bytes = unpacked();
        assert_eq!(bytes.len(), COUNT * 65);
        let (levels, labels) = bytes.split_at(COUNT * 64);
        assert_eq!(levels.iter().map(|&l| u64::from(l)).sum::<u64>(), 561_718);
        assert_eq!(levels[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        assert_eq!(labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        // The counts in the data set's own description.
        let counts = (0..10).map(|d| labels.iter().filter(|&&l| l == d).count());
        assert!(counts.eq([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]));
    }

    #[test]
    fn levels_become_bytes_in_three_equal_planes() {
        let images = digits(8).images();
        let first: Vec<u8> = vec![0, 0, 80, 207, 143, 16, 0, 0];
        for plane in images.image(0).chunks(64) {
            assert_eq!(plane[..8], first);
        }
        assert_eq!(images.pixels.iter().flatten().max(), Some(&255));
    }

    #[test]
    fn resizing_keeps_the_mean_and_has_the_right_shape() {
        let mean = |images: &Images| {
            let sum: f64 = images.pixels.iter().flatten().map(|&p| f64::from(p)).sum();
            sum / (images.len() * images.image(0).len()) as f64
        };
        let (small, large) = (digits(8).images(), digits(12).images());
        assert_eq!((large.len(), large.image(COUNT - 1).len()), (COUNT, 3 * 12 * 12));
        let error = (mean(&small) - mean(&large)).abs();
        assert!(error <= 2.0, "means differ by {error}");
    }

    #[test]
    fn both_splits_hold_every_class_and_are_repeatable() {
        let dataset = digits(8).dataset().unwrap();
        assert_eq!(dataset.classes.len(), 10);
        assert_eq!((dataset.classes[3].as_str(), dataset.name.as_str()), ("3", "digits"));
        assert_eq!(dataset.train.len() + dataset.test.len(), COUNT);
        let test = dataset.test.class_counts(10);
        assert!(test.iter().all(|count| (43..=46).contains(count)), "{test:?}");
        let as_values = |images: &Images| images.labels.iter().map(|&l| f64::from(l)).collect::<Vec<_>>();
        assert_eq!(dataset.test.values, as_values(&dataset.test));
        assert!(dataset == digits(8).dataset().unwrap());
    }

    #[test]
    fn the_nearest_centroid_reads_most_digits() {
        // Would be a tenth if labels and pictures did not belong together.
        let Dataset { train, test, .. } = digits(8).dataset().unwrap();
        let mut sums = vec![[0.0; 64]; 10];
        let counts = train.class_counts(10);
        for i in 0..train.len() {
            let class = train.labels[i] as usize;
            for (sum, &p) in sums[class].iter_mut().zip(train.image(i)) {
                *sum += f64::from(p) / counts[class] as f64;
            }
        }
        let distance = |image: &[u8], class: usize| -> f64 {
            let pairs = sums[class].iter().zip(image);
            pairs.map(|(m, &p)| (m - f64::from(p)).powi(2)).sum()
        };
        let right = (0..test.len()).filter(|&i| {
            let near = |a: &usize, b: &usize| distance(test.image(i), *a).total_cmp(&distance(test.image(i), *b));
            (0..10).min_by(near) == Some(test.labels[i] as usize)
        });
        assert!(right.count() * 100 > 85 * test.len());
    }

    #[test]
    fn bounds_are_errors_and_not_panics() {
        assert!(matches!(digits(0).dataset(), Err(DigitsError::Side(_))));
        assert!(matches!(digits(5000).dataset(), Err(DigitsError::Side(_))));
        let all_tested = Digits { test_fraction: 1.0, ..digits(8) };
        assert!(matches!(all_tested.dataset(), Err(DigitsError::Split(_))));
    }
}
