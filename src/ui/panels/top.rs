//! The bar above all: what runs, how far it is, and the buttons that drive it.

use crate::nn::Loss;
use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use crate::ui::panels::runs;
use crate::ui::terms;
use crate::worker::Command;
use crate::worker::message::{Exported, Pace};
use eframe::egui::{Button, ProgressBar, RichText, Ui};

/// Shows it.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal_wrapped(|ui| {
        ui.heading("backhoe");
        badge(ui, desk);
        ui.separator();
        buttons(ui, desk);
        let hint = "Write weights or the report to a file.";
        let menu = ui.add_enabled_ui(desk.known.alive, |ui| ui.menu_button("Export run", |ui| export(ui, desk)));
        menu.inner.response.on_hover_text(hint);
        ui.separator();
        progress(ui, desk);
    });
}

/// What computes, in plain words; its colour says whether it is what one would wish.
fn badge(ui: &mut Ui, desk: &Desk<'_>) {
    let Some(scene) = &desk.known.scene else { return };
    let (words, hint) = terms::of_device(scene.adapter.kind);
    let name = &scene.adapter.name;
    let text = RichText::new(format!(" {words}: {name} ")).background_color(ui.visuals().faint_bg_color).strong();
    ui.label(text).on_hover_text(format!("{hint}\n{} ({})", scene.adapter, scene.why));
}

fn buttons(ui: &mut Ui, desk: &mut Desk<'_>) {
    let phase = desk.known.phase;
    let (training, resting) = (phase == Phase::Training, phase == Phase::Resting);
    let mut button = |ui: &mut Ui, on: bool, name: &str, hint: &str, command: Command| {
        if ui.add_enabled(on, Button::new(name)).on_hover_text(hint).clicked() {
            desk.commands.push(command);
        }
    };
    if training {
        button(
            ui,
            true,
            "Pause",
            "Rest between two steps; nothing of the result changes. (Space)",
            Command::Go(Pace::Rest),
        );
    } else {
        button(ui, resting, "Go on", "Train on to the end. (Space)", Command::Go(Pace::Run));
    }
    button(ui, resting, "One step", "Train one batch, then rest.", Command::Go(Pace::Step));
    button(ui, resting, "One epoch", "Train to the end of this epoch, then rest.", Command::Go(Pace::Epoch));
    if matches!(phase, Phase::Loading { .. } | Phase::Preparing) {
        button(ui, true, "Cancel", "Read no more images: the run does not begin.", Command::Stop);
    } else {
        button(ui, training || resting, "Stop", "End the run here and write all its files.", Command::Stop);
    }
    let (there, alive) = (desk.known.scene.is_some() && phase != Phase::Closed, desk.known.alive);
    button(ui, there, "Restart", "Begin again from the same first weights, in a folder of its own.", Command::Restart);
    button(ui, alive, "Save", "Write checkpoint, weights, matrices, figures and report now.", Command::Save);
}

/// What is written of the whole run: weights and report as they lie in its folder.
fn export(ui: &mut Ui, desk: &mut Desk<'_>) {
    if desk.known.is_unsaved() {
        ui.label("As they were saved last; Save writes them anew.");
    }
    let weights =
        |loss: &Loss| (format!("Weights of {loss}"), format!("weights-{loss}.safetensors"), Exported::Weights(*loss));
    let report = ("Report".to_owned(), "report.html".to_owned(), Exported::Report);
    for (name, file, what) in desk.known.losses_racing().iter().map(weights).chain([report]) {
        if ui.button(name).clicked() {
            desk.export(&file, what);
            ui.close();
        }
    }
    let hint = "All that the run needs to go on elsewhere, as a .backhoe file: open it in the window, in the page or by --resume.";
    if let Some(scene) = &desk.known.scene
        && ui.button("The whole run").on_hover_text(hint).clicked()
    {
        runs::export(desk, scene.place.clone());
        ui.close();
    }
}

