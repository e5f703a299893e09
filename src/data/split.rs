//! Stratified splits: which images are trained on and which are tested on, the same for the same seed anywhere.
//!
//! Each class is shuffled by its own stream of one generator, so that what happens to a class does not depend on which
//! other classes there are. Indices in a [`Split`] ascend: shuffling for training is the trainer's affair.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use thiserror::Error;

/// Indices into the labels that were split; together they are all of them, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Indices to train on, ascending.
    pub train: Vec<usize>,
    /// Indices to test on, ascending.
    pub test: Vec<usize>,
}

/// Why labels could not be split.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum SplitError {
    /// A test fraction that is not between 0 and 1.
    #[error("a test fraction of {0} is not possible: choose one above 0 and below 1, such as 0.2")]
    Fraction(f64),
    /// Nothing to split.
    #[error("there are no images to split")]
    Empty,
    /// Every class has one image, so that none is left to test on.
    #[error("every class has a single image, so none is left to test on: add images")]
    NothingToTest,
    /// All images are of one group, which cannot be on both sides.
    #[error("all images show one subject, so that nobody else is left to test on: add images of others")]
    OneGroup,
    /// A number of folds that the images cannot fill.
    #[error(
        "{samples} images cannot be split into {folds} folds: choose at least 2 folds and at most one for each image"
    )]
    Folds {
        /// Folds asked for.
        folds: usize,
        /// Images there are.
        samples: usize,
    },
    /// A class with one image: the fold that tests it would have none to train on.
    #[error("class {class} has a single image, and folds need at least 2 of every class: add images or leave it out")]
    SingleImage {
        /// Class index.
        class: u32,
    },
}

/// Splits so that each class gives about `fraction` of its images to the test side.
///
/// A class with two or more images keeps at least one on each side; a single image is trained on.
///
/// # Errors
/// [`SplitError::Fraction`], [`SplitError::Empty`] or [`SplitError::NothingToTest`].
pub fn stratified(labels: &[u32], fraction: f64, seed: u64) -> Result<Split, SplitError> {
    check_fraction(fraction)?;
    let mut tested = vec![false; labels.len()];
    for members in shuffled_classes(labels, seed)?.values() {
        for &index in &members[..test_count(members.len(), fraction)] {
            tested[index] = true;
        }
    }
    if !tested.contains(&true) {
        return Err(SplitError::NothingToTest);
    }
    Ok(sides(labels.len(), |index| tested[index]))
}

/// Splits so that about `fraction` of the images of each class are tested on: image by image, or group by group where
/// `groups` holds a group number for each image.
///
/// # Errors
/// As [`stratified`] and [`grouped`].
pub fn divided(labels: &[u32], groups: Option<&[usize]>, fraction: f64, seed: u64) -> Result<Split, SplitError> {
    match groups {
        Some(groups) => grouped(labels, groups, fraction, seed),
        None => stratified(labels, fraction, seed),
    }
}

/// Splits so that no group is on both sides, with about `fraction` of the images of each class on the test side.
///
/// The groups, largest first and shuffled among equals, go to the test side while that brings its numbers of images of
/// each class nearer to the fraction, by their squared distance. A side that would be empty gets the smallest group.
///
/// # Errors
/// [`SplitError::Fraction`], [`SplitError::Empty`], or [`SplitError::OneGroup`].
pub fn grouped(labels: &[u32], groups: &[usize], fraction: f64, seed: u64) -> Result<Split, SplitError> {
    check_fraction(fraction)?;
    if labels.is_empty() {
        return Err(SplitError::Empty);
    }
    let order = shuffled_groups(groups, seed);
    let [.., smallest] = order.as_slice() else { return Err(SplitError::Empty) };
    if order.len() == 1 {
        return Err(SplitError::OneGroup);
    }
    // Images of each class that the test side still lacks.
    let mut lacking = BTreeMap::<u32, f64>::new();
    labels.iter().for_each(|&label| *lacking.entry(label).or_default() += fraction);
    let mut tested = vec![false; labels.len()];
    for images in &order {
        let classes = class_counts(labels, images);
        let change: f64 = classes.iter().map(|(class, &n)| (n as f64).powi(2) - 2.0 * n as f64 * lacking[class]).sum();
        if change < 0.0 {
            classes.iter().for_each(|(class, &n)| *lacking.entry(*class).or_default() -= n as f64);
            images.iter().for_each(|&index| tested[index] = true);
        }
    }
    if !tested.contains(&true) || !tested.contains(&false) {
        smallest.iter().for_each(|&index| tested[index] = !tested[index]);
    }
    Ok(sides(labels.len(), |index| tested[index]))
}

