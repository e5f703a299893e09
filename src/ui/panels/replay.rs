//! The slider over epochs: it replays matrices, confusion and curves together. Above it, the newest note.

use crate::ui::desk::Desk;
use eframe::egui::{Button, Id, Label, Slider, Ui};
use std::time::Duration;

/// Seconds that a replay of all epochs takes, and the least and most of one of them.
const WHOLE: f64 = 8.0;
const STEP: [f64; 2] = [0.05, 0.6];

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
        play(ui, desk, first, last);
        let mut shown = desk.epoch().unwrap_or(last);
        ui.spacing_mut().slider_width = (ui.available_width() - 230.0).max(120.0);
        let slider = Slider::new(&mut shown, first..=last.max(first + 1)).text("epoch shown");
        if ui.add_enabled(last > first, slider).on_hover_text("Left and right arrows do the same.").changed() {
            desk.show_epoch(nearest(desk, shown));
        }
        let mut live = desk.choice.epoch.is_none();
        if ui.checkbox(&mut live, "newest").on_hover_text("Follow the run as it goes on.").changed() {
            desk.choice.epoch = if live { None } else { Some(last) };
        }
        if desk.known.dropped > 0 {
            let hint = "All epochs together take too much memory: matrices and predictions of the oldest were dropped. Their curves stay.";
            ui.label(format!("{} older ones dropped", desk.known.dropped)).on_hover_text(hint);
        }
    });
}

/// The epoch that the slider comes to: of a long run that was opened, not all are there, and it passes over the others.
fn nearest(desk: &Desk<'_>, wanted: usize) -> usize {
    let epochs = &desk.known.epochs;
    let (before, after) = (epochs.range(..=wanted).next_back(), epochs.range(wanted..).next());
    let forwards = desk.epoch().is_some_and(|shown| shown < wanted);
    let found = if forwards { after.or(before) } else { before.or(after) };
    found.map_or(wanted, |(&epoch, _)| epoch)
}

/// The button that plays all epochs from the first to the newest, and the playing.
fn play(ui: &mut Ui, desk: &mut Desk<'_>, first: usize, last: usize) {
    // When the epoch that is shown was first shown, while they are played.
    let id = Id::unique("replay since");
    let now = ui.input(|input| input.time);
    let since: Option<f64> = ui.data(|data| data.get_temp(id));
    let (name, hint) = match since {
        None => ("Replay", "Show all epochs from the first to the newest."),
        Some(_) => ("Halt", "Stay at the epoch that is shown."),
    };
    let button = ui.add_enabled(last > first, Button::new(name)).on_hover_text(hint);
    if button.clicked() {
        if since.is_none() {
            desk.show_epoch(first);
            ui.data_mut(|data| data.insert_temp(id, now));
        } else {
            ui.data_mut(|data| data.remove::<f64>(id));
        }
        return;
    }
    let Some(since) = since else { return };
    let step = (WHOLE / desk.known.epochs.len() as f64).clamp(STEP[0], STEP[1]);
    if now - since >= step {
        let shown = desk.epoch().unwrap_or(last);
        let next = desk.known.epochs.range(shown + 1..).next().map_or(last, |(&epoch, _)| epoch);
        desk.show_epoch(next);
        if next < last {
            ui.data_mut(|data| data.insert_temp(id, now));
        } else {
            ui.data_mut(|data| data.remove::<f64>(id));
        }
    }
    ui.ctx().request_repaint_after(Duration::from_secs_f64(step));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{Table, known};

    #[test]
    fn the_slider_passes_over_epochs_that_are_not_there() {
        let mut table = Table::of(known(9));
        table.known.epochs.retain(|epoch, _| [1, 5, 9].contains(epoch));
        let mut at = |shown: usize, wanted: usize| {
            table.choice.epoch = Some(shown);
            nearest(&table.desk(), wanted)
        };
        assert_eq!([at(1, 2), at(5, 8), at(5, 4), at(9, 6), at(5, 5), at(9, 12)], [5, 9, 1, 5, 5, 9]);
    }
}
