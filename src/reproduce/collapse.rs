//! Equation 14 alone: does training with the linear earth mover's distance sink into uniform predictions (section 3.2)?

use super::accuracy::label;
use super::claim::{Judgement, Metric, Verdict, predictions};
use super::document::Section;
use super::results::Outcome;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Study};
use crate::nn::Loss;
use crate::report::Block;
use crate::report::Predicted;
use crate::train::statistics::Spread;

/// The study.
pub const STUDY: Study = Study { name: "collapse", place: "section 3.2", methods, measure };

/// From this share of the largest entropy on predictions count as uniform.
const UNIFORM: f64 = 0.95;

fn method(loss: Loss) -> Method {
    Method::new(Variant::Whole, Net::Default, loss)
}

fn methods() -> Vec<Method> {
    [Loss::EmdLinear, Loss::Xe].map(method).to_vec()
}

/// Mean entropy of the predictions as a share of the largest there is: 1 is uniform, 0 is sure.
fn entropy(predicted: &Predicted) -> f64 {
    let of = |row: &[f32]| -> f64 { row.iter().map(|&p| f64::from(p)).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum() };
    let sum: f64 = (0..predicted.len()).map(|image| of(predicted.row(image))).sum();
    sum / predicted.len() as f64 / (predicted.classes.len() as f64).ln()
}

/// Share of the test images that the commonest prediction takes.
fn commonest(predicted: &Predicted) -> f64 {
    let mut counts = vec![0_usize; predicted.classes.len()];
    for image in 0..predicted.len() {
        counts[crate::train::metrics::argmax(predicted.row(image))] += 1;
    }
    counts.into_iter().max().unwrap_or(0) as f64 / predicted.len() as f64
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let data = results.setup.data_name(Variant::Whole);
    let mut section = Section::new(format!("Collapse: equation 14 alone, on {data}"));
    let mut rows = Vec::new();
    for loss in [Loss::EmdLinear, Loss::Xe] {
        let outcomes = results.ended(method(loss))?;
        let text = |of: fn(&Predicted) -> f64| spread(&outcomes, of).map_or(String::new(), |spread| spread.text(3));
        let aem = Metric::Aem.spread(&predictions(&outcomes)).map_or(String::new(), |spread| spread.text(1));
        rows.push(vec![label(results, loss.name(), &outcomes), aem, text(entropy), text(commonest)]);
    }
    let header = ["loss", "AEM %", "entropy (1 = uniform)", "share of the commonest prediction"];
    section.blocks.push(Block::table(&header, rows));
    let open = Verdict::open("trained with equation 14 alone, predictions become uniform", "no number", true);
    let sides = results.of(method(Loss::EmdLinear)).and_then(|linear| Ok((linear, results.of(method(Loss::Xe))?)));
    section.verdicts.push(open.judged(sides, |(linear, plain)| compared(&linear, &plain))?);
    Ok(section)
}

fn compared(linear: &[Outcome], plain: &[Outcome]) -> (String, Judgement) {
    let count = |outcomes: &[Outcome]| outcomes.iter().filter(|one| entropy(&one.predicted) >= UNIFORM).count();
    let (uniform, untrained, all) = (count(linear), count(plain), linear.len());
    let entropy = spread(linear, entropy).map_or(String::new(), |spread| spread.text(3));
    let words = format!(
        "entropy {entropy} of the largest; uniform (at least {UNIFORM}) in {uniform} of {all}, of cross-entropy in {untrained}"
    );
    (words, judge(uniform, untrained, all))
}

/// Of so many repetitions some are uniform, and some of cross-entropy's; a single one decides nothing.
fn judge(uniform: usize, untrained: usize, all: usize) -> Judgement {
    match (uniform, untrained) {
        _ if all < 2 => Judgement::CannotTell,
        (0, _) => Judgement::DoesNot,
        // Where cross-entropy has learned nothing either, it is not equation 14 that keeps predictions uniform.
        (uniform, 0) if uniform == all => Judgement::Holds,
        _ => Judgement::CannotTell,
    }
}

fn spread(outcomes: &[Outcome], of: fn(&Predicted) -> f64) -> Option<Spread> {
    Spread::of(&outcomes.iter().map(|outcome| of(&outcome.predicted)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;

    #[test]
    fn a_collapse_is_one_where_cross_entropy_learns() {
        use Judgement::{CannotTell, DoesNot, Holds};
        let found = [judge(4, 0, 4), judge(3, 0, 4), judge(0, 0, 4), judge(4, 4, 4), judge(0, 4, 4)];
        assert_eq!(found, [Holds, CannotTell, DoesNot, CannotTell, DoesNot]);
        assert_eq!([judge(1, 0, 1), judge(0, 0, 1)], [CannotTell; 2]);
    }

    #[test]
    fn entropy_and_commonest_tell_uniform_from_sure() {
        let mut images = Images::with_capacity(1, 2);
        (0..2).for_each(|at| images.push(vec![0; 3], at, 0.0, format!("{at}")));
        let classes = ["a", "b"].map(str::to_owned);
        let of = |rows: &[f32]| Predicted::new(&classes, &images, rows, &[0.0; 2]).unwrap();
        assert!((entropy(&of(&[0.5; 4])) - 1.0).abs() <= 1e-12);
        assert_eq!(entropy(&of(&[1.0, 0.0, 0.0, 1.0])), 0.0);
        assert_eq!((commonest(&of(&[0.5; 4])), commonest(&of(&[1.0, 0.0, 0.0, 1.0]))), (1.0, 0.5));
    }
}
