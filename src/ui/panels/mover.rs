//! The panel mover.

use crate::ui::desk::Desk;
use eframe::egui::Ui;

/// The panel's own state.
#[derive(Default)]
pub struct Mover {}

impl Mover {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let _ = (ui, desk);
    }
}
