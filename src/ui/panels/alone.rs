//! One panel alone, as a course page embeds it: below it, the button that drives the run, and how far that is.

use super::controls::Controls;
use super::{PanelName, Panels, lack, top};
use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use crate::worker::Command;
use crate::worker::message::Pace;
use eframe::egui::{CentralPanel, Panel, Ui};

/// Shows it.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, name: PanelName, panels: &mut Panels, controls: &mut Controls) {
    lack::show(ui, desk, true);
    Panel::bottom("drive").show(ui, |ui| drive(ui, desk, controls));
    CentralPanel::default_margins().show(ui, |ui| {
        if desk.known.scene.is_some() {
            panels.show(name, ui, desk);
        }
    });
}

fn drive(ui: &mut Ui, desk: &mut Desk<'_>, controls: &mut Controls) {
    ui.horizontal_wrapped(|ui| {
        match desk.known.phase {
            Phase::Empty if ui.button("Start").clicked() => {
                let order = controls.order();
                desk.ask(order);
            }
            Phase::Training if ui.button("Pause").clicked() => desk.ask(Command::Go(Pace::Rest)),
            Phase::Loading { .. } if ui.button("Cancel").clicked() => desk.ask(Command::Stop),
            Phase::Resting if ui.button("Go on").clicked() => desk.ask(Command::Go(Pace::Run)),
            Phase::Finished if ui.button("Restart").clicked() => desk.ask(Command::Restart),
            _ => {}
        }
        top::progress(ui, desk);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;
    use crate::ui::Address;
    use crate::ui::fixture::{Table, harness};
    use crate::worker::message::Message;
    use eframe::egui::Theme;
    use egui_kittest::kittest::Queryable;

    /// Everything but the table.
    fn parts() -> (Panels, Controls) {
        let Address { cell, device, .. } = Address::default();
        (Panels::default(), Controls::new(cell, true, &device, None))
    }

    #[test]
    fn a_run_is_begun_and_driven_below_the_panel() {
        let show = |(panels, controls): &mut _, ui: &mut Ui, desk: &mut Desk<'_>| {
            show(ui, desk, PanelName::Distances, panels, controls);
        };
        let mut harness = harness(Table::default(), parts(), Theme::Light, show);
        harness.get_by_label("Start").click();
        harness.run();
        assert!(matches!(harness.state().0.commands[..], [Command::Begin(_)]));
        harness.state_mut().0.known.take(Message::Loading { done: 3, of: 40 });
        harness.run();
        harness.get_by_label("images: 3 of 40");
        harness.get_by_label("Cancel").click();
        harness.run();
        assert!(matches!(harness.state().0.commands[..], [Command::Begin(_), Command::Stop]));
        harness.state_mut().0 = Table::of_losses(&[Loss::Xe, Loss::Xemd2]);
        harness.run();
        assert!(harness.query_by_label("Start").is_none() && harness.query_by_label("D - ordered").is_some());
        harness.get_by_label("Go on").click();
        harness.run();
        assert!(matches!(harness.state().0.commands[..], [Command::Go(Pace::Run)]));
    }
}
