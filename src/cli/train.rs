//! `backhoe train`: drives a trainer, shows its events, keeps its checkpoints.

use super::args::{GroundChoice, TrainArguments};
use super::artifacts::Artifacts;
use super::{CliError, open, say};
use backhoe::data::MAX_SIDE;
use backhoe::data::source::Source;
use backhoe::nn::Model;
use backhoe::plan::{AdapterKind, Executor};
use backhoe::report::read_matrix_csv;
use backhoe::train::run::{Record, RunFolder, Sitting};
use backhoe::train::session::Opener;
use backhoe::train::{Advance, Event, Ground, Session, Settings};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Epochs where none are asked for.
const EPOCHS: usize = 8;

/// Largest side that faces are drawn in.
const MOST_FACE: usize = 256;

/// Ctrl-C was pressed.
static STOP: AtomicBool = AtomicBool::new(false);

/// Trains as asked.
pub fn run(arguments: &TrainArguments) -> Result<(), CliError> {
    // A second handler cannot be set, which does not matter: the first one is ours.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let executor = open(&arguments.device, arguments.quiet || arguments.json)?;
    match &arguments.resume {
        Some(path) => resume(arguments, executor, path),
        None => begin(arguments, executor),
    }
}

fn begin(arguments: &TrainArguments, executor: Box<dyn Executor>) -> Result<(), CliError> {
    let settings = settings(arguments, executor.adapter().kind == AdapterKind::Software);
    settings.check()?;
    let source = arguments.data.source();
    let path = arguments.out.clone().unwrap_or_else(|| RunFolder::unused(&name_of(&source)));
    let folder = RunFolder::create(&path)?;
    let begun = prepare(arguments, executor, settings, source, &folder);
    if begun.is_err() {
        folder.remove_empty();
    }
    let (mut session, artifacts) = begun?;
    // A checkpoint before the first step: from then on a killed run can be resumed.
    session.save();
    drive(arguments, session, artifacts)
}

/// Everything before the first step; writes `run.json` last.
fn prepare(
    arguments: &TrainArguments,
    executor: Box<dyn Executor>,
    settings: Settings,
    source: Source,
    folder: &RunFolder,
) -> Result<(Session, Artifacts), CliError> {
    let given = read_ground(&arguments.ground)?;
    let data = load(&source, &settings, arguments.quiet || arguments.json)?;
    let settings = Settings { ground: given.of(&data.classes)?, ..settings };
    let record = Record {
        source,
        settings: settings.clone(),
        classes: data.classes.clone(),
        images: [data.train.len(), data.test.len()],
        sittings: vec![Sitting::new(executor.adapter(), 0, 0)],
    };
    let session = Session::new(executor, opener(arguments), Arc::clone(&data), settings, None)?;
    folder.write_record(&record)?;
    Ok((session, Artifacts::new(folder.clone(), record, data)))
}

/// Opens the same device again.
fn opener(arguments: &TrainArguments) -> Opener {
    let device = arguments.device.clone();
    Box::new(move || open(&device, true).map(Some).map_err(|error| error.to_string()))
}

fn resume(arguments: &TrainArguments, executor: Box<dyn Executor>, path: &Path) -> Result<(), CliError> {
    let folder = RunFolder { path: path.to_owned() };
    let snapshot = folder.read_checkpoint()?;
    let mut record = folder.read_record()?;
    let data = load(&record.source, &record.settings, arguments.quiet || arguments.json)?;
    let epochs = arguments.epochs.unwrap_or(record.settings.epochs);
    if snapshot.progress.epoch >= epochs {
        let done = snapshot.progress.epoch;
        return Err(CliError::Words(format!(
            "{} is complete with {done} epochs; ask for more with --epochs",
            path.display()
        )));
    }
    folder.agrees(&record, &snapshot)?;
    let sitting = Sitting::new(executor.adapter(), snapshot.progress.epoch, snapshot.progress.step);
    record.settings.epochs = epochs;
    let settings = record.settings.clone();
    let session = Session::new(executor, opener(arguments), Arc::clone(&data), settings, Some(snapshot))?;
    record.sittings.push(sitting);
    folder.sweep()?;
    folder.write_record(&record)?;
    drive(arguments, session, Artifacts::new(folder, record, data))
}

