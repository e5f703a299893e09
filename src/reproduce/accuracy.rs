//! What tables 1 and 3 have in common: losses by accuracy, beside the paper's numbers, and claims that compare two.

use super::claim::{Comparison, Judgement, Metric, Relation, Verdict, predictions};
use super::results::{Outcome, Results};
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Setup};
use crate::nn::Loss;
use crate::report::{Block, Predicted, Printed, deaths, with_deaths};

/// What the paper claims of its tables of accuracies; each of a table that has both losses. That exact EMD is above the
/// approximate one, its tables show and its text does not say.
const CLAIMS: [Comparison; 8] = [
    compare("EMD is within one class more often than cross-entropy", "emd", "xe", Metric::Aeo, Relation::Above),
    compare("EMD matches exactly more often than cross-entropy", "emd", "xe", Metric::Aem, Relation::Above),
    compare("XEMD2 is within one class more often than cross-entropy", "xemd2", "xe", Metric::Aeo, Relation::Above),
    compare("XEMD2 matches exactly more often than cross-entropy", "xemd2", "xe", Metric::Aem, Relation::Above),
    compare("XEMD2 performs as well as EMD (AEO)", "xemd2", "emd", Metric::Aeo, Relation::AsGood),
    compare("XEMD1 performs as well as EMD (AEO)", "xemd1", "emd", Metric::Aeo, Relation::AsGood),
    compare("regression matches exactly less often than cross-entropy", "xe", "reg", Metric::Aem, Relation::Above),
    Comparison {
        said: false,
        ..compare(
            "exact EMD matches exactly more often than approximate EMD",
            "emd",
            "a-emd",
            Metric::Aem,
            Relation::Above,
        )
    },
];

const fn compare(
    says: &'static str,
    first: &'static str,
    second: &'static str,
    metric: Metric,
    relation: Relation,
) -> Comparison {
    Comparison { says, first, second, metric, relation, said: true }
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
        let outcomes = results.ended(Method::new(data, net, loss))?;
        let paper = printed.iter().find(|(name, ..)| *name == loss.name());
        let [aem, aeo] = [Metric::Aem, Metric::Aeo].map(|metric| spread_text(metric, &outcomes));
        let of = |value: fn(&Outcome) -> f64, decimals| mean_text(&outcomes, value, decimals);
        rows.push(vec![
            label(results, loss.name(), &outcomes),
            aem,
            aeo,
            of(|outcome| outcome.last().mae, 3),
            of(|outcome| outcome.last().qwk.unwrap_or(f64::NAN), 3),
            rates_text(&outcomes),
            of(|outcome| outcome.last().seconds, 0),
            paper.map_or("–".to_owned(), |paper| format!("{:.1}", paper.1)),
            paper.map_or("–".to_owned(), |paper| format!("{:.1}", paper.2)),
        ]);
    }
    Ok(Block::table(&header, rows))
}

/// What a table calls a loss: its name, and how many of its repetitions did not end or died.
pub fn label(results: &Results, name: &str, outcomes: &[Outcome]) -> String {
    let name = with_deaths(name, &predictions(outcomes));
    match (outcomes.len(), results.setup.repeats()) {
        (ended, all) if ended < all => format!("{name} ({ended} of {all} ended)"),
        _ => name,
    }
}

/// The learning rates of a method's repetitions, each once.
fn rates_text(outcomes: &[Outcome]) -> String {
    let mut rates: Vec<String> = outcomes.iter().map(|outcome| format!("{:.5}", outcome.learning_rate)).collect();
    rates.sort();
    rates.dedup();
    rates.join(", ")
}

/// Mean and spread of a metric over repetitions.
pub fn spread_text(metric: Metric, outcomes: &[Outcome]) -> String {
    let spread = metric.spread(&predictions(outcomes));
    spread.map_or("undefined".to_owned(), |spread| spread.text(metric.decimals()))
}

/// Mean of a number over repetitions.
fn mean_text(outcomes: &[Outcome], value: impl Fn(&Outcome) -> f64, decimals: usize) -> String {
    let sum: f64 = outcomes.iter().map(value).sum();
    if outcomes.is_empty() { "–".to_owned() } else { format!("{:.decimals$}", sum / outcomes.len() as f64) }
}

/// Whether a table has both losses of a claim, and which they are.
fn sides(claim: &Comparison, printed: &[Printed]) -> Option<[Loss; 2]> {
    let there = |name: &str| printed.iter().find(|(loss, ..)| *loss == name)?.0.parse().ok();
    Some([there(claim.first)?, there(claim.second)?])
}

/// Whether a claim of the paper's words is one of its numbers too.
fn is_counted(claim: &Comparison, printed: &[Printed]) -> bool {
    let number = |name: &str| {
        let (_, aem, aeo) = printed.iter().find(|(loss, ..)| *loss == name)?;
        Some(if claim.metric == Metric::Aem { *aem } else { *aeo })
    };
    let agrees = number(claim.first).zip(number(claim.second)).is_some_and(|(first, second)| first > second);
    claim.said && (claim.relation == Relation::AsGood || agrees)
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
        let methods = losses.map(|loss| Method::new(data, net, loss));
        let place = format!(" ({} network)", net.name());
        let found = verdict(results, claim, methods, paper_text(claim, printed), &place)?;
        verdicts.push(Verdict { counted: is_counted(claim, printed), ..found });
    }
    Ok(verdicts)
}

