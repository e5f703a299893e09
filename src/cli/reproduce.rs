//! `backhoe reproduce`: trains what the studies ask for, keeps it, and writes the report.

use super::args::ReproduceArguments;
use super::cells::{self, Conduct};
use super::kept::Known;
use super::watch::Tally;
use super::{CliError, open, say};
use backhoe::data::source::Source;
use backhoe::reproduce::{
    Costs, Document, Method, Mishap, OVERHEAD, OVERHEAD_STUDY, Results, STUDIES, Section, Setup, Study, Trial, Tuned,
    methods_of,
};
use backhoe::train::Settings;
use backhoe::train::cell::Cell;
use backhoe::train::run::{RunFolder, write_whole};
use backhoe::train::search::write_tries;
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
    if studies.iter().any(|study| study.name == OVERHEAD_STUDY) {
        match work.measure_costs() {
            Err(error) if !ends_all(&error) => {
                work.mishaps.push(Mishap { name: OVERHEAD_STUDY.to_owned(), why: error.to_string() });
            }
            other => other?,
        }
    }
    work.tally.end_all();
    let document = document(&work, &studies, began);
    write(&document, &arguments.out)?;
    for section in &document.sections {
        for verdict in &section.verdicts {
            say(arguments.quiet, format_args!("{:14} {}: {}", verdict.judgement.words(), verdict.claim, verdict.ours))?;
        }
    }
    say(arguments.quiet, format_args!("written to {}: report.md, report.html", arguments.out.display()))?;
    match work.mishaps.as_slice() {
        [] => Ok(()),
        mishaps => Err(CliError::Words(words_on(mishaps, &arguments.out))),
    }
}

/// What did not come to its end, one of it with why: the report has all.
fn words_on(mishaps: &[Mishap], out: &Path) -> String {
    let Some(Mishap { name, why }) = mishaps.first() else { return String::new() };
    let others = match mishaps.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    format!("{name} did not come to its end{others}: {why}. {}/report.md says which and what is left", out.display())
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
    /// What was chosen for each trial that is searched on, or why nothing was.
    chosen: Vec<(Trial, Result<Tuned, String>)>,
    known: Known,
    conduct: Conduct,
    tally: Tally,
    /// What did not come to its end, with why.
    mishaps: Vec<Mishap>,
}

impl<'a> Work<'a> {
    fn new(arguments: &'a ReproduceArguments, setup: &'a Setup, methods: Vec<Method>) -> Self {
        let conduct = Conduct { device: arguments.device.clone(), checkpoint_every: Duration::from_secs(120) };
        let tally = Tally::new(arguments.quiet, setup.cost(&methods));
        let (chosen, known, mishaps) = (Vec::new(), Known::default(), Vec::new());
        Self { arguments, setup, methods, chosen, known, conduct, tally, mishaps }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.arguments.out.join(name)
    }

    /// What a trial is trained with: searched for where it was not yet.
    fn tuned(&mut self, trial: Trial) -> Result<Tuned, CliError> {
        let searched = self.setup.searched(trial);
        let found = self.chosen.iter().find(|(of, _)| *of == searched);
        if let Some((_, chosen)) = found {
            return chosen.clone().map_err(CliError::Words);
        }
        let chosen = match self.search(searched) {
            Err(error) if !ends_all(&error) => Err(error.to_string()),
            other => Ok(other?),
        };
        self.chosen.push((searched, chosen.clone()));
        chosen.map_err(CliError::Words)
    }

    /// What stands for what is not chosen yet.
    fn untuned(&self) -> Tuned {
        Tuned { learning_rate: self.setup.choices().rates[0], regulariser: None }
    }

    /// The best of a trial's choices on a part of its training images; the table of all tries is kept.
    fn search(&mut self, trial: Trial) -> Result<Tuned, CliError> {
        let choices = self.setup.choices();
        let mut chosen = self.untuned();
        if choices.count(trial.method.loss) == 1 {
            return Ok(chosen);
        }
        let name = trial.name(self.setup);
        self.tally.task(format!("learning rate of {name}"), self.setup.cost_of_search(trial.method));
        let cell = trial.cell(self.setup, &self.arguments.out, chosen);
        let memory = self.path(&format!("rates-{name}.json"));
        let tries = cells::tries(&cell, &choices, &memory, &self.conduct, &mut self.tally);
        self.tally.done();
        let tries = tries?;
        write_tries(&self.path(&format!("rates-{name}.csv")), &tries)?;
        if let Some(tried) = tries.iter().find(|tried| tried.chosen) {
            chosen = Tuned { learning_rate: tried.learning_rate, regulariser: tried.regulariser };
        }
        Ok(chosen)
    }

