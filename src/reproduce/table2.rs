//! Table 2: the learned ground distances, and what they say of the classes (section 4.4).

use super::accuracy::label;
use super::claim::{Judgement, Verdict};
use super::document::Section;
use super::results::Outcome;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Study};
use crate::nn::Loss;
use crate::report::Block;
use crate::report::heatmap_svg;
use crate::train::seriation::{order_tau, seriate};
use crate::train::statistics::Spread;

/// The study.
pub const STUDY: Study = Study { name: "table2", place: "table 2", methods, measure };

/// Kendall's tau from which on the order counts as found again.
const FOUND_AGAIN: f64 = 0.9;

/// The paper's matrix, of XEMD2 on RES pre-trained, on Adience.
#[rustfmt::skip]
const PRINTED: [f64; 64] = [
    0.00, 0.31, 0.67, 0.83, 0.79, 0.88, 0.93, 1.00,
    0.31, 0.00, 0.31, 0.63, 0.69, 0.81, 0.87, 0.93,
    0.67, 0.31, 0.00, 0.31, 0.50, 0.69, 0.74, 0.88,
    0.83, 0.63, 0.31, 0.00, 0.24, 0.50, 0.62, 0.76,
    0.79, 0.69, 0.50, 0.24, 0.00, 0.31, 0.56, 0.71,
    0.88, 0.81, 0.69, 0.50, 0.31, 0.00, 0.37, 0.51,
    0.93, 0.87, 0.74, 0.62, 0.56, 0.37, 0.00, 0.24,
    1.00, 0.93, 0.88, 0.76, 0.71, 0.51, 0.24, 0.00,
];

fn method() -> Method {
    Method::new(Variant::Whole, Net::Default, Loss::Xemd2)
}

fn methods() -> Vec<Method> {
    vec![method()]
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let outcomes = results.ended(method())?;
    let classes = outcomes.first().map_or_else(Vec::new, |outcome| outcome.predicted.classes.clone());
    let mean = mean(&outcomes);
    let data = results.setup.data_name(Variant::Whole);
    let mut section = Section::new(format!("Table 2: the ground distances that XEMD2 learned, on {data}"));
    let name = label(results, &format!("D learned by xemd2, mean of {}", results.setup.repeats_in_words()), &outcomes);
    if !outcomes.is_empty() {
        section.blocks.push(Block::matrix(&classes, &mean));
        section.blocks.push(Block::figure("table2", &name, heatmap_svg(&classes, &mean, &name)?));
    }
    section.blocks.push(Block::Text(
        "The paper prints 1.00, which equation 12 cannot give with eight classes: a class is nearer to itself than any other, \
         so that at most seven of eight are nearer than the farthest (0.875). The equation is followed here."
            .to_owned(),
    ));
    let all = || results.of(method());
    section.verdicts = vec![monotone(all())?, found_again(all())?];
    if let Some(classes) = Neighbours::new(&classes) {
        section.verdicts.push(classes.verdict(all())?);
    }
    Ok(section)
}

fn mean(outcomes: &[Outcome]) -> Vec<f64> {
    let entries = outcomes.first().map_or(0, |outcome| outcome.ground.len());
    let of = |at: usize| outcomes.iter().map(|outcome| outcome.ground[at]).sum::<f64>() / outcomes.len() as f64;
    (0..entries).map(of).collect()
}

/// Of all pairs of steps away from the diagonal within a row, how many do not grow, and how many there are.
fn shrinking(matrix: &[f64]) -> (usize, usize) {
    let classes = matrix.len().isqrt();
    let (mut shrink, mut all) = (0, 0);
    for (class, row) in matrix.chunks(classes.max(1)).enumerate() {
        let away = row[class..].windows(2).map(|pair| (pair[0], pair[1]));
        let back = row[..=class].windows(2).map(|pair| (pair[1], pair[0]));
        for (near, far) in away.chain(back) {
            all += 1;
            shrink += usize::from(far <= near);
        }
    }
    (shrink, all)
}

/// Every repetition, or why one is not there.
type All = Result<Vec<Outcome>, ReproduceError>;

