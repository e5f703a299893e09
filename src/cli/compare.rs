//! `backhoe compare`: runs side by side on one page. Curves over one another, differences of matrices, the same test images
//! with all predictions.

use super::args::CompareArguments;
use super::summary::difference;
use super::{CliError, say};
use backhoe::report::{
    Block, EpochRow, Predicted, Prediction, Sample, cards, curves_svg, difference_heatmap_svg, page,
    read_confusion_csv, read_matrix_csv, read_metrics_csv,
};
use backhoe::reproduce::Metric;
use backhoe::train::cell::load;
use backhoe::train::metrics::{Confusion, Evaluation, spearman};
use backhoe::train::run::{Record, RunFolder, write_whole};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// One loss of one run.
struct Entry {
    /// The run's name, and the loss's where that does not say it.
    label: String,
    rows: Vec<EpochRow>,
    predicted: Predicted,
    ground: Vec<f64>,
    confusion: Confusion,
}

/// Writes the page and says the numbers.
pub fn run(arguments: &CompareArguments) -> Result<(), CliError> {
    let mut entries = Vec::new();
    for (path, name) in arguments.runs.iter().zip(names(&arguments.runs)) {
        entries.extend(read(path, &name)?);
    }
    let numbers = numbers(&entries);
    let mut parts = vec![("Final results", numbers.clone())];
    parts.push(("By epoch", vec![Block::figure("curves", "AEM and AEO by epoch", curves_svg(&rows(&entries))?)]));
    parts.push(("Differences of learned distances and of confusions, from the first", differences(&entries)?));
    parts.push(("The same test images, the most distant mistakes first", samples(arguments, &entries)?));
    let section = |(heading, blocks): &(&str, Vec<Block>)| {
        let body: String = blocks.iter().map(Block::html).collect();
        format!("<section>\n<h2>{heading}</h2>\n{body}</section>\n")
    };
    write_whole(&arguments.out, page("Runs compared", &parts.iter().map(section).collect::<String>()).as_bytes())?;
    say(false, numbers.iter().map(Block::text).collect::<String>())?;
    say(false, format_args!("written: {}", arguments.out.display()))
}

/// What runs are called: the names of their folders, and so much of the paths before them as tells those apart.
fn names(runs: &[PathBuf]) -> Vec<String> {
    let whole = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let paths: Vec<Vec<String>> =
        runs.iter().map(|path| whole(path).iter().map(|part| part.to_string_lossy().into_owned()).collect()).collect();
    let tail = |parts: &[String], length: usize| parts[parts.len().saturating_sub(length)..].join("/");
    let longest = paths.iter().map(Vec::len).max().unwrap_or(1);
    let name = |parts: &Vec<String>| {
        let alone =
            |length: &usize| paths.iter().filter(|other| tail(other, *length) == tail(parts, *length)).count() == 1;
        // A run that is named twice has one name.
        tail(parts, (1..=longest).find(alone).unwrap_or(1))
    };
    paths.iter().map(name).collect()
}

/// Every loss of a run that has come to the end of an epoch.
fn read(path: &Path, name: &str) -> Result<Vec<Entry>, CliError> {
    let record = RunFolder { path: path.to_owned() }.read_record()?;
    let rows = read_metrics_csv(&path.join("metrics.csv"))?;
    let single = record.settings.losses.len() == 1;
    let entry = |loss: &str| -> Result<Entry, CliError> {
        let label = if single { name.to_owned() } else { format!("{name}: {loss}") };
        let own = rows.iter().filter(|row| row.loss == loss);
        Ok(Entry {
            rows: own.map(|row| EpochRow { loss: label.clone(), ..row.clone() }).collect(),
            label,
            predicted: Predicted::read_csv(&path.join(format!("predictions-{loss}.csv")))?,
            ground: read_matrix_csv(&path.join(format!("ground-distance-{loss}.csv")))?.1,
            confusion: read_confusion_csv(&path.join(format!("confusion-{loss}.csv")))?.1,
        })
    };
    record.settings.losses.iter().map(|loss| entry(loss.name())).collect()
}

fn rows(entries: &[Entry]) -> Vec<EpochRow> {
    entries.iter().flat_map(|entry| entry.rows.iter().cloned()).collect()
}

/// The last numbers of each, its paired difference from the first, and of all together where they saw the same images.
fn numbers(entries: &[Entry]) -> Vec<Block> {
    let line = |label: &str, numbers: [Option<f64>; 5], differences: [String; 2]| -> Vec<String> {
        let decimals = [1, 1, 3, 4, 4];
        let texts = numbers.iter().zip(decimals);
        let texts =
            texts.map(|(number, decimals)| number.map_or("–".to_owned(), |value| format!("{value:.decimals$}")));
        std::iter::once(label.to_owned()).chain(texts).chain(differences).collect()
    };
    let mut lines = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let last = entry.rows.last();
        let of = |value: fn(&EpochRow) -> Option<f64>| last.and_then(value);
        let numbers = [
            of(|row| Some(row.aem)),
            of(|row| Some(row.aeo)),
            of(|row| Some(row.mae)),
            of(|row| row.qwk),
            of(|row| row.spearman),
        ];
        let differences = [Metric::Aem, Metric::Aeo].map(|metric| match at {
            0 => String::new(),
            _ => difference(metric, &[&entry.predicted], &[&entries[0].predicted]),
        });
        lines.push(line(&entry.label, numbers, differences));
    }
    if let Some(joined) = joined(entries) {
        let Evaluation { aem, aeo, mae, qwk, spearman, .. } = joined;
        let numbers = [Some(100.0 * aem), Some(100.0 * aeo), Some(mae), qwk, spearman];
        lines.push(line("all together", numbers, [String::new(), String::new()]));
    }
    let header = ["run", "AEM %", "AEO %", "MAE", "QWK", "Spearman", "AEM over the first", "AEO over the first"];
    let words = "Differences with their 95 % interval by paired bootstrap over the test images, where both saw the same: it says \
                 nothing of what other seeds would give (`sweep` does). “All together” averages the predicted distributions, and for \
                 Spearman’s ρ the scores.";
    vec![Block::table(&header, lines), Block::Text(words.to_owned())]
}

