//! What one is looking at, in three lines, before there is anything to look at.

use eframe::egui::Ui;

/// Shows the lines.
pub fn show(ui: &mut Ui) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.2);
        ui.heading("Watch a network learn how far apart its classes are");
        ui.add_space(12.0);
        ui.label("Several losses race from the same first weights on the same images: choose them on the left and press Start.");
        ui.label("The curves show how often each names the right class, and how often one next to it.");
        ui.label("The matrix shows the distances between classes that the network found in its own features, unasked.");
    });
}
