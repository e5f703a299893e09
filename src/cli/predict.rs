//! `backhoe eval` and `backhoe predict`: trained weights on other images.

use super::args::{EvalArguments, PredictArguments};
use super::watch::bar;
use super::{CliError, open, say, warn};
use backhoe::data::folder::{Skipped, decode_file, image_files};
use backhoe::data::protocol::Protocol;
use backhoe::data::source::Source;
use backhoe::data::{Dataset, Images};
use backhoe::nn::weights::Tensors;
use backhoe::nn::{Loss, Model};
use backhoe::plan::Executor;
use backhoe::plan::executor::tune_now;
use backhoe::report::{accuracy_table_text, confusion_table_text};
use backhoe::train::cell::load;
use backhoe::train::metrics::Evaluation;
use backhoe::train::metrics::argmax;
use backhoe::train::run::{Network, RunFolder, read_weights, replace};
use backhoe::train::{Examiner, Predictions};
use indicatif::ProgressBar;
use rayon::prelude::*;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Samples a batch.
const BATCH: usize = 32;
/// Most images that `predict` decodes before it predicts them, and most bytes of them.
const MOST_IMAGES: usize = 256;
const MOST_BYTES: usize = 64 << 20;

/// A network on a device, with room for some images.
struct Predictor {
    executor: Box<dyn Executor>,
    examiner: Examiner,
    loss: Loss,
    class_values: Vec<f64>,
}

impl Predictor {
    fn new(
        mut executor: Box<dyn Executor>,
        network: &Network,
        tensors: &Tensors,
        room: usize,
    ) -> Result<Self, CliError> {
        let (loss, whole) = (network.loss, network.model.with_outputs(network.classes.len()));
        let room = [room, network.stored_side];
        Examiner::announce(&mut *executor, &whole, &[loss], room, BATCH);
        tune_now(&mut *executor);
        let examiner = Examiner::new(&mut *executor, &whole, &[loss], room, BATCH)?;
        write_weights(&mut *executor, loss.name(), &network.model, tensors)?;
        Ok(Self { executor, examiner, loss, class_values: network.class_values.clone() })
    }

    /// Predictions of as many images as there is room for.
    fn predict(&mut self, images: &Images) -> Result<Predictions, CliError> {
        let Self { executor, examiner, .. } = self;
        examiner.load(&mut **executor, images)?;
        examiner.begin(&mut **executor)?;
        loop {
            if let Some(outcomes) = examiner.advance(&mut **executor, images)? {
                return Ok(Predictions::of(self.loss, outcomes.concat(), &self.class_values));
            }
            executor.wait()?;
        }
    }
}

fn write_weights(executor: &mut dyn Executor, racer: &str, model: &Model, tensors: &Tensors) -> Result<(), CliError> {
    let parameters = model.parameters();
    executor.write(&format!("{racer}/weights"), 0, bytemuck::cast_slice(&parameters.to_arena(tensors)))?;
    for statistic in parameters.list.iter().filter(|parameter| !parameter.trained) {
        let values = bytemuck::cast_slice(&tensors[&statistic.name]);
        executor.write(&format!("{racer}/{}", statistic.name), 0, values)?;
    }
    Ok(())
}

/// Measures weights on the test split of a data set.
pub fn eval(arguments: &EvalArguments) -> Result<(), CliError> {
    let (source, protocol, seed) = test_data(arguments)?;
    for path in weights_of(&arguments.weights)? {
        let (network, tensors) = read_weights(&path)?;
        let executor = open(&arguments.device, true)?;
        let (data, skipped) = load(&source, &protocol, network.stored_side, seed, &|_, _| ())?;
        for file in &skipped {
            warn(format_args!("passed over: {file}"));
        }
        same_classes(&network, &data)?;
        let predictions = Predictor::new(executor, &network, &tensors, data.test.len())?.predict(&data.test)?;
        let evaluation = predictions.evaluate(&data.class_values, &data.test.labels, &data.test.values)?;
        show(arguments, &network, &data, &evaluation)?;
    }
    Ok(())
}

/// What was asked for; where nothing was said, a run's own data, division and seed, so that no image it was trained on is
/// tested. A division that is asked for is one of the run's own data.
fn test_data(arguments: &EvalArguments) -> Result<(Source, Protocol, u32), CliError> {
    let asked = (arguments.data.source(), arguments.data.protocol());
    if !arguments.weights.is_dir() {
        return Ok((asked.0, asked.1, arguments.seed.unwrap_or(1)));
    }
    let record = RunFolder { path: arguments.weights.clone() }.read_record()?;
    let seed = arguments.seed.unwrap_or(record.settings.seed);
    if !arguments.data.names_no_data() {
        return Ok((asked.0, asked.1, seed));
    }
    let (said, own) = (asked.1, record.protocol);
    let protocol = Protocol {
        folds: said.folds.or(own.folds),
        fold: said.fold.or(own.fold),
        bins: said.bins.or(own.bins),
        validation: said.validation.or(own.validation),
        share: own.share,
    };
    Ok((record.source, protocol, seed))
}

