//! A data set of faces that is being drawn, some images at a time.

use bytes::Bytes;
use rayon::prelude::*;

use super::stream::Purpose;
use super::{COUNTS, Faces, FacesError, GROUPS, SIDES, Split, picture};
use crate::data::{Dataset, Images};

/// Most images that a thread draws before it is asked whether to go on.
const AT_ONCE: usize = 8;

/// A data set of faces that is being drawn, some images at a time.
pub struct Drawing {
    faces: Faces,
    splits: [Drawn; 2],
}

/// A split, drawn as far as `done`.
pub(super) struct Drawn {
    split: Split,
    labels: Vec<u32>,
    /// Ages in years.
    pub(super) values: Vec<f64>,
    /// N x 3 x side x side; zeros where nothing is drawn yet.
    pub(super) pixels: Vec<u8>,
    pub(super) done: usize,
}

impl Drawing {
    /// Nothing drawn yet.
    pub(super) fn new(faces: Faces) -> Result<Self, FacesError> {
        if !SIDES.contains(&faces.side) {
            return Err(FacesError::Side { side: faces.side });
        }
        let splits = [Drawn::new(&faces, Split::Train, faces.train)?, Drawn::new(&faces, Split::Test, faces.test)?];
        Ok(Self { faces, splits })
    }

    /// Images done, and images in all.
    #[must_use]
    pub fn progress(&self) -> [usize; 2] {
        let sum = |count: fn(&Drawn) -> usize| self.splits.iter().map(count).sum();
        [sum(|drawn| drawn.done), sum(|drawn| drawn.labels.len())]
    }

    /// Draws some more images, on all threads of rayon's pool; whether there are more.
    pub fn advance(&mut self) -> bool {
        if let Some(drawn) = self.splits.iter_mut().find(|drawn| drawn.done < drawn.labels.len()) {
            drawn.advance(&self.faces);
        }
        let [done, of] = self.progress();
        done < of
    }

    /// The data set, once all images are drawn.
    #[must_use]
    pub fn finish(self) -> Dataset {
        let side = self.faces.side;
        let [train, test] = self.splits.map(|drawn| drawn.images(side));
        Dataset {
            name: "faces".to_owned(),
            classes: GROUPS.iter().map(|(name, ..)| (*name).to_owned()).collect(),
            class_values: GROUPS.iter().map(|(_, first, end)| (first + end) / 2.0).collect(),
            train,
            test,
        }
    }
}

impl Drawn {
    pub(super) fn new(faces: &Faces, split: Split, count: usize) -> Result<Self, FacesError> {
        if !COUNTS.contains(&count) {
            return Err(FacesError::Count { split: split.name(), count });
        }
        let labels: Vec<u32> = (0..count).map(|i| faces.label(split, i)).collect();
        let values = labels.iter().enumerate().map(|(i, &label)| faces.age(split, i, label)).collect();
        let side = faces.side;
        let memory = || FacesError::Memory { count, side };
        let bytes = count.checked_mul(3 * side * side).ok_or_else(memory)?;
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(bytes).map_err(|_| memory())?;
        pixels.resize(bytes, 0);
        Ok(Self { split, labels, values, pixels, done: 0 })
    }

    pub(super) fn advance(&mut self, faces: &Faces) {
        let Self { split, values, pixels, .. } = self;
        let (first, size) = (self.done, 3 * faces.side * faces.side);
        let some = (AT_ONCE * rayon::current_num_threads()).min(values.len() - first);
        let pixels = &mut pixels[first * size..(first + some) * size];
        pixels.par_chunks_exact_mut(size).enumerate().for_each(|(i, image)| {
            let key = [faces.seed, *split as u64, (first + i) as u64];
            image.copy_from_slice(&picture(Purpose::Person, key, values[first + i], faces.side));
        });
        self.done += some;
    }

    fn images(self, side: usize) -> Images {
        let (name, whole, size) = (self.split.name(), Bytes::from(self.pixels), 3 * side * side);
        let count = self.labels.len();
        Images {
            side,
            pixels: (0..count).map(|i| whole.slice(i * size..(i + 1) * size)).collect(),
            labels: self.labels,
            values: self.values,
            votes: Vec::new(),
            names: (0..count).map(|i| format!("faces/{name}/{i:06}")).collect(),
        }
    }
}
