//! How a data set is grouped into classes and divided before anything is trained: bins of a real-valued label, folds,
//! a validation split.

mod bins;

pub use bins::{BinsError, binned};

use super::folder::{Grouping, GroupingError};
use super::split::{SplitError, divided, folds, grouped_folds};
use super::{Dataset, Images};
use serde::{Deserialize, Serialize};

/// Folds where neither the data nor anyone says how many (section 4.4).
const FOLDS: usize = 5;

/// What is done to a data set before anything is trained on it; nothing, by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Protocol {
    /// How many folds; those of the data, else 5, where absent.
    pub folds: Option<usize>,
    /// The fold that is tested on, from 1; all others are trained on. Without it the data's own test images are.
    pub fold: Option<usize>,
    /// Classes of equal frequency into which the real-valued labels are cut, in place of the data's own classes.
    pub bins: Option<usize>,
    /// Share of the training images that is trained on, of each class alike, by subject where subjects are known; all of
    /// them where absent.
    pub share: Option<f64>,
    /// Share of the training images that is kept from training and measured on in place of the test images.
    pub validation: Option<f64>,
}

/// Why a data set cannot be divided as asked.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// Folds, and none to test on.
    #[error("{0} folds are asked for, and none of them to test on: say which, from 1, with --fold")]
    NoFold(usize),
    /// A fold that there is not.
    #[error("there is no fold {fold}: the folds are 1 to {folds}")]
    Fold {
        /// The fold asked for.
        fold: usize,
        /// How many there are.
        folds: usize,
    },
    /// Another number of folds than the data gives.
    #[error("the data gives {given} folds (folds.csv) where {asked} are asked for; leave --folds out")]
    GivenFolds {
        /// Folds of the data.
        given: usize,
        /// Folds asked for.
        asked: usize,
    },
    /// All images are in one fold.
    #[error("the data's folds.csv puts all images into one fold: none are left to train on")]
    OneFold,
    /// The images cannot be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The labels cannot be cut into bins.
    #[error(transparent)]
    Bins(#[from] BinsError),
    /// The data's folds or subjects do not fit its images.
    #[error(transparent)]
    Grouping(#[from] GroupingError),
}

impl Protocol {
    /// Divides and groups a data set: first the fold, then the share of the training images, then the bins, which see the training images alone, then the
    /// validation split, by subject where subjects are known. `grouping` is what the data says of its images, `seed` decides what it leaves open.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn apply(&self, data: Dataset, grouping: &Grouping, seed: u64) -> Result<Dataset, ProtocolError> {
        let mut data = match (self.fold, self.folds) {
            (Some(fold), folds) => folded(data, folds, fold, grouping, seed)?,
            (None, Some(folds)) => return Err(ProtocolError::NoFold(folds)),
            (None, None) => data,
        };
        if let Some(share) = self.share {
            let subjects = grouping.subject_numbers(&data.train.names)?;
            // The side that is about so large is called the test side there.
            let chosen = divided(&data.train.labels, subjects.as_deref(), share, seed)?.test;
            data.train = data.train.select(&chosen);
        }
        if let Some(bins) = self.bins {
            data = binned(data, bins)?;
        }
        if let Some(share) = self.validation {
            let subjects = grouping.subject_numbers(&data.train.names)?;
            let split = divided(&data.train.labels, subjects.as_deref(), share, seed)?;
            data.test = data.train.select(&split.test);
            data.train = data.train.select(&split.train);
        }
        Ok(data)
    }
}

