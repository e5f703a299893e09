//! What tables 1 and 3 have in common: losses by accuracy, beside the paper's numbers, and claims that compare two.

use super::claim::{Comparison, Metric, Relation, Verdict, predictions};
use super::results::{Outcome, Results};
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Setup};
use crate::nn::Loss;
use crate::report::{Block, Predicted, Printed};

/// A method may be this many points of percent below another and still perform as well.
pub const MARGIN: f64 = 2.0;

/// What the paper claims of its tables of accuracies; each of a table that has both losses.
const CLAIMS: [Comparison; 8] = [
    compare("EMD is within one class more often than cross-entropy", "emd", "xe", Metric::Aeo, Relation::Above),
    compare("EMD matches exactly more often than cross-entropy", "emd", "xe", Metric::Aem, Relation::Above),
    compare("XEMD2 is within one class more often than cross-entropy", "xemd2", "xe", Metric::Aeo, Relation::Above),
    compare("XEMD2 matches exactly more often than cross-entropy", "xemd2", "xe", Metric::Aem, Relation::Above),
    compare("XEMD2 performs as well as EMD (AEO)", "xemd2", "emd", Metric::Aeo, Relation::NotBelow(MARGIN)),
    compare("XEMD1 performs as well as EMD (AEO)", "xemd1", "emd", Metric::Aeo, Relation::NotBelow(MARGIN)),
    compare("regression matches exactly less often than cross-entropy", "xe", "reg", Metric::Aem, Relation::Above),
    compare("exact EMD matches exactly more often than approximate EMD", "emd", "a-emd", Metric::Aem, Relation::Above),
];

const fn compare(
    says: &'static str,
    first: &'static str,
    second: &'static str,
    metric: Metric,
    relation: Relation,
) -> Comparison {
    Comparison { says, first, second, metric, relation }
}

/// A table of all losses on one network: AEM and AEO, ours with their spread and the paper's.
///
/// # Errors
/// When a training is missing or damaged.
pub fn table(
    results: &Results,
    data: Variant,
    net: Net,
    losses: &[Loss],
    printed: &[Printed],
) -> Result<Block, ReproduceError> {
    let header = ["loss", "AEM %", "AEO %", "MAE", "QWK", "learning rate", "seconds", "paper AEM %", "paper AEO %"];
    let mut rows = Vec::new();
    for &loss in losses {
        let outcomes = results.of(Method::new(data, net, loss))?;
        let paper = printed.iter().find(|(name, ..)| *name == loss.name());
        let [aem, aeo] = [Metric::Aem, Metric::Aeo].map(|metric| spread_text(metric, &outcomes));
        let of = |value: fn(&Outcome) -> f64, decimals| mean_text(&outcomes, value, decimals);
        rows.push(vec![
            loss.to_string(),
            aem,
            aeo,
            of(|outcome| outcome.last().mae, 3),
            of(|outcome| outcome.last().qwk.unwrap_or(f64::NAN), 3),
            outcomes.first().map_or_else(String::new, |outcome| format!("{:.5}", outcome.learning_rate)),
            of(|outcome| outcome.last().seconds, 0),
            paper.map_or("–".to_owned(), |paper| format!("{:.1}", paper.1)),
            paper.map_or("–".to_owned(), |paper| format!("{:.1}", paper.2)),
        ]);
    }
    Ok(Block::table(&header, rows))
}

/// Mean and spread of a metric over repetitions.
pub fn spread_text(metric: Metric, outcomes: &[Outcome]) -> String {
    let spread = metric.spread(&predictions(outcomes));
    spread.map_or("undefined".to_owned(), |spread| spread.text(metric.decimals()))
}

/// Mean of a number over repetitions.
fn mean_text(outcomes: &[Outcome], value: impl Fn(&Outcome) -> f64, decimals: usize) -> String {
    let sum: f64 = outcomes.iter().map(value).sum();
    format!("{:.decimals$}", sum / outcomes.len() as f64)
}

/// Whether a table has both losses of a claim, and which they are.
fn sides(claim: &Comparison, printed: &[Printed]) -> Option<[Loss; 2]> {
    let there = |name: &str| printed.iter().find(|(loss, ..)| *loss == name)?.0.parse().ok();
    Some([there(claim.first)?, there(claim.second)?])
}

/// What became of the claims that compare two losses of a table, on one network.
///
/// # Errors
/// When a training is missing or damaged.
pub fn verdicts(
    results: &Results,
    data: Variant,
    net: Net,
    printed: &[Printed],
) -> Result<Vec<Verdict>, ReproduceError> {
    let mut verdicts = Vec::new();
    for claim in &CLAIMS {
        let Some(losses) = sides(claim, printed) else { continue };
        let [first, second] = losses.map(|loss| results.of(Method::new(data, net, loss)));
        let (first, second) = (first?, second?);
        let sides = [predictions(&first), predictions(&second)];
        verdicts.push(verdict(claim, &sides, paper_text(claim, printed), &format!(" ({} network)", net.name())));
    }
    Ok(verdicts)
}

/// A claim held against what both sides predicted.
pub fn verdict(claim: &Comparison, [first, second]: &[Vec<&Predicted>; 2], paper: String, place: &str) -> Verdict {
    let Comparison { says, metric, relation, .. } = *claim;
    let number = |side: &[&Predicted]| {
        metric.spread(side).map_or("undefined".to_owned(), |spread| spread.text(metric.decimals()))
    };
    let interval = metric.difference(first, second);
    let margin = match relation {
        Relation::Above => String::new(),
        Relation::NotBelow(margin) => format!(", margin {margin}"),
    };
    let difference = interval.map_or("undefined".to_owned(), |interval| interval.text(metric.decimals()));
    Verdict {
        claim: format!("{says}{place}"),
        paper,
        ours: format!("{} against {} {}: {difference}{margin}", number(first), number(second), metric.name()),
        judgement: interval.map_or(super::Judgement::CannotTell, |interval| relation.judge(&interval)),
    }
}

fn paper_text(claim: &Comparison, printed: &[Printed]) -> String {
    let number = |name: &str| {
        let (_, aem, aeo) = printed.iter().find(|(loss, ..)| *loss == name)?;
        Some(if claim.metric == Metric::Aem { *aem } else { *aeo })
    };
    match (number(claim.first), number(claim.second)) {
        (Some(first), Some(second)) => format!("{first:.1} against {second:.1}"),
        _ => "no number".to_owned(),
    }
}

/// What every section of accuracies says first.
pub fn preface(setup: &Setup, data: Variant) -> Block {
    Block::Text(format!(
        "Mean ± standard deviation over {}; {} epochs on {}. The intervals are those of a paired bootstrap over repetitions and \
         test images, 95 %.",
        setup.repeats_in_words(),
        setup.epochs,
        setup.data_name(data)
    ))
}
