//! What the whole predicted distribution decides: how far it lies from the truth, whether its confidence is earned,
//! and whether the truth is among its first few classes.

use super::argmax;

/// Bins of the confidence in [`calibration_error`].
const CALIBRATION_BINS: usize = 15;

/// Ranked probability score: the mean over N images of the squared earth mover's distance of equation 10, the sum over
/// C classes of the squared difference of the cumulative distributions. 0 is best; `None` without images.
///
/// `probabilities` holds N x C entries, `labels` N classes below C.
pub fn ranked_probability_score(probabilities: &[f32], labels: &[u32]) -> Option<f64> {
    mean_of_rows(probabilities, labels, |row, label| {
        let mut predicted = 0.0;
        let below_truth = |class: usize| f64::from(class >= label);
        let squares = row.iter().enumerate().map(|(class, &p)| {
            predicted += f64::from(p);
            (predicted - below_truth(class)).powi(2)
        });
        squares.sum()
    })
}

/// Share of images whose class is not among the `k` most probable; of equally probable ones the first come first, and what
/// is not a number is probable to nobody. `None` without images. The inputs are those of [`ranked_probability_score`].
pub fn top_error(probabilities: &[f32], labels: &[u32], k: usize) -> Option<f64> {
    mean_of_rows(probabilities, labels, |row, label| {
        let truth = row[label];
        let before = |(class, &p): (usize, &f32)| p > truth || (p == truth && class < label);
        f64::from(truth.is_nan() || row.iter().enumerate().filter(|&entry| before(entry)).count() >= k)
    })
}

/// Expected calibration error (Guo et al. 2017) of the most probable class: the images by confidence in 15 equal bins,
/// each open below, and the mean difference of confidence and accuracy weighted by the bins' images. 0 is best; `None`
/// without images. The inputs are those of [`ranked_probability_score`].
pub fn calibration_error(probabilities: &[f32], labels: &[u32]) -> Option<f64> {
    let mut gaps = [0.0; CALIBRATION_BINS];
    for (row, &label) in rows(probabilities, labels) {
        let class = argmax(row);
        let confidence = row.get(class).map_or(0.0, |&p| f64::from(p));
        let bin = (confidence * CALIBRATION_BINS as f64).ceil() as usize;
        gaps[bin.saturating_sub(1).min(CALIBRATION_BINS - 1)] += confidence - f64::from(class == label as usize);
    }
    let sum: f64 = gaps.iter().map(|gap: &f64| gap.abs()).sum();
    (!labels.is_empty()).then(|| sum / labels.len() as f64)
}

fn mean_of_rows(probabilities: &[f32], labels: &[u32], of: impl Fn(&[f32], usize) -> f64) -> Option<f64> {
    let sum: f64 = rows(probabilities, labels).map(|(row, &label)| of(row, label as usize)).sum();
    (!labels.is_empty()).then(|| sum / labels.len() as f64)
}

fn rows<'a>(probabilities: &'a [f32], labels: &'a [u32]) -> impl Iterator<Item = (&'a [f32], &'a u32)> {
    let classes = probabilities.len() / labels.len().max(1);
    probabilities.chunks_exact(classes.max(1)).zip(labels)
}

#[cfg(test)]
mod tests {
    use super::super::Confusion;
    use super::super::tests::fixture;
    use super::*;

    /// To 1e-6: the probabilities are those of a network, in f32.
    #[track_caller]
    fn agree(found: Option<f64>, expected: &serde_json::Value) {
        let error = (found.unwrap() - expected.as_f64().unwrap()).abs();
        assert!(error <= 1e-6, "{found:?} is not {expected}");
    }

    #[test]
    fn scores_agree_with_scikit_learn_dlordinal_and_torchmetrics() {
        let cases = fixture("scores.json");
        assert!(cases.len() >= 6);
        for case in cases {
            let rows: Vec<Vec<f32>> = serde_json::from_value(case["probabilities"].clone()).unwrap();
            let labels: Vec<u32> = serde_json::from_value(case["labels"].clone()).unwrap();
            let probabilities = rows.concat();
            agree(ranked_probability_score(&probabilities, &labels), &case["rps"]);
            agree(calibration_error(&probabilities, &labels), &case["ece"]);
            for k in [1, 3, 5] {
                agree(top_error(&probabilities, &labels, k), &case[format!("top{k}_error")]);
            }
            let predicted: Vec<u32> = rows.iter().map(|row| argmax(row) as u32).collect();
            let confusion = Confusion::from_pairs(rows[0].len(), &labels, &predicted).unwrap();
            agree(confusion.amae(), &case["amae"]);
            let accuracies = serde_json::json!(confusion.class_accuracies());
            let expected = case["class_accuracies"].as_array().unwrap();
            for (found, expected) in accuracies.as_array().unwrap().iter().zip(expected) {
                assert_eq!(found.is_null(), expected.is_null());
                assert!(found.is_null() || (found.as_f64().unwrap() - expected.as_f64().unwrap()).abs() <= 1e-12);
            }
            let within: Vec<f64> = serde_json::from_value(case["within"].clone()).unwrap();
            for (k, expected) in within.iter().enumerate() {
                assert!((confusion.within(k).unwrap() - expected).abs() <= 1e-12, "{k}");
            }
            assert_eq!(serde_json::json!(confusion.absent()), case["absent"]);
        }
    }

    #[test]
    fn nothing_scores_nothing() {
        assert_eq!(ranked_probability_score(&[], &[]), None);
        assert_eq!((top_error(&[], &[], 5), calibration_error(&[], &[])), (None, None));
    }

    #[test]
    fn ties_go_to_the_first_and_fewer_classes_than_places_err_never() {
        let flat = [0.25; 8];
        assert_eq!(top_error(&flat, &[0, 1], 1), Some(0.5));
        assert_eq!(top_error(&flat, &[3, 3], 3), Some(1.0));
        assert_eq!(top_error(&flat, &[3, 3], 5), Some(0.0));
    }

    #[test]
    fn a_network_that_says_nothing_finite_is_scored_without_a_panic() {
        let row = [f32::NAN, f32::INFINITY, 0.5];
        assert!(calibration_error(&row, &[2]).is_some());
        assert_eq!([0, 1, 2].map(|label| top_error(&row, &[label], 3)), [Some(1.0), Some(0.0), Some(0.0)]);
        assert!(ranked_probability_score(&row, &[1]).is_some_and(f64::is_nan));
    }
}
