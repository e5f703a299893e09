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
use eframe::egui::{ScrollArea, Ui};
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

/// Width from which two things stand side by side.
const PAIR_WIDTH: f32 = 560.0;

/// Shows two things (0 and 1) side by side; where there is little room, as on a phone, one below the other, to be scrolled.
pub(super) fn pair(ui: &mut Ui, mut show: impl FnMut(usize, &mut Ui)) {
    if ui.available_width() >= PAIR_WIDTH {
        return ui.columns(2, |columns| columns.iter_mut().enumerate().for_each(|(which, ui)| show(which, ui)));
    }
    let room = ui.available_size();
    ScrollArea::vertical().show(ui, |ui| {
        for which in 0..2 {
            ui.push_id(which, |ui| ui.allocate_ui(room, |ui| show(which, ui)));
        }
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::Rect;
    use egui_kittest::Harness;

    #[test]
    fn two_things_stand_side_by_side_where_there_is_room_and_else_below_each_other() {
        for (width, beside) in [(900.0, true), (390.0, false)] {
            let show = |ui: &mut Ui, places: &mut Vec<Rect>| {
                places.clear();
                pair(ui, |_, ui| places.push(ui.label("one of two").rect));
            };
            let mut harness = Harness::builder().with_size([width, 800.0]).build_ui_state(show, Vec::new());
            harness.run();
            let [first, second] = harness.state()[..] else { panic!("two are shown") };
            assert_eq!((second.top() == first.top(), second.left() > first.right()), (beside, beside), "{width}");
            assert!(beside || second.top() > first.bottom() && second.left() == first.left());
        }
    }
}
