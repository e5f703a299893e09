//! Figure 1: two predictions that cross-entropy cannot tell apart and the earth mover's distance can.

use super::claim::{Judgement, Verdict};
use super::document::Section;
use super::{Method, ReproduceError, Results, Study};
use crate::report::Block;
use crate::train::metrics::ranked_probability_score;

/// The study.
pub const STUDY: Study = Study { name: "figure1", place: "figure 1", methods: Vec::<Method>::new, measure };

/// The classes of the figure; the truth is an adult, to which both give 0.1.
const CLASSES: [&str; 6] = ["baby", "child", "teen", "young adult", "adult", "senior"];
const TRUTH: usize = 4;
/// Its largest probability is at the baby.
const A: [f64; 6] = [0.30, 0.25, 0.15, 0.10, 0.10, 0.10];
/// Its largest probability is near the adult.
const B: [f64; 6] = [0.05, 0.10, 0.20, 0.30, 0.10, 0.25];

fn cross_entropy(p: &[f64]) -> f64 {
    -p[TRUTH].ln()
}

/// Equation 10, which over whole distributions is the ranked probability score.
fn squared_emd(p: &[f64]) -> f64 {
    let p: Vec<f32> = p.iter().map(|&p| p as f32).collect();
    ranked_probability_score(&p, &[TRUTH as u32]).unwrap_or(f64::NAN)
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
    section.verdicts.push(Verdict {
        claim: "of two predictions with equal cross-entropy, EMD prefers the one nearer to the truth".to_owned(),
        paper: "no number".to_owned(),
        ours: format!("{b:.4} against {a:.4}"),
        judgement: if holds { Judgement::Holds } else { Judgement::DoesNot },
    });
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
            assert!((squared_emd(&p) - want).abs() <= 1e-6, "{p:?}: {want}");
        }
        assert_eq!(A[TRUTH], B[TRUTH]);
    }
}
