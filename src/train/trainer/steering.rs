//! Steering a run while it goes on: how far it trains, with what settings, with which cells of D held fast.

use super::{Phase, TrainError, Trainer};
use crate::train::settings::{Ground, Lambda, MOST_DISTANCE, Settings, SettingsError};
use serde::{Deserialize, Serialize};

/// How far a trainer trains before it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// To the end of the run.
    End,
    /// Until so many steps of the run are done.
    Step(usize),
    /// Until so many epochs of the run are done.
    Epoch(usize),
}

/// A setting that may change while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Learning rate of all losses.
    LearningRate(f32),
    /// Momentum.
    Momentum(f32),
    /// Weight of the distance term.
    Lambda(Lambda),
    /// Power of the ground distance; nothing is the paper's of each loss.
    Omega(Option<f32>),
    /// Bias of the ground distance; nothing is the paper's of each loss.
    Mu(Option<f32>),
    /// Epochs in all.
    Epochs(usize),
}

impl Change {
    /// The settings with this change.
    #[must_use]
    pub fn on(self, settings: &Settings) -> Settings {
        let settings = settings.clone();
        match self {
            Self::LearningRate(learning_rate) => Settings { learning_rate, rates: Vec::new(), ..settings },
            Self::Momentum(momentum) => Settings { momentum, ..settings },
            Self::Lambda(lambda) => Settings { lambda, ..settings },
            Self::Omega(omega) => Settings { omega, ..settings },
            Self::Mu(mu) => Settings { mu, ..settings },
            Self::Epochs(epochs) => Settings { epochs, ..settings },
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or_papers = |value: Option<f32>| value.map_or("the paper's".to_owned(), |value| value.to_string());
        match self {
            Self::LearningRate(rate) => write!(f, "learning rate {rate}"),
            Self::Momentum(momentum) => write!(f, "momentum {momentum}"),
            Self::Lambda(Lambda::Auto) => f.write_str("lambda auto"),
            Self::Lambda(Lambda::Fixed(lambda)) => write!(f, "lambda {lambda}"),
            Self::Omega(omega) => write!(f, "omega {}", or_papers(*omega)),
            Self::Mu(mu) => write!(f, "mu {}", or_papers(*mu)),
            Self::Epochs(epochs) => write!(f, "epochs {epochs}"),
        }
    }
}

/// Cells of the ground distance that are held fast, whatever is learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroundEdit {
    /// Classes x classes in the classes' order, symmetric; nothing where a cell is free. Empty where all are.
    pub cells: Vec<Option<f32>>,
}

impl GroundEdit {
    /// Checks that this is a ground distance of so many classes where it is held.
    ///
    /// # Errors
    /// When its size is another, or a cell is no distance or another there than back.
    pub fn check(&self, classes: usize) -> Result<(), SettingsError> {
        let refused = |why: String| Err(SettingsError::Ground { file: "the edited matrix".to_owned(), why });
        if self.cells.is_empty() {
            return Ok(());
        }
        if self.cells.len() != classes * classes {
            return refused(format!("{} cells for {classes} classes", self.cells.len()));
        }
        for (at, cell) in self.cells.iter().enumerate() {
            let (i, j) = (at / classes, at % classes);
            let fits =
                cell.is_none_or(|d| if i == j { d == 0.0 } else { (0.0..=MOST_DISTANCE).contains(&f64::from(d)) });
            if !fits || *cell != self.cells[j * classes + i] {
                return refused(format!(
                    "cell {i}, {j}: it must be from 0 to {MOST_DISTANCE}, as there as back, 0 to itself"
                ));
            }
        }
        Ok(())
    }
}

impl Trainer {
    /// Sets how far to train. Reached at once where so much is done already.
    pub fn aim(&mut self, goal: Goal) {
        self.goal = goal;
    }

    pub(super) fn goal_reached(&self) -> bool {
        match self.goal {
            Goal::End => false,
            Goal::Step(steps) => self.progress.step >= steps,
            Goal::Epoch(epochs) => self.progress.epoch >= epochs,
        }
    }

    /// Trains with another setting from the next step on; more epochs go on with a run that was over.
    ///
    /// # Errors
    /// When the setting is out of its range, fewer epochs than have begun among them, or the device fails.
    pub fn change(&mut self, change: Change) -> Result<(), TrainError> {
        let settings = change.on(&self.settings);
        settings.check()?;
        let begun = self.progress.epoch + usize::from(self.progress.cursor > 0);
        if settings.epochs < begun {
            let value = settings.epochs.to_string();
            return Err(SettingsError::Range { name: "epochs", value, range: "at least those that have begun" }.into());
        }
        self.settings = settings.clone();
        self.progress.settings = settings;
        self.progress.changes.push((self.progress.step, change));
        if self.phase == Phase::Finished && self.progress.epoch < self.settings.epochs {
            self.phase = Phase::Training;
            return self.begin_epoch();
        }
        if self.phase == Phase::Training && self.progress.epoch >= self.settings.epochs {
            self.phase = Phase::Finished;
            self.save_wanted = true;
        }
        self.write_step_settings()
    }

    /// Trains with these cells of D from the next epoch on.
    ///
    /// # Errors
    /// When it is no ground distance of the data's classes, or the device fails.
    pub fn hold(&mut self, edit: GroundEdit) -> Result<(), TrainError> {
        edit.check(self.model.classes())?;
        self.progress.held = edit;
        let between_epochs = self.phase == Phase::Training && self.progress.cursor == 0;
        if between_epochs {
            return self.write_grounds(&self.progress.held.clone());
        }
        self.grounds_due = true;
        Ok(())
    }

    /// The ground distance that is given, classes x classes in the outputs' order; none where each racer learns its own.
    /// Ordered classes are those of the outputs: that they are shuffled is what such a run shall not know.
    pub(super) fn given_ground(&self) -> Option<Vec<f32>> {
        let matrix = self.settings.ground.matrix(self.model.classes())?;
        let by_output = matches!(self.settings.ground, Ground::Ordered);
        Some(if by_output { matrix } else { self.ids.matrix_by_output(matrix) })
    }

    /// Takes the cells that are held off D until the next epoch begins.
    pub(super) fn lay_ground_bare(&mut self) -> Result<(), TrainError> {
        self.grounds_due = true;
        self.write_grounds(&GroundEdit::default())
    }

    /// Writes the matrix D that each racer reads: what is given or was learned, under the cells that are held.
    pub(super) fn write_grounds(&mut self, held: &GroundEdit) -> Result<(), TrainError> {
        let given = self.given_ground();
        let held = self.ids.matrix_by_output(held.cells.clone());
        for (racer, loss) in self.settings.losses.iter().enumerate() {
            let mut ground = given.clone().unwrap_or_else(|| self.learned[racer].clone());
            for (distance, cell) in ground.iter_mut().zip(&held) {
                *distance = cell.unwrap_or(*distance);
            }
            self.executor.write(&format!("{loss}/ground"), 0, bytemuck::cast_slice(&ground))?;
        }
        Ok(())
    }
}
