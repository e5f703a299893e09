//! The panel beside the race, as it is shown first.

use super::Ground;
use crate::nn::Loss;
use crate::ui::fixture::{Table, known, race, scene};
use crate::ui::metric::Metric;
use crate::ui::panels::race::Race;
use crate::ui::panels::replay;
use crate::ui::theme;
use crate::worker::message::Exported;
use eframe::egui::accesskit::Role;
use eframe::egui::{CentralPanel, Panel, Theme, Ui, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

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
        theme::set(ui.ctx());
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

/// Two seeds of a race, the present one replayed at its fourth epoch, beside the paper's levels.
fn replayed() -> View {
    let losses = [Loss::Xe, Loss::Emd, Loss::EmdLinear, Loss::Xemd1, Loss::Xemd2, Loss::Reg];
    let mut table = Table::default();
    for seed in [3, 2, 1] {
        race(&mut table.known, scene(8, &losses, seed), 12);
    }
    table.choice.epoch = Some(4);
    View::new(table)
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
        let below = harness.get_by_role_and_label(Role::Slider, "epoch shown").rect().top();
        let plane = harness.get_by_label("Classes in a plane by their distances").rect();
        assert!((0.0..=24.0).contains(&(below - plane.bottom())), "{plane:?} does not end above {below}");
        assert!(plane.height() >= 0.2 * size.y, "{plane:?}");
    }
}

#[test]
fn everything_at_once_can_still_be_read() {
    for (theme, name) in [(Theme::Dark, "replayed-dark.png"), (Theme::Light, "replayed-light.png")] {
        let mut harness = harness(replayed(), Vec2::new(1280.0, 800.0), theme);
        harness.get_by_label("seeds").click();
        harness.run_steps(2);
        harness.get_by_label("D - ordered").click();
        harness.get_by_label("paper's levels").click();
        harness.run_steps(2);
        harness.get_by_label("residual network (RES)").click();
        harness.get_by_label("emd-linear").click();
        harness.run_steps(4);
        keep(&mut harness, name);
    }
}

#[test]
fn many_classes_are_drawn_as_one_picture() {
    let mut table = Table::default();
    race(&mut table.known, scene(300, &[Loss::Xe, Loss::Xemd2], 1), 1);
    let mut harness = harness(View::new(table), Vec2::new(1280.0, 800.0), Theme::Dark);
    harness.run_steps(4);
    keep(&mut harness, "many-classes.png");
}

#[test]
fn the_legend_puts_a_racer_out_and_on_again() {
    let mut harness = harness(View::new(Table::of(known(6))), Vec2::new(1280.0, 800.0), Theme::Dark);
    let curves = |harness: &Harness<'_, View>| {
        let node = harness.get_by(|node| node.label().is_some_and(|label| label.starts_with("AEM: exact match, % by")));
        node.accesskit_node().label().unwrap()
    };
    harness.run_steps(2);
    assert!(curves(&harness).contains("emd ") && curves(&harness).contains("xe "), "{}", curves(&harness));
    harness.get_by_role_and_label(Role::CheckBox, "xe").click();
    harness.run_steps(2);
    assert!(harness.state().table.choice.hidden.contains("xe"));
    assert!(!curves(&harness).contains("xe ") && curves(&harness).contains("emd "), "{}", curves(&harness));
    harness.get_by_role_and_label(Role::CheckBox, "xe").click();
    harness.run_steps(2);
    assert!(harness.state().table.choice.hidden.is_empty());
}

#[test]
fn matrix_and_curves_follow_the_epoch_that_is_replayed() {
    let mut view = View::new(Table::of(known(6)));
    view.table.choice.epoch = Some(2);
    let mut harness = harness(view, Vec2::new(1280.0, 800.0), Theme::Dark);
    harness.run_steps(2);
    for epoch in [2, 5] {
        harness.state_mut().table.desk().show_epoch(epoch);
        harness.run_steps(2);
        let results = &harness.state().table.known.epochs[&epoch];
        let (row, ground) = (&results[1].row, &results[2].ground);
        assert_eq!(row.loss, "emd");
        let curve = format!("emd {:.1}", row.aem);
        harness.get_by(|node| node.label().is_some_and(|label| label.starts_with("AEM") && label.contains(&curve)));
        harness.get_by_label(&format!("ground distance D: 0-2 to 15-20: {:.2}", ground[3]));
    }
}

#[test]
fn every_view_and_column_can_be_reached() {
    let mut harness = harness(View::new(Table::of(known(6))), Vec2::new(1280.0, 800.0), Theme::Light);
    for label in ["raw", "ranks", "D - ordered", "D", "matrix", "layout", "both", "log"] {
        harness.get_by_label(label).click();
        harness.run_steps(2);
    }
    for metric in Metric::ALL {
        harness.get_by_label("curves").click();
        harness.run_steps(2);
        harness.get_by_role_and_label(Role::Button, metric.title()).click();
        harness.run_steps(2);
        harness.get_by(|node| {
            node.label().is_some_and(|label| label.starts_with(&format!("{} by epoch", metric.title())))
        });
    }
    keep(&mut harness, "one-metric.png");
}