/// The data with fold `fold` (from 1) as test images and all its other images, whatever split they were in, to train on.
fn folded(
    data: Dataset,
    asked: Option<usize>,
    fold: usize,
    grouping: &Grouping,
    seed: u64,
) -> Result<Dataset, ProtocolError> {
    let images = pooled(&data);
    let splits = match (grouping.fold_numbers(&images.names)?, grouping.subject_numbers(&images.names)?) {
        (Some(numbers), _) => {
            let given = numbers.iter().max().map_or(0, |&most| most + 1);
            match asked {
                _ if given < 2 => return Err(ProtocolError::OneFold),
                Some(asked) if asked != given => return Err(ProtocolError::GivenFolds { given, asked }),
                _ => given_folds(&numbers, given),
            }
        }
        (None, Some(subjects)) => grouped_folds(&images.labels, &subjects, asked.unwrap_or(FOLDS), seed)?,
        (None, None) => folds(&images.labels, asked.unwrap_or(FOLDS), seed)?,
    };
    let split = fold.checked_sub(1).and_then(|index| splits.get(index));
    let split = split.ok_or(ProtocolError::Fold { fold, folds: splits.len() })?;
    Ok(Dataset { train: images.select(&split.train), test: images.select(&split.test), ..data })
}

/// All images, those to train on first.
fn pooled(data: &Dataset) -> Images {
    let mut images = data.train.clone();
    images.append(&data.test);
    images
}