/// The weights files of a run, or the one file.
fn weights_of(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let folder = RunFolder { path: path.to_owned() };
    let losses = folder.read_record()?.settings.losses;
    Ok(losses.iter().map(|loss| folder.weights(loss.name())).collect())
}

fn same_classes(network: &Network, data: &Dataset) -> Result<(), CliError> {
    if network.classes == data.classes {
        return Ok(());
    }
    Err(CliError::Words(format!(
        "the weights know the classes {}, the data has {}",
        network.classes.join(", "),
        data.classes.join(", ")
    )))
}

fn show(arguments: &EvalArguments, network: &Network, data: &Dataset, evaluation: &Evaluation) -> Result<(), CliError> {
    let (aem, aeo) = (100.0 * evaluation.aem, 100.0 * evaluation.aeo);
    let confusion = &evaluation.confusion;
    let absent: Vec<&String> = confusion.absent().into_iter().map(|class| &data.classes[class]).collect();
    if arguments.json {
        let within: Vec<_> = (0..data.classes.len()).map(|k| confusion.within(k)).collect();
        let row = serde_json::json!({
            "loss": network.loss.name(), "images": data.test.len(), "aem": aem, "aeo": aeo, "mae": evaluation.mae,
            "qwk": evaluation.qwk, "spearman": evaluation.spearman, "amae": evaluation.amae, "rps": evaluation.rps,
            "ece": evaluation.ece, "top1_error": 100.0 - aem, "top5_error": evaluation.top5_error.map(|error| 100.0 * error),
            "class_accuracies": evaluation.confusion.class_accuracies(), "absent": absent,
            "within": within, "confusion": evaluation.confusion.counts(),
        });
        return say(false, row);
    }
    let number = |value: Option<f64>| value.map_or("undefined".to_owned(), |value| format!("{value:.3}"));
    let rank = number(evaluation.spearman);
    say(
        false,
        format_args!(
            "{}: {} images  AEM {aem:.1} %  AEO {aeo:.1} %  MAE {:.3}  Spearman {rank}",
            network.loss,
            data.test.len(),
            evaluation.mae
        ),
    )?;
    say(
        false,
        format_args!(
            "QWK {}  AMAE {:.3}  RPS {}  ECE {}  top-5 error {}",
            number(evaluation.qwk),
            evaluation.amae,
            number(evaluation.rps),
            number(evaluation.ece),
            number(evaluation.top5_error)
        ),
    )?;
    for class in absent {
        say(false, format_args!("class {class} has no test image: nothing is said of it"))?;
    }
    say(false, accuracy_table_text(&data.classes, confusion))?;
    say(false, confusion_table_text(&data.classes, confusion))
}

/// Predicts the classes of image files.
pub fn predict(arguments: &PredictArguments) -> Result<(), CliError> {
    if arguments.weights.is_dir() {
        let folder = arguments.weights.display();
        return Err(CliError::Words(format!(
            "{folder} is a folder: name one of its weights files, such as {folder}/weights-emd.safetensors"
        )));
    }
    let (network, tensors) = read_weights(&arguments.weights)?;
    let (files, unread) = files_at(&arguments.images)?;
    unread.iter().for_each(|file| warn(format_args!("passed over: {file}")));
    if files.is_empty() {
        return Err(none_of(unread.len()));
    }
    let executor = open(&arguments.device, true)?;
    let room = at_once(network.stored_side).min(files.len());
    let mut predictor = Predictor::new(executor, &network, &tensors, room)?;
    let broken = match &arguments.csv {
        Some(path) => replace(path, |place| {
            remove_when_stopped(place);
            let table = Table::new(path.display().to_string(), File::create(place), &network)?;
            write_rows(&mut predictor, &files, table)
        })?,
        None => {
            let table = Table::new("standard output".to_owned(), Ok(std::io::stdout().lock()), &network)?;
            write_rows(&mut predictor, &files, table)?
        }
    };
    if broken + unread.len() > 0 {
        warn(format_args!("{} passed over", backhoe::data::files(broken + unread.len())));
    }
    Ok(())
}

