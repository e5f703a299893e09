//! `backhoe reproduce`: trains what the studies ask for, keeps it, and writes the report.

use super::args::ReproduceArguments;
use super::cells::{self, Conduct};
use super::watch::Tally;
use super::{CliError, open, say};
use backhoe::data::source::Source;
use backhoe::reproduce::{
    Document, Method, OVERHEAD, Results, STUDIES, Section, Setup, Study, Trial, costs, methods_of,
};
use backhoe::train::cell::Cell;
use backhoe::train::run::{RunFolder, write_whole};
use backhoe::train::search::{Try, read_tries, write_tries};
use backhoe::train::{Settings, TrainError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Trains and reports as asked.
pub fn run(arguments: &ReproduceArguments) -> Result<(), CliError> {
    cells::stop_on_interrupt();
    let began = Instant::now();
    let setup = setup(arguments);
    let all = arguments.studies.iter().any(|name| name == "all");
    let wanted = |study: &&Study| all || arguments.studies.iter().any(|name| name == study.name);
    let studies: Vec<&Study> = STUDIES.into_iter().filter(wanted).collect();
    std::fs::create_dir_all(&arguments.out)
        .map_err(|error| CliError::Words(format!("{}: {error}", arguments.out.display())))?;
    let mut work = Work::new(arguments, &setup, methods_of(&studies));
    work.train()?;
    if studies.iter().any(|study| study.name == "overhead") {
        work.measure_costs()?;
    }
    work.tally.end_all();
    let document = document(&work, &studies, began);
    write(&document, &arguments.out)?;
    for section in &document.sections {
        for verdict in &section.verdicts {
            say(arguments.quiet, format_args!("{:14} {}: {}", verdict.judgement.words(), verdict.claim, verdict.ours))?;
        }
    }
    say(arguments.quiet, format_args!("written to {}: report.md, report.html", arguments.out.display()))
}

fn setup(arguments: &ReproduceArguments) -> Setup {
    let folder = |path: &PathBuf| Source::Folder {
        path: std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()),
        test_fraction: 0.2,
        strict: false,
    };
    let faces = Source::Faces { train: arguments.train_images, test: arguments.test_images };
    let named = arguments.data.as_ref().filter(|path| path.as_os_str() != "faces");
    let defaults = Setup::default();
    Setup {
        ordered: named.map_or(faces, folder),
        unordered: arguments.unordered.as_ref().map_or(defaults.unordered, folder),
        seeds: arguments.seeds as usize,
        folds: arguments.folds.map(|folds| folds as usize),
        epochs: arguments.epochs as usize,
        batch: arguments.batch,
        momentum: arguments.momentum,
        learning_rate: arguments.lr,
    }
}

/// What is to be done, and how far it is.
struct Work<'a> {
    arguments: &'a ReproduceArguments,
    setup: &'a Setup,
    methods: Vec<Method>,
    /// The learning rates found, by method.
    rates: Vec<(Method, f32)>,
    conduct: Conduct,
    tally: Tally,
    /// What went wrong on the way, a line each.
    mishaps: Vec<String>,
}

/// What a search costs, in trainings: seven a quarter, four another, two the other half, on four fifths of the images.
const SEARCH_COST: f64 = 3.0;

