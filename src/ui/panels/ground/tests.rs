//! The panel beside the race, as it is shown first.

use super::Ground;
use crate::ui::fixture::{Table, known};
use crate::ui::panels::race::Race;
use crate::ui::panels::replay;
use eframe::egui::{CentralPanel, Panel, Theme, Ui, Vec2};
use egui_kittest::Harness;

/// Both panels in the middle of a window of that size, as the app lays them out.
struct View {
    table: Table,
    race: Race,
    ground: Ground,
}

impl View {
    fn new(table: Table) -> Self {
        Self { table, race: Race::default(), ground: Ground::default() }
    }

    fn show(&mut self, ui: &mut Ui) {
        Panel::top("top").exact_size(56.0).show(ui, |_| ());
        Panel::bottom("replay").show(ui, |ui| replay::show(ui, &mut self.table.desk()));
        Panel::left("controls").exact_size(270.0).show(ui, |_| ());
        CentralPanel::default_margins().show(ui, |ui| {
            ui.columns(2, |columns| {
                self.race.show(&mut columns[0], &mut self.table.desk());
                self.ground.show(&mut columns[1], &mut self.table.desk());
            });
        });
    }
}

fn harness(view: View, size: Vec2, theme: Theme) -> Harness<'static, View> {
    Harness::builder().with_size(size).with_theme(theme).build_ui_state(|ui, view: &mut View| view.show(ui), view)
}

/// Keeps a picture to be looked at.
fn keep(harness: &mut Harness<'_, View>, name: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/window");
    std::fs::create_dir_all(&folder).unwrap();
    harness.render().unwrap().save(folder.join(name)).unwrap();
}

#[test]
fn the_first_view_fits_its_window() {
    for (size, theme, name) in [
        (Vec2::new(1280.0, 800.0), Theme::Dark, "race-1280-dark.png"),
        (Vec2::new(1280.0, 800.0), Theme::Light, "race-1280-light.png"),
        (Vec2::new(1920.0, 1080.0), Theme::Dark, "race-1920-dark.png"),
        (Vec2::new(1920.0, 1080.0), Theme::Light, "race-1920-light.png"),
    ] {
        let mut harness = harness(View::new(Table::of(known(6))), size, theme);
        harness.run_steps(4);
        keep(&mut harness, name);
    }
}
