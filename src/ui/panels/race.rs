//! The panel race.

use crate::ui::desk::Desk;
use eframe::egui::Ui;

/// The panel's own state.
#[derive(Default)]
pub struct Race {}

impl Race {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let _ = (ui, desk);
    }
}
