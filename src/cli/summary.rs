//! What the runs of a sweep say together: a table a network and learning rate, losses by mean and spread, and how each
//! stands to the first.

use super::CliError;
use super::kept::key;
use backhoe::data::identity::Identity;
use backhoe::nn::Loss;
use backhoe::report::{Block, EpochRow, Predicted, page, read_metrics_csv, with_deaths};
use backhoe::reproduce::Metric;
use backhoe::train::cell::Cell;
use backhoe::train::run::{RunFolder, write_whole};
use backhoe::train::statistics::{Interval, Spread};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One run of a sweep, by what the sweep varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GridRun {
    /// The name of its folder.
    pub name: String,
    /// Its loss.
    pub loss: Loss,
    /// Its learning rate, or `search`.
    pub rate: String,
    /// Its seed.
    pub seed: u32,
    /// Its fold.
    pub fold: Option<usize>,
    /// Its network, as `16,32,64/128`.
    pub network: String,
    /// All of it.
    pub cell: Cell,
}

/// A run that ended with an error.
pub struct Failure {
    /// The name of its folder.
    pub name: String,
    /// The error.
    pub why: String,
}

/// A finished run with its last epoch and its predictions.
struct Finished<'a> {
    run: &'a GridRun,
    last: EpochRow,
    predicted: Predicted,
}

/// Writes `sweep.csv`, a line a finished run, and `sweep.html` and `sweep.md`, tables of means and what failed; gives the
/// tables in words.
///
/// `losses` is their order, in which the first is what the others are held against.
pub fn summarise(runs: &[&GridRun], losses: &[Loss], failed: &[Failure], folder: &Path) -> Result<String, CliError> {
    check_same_data(runs, folder)?;
    let finished: Vec<Finished> = runs.iter().map(|run| read(run, folder)).collect::<Result<_, _>>()?;
    write_whole(&folder.join("sweep.csv"), &lines(&finished)?)?;
    let mut blocks = tables(&finished, losses);
    blocks.extend(failures(failed));
    let all = |of: fn(&Block) -> String| blocks.iter().map(of).collect::<String>();
    write_whole(&folder.join("sweep.md"), all(Block::markdown).as_bytes())?;
    write_whole(&folder.join("sweep.html"), page("Sweep", &all(Block::html)).as_bytes())?;
    Ok(format!("{}\nwritten to {}: sweep.csv, sweep.md, sweep.html", all(Block::text), folder.display()))
}

/// Refuses to compare runs that were told to take the same data and found others: parts of a sweep done on two hosts, or a
/// folder that changed in between.
fn check_same_data(runs: &[&GridRun], folder: &Path) -> Result<(), CliError> {
    let mut seen: Vec<(&GridRun, Identity)> = Vec::new();
    for &run in runs {
        let data = RunFolder { path: folder.join(&run.name) }.read_checkpoint()?.progress.data;
        match seen.iter().find(|(other, _)| key(&other.cell) == key(&run.cell)) {
            Some((other, was)) => {
                if let Some(change) = was.change(&data) {
                    let (first, second) = (&other.name, &run.name);
                    return Err(CliError::Refused(format!("{first} and {second} are of different data: {change}")));
                }
            }
            None => seen.push((run, data)),
        }
    }
    Ok(())
}

/// Which runs failed and why, where some did.
fn failures(failed: &[Failure]) -> Vec<Block> {
    if failed.is_empty() {
        return Vec::new();
    }
    let rows = failed.iter().map(|Failure { name, why }| vec![name.clone(), why.clone()]).collect();
    let words = format!("{} runs failed and are in no table above:", failed.len());
    vec![Block::Text(words), Block::table(&["run", "why"], rows)]
}

fn read<'a>(run: &'a GridRun, folder: &Path) -> Result<Finished<'a>, CliError> {
    let place = folder.join(&run.name);
    let last = read_metrics_csv(&place.join("metrics.csv"))?.pop();
    let last = last.ok_or_else(|| CliError::Words(format!("{} has no epoch", place.display())))?;
    let predicted = Predicted::read_csv(&place.join(format!("predictions-{}.csv", run.loss)))?;
    Ok(Finished { run, last, predicted })
}

