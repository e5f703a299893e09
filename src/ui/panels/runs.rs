//! The runs that are kept: opened, written to one file, removed.

use crate::ui::app::Wish;
use crate::ui::desk::Desk;
use crate::worker::Command;
use crate::worker::message::{Exported, Kept};
use eframe::egui::{self, Context, Grid, Modal, RichText, ScrollArea, Ui};
use std::path::PathBuf;

/// The list of runs, before the window while it is open.
#[derive(Default)]
pub struct Runs {
    open: bool,
    /// The run that is to be removed, once that is confirmed.
    removing: Option<PathBuf>,
}

/// What is done with a run.
#[derive(Clone, Copy)]
enum Act {
    Open,
    Export,
    Remove,
}

impl Runs {
    /// Opens it; which runs there are is asked for anew.
    pub fn open(&mut self, desk: &mut Desk<'_>) {
        self.open = true;
        self.removing = None;
        desk.ask(Command::List);
    }

    /// Shows it, where it is open. The place of a run to go on with, where one was chosen.
    pub fn show(
        &mut self,
        ctx: &Context,
        desk: &mut Desk<'_>,
        wishes: &mut Vec<(String, Wish)>,
        in_page: bool,
    ) -> Option<PathBuf> {
        if !self.open {
            return None;
        }
        let mut chosen = None;
        let modal = Modal::new(egui::Id::unique("runs")).show(ctx, |ui| {
            ui.set_width(560.0);
            ui.heading("Runs");
            ui.label(if in_page {
                "Kept in this browser, on this machine alone. Clearing the browser's data of this site removes them."
            } else {
                "In the folder runs/."
            });
            ui.add_space(8.0);
            chosen = self.list(ui, desk);
            ui.add_space(8.0);
            self.ends(ui, wishes, in_page)
        });
        self.open = !(modal.inner || modal.should_close() || chosen.is_some());
        chosen
    }

    fn list(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) -> Option<PathBuf> {
        let Some(runs) = &desk.known.runs else {
            ui.spinner();
            return None;
        };
        if runs.is_empty() {
            ui.label("There are none yet.");
        }
        let mut acts = Vec::new();
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            Grid::new("runs").num_columns(6).striped(true).show(ui, |ui| {
                for kept in runs {
                    acts.extend(row(ui, kept).map(|act| (act, kept.place.clone())));
                    ui.end_row();
                }
            });
        });
        self.confirm(ui, desk);
        let (act, place) = acts.pop()?;
        match act {
            Act::Open => return Some(place),
            Act::Export => export(desk, place),
            Act::Remove => self.removing = Some(place),
        }
        None
    }

    fn confirm(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let Some(place) = self.removing.clone() else { return };
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            ui.colored_label(ui.visuals().warn_fg_color, format!("Remove {} with all its files?", place.display()));
            if ui.button("Remove it").clicked() {
                desk.ask(Command::Remove(place));
                self.removing = None;
            }
            if ui.button("Keep it").clicked() {
                self.removing = None;
            }
        });
    }

    /// The buttons below; whether the list is to be closed.
    fn ends(&mut self, ui: &mut Ui, wishes: &mut Vec<(String, Wish)>, in_page: bool) -> bool {
        ui.horizontal(|ui| {
            let name = if in_page { "A .backhoe file…" } else { "Another folder or file…" };
            let hint = "Go on with a run that was exported as one file, here or by the program elsewhere.";
            let other = ui.button(name).on_hover_text(hint).clicked();
            if other {
                wishes.push(("runs".to_owned(), Wish::Run));
            }
            ui.button("Close").clicked() || other
        })
        .inner
    }
}

/// A run as one file, called like its folder.
pub fn export(desk: &mut Desk<'_>, place: PathBuf) {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    desk.export(&format!("{name}.backhoe"), Exported::Run(place.clone()));
}