/// The images of each group, largest first and shuffled among equals.
fn shuffled_groups(groups: &[usize], seed: u64) -> Vec<Vec<usize>> {
    let mut members = BTreeMap::<usize, Vec<usize>>::new();
    for (index, &group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(index);
    }
    let mut order: Vec<Vec<usize>> = members.into_values().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order.sort_by_key(|images| std::cmp::Reverse(images.len()));
    order
}

/// How many of some images are of each class that is among them.
fn class_counts(labels: &[u32], images: &[usize]) -> BTreeMap<u32, usize> {
    let mut classes = BTreeMap::new();
    images.iter().for_each(|&index| *classes.entry(labels[index]).or_default() += 1);
    classes
}

/// Splits into `k` folds: each image is tested on in exactly one of them, and trained on in the others.
///
/// The sizes of two folds differ by at most one, and so do their numbers of images of any class.
///
/// # Errors
/// [`SplitError::Empty`], [`SplitError::Folds`] or [`SplitError::SingleImage`].
pub fn folds(labels: &[u32], k: usize, seed: u64) -> Result<Vec<Split>, SplitError> {
    let classes = shuffled_classes(labels, seed)?;
    let samples = labels.len();
    if k < 2 || k > samples {
        return Err(SplitError::Folds { folds: k, samples });
    }
    if let Some((&class, _)) = classes.iter().find(|(_, members)| members.len() < 2) {
        return Err(SplitError::SingleImage { class });
    }
    let mut fold = vec![0; samples];
    // Dealt like cards without a break between classes: that evens out both the classes and the totals.
    for (dealt, &index) in classes.values().flatten().enumerate() {
        fold[index] = dealt % k;
    }
    Ok((0..k).map(|f| sides(samples, |index| fold[index] == f)).collect())
}

/// Splits into `k` folds so that no group is in two of them: `groups` holds a group number for each image.
///
/// The groups, largest first and shuffled among equals, go each into the fold that is then the most even, by the squared
/// numbers of images of each class: sizes and classes come out about even, as far as the groups allow.
///
/// # Errors
/// [`SplitError::Empty`], or [`SplitError::Folds`] where there are fewer groups than folds.
pub fn grouped_folds(labels: &[u32], groups: &[usize], k: usize, seed: u64) -> Result<Vec<Split>, SplitError> {
    if labels.is_empty() {
        return Err(SplitError::Empty);
    }
    let order = shuffled_groups(groups, seed);
    if k < 2 || k > order.len() {
        return Err(SplitError::Folds { folds: k, samples: order.len() });
    }
    let mut fold = vec![0; labels.len()];
    let mut counts = vec![BTreeMap::<u32, usize>::new(); k];
    for images in order {
        let classes = class_counts(labels, &images);
        // What the sum of squares of a fold's counts grows by, and then its size, where classes tell nothing.
        let growth = |f: &usize| {
            let had = |class| counts[*f].get(class).copied().unwrap_or(0);
            let squares: usize = classes.iter().map(|(class, n)| n * n + 2 * n * had(class)).sum();
            (squares, counts[*f].values().sum::<usize>())
        };
        let chosen = (0..k).min_by_key(growth).unwrap_or(0);
        classes.into_iter().for_each(|(class, n)| *counts[chosen].entry(class).or_default() += n);
        images.iter().for_each(|&index| fold[index] = chosen);
    }
    Ok((0..k).map(|f| sides(labels.len(), |index| fold[index] == f)).collect())
}

