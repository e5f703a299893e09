//! The panels, each a file: what it shows, and the little state that is its own.

pub mod alone;
pub mod controls;
pub mod edit;
pub mod engine;
pub mod ground;
pub mod inside;
pub mod lack;
pub mod mistakes;
pub mod mover;
pub mod race;
pub mod replay;
pub mod runs;
pub mod top;
pub mod welcome;

use crate::ui::desk::Desk;
use edit::Edit;
use eframe::egui::Ui;
use engine::Engine;
use ground::Ground;
use inside::Inside;
use mistakes::Mistakes;
use mover::Mover;
use race::Race;
use std::str::FromStr;

/// A panel that stands in the middle of the window, or alone where an address asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelName {
    /// The losses' curves.
    Race,
    /// The learned distances.
    Distances,
    /// The distances, to be edited.
    Edit,
    /// Which class is taken for which.
    Mistakes,
    /// How the earth mover's distance moves a prediction.
    Mover,
    /// Filters, activations and input gradients.
    Inside,
    /// What computes, and how fast.
    Engine,
}

impl PanelName {
    /// All of them, as an address calls them.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Race, "race"),
        (Self::Distances, "distances"),
        (Self::Edit, "edit"),
        (Self::Mistakes, "mistakes"),
        (Self::Mover, "mover"),
        (Self::Inside, "inside"),
        (Self::Engine, "engine"),
    ];
}

impl FromStr for PanelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        let names = || Self::ALL.map(|(_, name)| name).join(", ");
        found.map(|(panel, _)| *panel).ok_or_else(|| format!("the panels are {}", names()))
    }
}

/// The panels that stand in the middle.
#[derive(Default)]
pub struct Panels {
    race: Race,
    ground: Ground,
    edit: Edit,
    mistakes: Mistakes,
    mover: Mover,
    inside: Inside,
    engine: Engine,
}

impl Panels {
    /// Shows one of them.
    pub fn show(&mut self, name: PanelName, ui: &mut Ui, desk: &mut Desk<'_>) {
        match name {
            PanelName::Race => self.race.show(ui, desk),
            PanelName::Distances => self.ground.show(ui, desk),
            PanelName::Edit => self.edit.show(ui, desk),
            PanelName::Mistakes => self.mistakes.show(ui, desk),
            PanelName::Mover => self.mover.show(ui, desk),
            PanelName::Inside => self.inside.show(ui, desk),
            PanelName::Engine => self.engine.show(ui, desk),
        }
    }
}
