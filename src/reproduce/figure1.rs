//! Figure 1: two predictions that cross-entropy cannot tell apart and the earth mover's distance can.

use super::claim::{Judgement, Verdict};
use super::document::Section;
use super::{Method, ReproduceError, Results, Study};
use crate::nn::figure1::{A, B, CLASSES, TRUTH};
use crate::nn::{Loss, Prediction};
use crate::report::Block;

/// The study.
pub const STUDY: Study = Study { name: "figure1", place: "figure 1", methods: Vec::<Method>::new, measure };

/// A loss of a prediction; neither of the two that are compared reads a ground distance.
fn worth(loss: Loss, p: &[f64]) -> f64 {
    let given = Prediction { p, truth: TRUTH, to_truth: &[], lambda: 0.0, omega: 1.0, mu: 0.0, regulariser: 0.0 };
    loss.worth(&given).map_or(f64::NAN, |worth| worth.loss)
}

fn cross_entropy(p: &[f64]) -> f64 {
    worth(Loss::Xe, p)
}

/// Equation 10.
fn squared_emd(p: &[f64]) -> f64 {
    worth(Loss::Emd, p)
}

fn measure(_: &Results) -> Result<Section, ReproduceError> {
    let mut section = Section::new("Figure 1: equal cross-entropy, unequal earth mover’s distance".to_owned());
    let row = |name: &str, p: &[f64]| {
        let shares = p.iter().map(|p| format!("{p:.2}"));
        let losses = [cross_entropy(p), squared_emd(p)].map(|loss| format!("{loss:.4}"));
        std::iter::once(name.to_owned()).chain(shares).chain(losses).collect()
    };
    let header: Vec<&str> =
        ["prediction"].into_iter().chain(CLASSES).chain(["cross-entropy", "squared EMD (10)"]).collect();
    section.blocks.push(Block::Text(
        "The truth is an adult. The numbers are ours: the paper draws the figure without any.".into(),
    ));
    section.blocks.push(Block::table(&header, vec![row("A", &A), row("B", &B)]));
    let (a, b) = (squared_emd(&A), squared_emd(&B));
    let holds = cross_entropy(&A) == cross_entropy(&B) && b < a;
    let claim = "of two predictions with equal cross-entropy, EMD prefers the one nearer to the truth";
    let judgement = if holds { Judgement::Holds } else { Judgement::DoesNot };
    // True by the definition of the distance: nothing is measured, so that it does not count.
    let open = Verdict::open(claim, "no number", false);
    section.verdicts.push(open.found((format!("{b:.4} against {a:.4}"), judgement)));
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_distributions_and_the_distances_are_those_worked_out_by_hand() {
        // Running sums of A: 0.30, 0.55, 0.70, 0.80, then 0.10 and 0 short of 1; of B: 0.05, 0.15, 0.35, 0.65, then 0.25 and 0.
        let squares = |sums: [f64; 5]| sums.iter().map(|sum| sum * sum).sum::<f64>();
        let by_hand = [squares([0.30, 0.55, 0.70, 0.80, 0.10]), squares([0.05, 0.15, 0.35, 0.65, 0.25])];
        for (p, want) in [A, B].into_iter().zip(by_hand) {
            assert!((p.iter().sum::<f64>() - 1.0).abs() <= 1e-12);
            assert!((squared_emd(&p) - want).abs() <= 1e-12, "{p:?}: {want}");
        }
        assert_eq!(A[TRUTH], B[TRUTH]);
    }
}
