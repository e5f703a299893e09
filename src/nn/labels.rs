//! Soft labels: for each class the distribution that its samples are trained on.

/// SORD (Diaz and Marathe): the softmax of minus the distance from the label, `exp(-|i - k|)` made to add up to 1.
/// Classes x classes, a row a label.
#[must_use]
pub fn sord(classes: usize) -> Vec<f64> {
    let row = |label: usize| {
        let powers: Vec<f64> = (0..classes).map(|i| (-(i.abs_diff(label) as f64)).exp()).collect();
        let total: f64 = powers.iter().sum();
        powers.into_iter().map(move |power| power / total)
    };
    (0..classes).flat_map(row).collect()
}

/// Binomial distributions, which have a single peak: label k draws from `classes - 1` throws of a coin that shows heads
/// with a probability from 0.1 for the first class in equal steps to 0.9 for the last, so that of more than nine classes the
/// outermost have their peaks further in (Liu et al., "Unimodal regularized
/// neuron stick-breaking for ordinal classification"). Classes x classes, a row a label.
#[must_use]
pub fn binomial(classes: usize) -> Vec<f64> {
    let throws = classes.saturating_sub(1);
    // log of (throws over i), of which a thousand classes would overflow.
    let mut choices = vec![0.0; classes];
    for i in 1..classes {
        choices[i] = choices[i - 1] + ((throws + 1 - i) as f64 / i as f64).ln();
    }
    let row = |label: usize| {
        let heads = 0.1 + 0.8 * label as f64 / throws.max(1) as f64;
        let choices = &choices;
        let log = move |i: usize| choices[i] + i as f64 * heads.ln() + (throws - i) as f64 * (1.0 - heads).ln();
        (0..classes).map(move |i| log(i).exp())
    };
    (0..classes).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_add_up_to_one_and_are_highest_at_their_own_class() {
        for (classes, table) in [2, 3, 8, 9, 1000].into_iter().flat_map(|c| [(c, sord(c)), (c, binomial(c))]) {
            assert_eq!(table.len(), classes * classes);
            for (label, row) in table.chunks(classes).enumerate() {
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{classes} classes, label {label}");
                let highest = row.iter().fold(0.0, |highest: f64, share| highest.max(*share));
                let peak = row.iter().position(|share| *share == highest).unwrap();
                // Binomial peaks lie from a tenth of all classes to nine tenths.
                assert!(peak.abs_diff(label) <= classes / 10, "{classes} classes, label {label}: {peak}");
            }
        }
    }

    #[test]
    fn sord_falls_by_e_a_class() {
        let table = sord(3);
        let total = 1.0 + 2.0 * f64::exp(-1.0);
        assert!((table[4] - 1.0 / total).abs() < 1e-15);
        assert!((table[3] - f64::exp(-1.0) / total).abs() < 1e-15);
    }

    /// dlordinal's own.
    #[test]
    fn binomial_labels_are_those_of_the_fixtures() {
        let fixture = crate::reference::testing::fixture("rivals.json");
        for (classes, want) in fixture["binomial_labels"].as_object().unwrap() {
            let want = crate::reference::testing::numbers(want);
            crate::reference::testing::assert_close(&binomial(classes.parse().unwrap()), &want, 1e-12);
        }
    }
}
