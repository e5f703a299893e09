//! Cells brought to their ends: data, device, folder, checkpoints. `train` does one, `sweep` and `reproduce` many.

use super::args::DeviceArguments;
use super::searches::search_rates;
use super::watch::{Watch, bar};
use super::{CliError, open};
use backhoe::data::folder::Skipped;
use backhoe::data::{Dataset, files};
use backhoe::plan::Executor;
use backhoe::plan::executor::tune_now;
use backhoe::train::cell::{Cell, Loading};
use backhoe::train::run::{RunFolder, SEARCH, TRIES};
use backhoe::train::search::{Choices, RATES, Try, write_tries};
use backhoe::train::session::Opener;
use backhoe::train::{Advance, Event, Settings, Trainer};
use backhoe::worker::opening::{self, Begun};
use indicatif::ProgressBar;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Ctrl-C was pressed.
static STOP: AtomicBool = AtomicBool::new(false);

/// Has Ctrl-C save and stop rather than kill.
pub fn stop_on_interrupt() {
    // A second handler cannot be set, which does not matter: the first one is ours.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
}

/// How a cell is brought to its end, whatever it is.
pub struct Conduct {
    /// On what.
    pub device: DeviceArguments,
    /// Time between checkpoints within an epoch.
    pub checkpoint_every: Duration,
}

impl Conduct {
    /// Opens the device.
    pub fn open(&self) -> Result<Box<dyn Executor>, CliError> {
        open(&self.device, true)
    }

    /// Opens the same device again.
    fn opener(&self) -> Opener {
        let device = self.device.clone();
        Box::new(move || open(&device, true).map(Some).map_err(|error| error.to_string()))
    }
}

/// Brings a cell to its end in its folder, from wherever it stands there; what is complete is not done again.
pub fn complete(cell: &Cell, path: &Path, conduct: &Conduct, watch: &mut dyn Watch) -> Result<(), CliError> {
    let folder = RunFolder { path: path.to_owned() };
    if folder.is_complete(cell.settings.epochs) {
        return Ok(());
    }
    let executor = conduct.open()?;
    let mut begun = match folder.has_checkpoint() {
        true => resume(path, Some(cell.settings.epochs), executor, conduct, watch)?,
        false => begin(cell, path, executor, conduct, watch)?,
    };
    drive(&mut begun, conduct, watch)
}

/// Begins a cell in a folder of its own.
pub fn begin(
    cell: &Cell,
    path: &Path,
    executor: Box<dyn Executor>,
    conduct: &Conduct,
    watch: &mut dyn Watch,
) -> Result<Begun, CliError> {
    let folder = RunFolder::create(path)?;
    let begun = prepare(cell, &folder, executor, conduct, watch);
    if begun.is_err() {
        folder.remove_empty();
    }
    begun
}

/// Everything before the first step; writes `run.json` last.
fn prepare(
    cell: &Cell,
    folder: &RunFolder,
    mut executor: Box<dyn Executor>,
    conduct: &Conduct,
    watch: &mut dyn Watch,
) -> Result<Begun, CliError> {
    let (data, mut settings) = ready(cell, watch)?;
    let tries = if cell.search {
        let choices = Choices { rates: RATES.to_vec(), regularisers: vec![settings.regulariser] };
        search_rates(cell, (&data, &settings), &choices, &folder.path.join(SEARCH), conduct, watch)?
    } else {
        Vec::new()
    };
    settings.rates = tries.iter().filter(|tried| tried.chosen).map(|tried| tried.learning_rate).collect();
    tune(&mut *executor, &data, &settings);
    let begun = opening::begin(folder, cell, settings, data, executor, conduct.opener())?;
    if cell.search {
        write_tries(&folder.path.join(TRIES), &tries)?;
    }
    Ok(begun)
}

/// Goes on with the run in a folder, or packed into a file, for so many epochs in all.
pub fn resume(
    path: &Path,
    epochs: Option<usize>,
    mut executor: Box<dyn Executor>,
    conduct: &Conduct,
    watch: &mut dyn Watch,
) -> Result<Begun, CliError> {
    let (folder, made) = RunFolder::at(path)?;
    let how = format!("go on with: backhoe train --resume {}", path.display());
    let go_on = || {
        let snapshot = folder.read_checkpoint()?;
        let mut record = folder.read_record()?;
        record.source = opening::found(record.source);
        let data = read(&record.cell(), &how, watch)?;
        let epochs = epochs.unwrap_or(record.settings.epochs);
        if snapshot.progress.epoch >= epochs {
            let (done, path) = (snapshot.progress.epoch, path.display());
            let why = format!("{path} is complete with {done} epochs; ask for more with --epochs");
            return Err(CliError::Words(why));
        }
        record.settings.epochs = epochs;
        let kept = folder.read_epochs(snapshot.progress.data.classes.len())?;
        tune(&mut *executor, &data, &snapshot.progress.settings);
        Ok(opening::resume(folder, record, snapshot, kept, data, executor, conduct.opener())?)
    };
    let begun = go_on();
    if begun.is_err() {
        made.undo();
    }
    begun
}

