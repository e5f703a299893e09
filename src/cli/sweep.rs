//! `backhoe sweep` trains a grid of runs, whole or a part of it; `backhoe merge` joins the parts.

use super::args::{MergeArguments, Network, SweepArguments};
use super::cells::{self, Conduct};
use super::summary::{GridRun, summarise};
use super::train::Choice;
use super::watch::Tally;
use super::{CliError, say};
use backhoe::data::protocol::ProtocolError;
use backhoe::train::TrainError;
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

    /// Names of runs that are not finished in a folder.
    fn missing(&self, folder: &Path) -> Vec<&str> {
        let missing = |run: &&GridRun| {
            let place = RunFolder { path: folder.join(&run.name) };
            !place.is_complete(run.cell.settings.epochs)
        };
        self.runs.iter().filter(missing).map(|run| run.name.as_str()).collect()
    }

    /// The summary where every run is finished, else which are not.
    fn report(&self, folder: &Path, quiet: bool) -> Result<(), CliError> {
        let missing = self.missing(folder);
        if missing.is_empty() {
            return say(quiet, summarise(&self.runs, folder)?);
        }
        let (count, all) = (missing.len(), self.runs.len());
        say(
            quiet,
            format_args!("{count} of {all} runs are not finished in {}: {}", folder.display(), missing.join(", ")),
        )
    }
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
    loss: backhoe::nn::Loss,
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
    for run in &runs {
        cells::check_stopped("stopped; the same command goes on")?;
        tally.task(run.name.clone(), 1.0);
        match cells::complete(&run.cell, &folder.join(&run.name), &conduct, &mut tally) {
            // Others of the grid may well be trained.
            Err(CliError::Train(error @ TrainError::Diverged { .. })) => {
                super::warn(format_args!("{}: {error}", run.name))
            }
            Err(CliError::Stopped(_)) => return Err(CliError::Words("stopped; the same command goes on".to_owned())),
            other => other?,
        }
        tally.done();
    }
    tally.end_all();
    grid.report(folder, arguments.quiet)
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

/// Copies a finished run that the target lacks.
fn copy_run(part: &Path, target: &Path, run: &GridRun) -> Result<(), CliError> {
    let (from, to) = (part.join(&run.name), target.join(&run.name));
    let finished = |path: &Path| RunFolder { path: path.to_owned() }.is_complete(run.cell.settings.epochs);
    if !finished(&from) || finished(&to) {
        return Ok(());
    }
    let refused = |path: &Path, error: std::io::Error| CliError::Words(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(&to).map_err(|error| refused(&to, error))?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&from).map_err(|error| refused(&from, error))? {
        names.push(entry.map_err(|error| refused(&from, error))?.file_name());
    }
    // The checkpoint last: it is what calls a run complete.
    names.sort_by_key(|name| name.to_string_lossy().starts_with("checkpoint"));
    for name in names {
        let bytes = std::fs::read(from.join(&name)).map_err(|error| refused(&from.join(&name), error))?;
        write_whole(&to.join(&name), &bytes)?;
    }
    Ok(())
}
