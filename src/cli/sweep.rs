//! `backhoe sweep` trains a grid of runs, whole or a part of it; `backhoe merge` joins the parts.

use super::args::{MergeArguments, Network, SweepArguments};
use super::cells::{self, Conduct};
use super::kept::Known;
use super::summary::{Failure, GridRun, summarise};
use super::train::Choice;
use super::watch::Tally;
use super::{CliError, say};
use backhoe::data::protocol::ProtocolError;
use backhoe::files::UNFINISHED;
use backhoe::nn::Loss;
use backhoe::train::run::{RunFolder, write_whole};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file by which the parts of a sweep know each other.
const FILE: &str = "sweep.json";

/// All runs of a sweep, whichever part trains them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Grid {
    runs: Vec<GridRun>,
}

impl Grid {
    /// Every combination, the losses innermost: so that a sweep stopped early has some losses to compare.
    fn of(arguments: &SweepArguments) -> Result<Self, CliError> {
        let mut runs = Vec::new();
        for network in &arguments.network {
            for &rate in &arguments.lr {
                for &seed in &arguments.seeds.0 {
                    for fold in folds(arguments)? {
                        for &loss in &arguments.loss {
                            runs.push(run_of(arguments, network, Some(rate), seed, fold, loss)?);
                        }
                    }
                }
            }
        }
        Ok(Self { runs })
    }

    /// Refuses what is asked for twice, which would pass for a repetition.
    fn check_each_once(&self) -> Result<(), CliError> {
        let mut seen = std::collections::HashSet::new();
        match self.runs.iter().find(|run| !seen.insert(&run.name)) {
            Some(run) => Err(CliError::Words(format!(
                "{} is asked for twice: give each loss, rate, seed and network once",
                run.name
            ))),
            None => Ok(()),
        }
    }

    /// What a folder's parts agreed on; nothing where it holds no sweep.
    fn read(folder: &Path) -> Result<Option<Self>, CliError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let refused = |why: String| CliError::Words(format!("{}: {why}", path.display()));
        let json = std::fs::read(&path).map_err(|error| refused(error.to_string()))?;
        serde_json::from_slice(&json).map(Some).map_err(|error| refused(error.to_string()))
    }

    /// Makes the folder this sweep's, or checks that it is.
    fn claim(&self, folder: &Path) -> Result<(), CliError> {
        std::fs::create_dir_all(folder).map_err(|error| CliError::Words(format!("{}: {error}", folder.display())))?;
        match Self::read(folder)? {
            Some(other) if other == *self => Ok(()),
            Some(_) => Err(CliError::Words(format!("{} holds another sweep; choose another --out", folder.display()))),
            None => {
                let json = serde_json::to_vec_pretty(self).map_err(|error| CliError::Words(error.to_string()))?;
                Ok(write_whole(&folder.join(FILE), &json)?)
            }
        }
    }

    /// Its losses, each once.
    fn losses(&self) -> Vec<Loss> {
        let mut losses: Vec<Loss> = Vec::new();
        for run in &self.runs {
            if !losses.contains(&run.loss) {
                losses.push(run.loss);
            }
        }
        losses
    }

    /// Every run as it stands in a folder.
    fn states(&self, folder: &Path) -> Vec<(&GridRun, State)> {
        self.runs.iter().map(|run| (run, State::of(run, folder))).collect()
    }

    /// The summary where every run is finished or has failed, else which are neither. What has failed is an error in the
    /// end, when all else is said.
    fn report(&self, folder: &Path, quiet: bool) -> Result<(), CliError> {
        let states = self.states(folder);
        let open = states.iter().filter(|(_, state)| *state == State::Open).map(|(run, _)| run.name.as_str());
        let (open, all): (Vec<&str>, usize) = (open.collect(), self.runs.len());
        let (finished, failed): (Vec<&GridRun>, Vec<Failure>) = split(states);
        if open.is_empty() && !finished.is_empty() {
            say(quiet, summarise(&finished, &self.losses(), &failed, folder)?)?;
        } else if !open.is_empty() {
            let (count, open) = (open.len(), open.join(", "));
            say(quiet, format_args!("{count} of {all} runs are not finished in {}: {open}", folder.display()))?;
        }
        match failed.as_slice() {
            [] => Ok(()),
            [Failure { name, why }, ..] => {
                let count = failed.len();
                Err(CliError::Words(format!("{count} of {all} runs failed; {name}: {why}")))
            }
        }
    }
}