/// How far the run is, or the images that are made or read for the next.
pub(super) fn progress(ui: &mut Ui, desk: &Desk<'_>) {
    let known = desk.known;
    if let Phase::Loading { done, of } = known.phase {
        let text = if of == 0 { "looking for images".to_owned() } else { format!("images: {done} of {of}") };
        ui.add(ProgressBar::new(done as f32 / of.max(1) as f32).text(text).desired_width(220.0));
        return;
    }
    if known.phase == Phase::Preparing {
        ui.add(ProgressBar::new(1.0).text("preparing the networks").desired_width(220.0));
        return;
    }
    let Some(scene) = &known.scene else { return };
    let (epochs, batches) = (scene.settings.epochs, scene.batches.max(1));
    let share = (known.epoch as f32 + known.batch as f32 / batches as f32) / epochs.max(1) as f32;
    let state = match known.phase {
        Phase::Training => format!("{:.0} images/s", known.rate),
        Phase::Resting => "resting".to_owned(),
        Phase::Finished => "finished".to_owned(),
        Phase::Empty | Phase::Loading { .. } | Phase::Preparing | Phase::Closed => String::new(),
    };
    let epoch = (known.epoch + usize::from(known.epoch < epochs)).min(epochs);
    let bar = ProgressBar::new(share.clamp(0.0, 1.0)).desired_width(160.0);
    ui.add(bar.text(format!("epoch {epoch} of {epochs}")));
    ui.label(state);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{Table, harness};
    use crate::ui::known::Known;
    use crate::worker::message::Message;
    use eframe::egui::Theme;
    use egui_kittest::kittest::Queryable;

    #[test]
    fn the_reading_of_images_is_shown_and_called_off() {
        let mut table = Table::of_losses(&[Loss::Xe]);
        let mut harness = harness(std::mem::take(&mut table), (), Theme::Dark, |_, ui, desk| show(ui, desk));
        for (told, words) in [
            (Message::Loading { done: 0, of: 0 }, "looking for images"),
            (Message::Loading { done: 3, of: 40 }, "images: 3 of 40"),
            (Message::Preparing, "preparing the networks"),
        ] {
            harness.state_mut().0.known.take(told);
            harness.run();
            harness.get_by_label(words);
            assert!(harness.query_by_label("Stop").is_none());
            harness.get_by_label("Cancel").click();
            harness.run();
            let asked = std::mem::take(&mut harness.state_mut().0.commands);
            assert!(matches!(asked[..], [Command::Stop]), "{asked:?}");
        }
        harness.state_mut().0.known.take(Message::CalledOff);
        harness.run();
        assert!(harness.query_by_label("Cancel").is_none() && harness.query_by_label("Stop").is_some());
        assert_eq!(harness.state().0.known.phase, Phase::Finished, "the run before is still shown");
        let mut known = Known::default();
        known.take(Message::Loading { done: 1, of: 2 });
        known.take(Message::CalledOff);
        assert_eq!(known.phase, Phase::Empty);
    }

    #[test]
    fn weights_and_report_are_exported() {
        let table = Table::of_losses(&[Loss::Xe, Loss::Emd]);
        let mut harness = harness(table, (), Theme::Dark, |_, ui, desk| show(ui, desk));
        for what in ["Weights of emd", "Report", "The whole run"] {
            harness.get_by_label("Export run").click();
            harness.run();
            harness.get_by_label(what).click();
            harness.run();
        }
        let exports = &harness.state().0.exports;
        let [(weights, Exported::Weights(Loss::Emd)), (report, Exported::Report), (run, Exported::Run(_))] =
            &exports[..]
        else {
            panic!("{exports:?}")
        };
        assert_eq!((weights.as_str(), report.as_str()), ("weights-emd.safetensors", "report.html"));
        assert_eq!(run, "1.backhoe", "called like its folder");
    }
}