/// A ground distance before the classes are known.
enum Given {
    Named(Ground),
    Matrix { file: String, classes: Vec<String>, matrix: Vec<f64> },
}

impl Given {
    fn of(&self, classes: &[String]) -> Result<Ground, CliError> {
        Ok(match self {
            Self::Named(ground) => ground.clone(),
            Self::Matrix { file, classes: names, matrix } => Ground::given(file, names, matrix, classes)?,
        })
    }
}

/// Reads the ground distance that was asked for.
fn read_ground(choice: &GroundChoice) -> Result<Given, CliError> {
    Ok(match choice {
        GroundChoice::Learned => Given::Named(Ground::Learned),
        GroundChoice::Ordered => Given::Named(Ground::Ordered),
        GroundChoice::File(path) => {
            let (classes, matrix) = read_matrix_csv(path)?;
            Given::Matrix { file: path.display().to_string(), classes, matrix }
        }
    })
}

/// The settings asked for; the default network is smaller on a software adapter.
fn settings(arguments: &TrainArguments, software: bool) -> Settings {
    let (channels, hidden) = if software { (vec![8, 16, 32], 64) } else { (vec![16, 32, 64], 128) };
    // Room for random crops: an eighth more than the network sees, as far as the data reaches.
    let margin = if arguments.augment.crop { arguments.size / 8 } else { 0 };
    let most = if arguments.data.name() == "faces" { MOST_FACE } else { MAX_SIDE };
    let stored_side = arguments.size.saturating_add(margin).min(most.max(arguments.size));
    Settings {
        losses: arguments.loss.clone(),
        epochs: arguments.epochs.unwrap_or(EPOCHS),
        batch: arguments.batch,
        learning_rate: arguments.lr,
        momentum: arguments.momentum,
        weight_decay: arguments.weight_decay,
        side: arguments.size,
        stored_side,
        seed: arguments.seed,
        channels: if arguments.channels.is_empty() { channels } else { arguments.channels.clone() },
        hidden: arguments.hidden.unwrap_or(hidden),
        lambda: arguments.lambda,
        omega: arguments.omega,
        mu: arguments.mu,
        // Known with the classes of the data.
        ground: Ground::Learned,
        regulariser: arguments.regulariser,
        jump_start: arguments.jump_start,
        augmentation: arguments.augment,
    }
}

fn name_of(source: &Source) -> String {
    match source {
        Source::Faces { .. } => "faces".to_owned(),
        Source::Digits { .. } => "digits".to_owned(),
        Source::Folder { path, .. } => {
            path.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned())
        }
    }
}

/// The data, with a progress bar and a word on files that were passed over.
fn load(source: &Source, settings: &Settings, quiet: bool) -> Result<Arc<backhoe::data::Dataset>, CliError> {
    let bar = bar(quiet, "reading {wide_bar} {pos}/{len}");
    let progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let loaded = source.load(settings.stored_side, u64::from(settings.seed), &progress);
    bar.finish_and_clear();
    let (data, skipped) = loaded?;
    for file in &skipped {
        eprintln!("passed over: {file}");
    }
    if !skipped.is_empty() {
        eprintln!("{} files passed over; --strict makes this an error", skipped.len());
    }
    say(
        quiet,
        format_args!(
            "{}: {} classes, {} training and {} test images",
            data.name,
            data.classes.len(),
            data.train.len(),
            data.test.len()
        ),
    )?;
    Ok(Arc::new(data))
}