    /// Trains every repetition of every method that is not finished yet. What goes wrong with one of them is told in the
    /// end, and hinders no other.
    fn train(&mut self) -> Result<(), CliError> {
        for method in self.methods.clone() {
            for trial in self.setup.trials(method) {
                cells::check_stopped(&self.again())?;
                let name = trial.name(self.setup);
                match self.train_one(trial) {
                    Err(CliError::Stopped(_)) => return Err(CliError::Stopped(self.again())),
                    Err(error) if ends_all(&error) => return Err(error),
                    Err(error) => self.mishaps.push(Mishap { name, why: error.to_string() }),
                    Ok(()) => {}
                }
            }
        }
        Ok(())
    }

    fn train_one(&mut self, trial: Trial) -> Result<(), CliError> {
        let name = trial.name(self.setup);
        let path = self.path(&name);
        if let Some(kept) = kept_tuning(&path) {
            // What was chosen then may be chosen again: all else that differs is found before a long search.
            self.check_kept(trial, kept, &path)?;
        }
        let tuned = self.tuned(trial)?;
        let cell = self.check_kept(trial, tuned, &path)?;
        self.tally.task(name, trial.method.weight());
        let completed = cells::complete(&cell, &path, &self.conduct, &mut self.tally);
        self.tally.done();
        completed
    }

    /// The cell of a trial, unless its folder keeps another.
    fn check_kept(&mut self, trial: Trial, tuned: Tuned, path: &Path) -> Result<Cell, CliError> {
        let cell = trial.cell(self.setup, &self.arguments.out, tuned);
        match self.known.refusal(&cell, path)? {
            Some(why) => Err(CliError::Refused(why)),
            None => Ok(cell),
        }
    }

    fn again(&self) -> String {
        format!("the same command goes on in {}", self.arguments.out.display())
    }

    /// Measures what each loss costs, where that was not done before on this device and by this version.
    fn measure_costs(&mut self) -> Result<(), CliError> {
        let place = self.path(OVERHEAD);
        let device = self.conduct.device.clone();
        let on = open(&device, true)?.adapter().to_string();
        if Costs::read(&place).is_ok_and(|kept| kept.is_of(&on)) {
            return Ok(());
        }
        let costs = Costs::measure(&mut || open(&device, true))?;
        Ok(costs.write(&place)?)
    }
}

/// What a kept training was trained with.
fn kept_tuning(path: &Path) -> Option<Tuned> {
    let Settings { learning_rate, regulariser, .. } = RunFolder { path: path.to_owned() }.read_record().ok()?.settings;
    Some(Tuned { learning_rate, regulariser: Some(regulariser) })
}

/// Whether an error would meet every training: nothing is gained by going on.
fn ends_all(error: &CliError) -> bool {
    matches!(error, CliError::Stopped(_) | CliError::Device(_) | CliError::Refused(_))
}

/// What the studies say; one that cannot says why.
fn document(work: &Work, studies: &[&Study], began: Instant) -> Document {
    let results = Results::new(work.setup, &work.arguments.out, &work.mishaps);
    let section = |study: &&Study| (study.measure)(&results).unwrap_or_else(|error| Section::unsaid(study, &error));
    let mut preface = work.setup.preface();
    preface.extend(work.mishaps.iter().map(|Mishap { name, why }| format!("Did not come to its end: {name}: {why}")));
    let mut settings = work.setup.rows();
    let tuned = |(trial, chosen): &(Trial, Result<Tuned, String>)| {
        Some((format!("rate of {}", trial.name(work.setup)), chosen.as_ref().ok()?.to_string()))
    };
    settings.extend(work.chosen.iter().filter_map(tuned));
    settings.push(("seconds of this call".to_owned(), format!("{:.0}", began.elapsed().as_secs_f64())));
    settings.push(("seconds of all trainings".to_owned(), format!("{:.0}", results.seconds(&work.methods))));
    settings.extend(results.sittings(&work.methods));
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