/// What the average of all predicted distributions and scores is worth, where there are several of the same images.
fn joined(entries: &[Entry]) -> Option<Evaluation> {
    let (first, others) = entries.split_first()?;
    if others.is_empty() || !others.iter().all(|entry| entry.predicted.is_paired_with(&first.predicted)) {
        return None;
    }
    let mut mean = first.predicted.probabilities.clone();
    for (at, mean) in mean.iter_mut().enumerate() {
        let sum: f32 = entries.iter().map(|entry| entry.predicted.probabilities[at]).sum();
        *mean = sum / entries.len() as f32;
    }
    let values: Vec<f64> = (0..first.predicted.classes.len()).map(|class| class as f64).collect();
    let joined = Evaluation::new(&mean, &values, &first.predicted.labels, &first.predicted.values).ok()?;
    Some(Evaluation { spearman: spearman(&mean_scores(entries), &first.predicted.values), ..joined })
}

/// The mean score of each image, an expected value or a regression's output.
fn mean_scores(entries: &[Entry]) -> Vec<f64> {
    let images = entries.first().map_or(0, |entry| entry.predicted.len());
    let mean = |image| entries.iter().map(|entry| entry.predicted.scores[image]).sum::<f64>() / entries.len() as f64;
    (0..images).map(mean).collect()
}

/// Each one's matrices less those of the first, where the classes are the same.
fn differences(entries: &[Entry]) -> Result<Vec<Block>, CliError> {
    let Some((first, others)) = entries.split_first() else { return Ok(Vec::new()) };
    let mut blocks = Vec::new();
    for entry in others.iter().filter(|entry| entry.predicted.classes == first.predicted.classes) {
        let classes = &entry.predicted.classes;
        let less = |own: &[f64], of: &[f64]| -> Vec<f64> { own.iter().zip(of).map(|(own, of)| own - of).collect() };
        let shares = |confusion: &Confusion| -> Vec<f64> {
            let rows = confusion.counts().chunks(classes.len().max(1));
            rows.flat_map(|row| {
                let total = row.iter().sum::<u64>().max(1) as f64;
                row.iter().map(move |&count| count as f64 / total)
            })
            .collect()
        };
        let (ground, confusion) =
            (less(&entry.ground, &first.ground), less(&shares(&entry.confusion), &shares(&first.confusion)));
        for (what, difference) in [("D", ground), ("Confusion (shares of the truth)", confusion)] {
            let title = format!("{what}: {} less {}", entry.label, first.label);
            blocks.push(Block::figure("difference", &title, difference_heatmap_svg(classes, &difference, &title)?));
        }
    }
    Ok(blocks)
}

/// The test images that all saw, with every prediction; pictures where the data can still be read.
fn samples(arguments: &CompareArguments, entries: &[Entry]) -> Result<Vec<Block>, CliError> {
    let Some((first, others)) = entries.split_first() else { return Ok(Vec::new()) };
    if !others.iter().all(|entry| entry.predicted.is_paired_with(&first.predicted)) {
        let words = "The runs were tested on different images: there are none to show side by side.";
        return Ok(vec![Block::Text(words.to_owned())]);
    }
    let record = RunFolder { path: arguments.runs[0].clone() }.read_record()?;
    let farthest = |image: &usize| entries.iter().map(|entry| entry.predicted.off(*image)).max();
    let mut order: Vec<usize> = (0..first.predicted.len()).collect();
    order.sort_by_cached_key(|image| std::cmp::Reverse(farthest(image)));
    order.truncate(arguments.samples);
    let wanted: HashSet<&str> = order.iter().map(|&image| first.predicted.names[image].as_str()).collect();
    let pictures = match pictures(&record, &wanted) {
        Ok(pictures) => pictures,
        Err(error) => return Ok(vec![Block::Text(format!("The test images cannot be read any more: {error}."))]),
    };
    let shown = order.into_iter().filter_map(|image| {
        let name = first.predicted.names[image].clone();
        let (side, pixels) = pictures.get(&name)?;
        let of = |entry: &Entry| (entry.label.clone(), Prediction::Distribution(entry.predicted.row(image).to_vec()));
        let predictions = entries.iter().map(of).collect();
        let label = first.predicted.labels[image] as usize;
        Some(Sample { name, side: *side, pixels: pixels.clone(), label, predictions })
    });
    let samples: Vec<Sample> = shown.collect();
    Ok(vec![Block::Cards(cards(&samples, &first.predicted.classes)?)])
}

/// Side and pixels of these of the run's test images by name.
fn pictures(record: &Record, wanted: &HashSet<&str>) -> Result<HashMap<String, (usize, Vec<u8>)>, CliError> {
    let Record { source, protocol, settings, .. } = record;
    let (data, _) = load(source, protocol, settings.stored_side, settings.seed, &|_, _| ())?;
    let test = data.test;
    let picture = |index: usize| (test.names[index].clone(), (test.side, test.image(index).to_vec()));
    Ok((0..test.len()).filter(|&index| wanted.contains(test.names[index].as_str())).map(picture).collect())
}