/// How a run stands.
#[derive(PartialEq)]
enum State {
    /// All of it is there.
    Finished,
    /// It ended with an error, which the next call may not meet.
    Failed(String),
    /// It is yet to be done, or under way.
    Open,
}

impl State {
    fn of(run: &GridRun, folder: &Path) -> Self {
        let place = RunFolder { path: folder.join(&run.name) };
        match std::fs::read_to_string(failure_file(folder, &run.name)) {
            _ if place.is_complete(run.cell.settings.epochs) => Self::Finished,
            Ok(why) => Self::Failed(why),
            Err(_) => Self::Open,
        }
    }
}

/// Where it stands why a run failed: beside its folder, which is not there where the run did not begin.
fn failure_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.failed"))
}

/// What is finished and what has failed.
fn split(states: Vec<(&GridRun, State)>) -> (Vec<&GridRun>, Vec<Failure>) {
    let (mut finished, mut failed) = (Vec::new(), Vec::new());
    for (run, state) in states {
        match state {
            State::Finished => finished.push(run),
            State::Failed(why) => failed.push(Failure { name: run.name.clone(), why }),
            State::Open => {}
        }
    }
    (finished, failed)
}

/// The folds to test on: the one asked for, or all of them, or none.
fn folds(arguments: &SweepArguments) -> Result<Vec<Option<usize>>, CliError> {
    let data = &arguments.data;
    match (data.folds, data.fold) {
        (None, None) => Ok(vec![None]),
        (_, Some(fold)) => Ok(vec![Some(fold)]),
        (Some(folds), None) => {
            let given = data.source().grouping().map_err(ProtocolError::from)?;
            let folds = given.folds.map_or(folds, |of| distinct(of.values()));
            Ok((1..=folds).map(Some).collect())
        }
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> usize {
    names.collect::<std::collections::HashSet<_>>().len()
}

fn run_of(
    arguments: &SweepArguments,
    network: &Network,
    rate: Option<super::args::Rate>,
    seed: u32,
    fold: Option<usize>,
    loss: Loss,
) -> Result<GridRun, CliError> {
    let Network { channels, hidden } = network.clone();
    let data = super::args::DataChoice { fold, ..arguments.data.clone() };
    let cell = Choice { losses: vec![loss], rate, seed, channels, hidden }.cell(&data, &arguments.recipe)?;
    let rate = if cell.search { "search".to_owned() } else { cell.settings.learning_rate.to_string() };
    let network = network.to_string();
    let of_fold = fold.map_or(String::new(), |fold| format!("-fold{fold}"));
    let name = format!("{loss}-lr{rate}-seed{seed}{of_fold}-{}", network.replace([',', '/'], "x"));
    Ok(GridRun { name, loss, rate, seed, fold, network, cell })
}

/// Trains the grid, or a part of it.
pub fn run(arguments: &SweepArguments) -> Result<(), CliError> {
    cells::stop_on_interrupt();
    let grid = Grid::of(arguments)?;
    grid.check_each_once()?;
    let folder = &arguments.out;
    grid.claim(folder)?;
    let mine = |at: usize| arguments.shard.is_none_or(|shard| at % shard.of == shard.number - 1);
    let runs: Vec<&GridRun> = grid.runs.iter().enumerate().filter(|(at, _)| mine(*at)).map(|(_, run)| run).collect();
    let checkpoint_every = Duration::from_secs(arguments.recipe.checkpoint_every);
    let conduct = Conduct { device: arguments.device.clone(), checkpoint_every };
    let mut tally = Tally::new(arguments.quiet, runs.len() as f64);
    let mut known = Known::default();
    for run in &runs {
        let again = format!("the same command goes on in {}", folder.display());
        cells::check_stopped(&again)?;
        tally.task(run.name.clone(), 1.0);
        let place = failure_file(folder, &run.name);
        // While it is tried again it has not failed.
        remove(&place)?;
        match train(run, folder, &mut known, &conduct, &mut tally) {
            Err(CliError::Stopped(_)) => return Err(CliError::Stopped(again)),
            Err(error @ (CliError::Device(_) | CliError::Refused(_))) => return Err(error),
            // Others of the grid may well be trained.
            Err(error) => {
                super::warn(format_args!("{}: {error}", run.name));
                write_whole(&place, error.to_string().as_bytes())?;
            }
            Ok(()) => {}
        }
        tally.done();
    }
    tally.end_all();
    grid.report(folder, arguments.quiet)
}

/// Brings a run to its end, unless its folder keeps another.
fn train(
    run: &GridRun,
    folder: &Path,
    known: &mut Known,
    conduct: &Conduct,
    tally: &mut Tally,
) -> Result<(), CliError> {
    let path = folder.join(&run.name);
    match known.refusal(&run.cell, &path)? {
        Some(why) => Err(CliError::Refused(why)),
        None => cells::complete(&run.cell, &path, conduct, tally),
    }
}

/// Removes a file where there is one.
fn remove(path: &Path) -> Result<(), CliError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refused(path, &error)),
        _ => Ok(()),
    }
}