/// All files named, folders searched, and what of them could not be.
fn files_at(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Skipped>), CliError> {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let (found, skipped) = image_files(path)?;
            files.extend(found);
            unread.extend(skipped);
        } else {
            files.push(path.clone());
        }
    }
    Ok((files, unread))
}

fn none_of(files: usize) -> CliError {
    CliError::Words(format!("none of the {files} files is an image that can be read"))
}

/// How many images of this side are decoded before they are predicted: enough for all threads.
fn at_once(side: usize) -> usize {
    (MOST_BYTES / (3 * side * side)).min(MOST_IMAGES).max(4 * rayon::current_num_threads())
}

/// Ctrl-C leaves no half-written table behind.
fn remove_when_stopped(place: &Path) {
    let place = place.to_owned();
    // Another handler cannot be there: this command sets no other.
    let _ = ctrlc::set_handler(move || {
        let _ = std::fs::remove_file(&place);
        std::process::exit(130);
    });
}

/// Decodes and predicts some files at a time and writes a row each; says how many were no images.
fn write_rows<W: Write>(
    predictor: &mut Predictor,
    files: &[PathBuf],
    mut table: Table<'_, W>,
) -> Result<usize, CliError> {
    let side = table.network.stored_side;
    let bar = bar(false, "predicting {wide_bar} {pos}/{len} {eta} left");
    bar.set_length(files.len() as u64);
    let mut unread = 0;
    for some in files.chunks(at_once(side)) {
        let (images, broken) = decode(some, side, &bar);
        bar.suspend(|| broken.iter().for_each(|file| warn(format_args!("passed over: {file}"))));
        unread += broken.len();
        if !images.is_empty() {
            let predictions = predictor.predict(&images)?;
            bar.suspend(|| table.add(&images, predictions))?;
        }
    }
    bar.finish_and_clear();
    if unread == files.len() {
        return Err(none_of(unread));
    }
    Ok(unread)
}

/// Files as images, on all threads, and those that could not be read, both in the files' order.
fn decode(files: &[PathBuf], side: usize, bar: &ProgressBar) -> (Images, Vec<Skipped>) {
    let decode = |file: &PathBuf| {
        let decoded = decode_file(file, side);
        bar.inc(1);
        decoded
    };
    let decoded: Vec<_> = files.par_iter().map(decode).collect();
    let (mut images, mut broken) = (Images::with_capacity(side, files.len()), Vec::new());
    for (file, decoded) in files.iter().zip(decoded) {
        match decoded {
            Ok(pixels) => images.push(pixels, 0, 0.0, file.display().to_string()),
            Err(skipped) => broken.push(skipped),
        }
    }
    (images, broken)
}

/// One row an image: path, predicted class, expected class value, a probability a class.
struct Table<'a, W: Write> {
    writer: csv::Writer<W>,
    /// What it is written to, for errors.
    name: String,
    network: &'a Network,
    begun: bool,
}

impl<'a, W: Write> Table<'a, W> {
    fn new(name: String, to: std::io::Result<W>, network: &'a Network) -> Result<Self, CliError> {
        let to = to.map_err(|error| CliError::Words(format!("{name}: {error}")))?;
        Ok(Self { writer: csv::Writer::from_writer(to), name, network, begun: false })
    }

    /// Rows that are written when this returns.
    fn add(&mut self, images: &Images, predictions: Predictions) -> Result<(), CliError> {
        let written = self.write(images, predictions);
        written.map_err(|error| CliError::Words(format!("{}: {error}", self.name)))
    }

    fn write(&mut self, images: &Images, predictions: Predictions) -> Result<(), csv::Error> {
        let Network { classes, class_values, .. } = self.network;
        if !self.begun {
            let head = ["path", "predicted", "expected"].into_iter().map(str::to_owned);
            self.writer.write_record(head.chain(classes.iter().map(|class| format!("p({class})"))))?;
            self.begun = true;
        }
        let scores = predictions.scores(class_values);
        let outcomes = predictions.distributions(class_values);
        for (name, (row, score)) in images.names.iter().zip(outcomes.chunks_exact(classes.len()).zip(scores)) {
            let expected = format!("{score:.4}");
            let fixed = [name.clone(), predicted(classes, row).to_owned(), expected];
            self.writer.write_record(fixed.into_iter().chain(row.iter().map(|p| format!("{p:.6}"))))?;
        }
        Ok(self.writer.flush()?)
    }
}

/// The most probable class of a row.
fn predicted<'a>(classes: &'a [String], row: &[f32]) -> &'a str {
    &classes[argmax(row)]
}
