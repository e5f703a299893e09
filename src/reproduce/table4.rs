//! Table 4: real-valued labels in ten bins, scored by rank correlation, and an ensemble over numbers of bins (section
//! 4.6).

use super::accuracy::{compared, label, spread_text, verdict};
use super::claim::{Comparison, Metric, Relation, Verdict, predictions};
use super::document::Section;
use super::results::Results;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Study};
use crate::nn::Loss;
use crate::report::Block;
use crate::report::Predicted;

/// The study.
pub const STUDY: Study = Study { name: "table4", place: "table 4", methods, measure };

/// Bins of the table.
const BINS: usize = 10;
/// Bins of the networks of the ensemble.
const ENSEMBLE: std::ops::RangeInclusive<usize> = 3..=10;

/// The paper's Spearman's rho of its losses on the network that it trains from scratch (RES, on AADB).
#[expect(
    clippy::approx_constant,
    reason = "0.5235 is the paper's number for regression, and near a sixth of pi by chance"
)]
const PRINTED: [(&str, f64); 5] =
    [("xe", 0.5003), ("reg", 0.5235), ("emd", 0.5448), ("xemd1", 0.5370), ("xemd2", 0.5147)];
/// Of the ensemble of eight VGG, and of one of them.
const PRINTED_ENSEMBLE: (f64, f64) = (0.6889, 0.6682);

const CLAIMS: [Comparison; 3] = [
    rank("EMD ranks better than cross-entropy", "emd", "xe"),
    rank("EMD ranks better than regression", "emd", "reg"),
    rank("XEMD1 ranks better than cross-entropy", "xemd1", "xe"),
];

const fn rank(says: &'static str, first: &'static str, second: &'static str) -> Comparison {
    Comparison { says, first, second, metric: Metric::Rho, relation: Relation::Above, said: true }
}

fn method(loss: Loss, bins: usize) -> Method {
    Method::new(Variant::Bins(bins), Net::Small, loss)
}

fn losses() -> Vec<Loss> {
    PRINTED.iter().filter_map(|(name, _)| name.parse().ok()).collect()
}

fn methods() -> Vec<Method> {
    let table = losses().into_iter().map(|loss| method(loss, BINS));
    table.chain(ENSEMBLE.map(|bins| method(Loss::Emd, bins))).collect()
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let data = results.setup.data_name(Variant::Bins(BINS));
    let mut section = Section::new(format!("Table 4: rank correlation, on {data}"));
    section.blocks.push(Block::Text(format!(
        "Spearman’s ρ of the expected score (each bin stands for the mean of its training labels) with the real label; mean ± \
         standard deviation over {}; the small network.",
        results.setup.repeats_in_words()
    )));
    let mut rows = Vec::new();
    for loss in losses() {
        let outcomes = results.ended(method(loss, BINS))?;
        let paper = PRINTED.iter().find(|(name, _)| *name == loss.name()).map_or(0.0, |printed| printed.1);
        rows.push(vec![
            label(results, loss.name(), &outcomes),
            spread_text(Metric::Rho, &outcomes),
            format!("{paper:.4}"),
        ]);
    }
    let ensemble = ensemble(results)?;
    rows.push(vec!["emd × 8, 3 to 10 bins".to_owned(), ensemble.0, format!("{:.4} (VGG)", PRINTED_ENSEMBLE.0)]);
    section.blocks.push(Block::table(&["loss", "ρ", "paper ρ"], rows));
    for claim in &CLAIMS {
        let of = |name: &str| PRINTED.iter().find(|(loss, _)| *loss == name).map_or(0.0, |printed| printed.1);
        let (Ok(first), Ok(second)) = (claim.first.parse(), claim.second.parse()) else { continue };
        let methods = [first, second].map(|loss| method(loss, BINS));
        let paper = format!("{:.4} against {:.4}", of(claim.first), of(claim.second));
        section.verdicts.push(verdict(results, claim, methods, paper, "")?);
    }
    section.verdicts.push(ensemble.1);
    Ok(section)
}

/// What the ensemble scores, in words, and whether it is above one network of ten bins.
fn ensemble(results: &Results) -> Result<(String, Verdict), ReproduceError> {
    let paper = format!("{:.4} against {:.4} (VGG)", PRINTED_ENSEMBLE.0, PRINTED_ENSEMBLE.1);
    let claim = rank("eight networks of 3 to 10 bins together rank better than one of ten bins", "emd", "emd");
    let sides = joined(results).and_then(|joined| Ok((joined, results.of(method(Loss::Emd, BINS))?)));
    let mut text = "–".to_owned();
    let verdict = Verdict::open(claim.says, paper, claim.said).judged(sides, |(joined, single)| {
        let joined: Vec<&Predicted> = joined.iter().collect();
        text = Metric::Rho.spread(&joined).map_or("undefined".to_owned(), |spread| spread.text(4));
        compared(&claim, [joined, predictions(&single)])
    })?;
    Ok((text, verdict))
}

/// The networks of all numbers of bins together, repetition by repetition: the expected score under the average of their
/// distributions, each on the means of its own bins, which is the average of their expected scores.
fn joined(results: &Results) -> Result<Vec<Predicted>, ReproduceError> {
    let members: Vec<_> = ENSEMBLE.map(|bins| results.of(method(Loss::Emd, bins))).collect::<Result<_, _>>()?;
    let of_repeat = |repeat: usize| {
        let mut joined = members[0][repeat].predicted.clone();
        for (image, score) in joined.scores.iter_mut().enumerate() {
            let sum: f64 = members.iter().map(|member| member[repeat].predicted.scores[image]).sum();
            *score = sum / members.len() as f64;
        }
        joined
    };
    Ok((0..results.setup.repeats()).map(of_repeat).collect())
}