fn refused(path: &Path, error: &std::io::Error) -> CliError {
    CliError::Words(format!("{}: {error}", path.display()))
}

/// Copies the runs of all folders into the first, and summarises.
pub fn merge(arguments: &MergeArguments) -> Result<(), CliError> {
    let (target, parts) = (&arguments.folders[0], &arguments.folders[1..]);
    let named = |folder: &PathBuf| {
        let no_sweep = || CliError::Words(format!("{} holds no sweep (no {FILE})", folder.display()));
        Grid::read(folder)?.ok_or_else(no_sweep)
    };
    let grid = match arguments.folders.iter().find(|folder| folder.join(FILE).exists()) {
        Some(folder) => named(folder)?,
        None => named(target)?,
    };
    grid.claim(target)?;
    for part in parts {
        if named(part)? != grid {
            let (part, target) = (part.display(), target.display());
            return Err(CliError::Words(format!("{part} is part of another sweep than {target}")));
        }
        for run in &grid.runs {
            copy_run(part, target, run)?;
        }
    }
    grid.report(target, false)
}

/// Copies a finished run that the target lacks, or why it failed. The copy is called by the run's name once it is whole.
fn copy_run(part: &Path, target: &Path, run: &GridRun) -> Result<(), CliError> {
    match (State::of(run, part), State::of(run, target)) {
        (_, State::Finished) | (State::Open, _) => return Ok(()),
        (State::Failed(why), _) => return Ok(write_whole(&failure_file(target, &run.name), why.as_bytes())?),
        (State::Finished, _) => {}
    }
    let (from, to) = (part.join(&run.name), target.join(&run.name));
    let place = target.join(format!("{UNFINISHED}{}", run.name));
    remove_folder(&place)?;
    std::fs::create_dir_all(&place).map_err(|error| refused(&place, &error))?;
    for entry in std::fs::read_dir(&from).map_err(|error| refused(&from, &error))? {
        let name = entry.map_err(|error| refused(&from, &error))?.file_name();
        let bytes = std::fs::read(from.join(&name)).map_err(|error| refused(&from.join(&name), &error))?;
        write_whole(&place.join(&name), &bytes)?;
    }
    // What the target has of this run is less than all of it.
    remove_folder(&to)?;
    std::fs::rename(&place, &to).map_err(|error| refused(&to, &error))?;
    remove(&failure_file(target, &run.name))
}

/// Removes a folder with all in it where there is one.
fn remove_folder(path: &Path) -> Result<(), CliError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refused(path, &error)),
        _ => Ok(()),
    }
}
