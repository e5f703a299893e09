//! Figure 2: accuracy by epoch, and how soon each loss is where cross-entropy ends (sections 4.2 and 4.4).

use super::accuracy::label;
use super::claim::{Judgement, Verdict};
use super::document::Section;
use super::results::Outcome;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Setup, Study};
use crate::nn::Loss;
use crate::report::Block;
use crate::report::{EpochRow, curves_svg};
use crate::train::statistics::{Interval, Spread, mean_interval};

/// The study.
pub const STUDY: Study = Study { name: "figure2", place: "figure 2", methods, measure };

/// The paper's share of cross-entropy's epochs (section 4.2).
const SHARE: f64 = 1.0 / 3.0;

fn method(loss: Loss) -> Method {
    Method::new(Variant::Whole, Net::Default, loss)
}

fn methods() -> Vec<Method> {
    Setup::losses().into_iter().map(method).collect()
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let setup = results.setup;
    let data = setup.data_name(Variant::Whole);
    let mut section = Section::new(format!("Figure 2: accuracy by epoch, on {data}"));
    let mut rows = Vec::new();
    let mut table = Vec::new();
    let baseline = results.ended(method(Loss::Xe))?;
    for loss in Setup::losses() {
        let outcomes = results.ended(method(loss))?;
        rows.extend(mean_rows(&outcomes, loss));
        // Repetitions are told from each other by their order alone.
        let all = |outcomes: &[Outcome]| outcomes.len() == setup.repeats();
        let [aem, aeo] = match all(&outcomes) && all(&baseline) {
            true => [aem, aeo].map(|value| epochs_text(&outcomes, &baseline, value)),
            false => ["–", "–"].map(str::to_owned),
        };
        table.push(vec![label(results, loss.name(), &outcomes), aem, aeo]);
    }
    let caption = format!("AEM and AEO by epoch, mean of {}; the default network", setup.repeats_in_words());
    section.blocks.push(Block::figure("figure2", &caption, curves_svg(&rows)?));
    section.blocks.push(Block::Text(format!(
        "Epochs until a loss reaches what cross-entropy ends with, by repetition; a dash where it never does. Single epochs jump, \
         so that both are means over {window} epochs, a quarter of all: cross-entropy ends with that of its last ones, and a loss is \
         there at the end of the first that is as high. In the claims, never counts as one and a half times all epochs.",
        window = window(setup.epochs)
    )));
    section.blocks.push(Block::table(&["loss", "epochs to XE's AEM", "epochs to XE's AEO"], table));
    for loss in [Loss::Emd, Loss::Xemd2] {
        for (name, value) in [("AEM", aem as Value), ("AEO", aeo)] {
            let claim = format!("{loss} reaches cross-entropy's final {name} in a third of its epochs");
            let sides = results.of(method(loss)).and_then(|own| Ok((own, results.of(method(Loss::Xe))?)));
            let open = Verdict::open(claim, "one third", true);
            section.verdicts.push(open.judged(sides, |(own, base)| judge(&own, &base, value))?);
        }
    }
    Ok(section)
}

type Value = fn(&EpochRow) -> f64;

fn aem(row: &EpochRow) -> f64 {
    row.aem
}

fn aeo(row: &EpochRow) -> f64 {
    row.aeo
}

/// A loss's curve: the mean over repetitions.
fn mean_rows(outcomes: &[Outcome], loss: Loss) -> Vec<EpochRow> {
    let epochs = outcomes.iter().map(|outcome| outcome.rows.len()).min().unwrap_or(0);
    let mean = |epoch: usize, value: Value| {
        outcomes.iter().map(|outcome| value(&outcome.rows[epoch])).sum::<f64>() / outcomes.len() as f64
    };
    let row = |epoch: usize| EpochRow {
        epoch: epoch + 1,
        loss: loss.to_string(),
        aem: mean(epoch, aem),
        aeo: mean(epoch, aeo),
        ..EpochRow::default()
    };
    (0..epochs).map(row).collect()
}

/// Epochs over which accuracies are averaged: a quarter of all.
fn window(epochs: usize) -> usize {
    epochs.div_ceil(4).max(1)
}