/// A claim held against the repetitions of two methods.
///
/// # Errors
/// When a training is missing or damaged.
pub fn verdict(
    results: &Results,
    claim: &Comparison,
    [first, second]: [Method; 2],
    paper: String,
    place: &str,
) -> Result<Verdict, ReproduceError> {
    let sides = results.of(first).and_then(|first| Ok((first, results.of(second)?)));
    let open = Verdict::open(format!("{}{place}", claim.says), paper, claim.said);
    open.judged(sides, |(first, second)| compared(claim, [predictions(&first), predictions(&second)]))
}

/// What both sides predicted, in words, and what becomes of the claim.
pub fn compared(claim: &Comparison, [first, second]: [Vec<&Predicted>; 2]) -> (String, Judgement) {
    let Comparison { metric, relation, .. } = *claim;
    let decimals = metric.decimals();
    let number =
        |side: &[&Predicted]| metric.spread(side).map_or("undefined".to_owned(), |spread| spread.text(decimals));
    let interval = metric.difference(&first, &second);
    let deviation = metric.spread(&second).and_then(|spread| spread.deviation);
    let margin = match (relation, deviation) {
        (Relation::AsGood, Some(deviation)) => format!(", margin {deviation:.decimals$}"),
        _ => String::new(),
    };
    let difference = interval
        .map_or("undefined".to_owned(), |interval| format!("{} ({})", interval.text(decimals), interval.basis.text()));
    // Scores rank images also where one class is the most probable of all.
    let dead = |side: &[&Predicted]| match metric {
        Metric::Rho => 0,
        _ => deaths(side),
    };
    let died = |name: &str, side: &[&Predicted]| match dead(side) {
        0 => String::new(),
        died => format!("; {died} of {} {name} died", side.len()),
    };
    let died = died(claim.first, &first) + &died(claim.second, &second);
    // Against networks that died, anything is good, and their spread would excuse any harm.
    let fit = dead(&second) == 0;
    let ours = format!("{} against {} {}: {difference}{margin}{died}", number(&first), number(&second), metric.name());
    let judged = interval.filter(|_| fit).map(|interval| relation.judge(&interval, deviation));
    (ours, judged.unwrap_or(Judgement::CannotTell))
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
        "Mean ± standard deviation over {}; {} epochs on {}. A network has died where it takes all images for one class.",
        setup.repeats_in_words(),
        setup.epochs,
        setup.data_name(data)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;

    /// Ten images of two classes, the first `right` of them predicted right; all of one class where `dead`.
    fn predicted(right: usize, dead: bool) -> Predicted {
        let mut images = Images::with_capacity(1, 10);
        (0..10).for_each(|at| images.push(vec![0; 3], at % 2, f64::from(at), format!("{at}")));
        let first = |at: usize| dead || at.is_multiple_of(2) == (at < right);
        let rows: Vec<f32> = (0..10).flat_map(|at| if first(at) { [0.9, 0.1] } else { [0.1, 0.9] }).collect();
        let scores: Vec<f64> = rows.chunks(2).map(|row| f64::from(row[1])).collect();
        Predicted::new(&["a".into(), "b".into()], &images, &rows, &scores).unwrap()
    }

    #[test]
    fn what_is_held_against_dead_networks_is_not_told() {
        let claim = Comparison {
            says: "as good",
            first: "xemd1",
            second: "xe",
            metric: Metric::Aem,
            relation: Relation::AsGood,
            said: true,
        };
        let judged = |first: [Predicted; 3], second: [Predicted; 3]| {
            let sides = [first.iter().collect(), second.iter().collect()];
            compared(&claim, sides).1
        };
        let good = || [9, 8, 9].map(|right| predicted(right, false));
        assert_eq!(judged(good(), good()), Judgement::Holds);
        // By the interval alone it would hold, too.
        let died = [0; 3].map(|_| predicted(0, true));
        let perfect = [0; 3].map(|_| predicted(10, false));
        assert_eq!(judged(perfect, died), Judgement::CannotTell);
    }

    #[test]
    fn a_claim_counts_where_the_papers_words_and_numbers_agree() {
        let printed: [Printed; 4] =
            [("xe", 60.0, 91.5), ("emd", 59.3, 92.5), ("xemd2", 60.1, 93.1), ("a-emd", 50.0, 80.0)];
        let counted: Vec<bool> = CLAIMS
            .iter()
            .filter(|claim| sides(claim, &printed).is_some())
            .map(|claim| is_counted(claim, &printed))
            .collect();
        // EMD's AEO and AEM, XEMD2's AEO and AEM above XE's, XEMD2 as well as EMD, EMD above A-EMD.
        assert_eq!(counted, [true, false, true, true, true, false]);
    }
}
