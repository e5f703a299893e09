//! What a run leaves in its folder.

use super::WorkError;
use crate::data::Dataset;
use crate::nn::Loss;
use crate::plan::Adapter;
use crate::report::{
    LossReport, Predicted, Prediction, ReportData, ReportError, Sample, curves_png, curves_svg, died_text, final_rows,
    final_table_text, heatmap_png, matrix_table_text, report_html, write_confusion_csv, write_matrix_csv,
    write_metrics_csv,
};
use crate::train::metrics::argmax;
use crate::train::run::{Epochs, Network, Record, RunFolder, Sitting, replace, write_whole};
use crate::train::seriation::{order_tau, seriate};
use crate::train::snapshot::Progress;
use crate::train::{EpochResult, Event, Snapshot};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Test images that a report shows.
const SAMPLES: usize = 12;

/// Everything a run leaves in its folder.
pub struct Artifacts {
    /// The run's folder.
    pub folder: RunFolder,
    /// What `run.json` says.
    pub record: Record,
    data: Arc<Dataset>,
    last: Vec<EpochResult>,
    epochs: Epochs,
    snapshot: Option<Snapshot>,
    /// Steps done by what the files besides the checkpoint show.
    shown: Option<usize>,
}

impl Artifacts {
    /// Nothing but the matrices of earlier epochs yet.
    pub fn new(folder: RunFolder, record: Record, data: Arc<Dataset>, epochs: Epochs) -> Self {
        Self { folder, record, data, last: Vec::new(), epochs, snapshot: None, shown: None }
    }

    /// The matrices of the epochs.
    #[must_use]
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Whether everything but the checkpoint, too, is of the last step that is kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shown == Some(self.kept_step())
    }

    /// Steps done by the last checkpoint.
    #[must_use]
    pub fn kept_step(&self) -> usize {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.progress.step)
    }

    /// The last checkpoint.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Keeps what an event brings; a snapshot is written at once. The checkpoint that calls a run complete comes after
    /// all else, so that a run killed before is resumed and leaves all of it.
    ///
    /// # Errors
    /// When a file cannot be written; the old one is then still there.
    pub fn take(&mut self, event: Event) -> Result<(), WorkError> {
        match event {
            Event::Epoch(result) => {
                self.last.retain(|other| other.row.loss != result.row.loss);
                self.last.push(*result);
            }
            Event::Snapshot(snapshot) => {
                let snapshot = self.snapshot.insert(*snapshot);
                if self.record.settings != snapshot.progress.settings {
                    self.record.settings = snapshot.progress.settings.clone();
                    self.folder.write_record(&self.record)?;
                }
                if snapshot.progress.epoch >= self.record.settings.epochs {
                    self.finish()?;
                }
                self.write_progress()?;
            }
            Event::Recovered { adapter, step, .. } => self.note_device(&adapter, step)?,
            Event::Step { .. } | Event::Loss { .. } | Event::Seen(_) => {}
        }
        Ok(())
    }

    /// A device that another has followed stands in the record.
    fn note_device(&mut self, adapter: &Adapter, step: usize) -> Result<(), WorkError> {
        if self.record.sittings.last().is_some_and(|sitting| sitting.adapter == *adapter) {
            return Ok(());
        }
        let epoch = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.progress.epoch);
        self.record.sittings.push(Sitting::new(adapter, epoch, step));
        Ok(self.folder.write_record(&self.record)?)
    }

    /// Writes the matrices and the metrics so far, and the checkpoint.
    fn write_progress(&mut self) -> Result<(), WorkError> {
        if self.epochs.keep(&self.last) {
            self.folder.write_epochs(&self.epochs)?;
        }
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        let history = &snapshot.progress.history;
        if !history.is_empty() {
            self.replace("metrics.csv", |path| write_metrics_csv(path, history))?;
        }
        Ok(self.folder.write_checkpoint(snapshot)?)
    }

    /// Writes weights, matrices, figures and the report, where a step was done.
    ///
    /// # Errors
    /// When a file cannot be written; the old one is then still there.
    pub fn finish(&mut self) -> Result<(), WorkError> {
        self.write_all()?;
        self.shown = Some(self.kept_step());
        Ok(())
    }

    fn write_all(&self) -> Result<(), WorkError> {
        let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| snapshot.progress.step > 0) else {
            return Ok(());
        };
        for &loss in &self.record.settings.losses {
            let network = Network {
                model: loss.network(&self.record.settings.model(self.record.classes.len())?),
                stored_side: self.record.settings.stored_side,
                classes: self.record.classes.clone(),
                class_values: self.data.class_values.clone(),
                loss,
            };
            self.folder.write_weights(snapshot, &network)?;
        }
        for result in &self.last {
            self.write_matrices(result)?;
        }
        let history = &snapshot.progress.history;
        if !history.is_empty() {
            self.write("curves.png", &curves_png(history)?)?;
            self.write("curves.svg", curves_svg(history)?.as_bytes())?;
        }
        if self.last.is_empty() {
            // Stopped before its first epoch since it was resumed: the last report says more.
            return Ok(());
        }
        self.write("report.html", report_html(&self.report(snapshot))?.as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), WorkError> {
        Ok(write_whole(&self.folder.path.join(name), bytes)?)
    }

    fn replace(&self, name: &str, write: impl FnOnce(&Path) -> Result<(), ReportError>) -> Result<(), WorkError> {
        replace(&self.folder.path.join(name), |path| Ok(write(path)?))
    }

    fn write_matrices(&self, result: &EpochResult) -> Result<(), WorkError> {
        let (classes, loss) = (&self.record.classes, &result.row.loss);
        let confusion = &result.evaluation.confusion;
        self.replace(&format!("ground-distance-{loss}.csv"), |path| write_matrix_csv(path, classes, &result.ground))?;
        self.replace(&format!("confusion-{loss}.csv"), |path| write_confusion_csv(path, classes, confusion))?;
        let predicted = Predicted::new(classes, &self.data.test, &result.outcomes, &result.scores)?;
        self.replace(&format!("predictions-{loss}.csv"), |path| predicted.write_csv(path))?;
        let title = format!("Ground distance learned with {loss}");
        self.write(&format!("ground-distance-{loss}.png"), &heatmap_png(classes, &result.ground, &title)?)
    }

    fn report(&self, snapshot: &Snapshot) -> ReportData {
        let record = &self.record;
        let name = self.folder.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let losses = self.last.iter().map(|result| LossReport {
            loss: result.row.loss.clone(),
            ms_per_step: step_ms(&snapshot.progress),
            ground: Some(result.ground.clone()),
            confusion: Some(result.evaluation.confusion.clone()),
        });
        ReportData {
            name,
            dataset: self.data.name.clone(),
            classes: record.classes.clone(),
            train_images: record.images[0],
            test_images: record.images[1],
            model: format!("channels {:?}, hidden {}", record.settings.channels, record.settings.hidden),
            device: devices(record),
            rows: snapshot.progress.history.clone(),
            losses: losses.collect(),
            samples: self.samples(),
            settings: settings_rows(record).into_iter().chain(changes(&snapshot.progress)).collect(),
        }
    }

    /// Test images spread over the split, with the predictions of every loss.
    fn samples(&self) -> Vec<Sample> {
        let (test, classes) = (&self.data.test, self.record.classes.len());
        let shown = SAMPLES.min(test.len());
        let sample = |index: usize| Sample {
            name: test.names[index].clone(),
            side: test.side,
            pixels: test.image(index).to_vec(),
            label: test.labels[index] as usize,
            predictions: self
                .last
                .iter()
                .map(|result| {
                    let row = result.outcomes[index * classes..(index + 1) * classes].to_vec();
                    (result.row.loss.clone(), prediction(&result.row.loss, result.scores[index], row))
                })
                .collect(),
        };
        (0..shown).map(|number| sample(number * test.len() / shown)).collect()
    }

    /// The end of a run in words: the table, the matrices, the order found again.
    pub fn words(&self) -> String {
        let mut text = String::new();
        let Some(snapshot) = &self.snapshot else { return text };
        let rows = final_rows(&snapshot.progress.history, |_| step_ms(&snapshot.progress));
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}", final_table_text(&rows));
        for result in &self.last {
            let classes = &self.record.classes;
            if let Some(class) = result.evaluation.confusion.died_as() {
                let _ = writeln!(text, "{}", died_text(&result.row.loss, &classes[class]));
            }
            let _ = writeln!(text, "class distances learned with {}:", result.row.loss);
            let _ = writeln!(text, "{}", matrix_table_text(classes, &result.ground));
            let order = seriate(&result.ground, classes.len());
            let names: Vec<&str> = order.iter().map(|&class| classes[class].as_str()).collect();
            let _ =
                writeln!(text, "order found again: {}  (Kendall's tau {:.2})\n", names.join(", "), order_tau(&order));
        }
        let _ = write!(text, "written to {}: report.html shows all of it", self.folder.path.display());
        text
    }
}

