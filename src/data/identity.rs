//! What tells a data set from every other: a run goes on with its own only.

use super::{Dataset, Images};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What tells a data set from every other, as far as training and testing go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What it is called.
    pub name: String,
    /// Class names in their order.
    pub classes: Vec<String>,
    /// Training and test images.
    pub images: [usize; 2],
    /// SHA-256 of the training images and of the test images, in hexadecimal: sides, labels, values, pixels and votes.
    pub sums: [String; 2],
}

impl Identity {
    /// Of these data; reads every pixel.
    #[must_use]
    pub fn of(data: &Dataset) -> Self {
        Self {
            name: data.name.clone(),
            classes: data.classes.clone(),
            images: [data.train.len(), data.test.len()],
            sums: [sum(&data.train), sum(&data.test)],
        }
    }

    /// What these data have become, in words, where `now` is something else.
    #[must_use]
    pub fn change(&self, now: &Self) -> Option<String> {
        if self.name != now.name {
            return Some(format!("they were called {} and are called {}", self.name, now.name));
        }
        if self.classes != now.classes {
            let [then, now] = [&self.classes, &now.classes].map(|names| names.join(", "));
            return Some(format!("their classes were {then} and are {now}"));
        }
        for (split, kind) in ["training", "test"].into_iter().enumerate() {
            let [then, now_there] = [self.images[split], now.images[split]];
            if then != now_there {
                return Some(format!("there were {then} {kind} images and are {now_there} images"));
            }
            if self.sums[split] != now.sums[split] {
                return Some(format!("the {then} {kind} images have other pixels or labels than before"));
            }
        }
        None
    }
}

fn sum(images: &Images) -> String {
    let mut hash = Sha256::new();
    hash.update((images.side as u64).to_le_bytes());
    for index in 0..images.len() {
        hash.update(images.labels[index].to_le_bytes());
        hash.update(images.values[index].to_le_bytes());
        hash.update(images.image(index));
    }
    images.votes.iter().for_each(|share| hash.update(share.to_le_bytes()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Dataset {
        let images = |label: u32| {
            let mut images = Images::with_capacity(1, 2);
            images.push(vec![1, 2, 3], label, 0.5, "a".into());
            images.push(vec![4, 5, 6], 0, 7.5, "b".into());
            images
        };
        let classes = vec!["x".to_owned(), "y".to_owned()];
        Dataset { name: "data".into(), classes, class_values: vec![0.0, 1.0], train: images(1), test: images(0) }
    }

    #[test]
    fn every_change_is_named() {
        let was = Identity::of(&data());
        assert_eq!(was.change(&Identity::of(&data())), None);
        let words = |change: fn(&mut Dataset)| {
            let mut changed = data();
            change(&mut changed);
            was.change(&Identity::of(&changed)).unwrap()
        };
        assert!(words(|data| data.name = "other".into()).contains("called data and are called other"));
        assert!(words(|data| data.classes.swap(0, 1)).contains("x, y and are y, x"));
        assert!(words(|data| data.train.push(vec![0; 3], 0, 0.0, "c".into())).contains("2 training images and are 3"));
        assert!(words(|data| data.test.push(vec![0; 3], 0, 0.0, "c".into())).contains("2 test images and are 3"));
        let training = "2 training images have other pixels or labels";
        assert!(words(|data| data.train.pixels[1] = vec![4, 5, 7].into()).contains(training));
        assert!(words(|data| data.train.pixels.swap(0, 1)).contains(training));
        assert!(words(|data| data.train.labels[0] = 0).contains(training));
        assert!(words(|data| data.train.values[0] = 0.25).contains(training));
        assert!(words(|data| data.test.labels[0] = 1).contains("2 test images have other pixels or labels"));
    }

    /// By another program: Python's hashlib over the same bytes.
    #[test]
    fn the_sum_is_the_well_known_one() {
        let mut images = Images::with_capacity(1, 1);
        images.push(vec![1, 2, 3], 1, 0.5, "a".into());
        assert_eq!(sum(&images), "b8eb2c83be6a8e54793f5e14ebc2ae58f4effd939f973e42026948a3b8c003fc");
    }
}
