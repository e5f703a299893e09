//! Data sets: generated faces, embedded digits and folders of images, all brought to one form.
//!
//! Every source ends in a [`Dataset`]: class names in their order and two splits of [`Images`], bytes in planar RGB
//! of one side. Nothing here knows of plans, executors or training.

pub mod digits;
pub mod faces;
pub mod folder;
pub mod identity;
pub mod protocol;
pub mod source;
pub mod split;

use bytes::Bytes;
use thiserror::Error;

/// Largest side that images are resized to, in pixels: a batch of one image already takes 12 MiB there.
pub const MAX_SIDE: usize = 2048;

/// A side that images cannot be resized to.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("images cannot have a side of {0} pixels: choose 1 to {MAX_SIDE}")]
pub struct SideError(pub usize);

/// Checks that `side` (pixels) is one that images can be resized to.
///
/// # Errors
/// [`SideError`] outside 1 to [`MAX_SIDE`].
pub fn check_side(side: usize) -> Result<(), SideError> {
    if (1..=MAX_SIDE).contains(&side) { Ok(()) } else { Err(SideError(side)) }
}

/// So many files, in words.
#[must_use]
pub fn files(count: usize) -> String {
    format!("{count} {}", if count == 1 { "file" } else { "files" })
}

/// Images of one split, all of one side, as bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Width and height of every image in pixels.
    pub side: usize,
    /// N times 3 x side x side, planar RGB: byte (c, y, x) of an image at (c * side + y) * side + x. They may lie in a
    /// file, and copies share them.
    pub pixels: Vec<Bytes>,
    /// Class index of each image, N.
    pub labels: Vec<u32>,
    /// Real-valued label of each image where the data has one (an age), else the class index; N.
    pub values: Vec<f64>,
    /// A distribution over the classes for each image, N x C, where the data have such; else empty.
    pub votes: Vec<f32>,
    /// A name for each image (path below the data folder, or "faces/000123"), N.
    pub names: Vec<String>,
}

impl Images {
    /// No images yet, with room for `count` of `side` x `side` pixels.
    pub fn with_capacity(side: usize, count: usize) -> Self {
        Self {
            side,
            pixels: Vec::with_capacity(count),
            labels: Vec::with_capacity(count),
            values: Vec::with_capacity(count),
            votes: Vec::new(),
            names: Vec::with_capacity(count),
        }
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The bytes of image `index`, 3 x side x side.
    ///
    /// # Panics
    /// If `index` is not below [`Images::len`].
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index]
    }

    /// Appends an image: `pixels` 3 x side x side planar RGB, its class index, its real value and its name.
    ///
    /// # Panics
    /// If `pixels` has another length.
    pub fn push(&mut self, pixels: impl Into<Bytes>, label: u32, value: f64, name: String) {
        let pixels = pixels.into();
        assert_eq!(pixels.len(), 3 * self.side * self.side, "bytes of {name}");
        self.pixels.push(pixels);
        self.labels.push(label);
        self.values.push(value);
        self.names.push(name);
    }

    /// Appends all images of `others`, which have the same side and classes. Where only one of both has votes, the other's
    /// images are their own class's whole.
    ///
    /// # Panics
    /// If they have another side.
    pub fn append(&mut self, others: &Self) {
        assert_eq!(self.side, others.side, "sides of images to be put together");
        let of = |images: &Self| images.votes.len() / images.len().max(1);
        let classes = of(self).max(of(others));
        self.votes = [self.votes_over(classes), others.votes_over(classes)].concat();
        self.pixels.extend_from_slice(&others.pixels);
        self.labels.extend_from_slice(&others.labels);
        self.values.extend_from_slice(&others.values);
        self.names.extend_from_slice(&others.names);
    }

    /// The votes over so many classes; where there are none, each image's own class has all.
    fn votes_over(&self, classes: usize) -> Vec<f32> {
        if !self.votes.is_empty() {
            return self.votes.clone();
        }
        let certain = |&label: &u32| (0..classes).map(move |class| f32::from(u8::from(class == label as usize)));
        self.labels.iter().flat_map(certain).collect()
    }

    /// The images at `indices`, in that order; an index may come more than once.
    ///
    /// # Panics
    /// If an index is not below [`Images::len`].
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut chosen = Self::with_capacity(self.side, indices.len());
        let classes = self.votes.len() / self.len().max(1);
        for &i in indices {
            let name = self.names[i].clone();
            chosen.push(self.pixels[i].clone(), self.labels[i], self.values[i], name);
            chosen.votes.extend_from_slice(&self.votes[i * classes..(i + 1) * classes]);
        }
        chosen
    }

    /// Number of images of each of `classes` classes; labels from `classes` on are not counted.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }
}

/// A classification problem: class names in their order, and two splits.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What the data set is called in reports: "digits", or the folder's name.
    pub name: String,
    /// Class names; the position is the class index.
    pub classes: Vec<String>,
    /// What each class stands for as a number: as `classes.txt` says, else the class index.
    pub class_values: Vec<f64>,
    /// The images to train on.
    pub train: Images,
    /// The images to test on, none of them in `train`.
    pub test: Images,
}

/// The indices of so many classes, for those that stand for no other numbers.
fn indices(classes: usize) -> Vec<f64> {
    (0..classes).map(|index| index as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_images() -> Images {
        let mut images = Images::with_capacity(2, 2);
        images.push(vec![1; 12], 0, 0.5, "a".into());
        images.push((10..22).collect::<Vec<u8>>(), 2, 7.5, "b".into());
        images
    }

    #[test]
    fn an_image_is_its_own_slice_of_the_pixels() {
        let images = two_images();
        assert_eq!((images.len(), images.is_empty()), (2, false));
        assert_eq!(images.image(0), [1; 12]);
        assert_eq!(images.image(1)[4..8], [14, 15, 16, 17]);
    }

    #[test]
    fn selection_takes_every_column_along() {
        let mut images = two_images();
        images.votes = vec![1.0, 0.0, 0.0, 0.25, 0.0, 0.75];
        let images = images.select(&[1, 0, 1]);
        assert_eq!(images.votes, [0.25, 0.0, 0.75, 1.0, 0.0, 0.0, 0.25, 0.0, 0.75]);
        assert_eq!(images.labels, [2, 0, 2]);
        assert_eq!(images.values, [7.5, 0.5, 7.5]);
        assert_eq!(images.names, ["b", "a", "b"]);
        assert_eq!(images.image(2), two_images().image(1));
    }

    #[test]
    fn images_put_together_keep_their_votes_or_their_class() {
        let mut images = two_images();
        images.append(&two_images());
        assert_eq!((images.len(), images.votes.len(), images.image(3)), (4, 0, two_images().image(1)));
        let mut voted = two_images();
        voted.votes = vec![0.5, 0.5, 0.0, 0.25, 0.0, 0.75];
        voted.append(&two_images());
        assert_eq!(voted.votes[6..], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn classes_without_images_count_zero() {
        assert_eq!(two_images().class_counts(4), [1, 0, 1, 0]);
        assert_eq!(two_images().class_counts(2), [1, 0]);
    }

    #[test]
    fn sides_have_bounds_that_the_message_names() {
        assert!(check_side(1).is_ok() && check_side(MAX_SIDE).is_ok());
        assert_eq!(check_side(0), Err(SideError(0)));
        let message = check_side(MAX_SIDE + 1).unwrap_err().to_string();
        assert!(message.contains("2049") && message.contains("2048"), "{message}");
    }
}
