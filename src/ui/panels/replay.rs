//! The slider over epochs: it replays matrices, confusion and curves together. Above it, the newest note.

use crate::ui::desk::Desk;
use eframe::egui::{Label, Slider, Ui};

/// Notes that are shown together.
const MOST_NOTES: usize = 20;

/// Shows the newest note, and the slider, where there is more than one epoch.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    if let Some(note) = desk.known.notes.last() {
        ui.add(Label::new(note).truncate()).on_hover_ui(|ui| {
            desk.known.notes.iter().rev().take(MOST_NOTES).for_each(|note| drop(ui.label(note)));
        });
    }
    slider(ui, desk);
}

fn slider(ui: &mut Ui, desk: &mut Desk<'_>) {
    let epochs = &desk.known.epochs;
    let (Some(&first), Some(&last)) = (epochs.keys().next(), epochs.keys().next_back()) else {
        ui.label("Epochs can be replayed here once one is done.");
        return;
    };
    ui.horizontal(|ui| {
        let mut shown = desk.epoch().unwrap_or(last);
        ui.spacing_mut().slider_width = (ui.available_width() - 230.0).max(120.0);
        let slider = Slider::new(&mut shown, first..=last.max(first + 1)).text("epoch shown");
        if ui.add_enabled(last > first, slider).on_hover_text("Left and right arrows do the same.").changed() {
            desk.choice.epoch = (shown < last).then_some(shown);
        }
        let mut live = desk.choice.epoch.is_none();
        if ui.checkbox(&mut live, "newest").on_hover_text("Follow the run as it goes on.").changed() {
            desk.choice.epoch = if live { None } else { Some(last) };
        }
    });
}