/// A regression's number, which may lie beyond all classes, or a distribution.
fn prediction(loss: &str, score: f64, row: Vec<f32>) -> Prediction {
    if loss == Loss::Reg.name() {
        return Prediction::Output { value: score, class: argmax(&row) };
    }
    Prediction::Distribution(row)
}

/// Mean milliseconds of a training step, which trains all losses.
fn step_ms(progress: &Progress) -> Option<f64> {
    (progress.step > 0).then(|| 1e3 * progress.step_seconds / progress.step as f64)
}

/// What a run was on, in the order of its sittings.
fn devices(record: &Record) -> String {
    let mut names: Vec<String> = record.sittings.iter().map(|sitting| sitting.adapter.to_string()).collect();
    names.dedup();
    names.join(", then ")
}

/// What was changed while the run went on.
fn changes(progress: &Progress) -> impl Iterator<Item = (String, String)> {
    progress.changes.iter().map(|(step, change)| (format!("changed after step {step}"), change.to_string()))
}

fn settings_rows(record: &Record) -> Vec<(String, String)> {
    let built = |sitting: &Sitting| {
        let from = if sitting.step == 0 { String::new() } else { format!(", from step {} on", sitting.step + 1) };
        let Sitting { version, wgpu, naga, .. } = sitting;
        ("version".to_owned(), format!("{version} with wgpu {wgpu} and naga {naga}{from}"))
    };
    let mut rows: Vec<_> = record.sittings.iter().map(built).collect();
    for part in [serde_json::to_value(&record.source), serde_json::to_value(&record.settings)] {
        if let Ok(serde_json::Value::Object(mut fields)) = part {
            // Of a matrix, the file's name is enough.
            fields.entry("ground").and_modify(|ground| *ground = record.settings.ground.to_string().into());
            rows.extend(fields.into_iter().map(|(name, value)| (name.replace('_', " "), value.to_string())));
        }
    }
    rows
}
