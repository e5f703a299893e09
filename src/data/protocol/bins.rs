//! Real-valued labels cut into classes of equal frequency (section 4.6 of the paper).

use crate::data::{Dataset, Images};

/// Why labels cannot be cut into bins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BinsError {
    /// Fewer than two.
    #[error("{0} bins are no classes to tell apart: choose at least 2")]
    TooFew(usize),
    /// Too few distinct labels.
    #[error("{bins} bins cannot be filled: the training images have {distinct} distinct values; choose fewer bins")]
    Unfilled {
        /// Bins asked for.
        bins: usize,
        /// Distinct values there are.
        distinct: usize,
    },
    /// A label that is not a number.
    #[error("{0} has no finite value, so that no bin can take it")]
    NotFinite(String),
}

/// The data with `bins` classes in place of its own: the training images in the order of their values are cut into
/// parts of equal size (equal values stay together), and a class stands for the mean value of its training images, so
/// that the expected class value is the expected score. Test images go where their values lie.
///
/// # Errors
/// [`BinsError`].
pub fn binned(data: Dataset, bins: usize) -> Result<Dataset, BinsError> {
    let edges = edges(&data.train, bins)?;
    let train = relabelled(data.train, &edges)?;
    let test = relabelled(data.test, &edges)?;
    let class_values = means(&train, bins);
    let classes = class_values.iter().enumerate().map(|(bin, mean)| format!("{}: about {mean:.4}", bin + 1));
    Ok(Dataset { name: format!("{} in {bins} bins", data.name), classes: classes.collect(), class_values, train, test })
}

/// The first value of each bin but the first, ascending.
fn edges(images: &Images, bins: usize) -> Result<Vec<f64>, BinsError> {
    if bins < 2 {
        return Err(BinsError::TooFew(bins));
    }
    let mut values = images.values.clone();
    values.sort_by(f64::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    let unfilled = BinsError::Unfilled { bins, distinct: distinct.len() };
    if values.len() < bins {
        return Err(unfilled);
    }
    let edges: Vec<f64> = (1..bins).map(|bin| values[bin * values.len() / bins]).collect();
    let ascends = edges.windows(2).all(|pair| pair[0] < pair[1]) && edges[0] > values[0];
    if ascends { Ok(edges) } else { Err(unfilled) }
}

fn relabelled(mut images: Images, edges: &[f64]) -> Result<Images, BinsError> {
    if let Some(bad) = images.values.iter().position(|value| !value.is_finite()) {
        return Err(BinsError::NotFinite(images.names[bad].clone()));
    }
    // Votes were for the classes of before.
    images.votes.clear();
    images.labels = images.values.iter().map(|value| edges.partition_point(|edge| edge <= value) as u32).collect();
    Ok(images)
}

/// Mean value of the images of each class; none is empty.
fn means(images: &Images, bins: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); bins];
    for (&label, value) in images.labels.iter().zip(&images.values) {
        let (sum, count) = &mut sums[label as usize];
        *sum += value;
        *count += 1.0;
    }
    sums.into_iter().map(|(sum, count)| sum / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(values: &[f64]) -> Images {
        let mut images = Images::with_capacity(1, values.len());
        for &value in values {
            images.push(vec![0; 3], 0, value, format!("image of {value}"));
        }
        images
    }

    fn data(train: &[f64], test: &[f64]) -> Dataset {
        let (train, test) = (images(train), images(test));
        Dataset { name: "scores".into(), classes: vec!["any".into()], class_values: vec![0.0], train, test }
    }

    #[test]
    fn bins_hold_as_many_each_and_stand_for_their_mean() {
        let found = binned(data(&[0.9, 0.1, 0.5, 0.2, 0.6, 0.4], &[-1.0, 0.39, 0.4, 9.0]), 3).unwrap();
        assert_eq!(found.train.labels, [2, 0, 1, 0, 2, 1]);
        assert_eq!(found.test.labels, [0, 0, 1, 2]);
        for (found, expected) in found.class_values.iter().zip([0.15, 0.45, 0.75]) {
            assert!((found - expected).abs() <= 1e-12);
        }
        assert_eq!((found.name.as_str(), found.classes.len()), ("scores in 3 bins", 3));
    }

    #[test]
    fn equal_values_stay_together() {
        let found = binned(data(&[1.0, 2.0, 2.0, 2.0, 3.0, 4.0], &[2.0]), 2).unwrap();
        assert_eq!((found.train.labels, found.test.labels), (vec![0, 1, 1, 1, 1, 1], vec![1]));
    }

    #[test]
    fn what_cannot_be_cut_is_refused_with_the_way_out() {
        let words = |train: &[f64], bins| binned(data(train, &[]), bins).unwrap_err().to_string();
        assert!(words(&[1.0, 2.0], 1).contains("at least 2"));
        assert!(words(&[1.0, 1.0, 1.0], 2).contains("1 distinct values"));
        assert!(words(&[1.0], 2).contains("fewer bins"));
        assert!(words(&[], 2).contains("0 distinct"));
        assert!(words(&[1.0, 2.0, f64::NAN], 2).contains("image of NaN"));
    }
}