/// The splits that the data's own folds are.
fn given_folds(numbers: &[usize], folds: usize) -> Vec<super::split::Split> {
    let of_fold = |fold: usize| {
        let (test, train) = (0..numbers.len()).partition(|&image| numbers[image] == fold);
        super::split::Split { train, test }
    };
    (0..folds).map(of_fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Forty images of two classes, named a0 … and of eight people.
    fn data() -> Dataset {
        let images = |from: usize, to: usize| {
            let mut images = Images::with_capacity(1, to - from);
            for at in from..to {
                images.push(vec![at as u8; 3], (at % 2) as u32, at as f64, format!("a{at}"));
            }
            images
        };
        let classes = vec!["even".to_owned(), "odd".to_owned()];
        Dataset {
            name: "data".into(),
            classes,
            class_values: vec![0.0, 1.0],
            train: images(0, 30),
            test: images(30, 40),
        }
    }

    type Groups = std::collections::HashMap<String, String>;

    fn groups(of: fn(usize) -> String) -> Option<Groups> {
        Some((0..40).map(|at| (format!("a{at}"), of(at))).collect())
    }

    fn folds_of(of: fn(usize) -> String) -> Grouping {
        Grouping { folds: groups(of), subjects: None }
    }

    fn subjects_of(of: fn(usize) -> String) -> Grouping {
        Grouping { folds: None, subjects: groups(of) }
    }

    /// The first bytes of the images tell who they show where eight people take turns.
    fn people(images: &Images) -> BTreeSet<u8> {
        (0..images.len()).map(|at| images.image(at)[0] % 8).collect()
    }

    fn names(images: &Images) -> BTreeSet<String> {
        images.names.iter().cloned().collect()
    }

    /// Every image is tested on in exactly one fold, and never trained on in it.
    fn assert_partition(folds: usize, grouping: &Grouping) -> Vec<Dataset> {
        let of = |fold| Protocol { fold: Some(fold), folds: Some(folds), ..Protocol::default() };
        let parts: Vec<Dataset> = (1..=folds).map(|fold| of(fold).apply(data(), grouping, 3).unwrap()).collect();
        let mut tested = BTreeSet::new();
        for part in &parts {
            assert_eq!(part.train.len() + part.test.len(), 40);
            assert!(names(&part.train).is_disjoint(&names(&part.test)));
            assert!(names(&part.test).iter().all(|name| tested.insert(name.clone())));
        }
        assert_eq!(tested.len(), 40);
        parts
    }

    #[test]
    fn folds_partition_all_images_stratified() {
        for part in assert_partition(5, &Grouping::default()) {
            assert_eq!(part.test.class_counts(2), [4, 4]);
        }
    }

    #[test]
    fn nobody_is_trained_on_and_tested_on() {
        let subjects = subjects_of(|at| format!("person {}", at % 8));
        for part in assert_partition(4, &subjects) {
            assert!(people(&part.train).is_disjoint(&people(&part.test)));
            assert_eq!(part.test.class_counts(2), [5, 5], "each fold has a person of either class");
        }
    }

    #[test]
    fn folds_of_the_data_are_kept() {
        let given = folds_of(|at| format!("fold {}", 10 - at / 20));
        let parts = assert_partition(2, &given);
        assert_eq!(parts[0].test.names[0], "a20", "fold 9 comes before fold 10");
        let words = |protocol: Protocol| protocol.apply(data(), &given, 1).unwrap_err().to_string();
        let other = Protocol { folds: Some(3), fold: Some(1), ..Protocol::default() };
        assert!(words(other).contains("gives 2 folds"));
        assert!(words(Protocol { fold: Some(3), ..Protocol::default() }).contains("no fold 3"));
        assert!(words(Protocol { fold: Some(0), ..Protocol::default() }).contains("1 to 2"));
    }

    #[test]
    fn one_fold_of_all_images_is_refused() {
        let one = folds_of(|_| "only".to_owned());
        let error = Protocol { fold: Some(1), ..Protocol::default() }.apply(data(), &one, 1).unwrap_err();
        assert!(error.to_string().contains("all images into one fold"), "{error}");
    }

    #[test]
    fn images_that_the_data_forgot_are_named() {
        let some = Grouping { folds: Some([("a0".to_owned(), "1".to_owned())].into()), subjects: None };
        let error = Protocol { fold: Some(1), ..Protocol::default() }.apply(data(), &some, 1).unwrap_err();
        assert!(error.to_string().contains("a1"), "{error}");
    }

    #[test]
    fn validation_leaves_the_test_images_alone() {
        let protocol = Protocol { validation: Some(0.2), ..Protocol::default() };
        let found = protocol.apply(data(), &Grouping::default(), 1).unwrap();
        assert_eq!((found.train.len(), found.test.len()), (24, 6));
        assert!(names(&found.test).is_disjoint(&names(&data().test)));
        assert!(names(&found.train).is_disjoint(&names(&data().test)));
        assert!(
            Protocol { validation: Some(1.5), ..Protocol::default() }.apply(data(), &Grouping::default(), 1).is_err()
        );
    }

    #[test]
    fn a_share_of_the_training_images_is_one_of_each_class_and_person() {
        let protocol = Protocol { share: Some(0.5), ..Protocol::default() };
        let found = protocol.apply(data(), &Grouping::default(), 1).unwrap();
        assert_eq!((found.train.class_counts(2), found.test), (vec![8, 8], data().test));
        let subjects = subjects_of(|at| format!("person {}", at % 8));
        let found = protocol.apply(data(), &subjects, 1).unwrap();
        assert_eq!(people(&found.train).len(), 4, "half of the people, with all of their images");
        assert!(Protocol { share: Some(0.0), ..Protocol::default() }.apply(data(), &subjects, 1).is_err());
    }

    #[test]
    fn folds_without_one_to_test_on_are_refused() {
        let protocol = Protocol { folds: Some(5), ..Protocol::default() };
        let error = protocol.apply(data(), &Grouping::default(), 1).unwrap_err();
        assert!(error.to_string().contains("--fold"), "{error}");
    }

    #[test]
    fn nobody_is_trained_on_and_validated_on() {
        let subjects = subjects_of(|at| format!("person {}", at % 8));
        let protocol = Protocol { validation: Some(0.25), ..Protocol::default() };
        let found = protocol.apply(data(), &subjects, 1).unwrap();
        assert!(people(&found.train).is_disjoint(&people(&found.test)), "{:?}", found.test.names);
        assert_eq!(found.train.len() + found.test.len(), 30);
        assert_eq!(found.test.class_counts(2), [4, 4]);
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        assert_eq!(Protocol::default().apply(data(), &Grouping::default(), 1).unwrap(), data());
    }
}