/// A line a run.
fn lines(finished: &[Finished]) -> Result<Vec<u8>, CliError> {
    #[derive(Serialize)]
    struct Line<'a> {
        run: &'a str,
        network: &'a str,
        learning_rate: &'a str,
        seed: u32,
        fold: Option<usize>,
        loss: &'a str,
        epochs: usize,
        train_loss: f64,
        aem: f64,
        aeo: f64,
        mae: f64,
        amae: f64,
        qwk: Option<f64>,
        rps: Option<f64>,
        ece: Option<f64>,
        spearman: Option<f64>,
        seconds: f64,
    }
    let refused = |error: &dyn std::fmt::Display| CliError::Words(format!("sweep.csv: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for Finished { run, last, .. } in finished {
        let line = Line {
            run: &run.name,
            network: &run.network,
            learning_rate: &run.rate,
            seed: run.seed,
            fold: run.fold,
            loss: run.loss.name(),
            epochs: last.epoch,
            train_loss: last.train_loss,
            aem: last.aem,
            aeo: last.aeo,
            mae: last.mae,
            amae: last.amae,
            qwk: last.qwk,
            rps: last.rps,
            ece: last.ece,
            spearman: last.spearman,
            seconds: last.seconds,
        };
        writer.serialize(line).map_err(|error| refused(&error))?;
    }
    writer.into_inner().map_err(|error| refused(&error))
}

/// A table a network and learning rate.
fn tables(finished: &[Finished], losses: &[Loss]) -> Vec<Block> {
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for Finished { run, .. } in finished {
        let group = (run.network.as_str(), run.rate.as_str());
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let of_group = |(network, rate): (&str, &str)| {
        let members: Vec<&Finished> =
            finished.iter().filter(|one| one.run.network == network && one.run.rate == rate).collect();
        [Block::Text(format!("Network {network}, learning rate {rate}:")), table(&members, losses)]
    };
    groups.into_iter().flat_map(of_group).collect()
}

/// Losses by mean and spread over seeds and folds, and their paired differences from the first.
fn table(members: &[&Finished], losses: &[Loss]) -> Block {
    let there = |loss: &&Loss| members.iter().any(|one| one.run.loss == **loss);
    let losses: Vec<Loss> = losses.iter().filter(there).copied().collect();
    let of = |loss: Loss| -> Vec<&&Finished> { members.iter().filter(|one| one.run.loss == loss).collect() };
    let first = losses.first().map_or_else(Vec::new, |&loss| of(loss));
    let mut rows = Vec::new();
    for (at, &loss) in losses.iter().enumerate() {
        let own = of(loss);
        let number = |value: fn(&EpochRow) -> f64, decimals| {
            let spread = Spread::of(&own.iter().map(|one| value(&one.last)).collect::<Vec<_>>());
            spread.map_or("–".to_owned(), |spread| spread.text(decimals))
        };
        let mut row = vec![with_deaths(loss.name(), &predicted(&own)), own.len().to_string()];
        row.extend([number(|row| row.aem, 1), number(|row| row.aeo, 1), number(|row| row.mae, 3)]);
        row.extend([Metric::Aem, Metric::Aeo].map(|metric| match at {
            0 => String::new(),
            _ if repetitions(&own) != repetitions(&first) => "–".to_owned(),
            _ => difference(metric, &predicted(&own), &predicted(&first)),
        }));
        rows.push(row);
    }
    let name = losses.first().map_or("", |loss| loss.name());
    let (aem, aeo) = (format!("AEM over {name}"), format!("AEO over {name}"));
    Block::table(&["loss", "runs", "AEM %", "AEO %", "MAE", &aem, &aeo], rows)
}

/// Which seeds and folds these are of: without those that failed, runs are no pairs.
fn repetitions(finished: &[&&Finished]) -> Vec<(u32, Option<usize>)> {
    finished.iter().map(|one| (one.run.seed, one.run.fold)).collect()
}

fn predicted<'a>(finished: &[&&'a Finished]) -> Vec<&'a Predicted> {
    finished.iter().map(|one| &one.predicted).collect()
}

/// The 95 % interval of a difference and what it is made of, where the runs are of the same images.
pub fn difference(metric: Metric, own: &[&Predicted], first: &[&Predicted]) -> String {
    let text = |interval: Interval| format!("{} ({})", interval.text(metric.decimals()), interval.basis.text());
    metric.difference(own, first).map_or("–".to_owned(), text)
}
