//! Who watches a training: a screen with a bar an epoch and lines, or a sweep's one bar over all its cells.

use super::{CliError, say};
use backhoe::train::{EpochResult, Event, Settings};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Arguments;
use std::time::Instant;

/// Is told how a training goes.
pub trait Watch {
    /// Whether nothing shall be shown.
    fn is_quiet(&self) -> bool;
    /// Something worth a line.
    fn say(&mut self, line: Arguments) -> Result<(), CliError>;
    /// Training begins with these settings.
    fn begin(&mut self, settings: &Settings);
    /// What happened.
    fn show(&mut self, event: &Event) -> Result<(), CliError>;
    /// Such a share of a search for learning rates is done.
    fn share(&mut self, _: f64) {}
    /// Training is over, or stopped.
    fn end(&mut self);
}

/// A progress bar of this look on standard error; none where quiet.
pub fn bar(quiet: bool, template: &str) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    // The template is one of this file's own, which are well-formed.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Progress bar and lines of one run.
pub struct Screen {
    bar: ProgressBar,
    json: bool,
    quiet: bool,
    racers: usize,
    batch: usize,
    epoch: usize,
    began: Instant,
}

impl Screen {
    /// Nothing to see yet; nothing but errors where quiet, nothing but a line an epoch and loss where JSON is asked for.
    pub fn new(quiet: bool, json: bool) -> Self {
        let bar = bar(quiet || json, "{prefix} {wide_bar} {pos}/{len} {msg} {eta} left");
        Self { bar, json, quiet, racers: 1, batch: 1, epoch: usize::MAX, began: Instant::now() }
    }

    fn step(&mut self, epoch: usize, batch: usize, batches: usize) {
        if epoch != self.epoch {
            self.epoch = epoch;
            self.began = Instant::now();
            self.bar.reset();
            self.bar.set_length(batches as u64);
            self.bar.set_prefix(format!("epoch {}", epoch + 1));
        }
        self.bar.set_position(batch as u64);
        let rate = (batch * self.batch * self.racers) as f64 / self.began.elapsed().as_secs_f64();
        self.bar.set_message(format!("{rate:.0} images/s"));
    }

    fn epoch(&self, result: &EpochResult) -> Result<(), CliError> {
        let row = &result.row;
        for class in &result.absent {
            super::warn(format_args!("class {class} had no sample in epoch {}; it keeps its last centroid", row.epoch));
        }
        if self.json {
            return say(false, serde_json::json!(row));
        }
        let lambda = row.lambda.map_or(String::new(), |lambda| format!("  lambda {lambda:.3}"));
        let line = format!(
            "epoch {:3}  {:10}  loss {:8.4}  AEM {:5.1} %  AEO {:5.1} %  MAE {:.3}{lambda}",
            row.epoch, row.loss, row.train_loss, row.aem, row.aeo, row.mae
        );
        self.bar.suspend(|| say(self.quiet, line))
    }
}

impl Watch for Screen {
    fn is_quiet(&self) -> bool {
        self.quiet || self.json
    }

    fn say(&mut self, line: Arguments) -> Result<(), CliError> {
        self.bar.suspend(|| say(self.is_quiet(), line))
    }

    fn begin(&mut self, settings: &Settings) {
        (self.racers, self.batch, self.began) = (settings.losses.len(), settings.batch, Instant::now());
    }

    fn show(&mut self, event: &Event) -> Result<(), CliError> {
        match event {
            Event::Step { epoch, batch, batches } => self.step(*epoch, *batch, *batches),
            Event::Epoch(result) => return self.epoch(result),
            Event::Recovered { why, adapter, step } => self.bar.suspend(|| {
                super::warn(format_args!(
                    "the device was lost ({why}); opened {adapter} again, going on from step {step}"
                ));
            }),
            Event::Loss { .. } | Event::Seen(_) | Event::Snapshot(_) => {}
        }
        Ok(())
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// One bar over many trainings, in proportion to what they cost.
pub struct Tally {
    bar: ProgressBar,
    quiet: bool,
    done: f64,
    /// What the present task costs.
    cost: f64,
    epochs: usize,
}

/// Units of the bar in which a cost of 1 is counted.
const UNITS: f64 = 1000.0;

impl Tally {
    /// A bar over tasks that cost so much together.
    pub fn new(quiet: bool, cost: f64) -> Self {
        let bar = bar(quiet, "{wide_bar} {percent} %  {msg}  {eta} left");
        bar.set_length((UNITS * cost) as u64);
        Self { bar, quiet, done: 0.0, cost: 0.0, epochs: 1 }
    }

    /// Begins a task.
    pub fn task(&mut self, name: String, cost: f64) {
        self.cost = cost;
        self.bar.set_message(name);
    }

    /// The present task is done.
    pub fn done(&mut self) {
        self.done += self.cost;
        self.bar.set_position((UNITS * self.done) as u64);
    }

    /// All tasks are.
    pub fn end_all(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Tally {
    fn is_quiet(&self) -> bool {
        true
    }

    fn say(&mut self, _: Arguments) -> Result<(), CliError> {
        Ok(())
    }

    fn begin(&mut self, settings: &Settings) {
        self.epochs = settings.epochs;
    }

    fn share(&mut self, share: f64) {
        self.bar.set_position((UNITS * (self.done + share * self.cost)) as u64);
    }

    fn show(&mut self, event: &Event) -> Result<(), CliError> {
        match event {
            Event::Step { epoch, batch, batches } => {
                self.share((*epoch as f64 + *batch as f64 / *batches as f64) / self.epochs as f64);
            }
            Event::Recovered { why, .. } if !self.quiet => {
                self.bar.suspend(|| super::warn(format_args!("the device was lost ({why}) and opened again")));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) {}
}