fn bar(quiet: bool, template: &str) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    // The template is one of this file's own, which are well-formed.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Drives a run to its end and writes what it leaves.
fn drive(arguments: &TrainArguments, mut session: Session, mut artifacts: Artifacts) -> Result<(), CliError> {
    let quiet = arguments.quiet || arguments.json;
    let model = artifacts.record.settings.model(artifacts.record.classes.len())?;
    say(quiet, words_on(&model, &artifacts.record.settings))?;
    say(quiet || !never_guided(&artifacts.record.settings), NEVER_GUIDED)?;
    if let Err(error) = follow(arguments, &mut session, &mut artifacts) {
        // What was reached is worth its figures; what ended it is the error that counts.
        let _ = artifacts.finish();
        return Err(error);
    }
    say(quiet, artifacts.words())
}

/// What is said where the jump start leaves nothing to guide.
const NEVER_GUIDED: &str = "the jump start covers all epochs: self-guided losses are cross-entropy here";

fn never_guided(settings: &Settings) -> bool {
    settings.losses.iter().any(|loss| loss.is_self_guided()) && settings.jump_start >= settings.epochs
}

/// Shows and keeps the trainer's events until it is done, stopped, or fails.
fn follow(arguments: &TrainArguments, session: &mut Session, artifacts: &mut Artifacts) -> Result<(), CliError> {
    let mut screen = Screen::new(arguments, &artifacts.record.settings);
    let mut events = Vec::new();
    let mut stopping = false;
    let (mut saved_at, mut stepped) = (Instant::now(), false);
    let interval = Duration::from_secs(arguments.checkpoint_every);
    loop {
        if STOP.load(Ordering::Relaxed) && !stopping {
            stopping = true;
            session.save();
        }
        if stepped && saved_at.elapsed() >= interval {
            stepped = false;
            session.save();
        }
        let advance = session.advance(&mut events)?;
        for event in events.drain(..) {
            screen.show(&event)?;
            let saved = matches!(event, Event::Snapshot(_));
            stepped |= matches!(event, Event::Step { .. });
            artifacts.take(event)?;
            if saved {
                (saved_at, stepped) = (Instant::now(), false);
            }
            if saved && stopping {
                screen.close();
                return Err(CliError::Stopped(artifacts.folder.path.display().to_string()));
            }
        }
        match advance {
            Advance::Working => {}
            Advance::Waiting => session.wait()?,
            Advance::Finished => break,
        }
    }
    screen.close();
    Ok(())
}

fn words_on(model: &Model, settings: &Settings) -> String {
    let losses: Vec<&str> = settings.losses.iter().map(|loss| loss.name()).collect();
    format!(
        "{} parameters, {} epochs of batches of {}, racing: {}",
        model.parameters().count(),
        settings.epochs,
        settings.batch,
        losses.join(", ")
    )
}

/// Progress bar and lines of one run.
struct Screen {
    bar: ProgressBar,
    json: bool,
    quiet: bool,
    racers: usize,
    batch: usize,
    epoch: usize,
    began: Instant,
}

impl Screen {
    fn new(arguments: &TrainArguments, settings: &Settings) -> Self {
        let bar = bar(arguments.quiet || arguments.json, "{prefix} {wide_bar} {pos}/{len} {msg} {eta} left");
        Self {
            bar,
            json: arguments.json,
            quiet: arguments.quiet,
            racers: settings.losses.len(),
            batch: settings.batch,
            epoch: usize::MAX,
            began: Instant::now(),
        }
    }

    fn show(&mut self, event: &Event) -> Result<(), CliError> {
        match event {
            Event::Step { epoch, batch, batches } => self.step(*epoch, *batch, *batches),
            Event::Epoch(result) => return self.epoch(result),
            Event::Recovered { why, adapter, step } => self.bar.suspend(|| {
                eprintln!("the device was lost ({why}); opened {adapter} again, going on from step {step}");
            }),
            Event::Loss { .. } | Event::Snapshot(_) => {}
        }
        Ok(())
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

    fn epoch(&self, result: &backhoe::train::EpochResult) -> Result<(), CliError> {
        let row = &result.row;
        for class in &result.absent {
            eprintln!("class {class} had no sample in epoch {}; it keeps its last centroid", row.epoch);
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

    fn close(&self) {
        self.bar.finish_and_clear();
    }
}
