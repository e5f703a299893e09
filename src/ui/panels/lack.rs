//! Why no GPU trains in a page, until it is read.

use crate::plan::AdapterKind;
use crate::ui::desk::Desk;
use crate::ui::terms;
use eframe::egui::{Label, Panel, Ui};

/// Shows it above all else that there is: in one line, where there is little room.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, in_one_line: bool) {
    let by_processor = |kind| kind == AdapterKind::Processor;
    let matters = desk.known.scene.as_ref().is_none_or(|scene| by_processor(scene.adapter.kind));
    let Some(lack) = desk.known.lack.as_ref().filter(|_| matters && !desk.choice.read_lack) else { return };
    let words = terms::of_lack(lack);
    Panel::top("lack").show(ui, |ui| {
        ui.horizontal(|ui| {
            desk.choice.read_lack = ui.button("OK").clicked();
            if in_one_line {
                ui.add(Label::new(&words).truncate()).on_hover_text(words);
            } else {
                ui.add(Label::new(words).wrap());
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;
    use crate::plan::Adapter;
    use crate::ui::fixture::{Table, harness};
    use crate::worker::message::{Lack, Message};
    use eframe::egui::Theme;
    use egui_kittest::kittest::Queryable;

    #[test]
    fn what_the_browser_lacks_is_said_until_it_is_read_and_while_the_processor_trains() {
        for in_one_line in [false, true] {
            let mut table = Table::of_losses(&[Loss::Xe]);
            table.known.take(Message::Lacks(Lack::Adapter));
            let mut harness = harness(table, in_one_line, Theme::Dark, |line, ui, desk| show(ui, desk, *line));
            let words = terms::of_lack(&Lack::Adapter);
            let mut seen_on = |kind| {
                let scene = harness.state_mut().0.known.scene.as_mut().unwrap();
                scene.adapter = Adapter { kind, ..scene.adapter.clone() };
                harness.run();
                harness.query_by_label(&words).is_some()
            };
            assert!(!seen_on(AdapterKind::Gpu) && !seen_on(AdapterKind::Software));
            assert!(seen_on(AdapterKind::Processor));
            harness.get_by_label("OK").click();
            harness.run();
            assert!(harness.query_by_label(&words).is_none());
        }
    }

    #[test]
    fn it_is_known_of_the_next_run_too() {
        let mut table = Table::default();
        table.known.take(Message::Lacks(Lack::WebGpu));
        let scene = Table::of_losses(&[Loss::Xe]).known.scene.unwrap();
        table.known.take(Message::Begun(Box::new(scene)));
        assert_eq!(table.known.lack, Some(Lack::WebGpu));
    }
}