fn monotone(outcomes: All) -> Result<Verdict, ReproduceError> {
    let (own, all) = shrinking(&PRINTED);
    let paper = format!("{own} of {all} steps away from the diagonal of its table do not grow");
    let open = Verdict::open("classes further away always have larger ground distances", paper, true);
    open.judged(outcomes, |outcomes| {
        let counts: Vec<(usize, usize)> = outcomes.iter().map(|outcome| shrinking(&outcome.ground)).collect();
        let texts: Vec<String> = counts.iter().map(|(shrink, all)| format!("{shrink} of {all}")).collect();
        let words = format!("{} steps do not, by repetition", texts.join(", "));
        (words, judge(counts.iter().map(|(shrink, _)| *shrink == 0)))
    })
}

fn found_again(outcomes: All) -> Result<Verdict, ReproduceError> {
    let tau = |matrix: &[f64]| order_tau(&seriate(matrix, matrix.len().isqrt()));
    let claim = format!("the distances alone give the order of the classes away (Kendall's τ at least {FOUND_AGAIN})");
    // The paper leaves it to the eye.
    let open = Verdict::open(claim, format!("τ {:.2} of its table", tau(&PRINTED)), false);
    open.judged(outcomes, |outcomes| {
        let taus: Vec<f64> = outcomes.iter().map(|outcome| tau(&outcome.ground)).collect();
        let words = Spread::of(&taus).map_or_else(String::new, |spread| format!("τ {}", spread.text(2)));
        (words, judge(taus.iter().map(|tau| *tau >= FOUND_AGAIN)))
    })
}

/// The paper's example: people of 15 to 20 are more like those of 25 to 32 than like children of 8 to 13.
struct Neighbours {
    classes: usize,
    child: usize,
    young: usize,
    grown: usize,
}

impl Neighbours {
    /// These classes' numbers, where they are among all.
    fn new(classes: &[String]) -> Option<Self> {
        let class = |name: &str| classes.iter().position(|class| class == name);
        let (child, young, grown) = (class("8-13")?, class("15-20")?, class("25-32")?);
        Some(Self { classes: classes.len(), child, young, grown })
    }

    fn verdict(&self, outcomes: All) -> Result<Verdict, ReproduceError> {
        let open = Verdict::open("15-20 is nearer to 25-32 than to 8-13", "0.24 against 0.31", true);
        open.judged(outcomes, |outcomes| {
            let pair = |outcome: &Outcome| {
                [self.grown, self.child].map(|other| outcome.ground[self.young * self.classes + other])
            };
            let pairs: Vec<[f64; 2]> = outcomes.iter().map(pair).collect();
            let texts: Vec<String> = pairs.iter().map(|[near, far]| format!("{near:.2} against {far:.2}")).collect();
            (texts.join(", "), judge(pairs.iter().map(|[near, far]| near < far)))
        })
    }
}

/// Holds where it does in all repetitions, does not where it does in none; a single one decides nothing.
fn judge(holds: impl Iterator<Item = bool>) -> Judgement {
    let (yes, no): (Vec<bool>, Vec<bool>) = holds.partition(|holds| *holds);
    match (yes.len(), no.len()) {
        (2.., 0) => Judgement::Holds,
        (0, 2..) => Judgement::DoesNot,
        _ => Judgement::CannotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_own_table_shrinks_once_each_way() {
        // From 15-20 to 25-32 in the row of 0-2: 0.83, then 0.79.
        assert_eq!(shrinking(&PRINTED), (1, 56));
        let line: Vec<f64> = (0..16_usize).map(|at| (at / 4).abs_diff(at % 4) as f64).collect();
        assert_eq!(shrinking(&line), (0, 12));
        assert_eq!(shrinking(&[0.0, 0.0, 0.0, 0.0]), (2, 2), "equal does not grow");
    }

    #[test]
    fn some_repetitions_do_not_decide() {
        assert_eq!(judge([true, true].into_iter()), Judgement::Holds);
        assert_eq!(judge([false, false].into_iter()), Judgement::DoesNot);
        assert_eq!([true, false].map(|one| judge([one].into_iter())), [Judgement::CannotTell; 2]);
        assert_eq!(judge([true, false].into_iter()), Judgement::CannotTell);
        assert_eq!(judge([].into_iter()), Judgement::CannotTell);
    }
}
