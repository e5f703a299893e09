//! What a run leaves in its folder.

use super::CliError;
use backhoe::data::Dataset;
use backhoe::report::{
    LossReport, Prediction, ReportData, ReportError, Sample, curves_png, curves_svg, final_rows, final_table_text,
    heatmap_png, matrix_table_text, report_html, write_confusion_csv, write_matrix_csv, write_metrics_csv,
};
use backhoe::train::metrics::argmax;
use backhoe::train::run::{Network, Record, RunFolder, replace, write_whole};
use backhoe::train::seriation::{order_tau, seriate};
use backhoe::train::{EpochResult, Event, Snapshot};
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
    snapshot: Option<Snapshot>,
}

impl Artifacts {
    /// Nothing yet.
    pub fn new(folder: RunFolder, record: Record, data: Arc<Dataset>) -> Self {
        Self { folder, record, data, last: Vec::new(), snapshot: None }
    }

    /// Keeps what an event brings; a snapshot is written at once.
    pub fn take(&mut self, event: Event) -> Result<(), CliError> {
        match event {
            Event::Epoch(result) => {
                self.last.retain(|other| other.row.loss != result.row.loss);
                self.last.push(*result);
            }
            Event::Snapshot(snapshot) => {
                self.folder.write_checkpoint(&snapshot)?;
                let history = &snapshot.progress.history;
                self.replace("metrics.csv", |path| write_metrics_csv(path, history))?;
                self.snapshot = Some(*snapshot);
            }
            Event::Step { .. } | Event::Loss { .. } | Event::Recovered { .. } => {}
        }
        Ok(())
    }

    /// Writes weights, matrices, figures and the report.
    pub fn finish(&self) -> Result<(), CliError> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        for &loss in &self.record.settings.losses {
            let network = Network {
                model: self.record.settings.model(self.record.classes.len())?,
                stored_side: self.record.settings.stored_side,
                classes: self.record.classes.clone(),
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

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        Ok(write_whole(&self.folder.path.join(name), bytes)?)
    }

    fn replace(&self, name: &str, write: impl FnOnce(&Path) -> Result<(), ReportError>) -> Result<(), CliError> {
        replace(&self.folder.path.join(name), |path| Ok(write(path)?))
    }

    fn write_matrices(&self, result: &EpochResult) -> Result<(), CliError> {
        let (classes, loss) = (&self.record.classes, &result.row.loss);
        let confusion = &result.evaluation.confusion;
        self.replace(&format!("ground-distance-{loss}.csv"), |path| write_matrix_csv(path, classes, &result.ground))?;
        self.replace(&format!("confusion-{loss}.csv"), |path| write_confusion_csv(path, classes, confusion))?;
        let title = format!("Ground distance learned with {loss}");
        self.write(&format!("ground-distance-{loss}.png"), &heatmap_png(classes, &result.ground, &title)?)
    }

    /// Milliseconds of a step for each loss: the race's time shared evenly.
    fn step_ms(&self, snapshot: &Snapshot) -> Option<f64> {
        let progress = &snapshot.progress;
        (progress.step > 0).then(|| 1e3 * progress.seconds / (progress.step * self.record.settings.losses.len()) as f64)
    }

    fn report(&self, snapshot: &Snapshot) -> ReportData {
        let record = &self.record;
        let name = self.folder.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let losses = self.last.iter().map(|result| LossReport {
            loss: result.row.loss.clone(),
            ms_per_step: self.step_ms(snapshot),
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
            device: record.adapter.to_string(),
            rows: snapshot.progress.history.clone(),
            losses: losses.collect(),
            samples: self.samples(),
            settings: settings_rows(record),
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
                    (result.row.loss.clone(), Prediction::Distribution(row))
                })
                .collect(),
        };
        (0..shown).map(|number| sample(number * test.len() / shown)).collect()
    }

    /// The end of a run in words: the table, the matrices, the order found again.
    pub fn words(&self) -> String {
        let mut text = String::new();
        let Some(snapshot) = &self.snapshot else { return text };
        let rows = final_rows(&snapshot.progress.history, |_| self.step_ms(snapshot));
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}", final_table_text(&rows));
        for result in &self.last {
            let classes = &self.record.classes;
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

/// The most probable class of a row, for tables.
pub fn predicted<'a>(classes: &'a [String], row: &[f32]) -> &'a str {
    &classes[argmax(row)]
}

fn settings_rows(record: &Record) -> Vec<(String, String)> {
    let mut rows = vec![("version".to_owned(), record.version.clone())];
    for part in [serde_json::to_value(&record.source), serde_json::to_value(&record.settings)] {
        if let Ok(serde_json::Value::Object(fields)) = part {
            rows.extend(fields.into_iter().map(|(name, value)| (name.replace('_', " "), value.to_string())));
        }
    }
    rows
}
