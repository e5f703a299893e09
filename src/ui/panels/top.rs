//! The bar above all: what runs, how far it is, and the buttons that drive it.

use crate::plan::{Adapter, AdapterKind};
use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use crate::worker::Command;
use crate::worker::message::Pace;
use eframe::egui::{Button, ProgressBar, RichText, Ui};

/// Shows it.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal_wrapped(|ui| {
        ui.heading("backhoe");
        badge(ui, desk);
        ui.separator();
        buttons(ui, desk);
        ui.separator();
        progress(ui, desk);
    });
}

/// What computes, in plain words; its colour says whether it is what one would wish.
fn badge(ui: &mut Ui, desk: &Desk<'_>) {
    let Some(scene) = &desk.known.scene else { return };
    let Adapter { name, kind, .. } = &scene.adapter;
    let (words, hint) = match kind {
        AdapterKind::Gpu => ("GPU", "A graphics card or chip trains."),
        AdapterKind::Processor => {
            ("processor", "The processor trains, with all its threads: no graphics driver is needed.")
        }
        AdapterKind::Software => (
            "software driver",
            "A graphics driver that computes on the processor trains: slower than the processor itself.",
        ),
    };
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
    button(ui, training || resting, "Stop", "End the run here and write all its files.", Command::Stop);
    let (there, alive) = (desk.known.scene.is_some() && phase != Phase::Closed, desk.known.alive);
    button(ui, there, "Restart", "Begin again from the same first weights, in a folder of its own.", Command::Restart);
    button(ui, alive, "Save", "Write checkpoint, weights, matrices, figures and report now.", Command::Save);
}

fn progress(ui: &mut Ui, desk: &Desk<'_>) {
    let known = desk.known;
    let Some(scene) = &known.scene else {
        if let Phase::Loading { done, of } = known.phase {
            ui.label(format!("images: {done} of {of}"));
        }
        return;
    };
    let (epochs, batches) = (scene.settings.epochs, scene.batches.max(1));
    let share = (known.epoch as f32 + known.batch as f32 / batches as f32) / epochs.max(1) as f32;
    let state = match known.phase {
        Phase::Training => format!("{:.0} images/s", known.rate),
        Phase::Resting => "resting".to_owned(),
        Phase::Finished => "finished".to_owned(),
        Phase::Loading { done, of } => format!("images: {done} of {of}"),
        Phase::Empty | Phase::Closed => String::new(),
    };
    let epoch = (known.epoch + usize::from(known.epoch < epochs)).min(epochs);
    let bar = ProgressBar::new(share.clamp(0.0, 1.0)).desired_width(160.0);
    ui.add(bar.text(format!("epoch {epoch} of {epochs}")));
    ui.label(state);
}
