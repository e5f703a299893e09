//! The panel edit.

use crate::ui::desk::Desk;
use eframe::egui::Ui;

/// The panel's own state.
#[derive(Default)]
pub struct Edit {}

impl Edit {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let _ = (ui, desk);
    }
}