impl<'a> Work<'a> {
    fn new(arguments: &'a ReproduceArguments, setup: &'a Setup, methods: Vec<Method>) -> Self {
        let conduct = Conduct { device: arguments.device.clone(), checkpoint_every: Duration::from_secs(120) };
        let searched = if setup.learning_rate.is_some() { Vec::new() } else { searched(&methods) };
        let trainings: f64 = methods.iter().map(|method| method.weight() * setup.repeats() as f64).sum();
        let searches: f64 = searched.iter().map(|method| SEARCH_COST * method.weight()).sum();
        let tally = Tally::new(arguments.quiet, trainings + searches);
        Self { arguments, setup, methods, rates: Vec::new(), conduct, tally, mishaps: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.arguments.out.join(name)
    }

    /// The learning rate of a method, found on the training images of the first repetition where it was not yet.
    fn rate(&mut self, method: Method) -> Result<f32, CliError> {
        if let Some(rate) = self.setup.learning_rate {
            return Ok(rate);
        }
        let method = method.searched();
        if let Some((_, rate)) = self.rates.iter().find(|(of, _)| *of == method) {
            return Ok(*rate);
        }
        cells::check_stopped(&self.again())?;
        self.tally.task(format!("learning rate of {}", method.name()), SEARCH_COST * method.weight());
        let path = self.path(&format!("rates-{}.csv", method.name()));
        let tries = match path.exists() {
            true => read_tries(&path)?,
            false => self.tries(method, &path)?,
        };
        let chosen = tries.iter().find(|tried| tried.chosen);
        let chosen = chosen.ok_or_else(|| CliError::Words(format!("{}: no rate is chosen", path.display())))?;
        self.rates.push((method, chosen.learning_rate));
        self.tally.done();
        Ok(chosen.learning_rate)
    }

    fn tries(&mut self, method: Method, path: &Path) -> Result<Vec<Try>, CliError> {
        let cell = Trial { method, repeat: 1 }.cell(self.setup, &self.arguments.out, Settings::default().learning_rate);
        let tries = cells::tries(&cell, &self.conduct, &mut self.tally)?;
        write_tries(path, &tries)?;
        Ok(tries)
    }

    /// Trains every repetition of every method that is not finished yet.
    fn train(&mut self) -> Result<(), CliError> {
        for method in self.methods.clone() {
            let rate = self.rate(method)?;
            for trial in self.setup.trials(method) {
                self.tally.task(trial.name(self.setup), method.weight());
                self.train_one(trial, rate)?;
                self.tally.done();
            }
        }
        Ok(())
    }

    fn train_one(&mut self, trial: Trial, rate: f32) -> Result<(), CliError> {
        let name = trial.name(self.setup);
        let (cell, path) = (trial.cell(self.setup, &self.arguments.out, rate), self.path(&name));
        check_kept(&cell, &path)?;
        match cells::complete(&cell, &path, &self.conduct, &mut self.tally) {
            Err(CliError::Train(error @ TrainError::Diverged { .. })) => {
                self.mishaps.push(format!("{name}: {error}"));
                Ok(())
            }
            Err(CliError::Stopped(_)) => Err(CliError::Words(self.again())),
            other => other,
        }
    }

    fn again(&self) -> String {
        format!("stopped; the same command goes on in {}", self.arguments.out.display())
    }

    /// Measures what each loss costs, where that was not done before.
    fn measure_costs(&mut self) -> Result<(), CliError> {
        let path = self.path(OVERHEAD);
        if path.exists() {
            return Ok(());
        }
        let device = self.conduct.device.clone();
        let costs = costs(&mut || open(&device, true))?;
        let mut writer = csv::Writer::from_writer(Vec::new());
        let refused = |error: &dyn std::fmt::Display| CliError::Words(format!("{}: {error}", path.display()));
        for cost in &costs {
            writer.serialize(cost).map_err(|error| refused(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| refused(&error))?;
        Ok(write_whole(&path, &bytes)?)
    }
}

/// The methods whose learning rates are to be found.
fn searched(methods: &[Method]) -> Vec<Method> {
    let mut searched: Vec<Method> = Vec::new();
    for method in methods.iter().map(|method| method.searched()) {
        if !searched.contains(&method) {
            searched.push(method);
        }
    }
    searched
}

/// Refuses what was kept of other settings, which would pass for a result of these.
fn check_kept(cell: &Cell, path: &Path) -> Result<(), CliError> {
    let folder = RunFolder { path: path.to_owned() };
    if !folder.has_checkpoint() {
        return Ok(());
    }
    let record = folder.read_record()?;
    // The ground distance of a file is in its record alone.
    let ground = if cell.ground.is_some() { record.settings.ground.clone() } else { cell.settings.ground.clone() };
    let settings = Settings { epochs: record.settings.epochs, ground, ..cell.settings.clone() };
    let same = record.source == cell.source && record.protocol == cell.protocol && record.settings == settings;
    if same && record.settings.epochs <= cell.settings.epochs {
        return Ok(());
    }
    Err(CliError::Words(format!(
        "{} holds a training of other data or settings; choose another --out, or remove it",
        path.display()
    )))
}

/// What the studies say; one that cannot says why.
fn document(work: &Work, studies: &[&Study], began: Instant) -> Document {
    let results = Results::new(work.setup, &work.arguments.out);
    let section = |study: &&Study| (study.measure)(&results).unwrap_or_else(|error| Section::unsaid(study, &error));
    let mut preface = work.setup.preface();
    preface.extend(work.mishaps.iter().map(|mishap| format!("Did not train to its end: {mishap}")));
    let mut settings = work.setup.rows();
    settings.extend(work.rates.iter().map(|(method, rate)| (format!("rate of {}", method.name()), rate.to_string())));
    settings.push(("seconds of this call".to_owned(), format!("{:.0}", began.elapsed().as_secs_f64())));
    settings.push(("seconds of all trainings".to_owned(), format!("{:.0}", results.seconds(&work.methods))));
    settings.extend(results.device(&work.methods).map(|device| ("device".to_owned(), device)));
    settings.push(("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
    Document { preface, sections: studies.iter().map(section).collect(), settings }
}

fn write(document: &Document, folder: &Path) -> Result<(), CliError> {
    let figures = folder.join("figures");
    std::fs::create_dir_all(&figures).map_err(|error| CliError::Words(format!("{}: {error}", figures.display())))?;
    for figure in document.figures() {
        write_whole(&figures.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
    }
    write_whole(&folder.join("report.md"), document.markdown().as_bytes())?;
    Ok(write_whole(&folder.join("report.html"), document.html().as_bytes())?)
}
