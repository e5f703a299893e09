//! `backhoe train`: what was asked for, as a cell; and its words at the beginning and the end.

use super::args::{DataChoice, GroundChoice, Rate, Recipe, TrainArguments};
use super::cells::{self, Conduct};
use super::watch::Screen;
use super::{CliError, open, say};
use backhoe::nn::Loss;
use backhoe::plan::{AdapterKind, Augmentation, Executor};
use backhoe::train::cell::Cell;
use backhoe::train::run::{Record, RunFolder};
use backhoe::train::{Ground, Settings};
use backhoe::worker::opening::Begun;
use std::path::Path;

/// Trains as asked.
pub fn run(arguments: &TrainArguments) -> Result<(), CliError> {
    cells::stop_on_interrupt();
    let executor = open(&arguments.device, arguments.quiet || arguments.json)?;
    match &arguments.resume {
        Some(path) => resume(arguments, executor, path),
        None => begin(arguments, executor),
    }
}

fn begin(arguments: &TrainArguments, executor: Box<dyn Executor>) -> Result<(), CliError> {
    let cell = cell(arguments, executor.adapter().kind == AdapterKind::Software)?;
    let path = arguments.out.clone().unwrap_or_else(|| RunFolder::unused(&cell.source.name()));
    let mut screen = Screen::new(arguments.quiet, arguments.json);
    let begun = cells::begin(&cell, &path, executor, &conduct(arguments), &mut screen)?;
    finish(arguments, begun, &mut screen)
}

fn resume(arguments: &TrainArguments, executor: Box<dyn Executor>, path: &Path) -> Result<(), CliError> {
    let mut screen = Screen::new(arguments.quiet, arguments.json);
    let resumed = cells::resume(path, arguments.recipe.epochs, executor, &conduct(arguments), &mut screen)?;
    finish(arguments, resumed, &mut screen)
}

fn conduct(arguments: &TrainArguments) -> Conduct {
    Conduct {
        device: arguments.device.clone(),
        checkpoint_every: std::time::Duration::from_secs(arguments.recipe.checkpoint_every),
    }
}

/// Drives a run to its end, with words before and after.
fn finish(arguments: &TrainArguments, mut begun: Begun, screen: &mut Screen) -> Result<(), CliError> {
    let quiet = arguments.quiet || arguments.json;
    let record = &begun.artifacts.record;
    say(quiet, words_on(record)?)?;
    say(quiet || !never_guided(&record.settings), NEVER_GUIDED)?;
    cells::drive(&mut begun, &conduct(arguments), screen)?;
    say(quiet, begun.artifacts.words())
}

/// The training asked for.
pub fn cell(arguments: &TrainArguments, software: bool) -> Result<Cell, CliError> {
    let (channels, hidden) = Settings::network_for(software);
    let choice = Choice {
        losses: arguments.loss.clone(),
        rate: arguments.lr,
        seed: arguments.seed,
        channels: if arguments.channels.is_empty() { channels } else { arguments.channels.clone() },
        hidden: arguments.hidden.unwrap_or(hidden),
    };
    choice.cell(&arguments.data, &arguments.recipe)
}

/// What a sweep varies, and one training sets.
pub struct Choice {
    /// The losses that race.
    pub losses: Vec<Loss>,
    /// The learning rate, where one is said.
    pub rate: Option<Rate>,
    /// The seed.
    pub seed: u32,
    /// Channels of the convolutions.
    pub channels: Vec<usize>,
    /// Outputs of the hidden layer.
    pub hidden: usize,
}

impl Choice {
    /// The training of these data by this recipe, its ranges checked.
    pub fn cell(self, data: &DataChoice, recipe: &Recipe) -> Result<Cell, CliError> {
        let search = match self.rate {
            Some(rate) => rate == Rate::Search,
            None => recipe.as_in_the_paper(),
        };
        let settings = self.settings(data, recipe);
        settings.check()?;
        let ground = if let GroundChoice::File(path) = &recipe.ground { Some(path.clone()) } else { None };
        Ok(Cell { source: data.source(), protocol: data.protocol(), settings, ground, search })
    }

    fn settings(self, data: &DataChoice, recipe: &Recipe) -> Settings {
        let defaults = if recipe.as_in_the_paper() { paper() } else { Settings::default() };
        let augmentation = recipe.augment.unwrap_or(defaults.augmentation);
        let mut settings = Settings {
            losses: self.losses,
            epochs: recipe.epochs.unwrap_or(defaults.epochs),
            batch: recipe.batch,
            learning_rate: match self.rate {
                Some(Rate::Fixed(rate)) => rate,
                Some(Rate::Search) | None => defaults.learning_rate,
            },
            rates: Vec::new(),
            momentum: recipe.momentum.unwrap_or(defaults.momentum),
            weight_decay: recipe.weight_decay,
            side: recipe.size,
            stored_side: recipe.size,
            seed: self.seed,
            channels: self.channels,
            hidden: self.hidden,
            lambda: recipe.lambda,
            omega: recipe.omega,
            mu: recipe.mu,
            ground: match recipe.ground {
                GroundChoice::Ordered => Ground::Ordered,
                // That of a file is known with the classes of the data.
                GroundChoice::Learned | GroundChoice::File(_) => Ground::Learned,
            },
            regulariser: recipe.regulariser,
            jump_start: recipe.jump_start,
            augmentation,
            shuffled_ids: recipe.shuffle_ids,
        };
        settings.make_room(data.source().most_side());
        settings
    }
}

/// What the paper sets otherwise than this program does by default (section 4.1); its learning rate is searched for.
fn paper() -> Settings {
    let augmentation = Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true };
    Settings { momentum: 0.98, augmentation, ..Settings::default() }
}

/// What is said where the jump start leaves nothing to guide.
const NEVER_GUIDED: &str = "the jump start covers all epochs: self-guided losses are cross-entropy here";

fn never_guided(settings: &Settings) -> bool {
    settings.losses.iter().any(|loss| loss.is_self_guided()) && settings.jump_start >= settings.epochs
}

fn words_on(record: &Record) -> Result<String, CliError> {
    let settings = &record.settings;
    let model = settings.model(record.classes.len())?;
    let losses: Vec<&str> = settings.losses.iter().map(|loss| loss.name()).collect();
    Ok(format!(
        "{} parameters, {} epochs of batches of {}, racing: {}",
        model.parameters().count(),
        settings.epochs,
        settings.batch,
        losses.join(", ")
    ))
}
