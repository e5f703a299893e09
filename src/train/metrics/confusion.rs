//! Everything that the predicted class alone decides, from one C x C matrix.

use super::{MetricsError, expect_class, expect_length};
use serde::{Deserialize, Serialize};

/// How often each class was taken for each other: C x C counts, rows = truth, columns = prediction.
///
/// C is the data set's number of classes, whether or not all of them occur.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// An empty matrix over `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// A matrix of given counts, C x C row-major (truth, prediction).
    ///
    /// # Errors
    /// [`MetricsError::Length`] unless there are `classes` squared counts.
    pub fn from_counts(classes: usize, counts: Vec<u64>) -> Result<Self, MetricsError> {
        expect_length("the confusion matrix", classes * classes, counts.len())?;
        Ok(Self { classes, counts })
    }

    /// The matrix of N labels and N predicted classes.
    ///
    /// # Errors
    /// [`MetricsError::Length`] where the lengths differ, [`MetricsError::Class`] for a class out of range.
    pub fn from_pairs(classes: usize, truth: &[u32], predicted: &[u32]) -> Result<Self, MetricsError> {
        expect_length("the list of predictions", truth.len(), predicted.len())?;
        let mut confusion = Self::new(classes);
        for (index, (&t, &p)) in truth.iter().zip(predicted).enumerate() {
            let t = expect_class("label", index, t as usize, classes)?;
            let p = expect_class("prediction", index, p as usize, classes)?;
            confusion.counts[t * classes + p] += 1;
        }
        Ok(confusion)
    }

    /// C, the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The counts, C x C row-major (truth, prediction).
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many images of class `truth` were predicted as `predicted`; both below C.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes + predicted]
    }

    /// How many images the matrix counts.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Share of images predicted at most `k` classes off, 0 to 1; `None` when empty.
    pub fn within(&self, k: usize) -> Option<f64> {
        self.mean(|truth, predicted| f64::from(truth.abs_diff(predicted) <= k))
    }

    /// Accuracy of exact match (AEM), 0 to 1; `None` when empty.
    pub fn aem(&self) -> Option<f64> {
        self.within(0)
    }

    /// Accuracy within one category off (AEO), 0 to 1; `None` when empty.
    pub fn aeo(&self) -> Option<f64> {
        self.within(1)
    }

    /// Mean absolute error in classes; `None` when empty.
    pub fn mae(&self) -> Option<f64> {
        self.mean(|truth, predicted| truth.abs_diff(predicted) as f64)
    }

    /// Accuracy of each class (its recall), 0 to 1; `None` for a class without images.
    pub fn class_accuracies(&self) -> Vec<Option<f64>> {
        self.by_class(|truth, predicted| f64::from(truth == predicted))
    }

    /// Averaged MAE (Baccianella et al. 2009): the mean over the classes that have images of each class's mean
    /// absolute error in classes, so that a rare class counts as much as a common one; `None` when empty.
    pub fn amae(&self) -> Option<f64> {
        let errors = self.by_class(|truth, predicted| truth.abs_diff(predicted) as f64);
        let present: Vec<f64> = errors.into_iter().flatten().collect();
        (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
    }

    /// The classes without images, ascending: no accuracy and no averaged error counts them.
    pub fn absent(&self) -> Vec<usize> {
        let images = self.sums(|truth, _| truth);
        (0..self.classes).filter(|&class| images[class] == 0).collect()
    }

    /// The class that every image is taken for, where they are of several: then the network has died, whatever it scores.
    pub fn died_as(&self) -> Option<usize> {
        let classes_with_images = |sums: &[u64]| sums.iter().filter(|&&count| count > 0).count();
        let (rows, columns) = (self.sums(|truth, _| truth), self.sums(|_, predicted| predicted));
        let died = classes_with_images(&rows) > 1 && classes_with_images(&columns) == 1;
        columns.iter().position(|&count| count > 0).filter(|_| died)
    }

    /// Mean of a function of (truth, prediction) over the images of each class; `None` where it has none.
    fn by_class(&self, of: impl Fn(usize, usize) -> f64) -> Vec<Option<f64>> {
        let mean = |(truth, row): (usize, &[u64])| {
            let total: u64 = row.iter().sum();
            let sum: f64 = row.iter().enumerate().map(|(predicted, &n)| of(truth, predicted) * n as f64).sum();
            (total > 0).then(|| sum / total as f64)
        };
        self.counts.chunks(self.classes.max(1)).enumerate().map(mean).collect()
    }

    /// Quadratic weighted kappa, -1 to 1: one minus the mean squared error over the one that chance would
    /// make with the same row and column sums.
    ///
    /// `None` when empty, and when every image is of one class and predicted as that class, where chance
    /// cannot err.
    pub fn qwk(&self) -> Option<f64> {
        let total = self.total() as f64;
        let rows = self.sums(|row, _| row);
        let columns = self.sums(|_, column| column);
        let (mut observed, mut expected) = (0.0, 0.0);
        for (i, row) in rows.iter().enumerate() {
            for (j, column) in columns.iter().enumerate() {
                let weight = (i.abs_diff(j) as f64).powi(2);
                observed += weight * self.count(i, j) as f64;
                expected += weight * *row as f64 * *column as f64;
            }
        }
        (expected > 0.0).then(|| 1.0 - observed * total / expected)
    }

    /// Mean of a function of (truth, prediction) over the images.
    fn mean(&self, of: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let total = self.total();
        let sum: f64 = self.cells().map(|(t, p, n)| of(t, p) * n as f64).sum();
        (total > 0).then(|| sum / total as f64)
    }

    /// Counts added up by a key of (truth, prediction) that is below C.
    fn sums(&self, key: impl Fn(usize, usize) -> usize) -> Vec<u64> {
        let mut sums = vec![0; self.classes];
        self.cells().for_each(|(t, p, n)| sums[key(t, p)] += n);
        sums
    }

    /// Every cell as (truth, prediction, count).
    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        let classes = self.classes;
        self.counts.iter().enumerate().map(move |(at, &n)| (at / classes, at % classes, n))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, fixture};
    use super::*;

    #[test]
    fn confusion_agrees_with_scikit_learn() {
        let cases = fixture("metrics.json");
        assert_eq!(cases.len(), 3);
        for case in cases {
            let ints = |key: &str| -> Vec<u32> { serde_json::from_value(case[key].clone()).unwrap() };
            let classes = case["classes"].as_u64().unwrap() as usize;
            let confusion = Confusion::from_pairs(classes, &ints("truth"), &ints("predicted")).unwrap();
            let expected = |key: &str| case[key].as_f64().unwrap();
            close(confusion.aem().unwrap(), expected("aem"));
            close(confusion.aeo().unwrap(), expected("aeo"));
            close(confusion.mae().unwrap(), expected("mae"));
            close(confusion.qwk().unwrap(), expected("qwk"));
            assert_eq!(confusion.total() as usize, ints("truth").len());
        }
    }

    #[test]
    fn confusion_keeps_truth_in_rows() {
        let confusion = Confusion::from_pairs(3, &[0, 0, 2], &[1, 1, 0]).unwrap();
        assert_eq!(confusion.counts(), [0, 2, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(confusion.count(0, 1), 2);
        assert_eq!((confusion.classes(), confusion.total()), (3, 3));
        close(confusion.within(1).unwrap(), 2.0 / 3.0);
        close(confusion.within(2).unwrap(), 1.0);
    }

    #[test]
    fn undefined_quantities_are_absent() {
        let empty = Confusion::new(4);
        assert_eq!((empty.aem(), empty.mae(), empty.qwk()), (None, None, None));
        assert_eq!(Confusion::new(0).aeo(), None);
        let single = Confusion::from_pairs(3, &[1, 1], &[1, 1]).unwrap();
        assert_eq!((single.aem(), single.qwk()), (Some(1.0), None));
    }

    #[test]
    fn a_network_that_says_one_class_of_all_has_died() {
        let of = |truth: [u32; 3], predicted: [u32; 3]| Confusion::from_pairs(3, &truth, &predicted).unwrap().died_as();
        assert_eq!(of([0, 0, 2], [1, 1, 1]), Some(1));
        assert_eq!(of([0, 0, 2], [1, 1, 2]), None);
        assert_eq!(of([0, 0, 0], [0, 0, 0]), None, "all are of that class");
        assert_eq!((Confusion::new(3).died_as(), Confusion::new(0).died_as()), (None, None));
    }

    #[test]
    fn errors_name_the_sample_and_the_classes() {
        let error = Confusion::from_pairs(3, &[0, 3], &[0, 0]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("label 1") && text.contains("3 classes"), "{text}");
        assert!(Confusion::from_pairs(3, &[0], &[0, 1]).is_err());
        assert!(Confusion::from_counts(2, vec![1; 3]).is_err());
        assert!(Confusion::from_counts(2, vec![1; 4]).is_ok());
    }
}