/// Checks that `fraction` lies strictly between 0 and 1.
///
/// # Errors
/// [`SplitError::Fraction`], for NaN too.
pub fn check_fraction(fraction: f64) -> Result<(), SplitError> {
    if fraction > 0.0 && fraction < 1.0 { Ok(()) } else { Err(SplitError::Fraction(fraction)) }
}

/// How many of `count` images of a class are tested on.
fn test_count(count: usize, fraction: f64) -> usize {
    if count < 2 {
        return 0;
    }
    ((count as f64 * fraction).round() as usize).clamp(1, count - 1)
}

/// The indices of each class, shuffled.
fn shuffled_classes(labels: &[u32], seed: u64) -> Result<BTreeMap<u32, Vec<usize>>, SplitError> {
    if labels.is_empty() {
        return Err(SplitError::Empty);
    }
    let mut classes = BTreeMap::<u32, Vec<usize>>::new();
    for (index, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(index);
    }
    for (&class, members) in &mut classes {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(class.into());
        members.shuffle(&mut rng);
    }
    Ok(classes)
}

fn sides(samples: usize, tested: impl Fn(usize) -> bool) -> Split {
    let (test, train) = (0..samples).partition(|&index| tested(index));
    Split { train, test }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels 0, 1, 2 … with the given numbers of images, interleaved as well as they go.
    fn labels(counts: &[usize]) -> Vec<u32> {
        let most = counts.iter().max().copied().unwrap_or(0);
        let round = |i| (0..counts.len()).filter(move |&c| i < counts[c]);
        (0..most).flat_map(round).map(|c| c as u32).collect()
    }

    fn of_class(labels: &[u32], indices: &[usize], class: u32) -> usize {
        indices.iter().filter(|&&i| labels[i] == class).count()
    }

    fn assert_covers(split: &Split, samples: usize) {
        let mut all = [split.train.clone(), split.test.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..samples).collect::<Vec<_>>());
        assert!(split.train.is_sorted() && split.test.is_sorted());
    }

    #[test]
    fn each_class_gives_its_fraction_and_keeps_one_on_each_side() {
        let counts = [100, 10, 3, 2, 1];
        let labels = labels(&counts);
        for (fraction, expected) in [(0.2, [20, 2, 1, 1, 0]), (0.01, [1, 1, 1, 1, 0]), (0.99, [99, 9, 2, 1, 0])] {
            let split = stratified(&labels, fraction, 7).unwrap();
            assert_covers(&split, 116);
            for (class, &count) in expected.iter().enumerate() {
                assert_eq!(of_class(&labels, &split.test, class as u32), count, "{fraction} {class}");
            }
        }
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let labels = labels(&[30, 30]);
        let split = stratified(&labels, 0.3, 1).unwrap();
        assert_eq!(split, stratified(&labels, 0.3, 1).unwrap());
        assert_ne!(split, stratified(&labels, 0.3, 2).unwrap());
    }

    #[test]
    fn the_split_is_the_same_on_every_machine_and_release() {
        let split = stratified(&labels(&[10, 10]), 0.2, 42).unwrap();
        assert_eq!(split.test, [2, 14, 17, 19]);
    }

    #[test]
    fn a_class_is_split_alike_whatever_the_others_are() {
        let alone = stratified(&[0; 20], 0.25, 3).unwrap();
        let mixed = [vec![0; 20], vec![1; 9], vec![5; 4]].concat();
        let split = stratified(&mixed, 0.25, 3).unwrap();
        let first: Vec<_> = split.test.iter().copied().filter(|&i| i < 20).collect();
        assert_eq!(first, alone.test);
    }

    #[test]
    fn classes_are_not_shuffled_alike() {
        let split = stratified(&[vec![0; 40], vec![1; 40]].concat(), 0.5, 3).unwrap();
        let (first, second): (Vec<_>, Vec<_>) = split.test.iter().copied().partition(|&i| i < 40);
        assert_ne!(first, second.iter().map(|i| i - 40).collect::<Vec<_>>());
    }

    #[test]
    fn impossible_splits_are_refused() {
        for fraction in [0.0, 1.0, -0.1, 1.5, f64::INFINITY] {
            assert_eq!(stratified(&[0, 0], fraction, 0), Err(SplitError::Fraction(fraction)));
        }
        assert!(matches!(stratified(&[0, 0], f64::NAN, 0), Err(SplitError::Fraction(_))));
        assert_eq!(stratified(&[], 0.5, 0), Err(SplitError::Empty));
        assert_eq!(stratified(&[0, 1, 2], 0.5, 0), Err(SplitError::NothingToTest));
    }

    #[test]
    fn groups_stay_together_and_classes_about_even() {
        // Forty people with five images each, each person of one class.
        let labels: Vec<u32> = (0..200).map(|at| (at / 5 % 4) as u32).collect();
        let people: Vec<usize> = (0..200).map(|at| at / 5).collect();
        let split = divided(&labels, Some(&people), 0.2, 3).unwrap();
        assert_covers(&split, 200);
        let of = |side: &[usize]| -> std::collections::BTreeSet<usize> { side.iter().map(|&at| people[at]).collect() };
        assert!(of(&split.train).is_disjoint(&of(&split.test)));
        for class in 0..4 {
            assert_eq!(of_class(&labels, &split.test, class), 10);
        }
        assert_ne!(split, grouped(&labels, &people, 0.2, 4).unwrap());
        assert_eq!(divided(&labels, None, 0.2, 3), stratified(&labels, 0.2, 3));
    }

    #[test]
    fn both_sides_of_groups_have_someone() {
        let (labels, two) = ([0, 0, 0, 0, 0], [7, 7, 7, 9, 9]);
        assert_eq!(grouped(&labels, &two, 0.01, 1).unwrap().test, [3, 4], "the smallest group");
        assert_eq!(grouped(&labels, &two, 0.99, 1).unwrap().train, [3, 4]);
        assert_eq!(grouped(&labels, &[1; 5], 0.5, 1), Err(SplitError::OneGroup));
        assert_eq!(grouped(&[], &[], 0.5, 1), Err(SplitError::Empty));
        assert!(matches!(grouped(&labels, &two, 1.0, 1), Err(SplitError::Fraction(_))));
    }

    #[test]
    fn folds_test_every_image_once_and_are_even() {
        let counts = [23, 11, 7, 2];
        let labels = labels(&counts);
        let folds = folds(&labels, 5, 9).unwrap();
        assert_eq!(folds.len(), 5);
        let mut tested: Vec<_> = folds.iter().flat_map(|f| f.test.clone()).collect();
        tested.sort_unstable();
        assert_eq!(tested, (0..43).collect::<Vec<_>>());
        for fold in &folds {
            assert_covers(fold, 43);
            assert!((8..=9).contains(&fold.test.len()));
            for (class, &count) in counts.iter().enumerate() {
                let here = of_class(&labels, &fold.test, class as u32);
                assert!(here == count / 5 || here == count.div_ceil(5), "class {class}: {here}");
                assert!(of_class(&labels, &fold.train, class as u32) > 0);
            }
        }
    }

    #[test]
    fn folds_follow_the_seed() {
        let labels = labels(&[12, 12]);
        assert_eq!(folds(&labels, 3, 1), folds(&labels, 3, 1));
        assert_ne!(folds(&labels, 3, 1), folds(&labels, 3, 2));
    }

    #[test]
    fn impossible_folds_are_refused() {
        for k in [0, 1, 5] {
            let refusal = SplitError::Folds { folds: k, samples: 4 };
            assert_eq!(folds(&[0, 0, 1, 1], k, 0), Err(refusal));
        }
        assert_eq!(folds(&[0, 0, 1], 2, 0), Err(SplitError::SingleImage { class: 1 }));
        assert_eq!(folds(&[], 2, 0), Err(SplitError::Empty));
        assert_eq!(folds(&[0; 4], 4, 0).unwrap().len(), 4);
    }
}
