//! `backhoe eval` and `backhoe predict`: trained weights on other images.

use super::args::{EvalArguments, PredictArguments};
use super::artifacts::predicted;
use super::{CliError, open, say};
use backhoe::data::folder::{decode_file, image_files};
use backhoe::data::protocol::Protocol;
use backhoe::data::source::Source;
use backhoe::data::{Dataset, Images};
use backhoe::nn::Model;
use backhoe::nn::weights::Tensors;
use backhoe::plan::Executor;
use backhoe::report::{accuracy_table_text, confusion_table_text};
use backhoe::train::cell::load;
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
    let (source, protocol, seed) = test_data(arguments)?;
    for path in weights_of(&arguments.weights)? {
        let (network, tensors) = read_weights(&path)?;
        let mut executor = open(&arguments.device, true)?;
        let (data, skipped) = load(&source, &protocol, network.stored_side, seed, &|_, _| ())?;
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
fn test_data(arguments: &EvalArguments) -> Result<(Source, Protocol, u32), CliError> {
    let asked = (arguments.data.source(), arguments.data.protocol());
    if !arguments.weights.is_dir() {
        return Ok((asked.0, asked.1, arguments.seed.unwrap_or(1)));
    }
    let record = RunFolder { path: arguments.weights.clone() }.read_record()?;
    let (source, protocol) = if arguments.data.is_default() { (record.source, record.protocol) } else { asked };
    Ok((source, protocol, arguments.seed.unwrap_or(record.settings.seed)))
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
