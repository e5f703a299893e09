//! `backhoe eval` and `backhoe predict`: trained weights on other images.

use super::args::{EvalArguments, PredictArguments};
use super::artifacts::predicted;
use super::{CliError, open, say};
use backhoe::data::folder::{decode_file, image_files};
use backhoe::data::source::Source;
use backhoe::data::{Dataset, Images};
use backhoe::nn::Model;
use backhoe::nn::weights::Tensors;
use backhoe::plan::Executor;
use backhoe::report::confusion_table_text;
use backhoe::train::metrics::Evaluation;
use backhoe::train::run::{Network, RunFolder, read_weights};
use backhoe::train::{Examiner, Predictions};
use std::path::{Path, PathBuf};

/// Samples a batch.
const BATCH: usize = 32;

/// Predictions of one network over images.
fn examine(
    executor: &mut dyn Executor,
    network: &Network,
    tensors: &Tensors,
    images: &Images,
) -> Result<Predictions, CliError> {
    let (loss, whole) = (network.loss, network.model.with_outputs(network.classes.len()));
    let mut examiner = Examiner::new(executor, &whole, &[loss], images, BATCH)?;
    write_weights(executor, loss.name(), &network.model, tensors)?;
    examiner.begin(executor)?;
    loop {
        if let Some(outcomes) = examiner.advance(executor, images)? {
            return Ok(Predictions::of(loss, outcomes.concat(), &network.class_values));
        }
        executor.wait()?;
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
    let (source, seed) = test_data(arguments)?;
    for path in weights_of(&arguments.weights)? {
        let (network, tensors) = read_weights(&path)?;
        let mut executor = open(&arguments.device, true)?;
        let (data, skipped) = source.load(network.stored_side, u64::from(seed), &|_, _| ())?;
        for file in &skipped {
            eprintln!("passed over: {file}");
        }
        same_classes(&network, &data)?;
        let predictions = examine(&mut *executor, &network, &tensors, &data.test)?;
        let evaluation = predictions.evaluate(&data.class_values, &data.test.labels, &data.test.values)?;
        show(arguments, &network, &data, &evaluation)?;
    }
    Ok(())
}

/// What was asked for; where nothing was said, a run's own data and seed, so that no image it was
/// trained on is tested.
fn test_data(arguments: &EvalArguments) -> Result<(Source, u32), CliError> {
    if !arguments.weights.is_dir() {
        return Ok((arguments.data.source(), arguments.seed.unwrap_or(1)));
    }
    let record = RunFolder { path: arguments.weights.clone() }.read_record()?;
    let source = if arguments.data.is_default() { record.source } else { arguments.data.source() };
    Ok((source, arguments.seed.unwrap_or(record.settings.seed)))
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
    if arguments.json {
        let row = serde_json::json!({
            "loss": network.loss.name(), "images": data.test.len(), "aem": aem, "aeo": aeo, "mae": evaluation.mae,
            "qwk": evaluation.qwk, "spearman": evaluation.spearman, "confusion": evaluation.confusion.counts(),
        });
        return say(false, row);
    }
    let rank = evaluation.spearman.map_or("undefined".to_owned(), |rank| format!("{rank:.3}"));
    say(
        false,
        format_args!(
            "{}: {} images  AEM {aem:.1} %  AEO {aeo:.1} %  MAE {:.3}  Spearman {rank}",
            network.loss,
            data.test.len(),
            evaluation.mae
        ),
    )?;
    say(false, confusion_table_text(&data.classes, &evaluation.confusion))
}

/// Predicts the classes of image files.
pub fn predict(arguments: &PredictArguments) -> Result<(), CliError> {
    let (network, tensors) = read_weights(&arguments.weights)?;
    let (images, unread) = read_images(&arguments.images, network.stored_side)?;
    if images.is_empty() {
        return Err(CliError::Words(format!("none of the {unread} files is an image that can be read")));
    }
    let mut executor = open(&arguments.device, true)?;
    let predictions = examine(&mut *executor, &network, &tensors, &images)?;
    let table = table(&network, &images, predictions).map_err(|error| CliError::Words(error.to_string()))?;
    match &arguments.csv {
        Some(path) => backhoe::train::run::write_whole(path, &table)?,
        None => say(false, String::from_utf8_lossy(&table).trim_end())?,
    }
    if unread > 0 {
        eprintln!("{unread} files passed over");
    }
    Ok(())
}

/// All images named, folders searched; also how many could not be read.
fn read_images(paths: &[PathBuf], side: usize) -> Result<(Images, usize), CliError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(image_files(path)?);
        } else {
            files.push(path.clone());
        }
    }
    let mut images = Images::with_capacity(side, files.len());
    let mut unread = 0;
    for file in files {
        match decode_file(&file, side) {
            Ok(pixels) => images.push(pixels, 0, 0.0, file.display().to_string()),
            Err(skipped) => {
                eprintln!("passed over: {skipped}");
                unread += 1;
            }
        }
    }
    Ok((images, unread))
}

/// One row an image: path, predicted class, expected class value, a probability a class.
fn table(network: &Network, images: &Images, predictions: Predictions) -> Result<Vec<u8>, csv::Error> {
    let scores = predictions.scores(&network.class_values);
    let outcomes = predictions.distributions(&network.class_values);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["path", "predicted", "expected"].into_iter().map(str::to_owned);
    writer.write_record(head.chain(network.classes.iter().map(|class| format!("p({class})"))))?;
    let rows = outcomes.chunks_exact(network.classes.len()).zip(scores);
    for (name, (row, score)) in images.names.iter().zip(rows) {
        let expected = format!("{score:.4}");
        let fixed = [name.clone(), predicted(&network.classes, row).to_owned(), expected];
        writer.write_record(fixed.into_iter().chain(row.iter().map(|p| format!("{p:.6}"))))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
