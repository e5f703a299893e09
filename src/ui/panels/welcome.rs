//! What one is looking at, in three lines, before there is anything to look at.

use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use eframe::egui::{ProgressBar, Ui};

/// Shows the lines, and how far the images are while they are made or read.
pub fn show(ui: &mut Ui, desk: &Desk<'_>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.2);
        ui.heading("Watch a network learn how far apart its classes are");
        ui.add_space(12.0);
        ui.label("Several losses race from the same first weights on the same images: choose them on the left and press Start.");
        ui.label("The curves show how often each names the right class, and how often one next to it.");
        ui.label("The matrix shows the distances between classes that the network found in its own features, unasked.");
        ui.add_space(16.0);
        loading(ui, desk);
    });
}

/// How far the images are, where they are being made or read.
pub(super) fn loading(ui: &mut Ui, desk: &Desk<'_>) {
    if let Phase::Loading { done, of } = desk.known.phase {
        let bar = ProgressBar::new(done as f32 / of.max(1) as f32);
        ui.add(bar.text(format!("images: {done} of {of}")).desired_width(320.0));
    }
}