fn row(ui: &mut Ui, kept: &Kept) -> Option<Act> {
    let name = kept.place.file_name().unwrap_or_default().to_string_lossy();
    ui.label(RichText::new(&*name).strong());
    let losses: Vec<&str> = kept.losses.iter().map(|loss| loss.name()).collect();
    ui.label(losses.join(", "));
    let [done, all] = kept.epochs;
    ui.label(format!("epoch {done} of {all}"));
    ui.label(format!("{:.1} MB", kept.bytes as f64 / 1e6));
    let acts = [
        (Act::Open, "Open", "Go on with it, from where its checkpoint stands."),
        (Act::Export, "Export…", "Write it to one file, from which it goes on elsewhere."),
        (Act::Remove, "Remove…", "Remove it with all its files."),
    ];
    let mut chosen = None;
    ui.horizontal(|ui| {
        for (act, word, hint) in acts {
            let button = ui.button(word).on_hover_text(hint);
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{word} {name}")));
            if button.clicked() {
                chosen = Some(act);
            }
        }
    });
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;
    use crate::ui::fixture::Table;
    use crate::worker::message::Message;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    struct Shown {
        table: Table,
        runs: Runs,
        wishes: Vec<(String, Wish)>,
        chosen: Option<PathBuf>,
    }

    fn kept(name: &str) -> Kept {
        let (data, losses) = ("faces".to_owned(), vec![Loss::Xe, Loss::Emd]);
        Kept { place: format!("runs/{name}").into(), data, losses, epochs: [3, 8], bytes: 2_400_000 }
    }

    fn harness(in_page: bool) -> Harness<'static, Shown> {
        let mut table = Table::of_losses(&[Loss::Xe]);
        let mut runs = Runs::default();
        runs.open(&mut table.desk());
        let shown = Shown { table, runs, wishes: Vec::new(), chosen: None };
        let show = move |ui: &mut Ui, shown: &mut Shown| {
            let Shown { table, runs, wishes, chosen } = shown;
            let place = runs.show(ui.ctx(), &mut table.desk(), wishes, in_page);
            *chosen = place.or(chosen.take());
        };
        Harness::builder().with_size([900.0, 600.0]).build_ui_state(show, shown)
    }

    fn click(harness: &mut Harness<'static, Shown>, label: &str) {
        harness.get_by_label(label).click();
        harness.run_steps(3);
    }

    #[test]
    fn runs_are_listed_opened_exported_and_removed_once_confirmed() {
        let mut harness = harness(true);
        harness.run_steps(3);
        assert!(matches!(harness.state().table.commands[..], [Command::List]));
        harness.state_mut().table.known.take(Message::Runs(vec![kept("faces-1"), kept("faces-2")]));
        harness.run_steps(3);
        crate::ui::fixture::keep(&mut harness, "runs");
        click(&mut harness, "Export… faces-2");
        let exports = &harness.state().table.exports;
        let [(name, Exported::Run(place))] = &exports[..] else { panic!("{exports:?}") };
        assert_eq!((name.as_str(), place.as_path()), ("faces-2.backhoe", "runs/faces-2".as_ref()));
        click(&mut harness, "Remove… faces-1");
        assert_eq!(harness.state().table.commands.len(), 1, "nothing is removed unasked");
        click(&mut harness, "Keep it");
        click(&mut harness, "Remove… faces-1");
        click(&mut harness, "Remove it");
        let commands = &harness.state().table.commands;
        assert!(matches!(&commands[1..], [Command::Remove(place)] if place.ends_with("faces-1")), "{commands:?}");
        click(&mut harness, "Open faces-2");
        assert_eq!(harness.state().chosen.as_deref(), Some("runs/faces-2".as_ref()));
        assert!(harness.query_by_label("Close").is_none(), "what is chosen closes the list");
    }

    #[test]
    fn another_place_is_asked_for() {
        for (in_page, label) in [(true, "A .backhoe file…"), (false, "Another folder or file…")] {
            let mut harness = harness(in_page);
            harness.run_steps(3);
            click(&mut harness, label);
            assert!(matches!(harness.state().wishes[..], [(_, Wish::Run)]));
        }
    }
}
