//! Whole tensors against the oracle's.

/// Below this a tensor counts as zero.
const FLOOR: f64 = 1e-30;

/// What a comparison found.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The largest error; [`f64::MAX`] where a number is missing.
    pub error: f64,
    /// The worst element, in words, where the error is beyond the tolerance.
    pub failure: Option<String>,
}

/// Floating point: the largest difference relative to the largest wanted entry.
pub fn floats(got: &[f32], wanted: &[f64], tolerance: f64) -> Outcome {
    let scale = wanted.iter().fold(FLOOR, |scale, value| scale.max(value.abs()));
    let error = |(got, wanted): (&f32, &f64)| {
        let error = (f64::from(*got) - wanted).abs() / scale;
        if error.is_finite() { error } else { f64::MAX }
    };
    let errors: Vec<f64> = got.iter().zip(wanted).map(error).collect();
    let worst = (0..errors.len()).fold(0, |worst, at| if errors[at] > errors[worst] { at } else { worst });
    let outside = errors.len() - errors.iter().filter(|error| **error <= tolerance).count();
    let failure = (outside > 0).then(|| {
        let (got, wanted, error) = (got[worst], wanted[worst], errors[worst]);
        let error = if error == f64::MAX { "no number".to_owned() } else { format!("{error:.1e}") };
        let bits = got.to_bits();
        format!(
            "[{worst}]: got {got:e} ({bits:#010x}), want {wanted:e}, error {error} of the largest entry {scale:e}, \
             tolerance {tolerance:.1e}; {outside} of {} elements are outside",
            errors.len()
        )
    });
    Outcome { error: errors.get(worst).copied().unwrap_or(0.0), failure }
}

/// Integers: exactly.
pub fn integers(got: &[u32], wanted: &[f64]) -> Outcome {
    let wrong: Vec<usize> = (0..got.len()).filter(|&at| f64::from(got[at]) != wanted[at]).collect();
    let failure = wrong.first().map(|&at| {
        let (got, wanted, outside, len) = (got[at], wanted[at], wrong.len(), got.len());
        format!("[{at}]: got {got} ({got:#010x}), want {wanted}; {outside} of {len} elements are wrong")
    });
    Outcome { error: 0.0, failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_largest_entry() {
        let outcome = floats(&[1.0, 100.5], &[1.0, 100.0], 1e-2);
        assert_eq!(outcome, Outcome { error: 0.005, failure: None });
        let failure = floats(&[1.0, 100.5], &[1.0, 100.0], 1e-3).failure.unwrap();
        assert!(
            failure.starts_with("[1]: got 1.005e2") && failure.ends_with("1 of 2 elements are outside"),
            "{failure}"
        );
    }

    #[test]
    fn no_number_passes_for_none() {
        for (got, wanted) in [(f32::NAN, 1.0), (f32::INFINITY, 1.0), (1.0, f64::NAN), (f32::NAN, f64::NAN)] {
            let outcome = floats(&[1.0, got], &[1.0, wanted], 1e-4);
            assert_eq!(outcome.error, f64::MAX);
            assert!(outcome.failure.unwrap().starts_with("[1]"));
        }
    }

    #[test]
    fn a_tensor_of_zeros_has_to_be_zero() {
        assert_eq!(floats(&[0.0], &[0.0], 0.0).failure, None);
        assert!(floats(&[1e-20], &[0.0], 1e-4).failure.is_some());
    }

    #[test]
    fn integers_are_exact() {
        assert_eq!(integers(&[3, u32::MAX], &[3.0, 4_294_967_295.0]).failure, None);
        assert!(integers(&[3, 4], &[3.0, 5.0]).failure.unwrap().contains("[1]: got 4 (0x00000004), want 5"));
        assert!(integers(&[3], &[f64::NAN]).failure.is_some());
    }
}