#[test]
fn what_is_shown_can_be_exported() {
    let mut harness = harness(View::new(Table::of(known(6))), Vec2::new(1280.0, 800.0), Theme::Dark);
    harness.state_mut().table.choice.epoch = Some(3);
    harness.get_by_role_and_label(Role::CheckBox, "xe").click();
    harness.get_by_label("ranks").click();
    harness.run_steps(2);
    harness.get_all_by_label("Export").next().unwrap().click();
    harness.run_steps(2);
    harness.get_by_label("All columns as CSV").click();
    harness.run_steps(2);
    harness.get_all_by_label("Export").last().unwrap().click();
    harness.run_steps(2);
    harness.get_by_label("SVG").click();
    harness.run_steps(2);
    let exports = &harness.state().table.exports;
    let [(curves, Exported::Curves(rows)), (ranks, Exported::Matrix { matrix, title, .. })] = exports.as_slice() else {
        panic!("{exports:?}");
    };
    assert_eq!((curves.as_str(), rows.len()), ("metrics.csv", 12));
    assert!(rows.iter().all(|row| row.loss != "xe"));
    assert_eq!((ranks.as_str(), title.as_str()), ("ranks_xemd2_3.svg", "ranks R of xemd2, epoch 3"));
    assert_eq!(matrix.len(), 64);
}

#[test]
fn curves_and_differences_are_exported_as_they_are_shown() {
    let mut harness = harness(View::new(Table::of(known(6))), Vec2::new(1280.0, 800.0), Theme::Dark);
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::CheckBox, "xe").click();
    harness.get_by_label("D - ordered").click();
    harness.run_steps(2);
    for (menu, format) in [(0, "Curves as SVG"), (1, "PNG")] {
        harness.get_all_by_label("Export").nth(menu).unwrap().click();
        harness.run_steps(2);
        harness.get_by_label(format).click();
        harness.run_steps(2);
    }
    let exports = &harness.state().table.exports;
    let [(curves, Exported::Charts(charts)), (picture, Exported::Difference { matrix, .. })] = exports.as_slice()
    else {
        panic!("{exports:?}");
    };
    assert_eq!((curves.as_str(), picture.as_str()), ("curves.svg", "D_-_ordered_xemd2_6.png"));
    assert!(matrix.iter().any(|&value| value < 0.0) && matrix.iter().any(|&value| value > 0.0));
    let titles: Vec<_> = charts.iter().map(|chart| (chart.title.as_str(), chart.percent)).collect();
    assert_eq!(titles, [("AEM: exact match, %", true), ("AEO: at most one class off, %", true)]);
    let losses: Vec<_> = charts[0].lines.iter().map(|(loss, points)| (loss.as_str(), points.len())).collect();
    assert_eq!(losses, [("emd", 6), ("xemd2", 6)], "what the legend has put out is left out");
}

#[test]
fn a_replay_comes_to_the_newest_epoch() {
    let mut harness = harness(View::new(Table::of(known(6))), Vec2::new(1280.0, 800.0), Theme::Dark);
    harness.run_steps(2);
    harness.get_by_label("Replay").click();
    harness.run_steps(2);
    let mut shown = vec![harness.state_mut().table.desk().epoch()];
    // A step of the harness is a quarter of a second.
    for _ in 0..24 {
        harness.step();
        shown.push(harness.state_mut().table.desk().epoch());
    }
    shown.dedup();
    assert_eq!(shown, [1, 2, 3, 4, 5, 6].map(Some));
    assert_eq!(harness.state().table.choice.epoch, None, "the run is followed again");
    harness.get_by_label("Replay");
}

#[test]
fn a_click_into_the_curves_shows_that_epoch() {
    let mut harness = harness(View::new(Table::of(known(6))), Vec2::new(1280.0, 800.0), Theme::Dark);
    harness.run_steps(2);
    let plot = harness.get_by(|node| node.label().is_some_and(|label| label.starts_with("AEM: exact match, % by")));
    // Epochs 1 to 8 are on the axis.
    let place = plot.rect().lerp_inside(Vec2::new(2.0 / 7.0, 0.5));
    harness.drag_at(place);
    harness.drop_at(place);
    harness.run_steps(3);
    assert_eq!(harness.state().table.choice.epoch, Some(3));
}

#[test]
fn before_the_first_epoch_it_says_what_will_appear() {
    let mut harness = harness(View::new(Table::of(known(0))), Vec2::new(1280.0, 800.0), Theme::Dark);
    harness.run_steps(2);
    harness.get_by_label("The first points appear when the first epoch is over.");
    harness.get_by_label("The first matrix appears when the first epoch is over.");
}

#[test]
fn without_a_run_and_in_a_small_window_nothing_breaks() {
    harness(View::new(Table::default()), Vec2::new(800.0, 400.0), Theme::Light).run_steps(2);
    let mut small = harness(View::new(Table::of(known(4))), Vec2::new(853.0, 533.0), Theme::Light);
    small.run_steps(3);
    keep(&mut small, "small.png");
}