/// Has the device find out which kernels suit a run.
fn tune(executor: &mut dyn Executor, data: &Dataset, settings: &Settings) {
    Trainer::announce(executor, data, settings);
    tune_now(executor);
}

/// The data, and the settings with the ground distance of the cell's file.
fn ready(cell: &Cell, watch: &mut dyn Watch) -> Result<(Arc<Dataset>, Settings), CliError> {
    let file = opening::ground_file(cell)?;
    let data = read(cell, "its images were still being read: begin again by the same command", watch)?;
    let settings = opening::settings(cell, file, &data.classes)?;
    Ok((data, settings))
}

/// The data, with a progress bar and a word on files that were passed over. Where Ctrl-C is pressed meanwhile, an error says
/// `how` to go on.
fn read(cell: &Cell, how: &str, watch: &mut dyn Watch) -> Result<Arc<Dataset>, CliError> {
    let bar = bar(watch.is_quiet(), "images {wide_bar} {pos}/{len}");
    let loaded = read_all(cell, how, &bar);
    bar.finish_and_clear();
    let (data, skipped) = loaded?;
    for file in &skipped {
        super::warn(format_args!("passed over: {file}"));
    }
    if !skipped.is_empty() {
        super::warn(format_args!("{} passed over; --strict makes this an error", files(skipped.len())));
    }
    let (name, classes, train, test) = (&data.name, data.classes.len(), data.train.len(), data.test.len());
    watch.say(format_args!("{name}: {classes} classes, {train} training and {test} test images"))?;
    Ok(Arc::new(data))
}

fn read_all(cell: &Cell, how: &str, bar: &ProgressBar) -> Result<(Dataset, Vec<Skipped>), CliError> {
    let Cell { source, protocol, settings, .. } = cell;
    let mut loading = Loading::begin(source, protocol, settings.stored_side, settings.seed)?;
    loop {
        let [done, total] = loading.progress();
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        if !loading.advance()? {
            return Ok(loading.finish()?);
        }
        check_stopped(how)?;
    }
}

/// All that was tried for the losses of a cell out of these choices, in the order of the losses; remembered in `memory`.
pub fn tries(
    cell: &Cell,
    choices: &Choices,
    memory: &Path,
    conduct: &Conduct,
    watch: &mut dyn Watch,
) -> Result<Vec<Try>, CliError> {
    let (data, settings) = ready(cell, watch)?;
    search_rates(cell, (&data, &settings), choices, memory, conduct, watch)
}

/// An error that says how to go on where Ctrl-C was pressed.
pub fn check_stopped(how: &str) -> Result<(), CliError> {
    if STOP.load(Ordering::Relaxed) { Err(CliError::Stopped(how.to_owned())) } else { Ok(()) }
}

/// Drives a run to its end and writes what it leaves.
pub fn drive(begun: &mut Begun, conduct: &Conduct, watch: &mut dyn Watch) -> Result<(), CliError> {
    let followed = follow(begun, conduct, watch);
    if followed.is_err() {
        // What was reached is worth its figures; what ended it is the error that counts.
        let _ = begun.artifacts.finish();
    }
    followed
}

/// Shows and keeps the trainer's events until it is done, stopped, or fails.
fn follow(begun: &mut Begun, conduct: &Conduct, watch: &mut dyn Watch) -> Result<(), CliError> {
    watch.begin(&begun.artifacts.record.settings);
    let Begun { session, artifacts, .. } = begun;
    let mut events = Vec::new();
    let mut stopping = false;
    let (mut saved_at, mut stepped) = (Instant::now(), false);
    loop {
        if STOP.load(Ordering::Relaxed) && !stopping {
            stopping = true;
            session.save();
        }
        if stepped && saved_at.elapsed() >= conduct.checkpoint_every {
            stepped = false;
            session.save();
        }
        let advance = session.advance(&mut events)?;
        for event in events.drain(..) {
            watch.show(&event)?;
            let saved = matches!(event, Event::Snapshot(_));
            stepped |= matches!(event, Event::Step { .. });
            artifacts.take(event)?;
            if saved {
                (saved_at, stepped) = (Instant::now(), false);
            }
            if saved && stopping {
                watch.end();
                let path = artifacts.folder.path.display();
                return Err(CliError::Stopped(format!("go on with: backhoe train --resume {path}")));
            }
        }
        match advance {
            Advance::Working => {}
            Advance::Waiting => session.wait()?,
            Advance::Resting | Advance::Finished => break,
        }
    }
    watch.end();
    Ok(())
}