/// The mean over each stretch of so many epochs, with the epoch in which it ends.
fn smoothed(rows: &[EpochRow], window: usize, value: Value) -> impl Iterator<Item = (usize, f64)> {
    rows.windows(window).map(move |some| (some[window - 1].epoch, some.iter().map(value).sum::<f64>() / window as f64))
}

/// The end of the first stretch of epochs of each repetition that is, on average, where cross-entropy's last stretch is.
fn epochs_needed(outcomes: &[Outcome], baseline: &[Outcome], value: Value) -> Vec<Option<usize>> {
    let needed = |(own, base): (&Outcome, &Outcome)| {
        let window = window(base.rows.len());
        let (_, level) = smoothed(&base.rows, window, value).last()?;
        smoothed(&own.rows, window, value).find(|(_, mean)| *mean >= level).map(|(epoch, _)| epoch)
    };
    outcomes.iter().zip(baseline).map(needed).collect()
}

fn epochs_text(outcomes: &[Outcome], baseline: &[Outcome], value: Value) -> String {
    let needed = epochs_needed(outcomes, baseline, value);
    let texts = needed.into_iter().map(|epochs| epochs.map_or("–".to_owned(), |epochs| epochs.to_string()));
    texts.collect::<Vec<_>>().join(", ")
}

/// Whether the share of cross-entropy's epochs is a third; a repetition that never gets there counts as one and a half.
fn judge(outcomes: &[Outcome], baseline: &[Outcome], value: Value) -> (String, Judgement) {
    let needed = epochs_needed(outcomes, baseline, value);
    let shares: Vec<f64> = needed
        .iter()
        .zip(baseline)
        .map(|(needed, base)| needed.map_or(1.5, |epochs| epochs as f64 / base.rows.len() as f64))
        .collect();
    let interval = mean_interval(&shares);
    let judgement = match interval {
        Some(interval) if interval.high <= SHARE => Judgement::Holds,
        Some(interval) if interval.low > SHARE => Judgement::DoesNot,
        _ => Judgement::CannotTell,
    };
    let bounds = |found: Interval| format!(" [{:.2}, {:.2}] ({})", found.low, found.high, found.basis.text());
    let spread = Spread::of(&shares).map_or(String::new(), |spread| spread.text(2));
    (format!("{spread} of them{}", interval.map_or(String::new(), bounds)), judgement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Predicted;

    fn outcome(aems: &[f64]) -> Outcome {
        let row = |(at, &aem): (usize, &f64)| EpochRow { epoch: at + 1, aem, ..EpochRow::default() };
        let rows = aems.iter().enumerate().map(row).collect();
        Outcome { rows, predicted: Predicted::default(), ground: Vec::new(), learning_rate: 0.1 }
    }

    #[test]
    fn epochs_are_counted_to_the_baselines_last_quarter() {
        let baseline = [outcome(&[10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 58.0, 62.0])];
        // The level is 60, the mean of the last two of eight epochs.
        let lucky = outcome(&[10.0, 61.0, 30.0, 80.0, 20.0, 20.0, 20.0, 20.0]);
        assert_eq!(
            epochs_needed(std::slice::from_ref(&lucky), &baseline, aem),
            [None],
            "not by single epochs of 61 and 80"
        );
        assert_eq!(epochs_needed(&baseline, &baseline, aem), [Some(8)]);
        let fast = outcome(&[50.0, 70.0, 65.0, 66.0]);
        assert_eq!(epochs_needed(std::slice::from_ref(&fast), &baseline, aem), [Some(2)]);
        let slow = outcome(&[59.0; 8]);
        assert_eq!(epochs_needed(std::slice::from_ref(&slow), &baseline, aem), [None]);
        let of = |first: &Outcome, second: &Outcome| {
            let baseline = [baseline[0].clone(), baseline[0].clone()];
            judge(&[first.clone(), second.clone()], &baseline, aem).1
        };
        assert_eq!(of(&fast, &fast), Judgement::Holds);
        assert_eq!(of(&slow, &slow), Judgement::DoesNot);
        assert_eq!(of(&fast, &slow), Judgement::CannotTell);
        let (_, one) = judge(std::slice::from_ref(&fast), &baseline, aem);
        assert_eq!(one, Judgement::CannotTell, "one run says nothing of its spread");
        assert_eq!(mean_rows(&[outcome(&[10.0, 20.0]), outcome(&[30.0, 30.0])], Loss::Xe)[1].aem, 25.0);
    }
}
