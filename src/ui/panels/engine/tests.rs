//! The panel by clicks and in pictures.

use super::*;
use crate::ui::fixture::{self, Table};
use crate::worker::message::{Message, TimedBy};
use eframe::egui::{Theme, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

fn row(kernel: &str, worst: f64, failures: &[&str]) -> Row {
    let failures = failures.iter().map(|&line| line.to_owned()).collect();
    Row { kernel: kernel.to_owned(), cases: 24, worst, tolerance: 1e-5, failures }
}

fn agreement(table: &mut Table, rows: Vec<Row>, over: bool) {
    let adapter = table.known.scene.as_ref().unwrap().adapter.clone();
    let cases = [24 * rows.len(), if over { 24 * rows.len() } else { 930 }];
    table.known.take(Message::Checked(Box::new(Agreement { adapter, rows, cases, over, trouble: None })));
}

fn passes() -> Passes {
    let kinds =
        [("conv_backward_weight", 8.2, 31.0), ("conv_forward", 5.1, 44.5), ("augment", 1.25, 0.9), ("sgd", 0.08, 2.0)];
    let whole: f64 = kinds.iter().map(|kind| kind.1).sum();
    let pass = |(op, ms, gflops): (&str, f64, f64)| PassTime { op: op.to_owned(), ms, share: ms / whole, gflops };
    Passes {
        kinds: kinds.map(pass).to_vec(),
        timed_by: TimedBy::Timestamps,
        steps: [41, 41],
        over: true,
        trouble: None,
    }
}

fn harness(table: Table, theme: Theme) -> Harness<'static, (Engine, Table)> {
    Harness::builder()
        .with_size(Vec2::new(900.0, 1000.0))
        .with_theme(theme)
        .build_ui_state(|ui, (panel, table)| panel.show(ui, &mut table.desk()), (Engine::default(), table))
}

fn picture(harness: &mut Harness<'_, (Engine, Table)>, name: &str) {
    let image = harness.render().unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/window");
    std::fs::create_dir_all(folder).unwrap();
    image.save(format!("{folder}/{name}.png")).unwrap();
}

fn said(harness: &Harness<'_, (Engine, Table)>, words: &str) -> bool {
    harness.query_by_label_contains(words).is_some()
}

#[test]
fn a_right_device_is_said_to_be_and_its_speed_is_shown() {
    let mut table = Table::of(fixture::known(1));
    table.known.take(Message::Step { epoch: 1, batch: 3, rate: 2000.0 });
    table.known.scene.as_mut().unwrap().settings.batch = 64;
    table.known.take(Message::Measured(Box::new(passes())));
    agreement(&mut table, vec![row("conv_forward", 3.1e-6, &[]), row("relu_forward", 0.0, &[])], true);
    let skipped = &mut table.known.scene.as_mut().unwrap().skipped;
    skipped.extend(["25-32/notes.txt: no image", "60+/half.jpg: cut short"].map(str::to_owned));
    for (theme, name) in [(Theme::Dark, "engine-dark"), (Theme::Light, "engine-light")] {
        let known = std::mem::take(&mut table.known);
        let mut harness = harness(Table::of(known), theme);
        harness.run();
        assert!(said(&harness, "agrees with the f64 reference within 3.1e-6 (48 cases)"));
        assert!(said(&harness, "2000 images a second now: 32.0 ms a step of 64 images of all 3 losses together"));
        harness.get_by_label_contains("2 kernels").click();
        harness.run_steps(12);
        harness.get_by_label_contains("2 files of the data").click();
        harness.run_steps(12);
        picture(&mut harness, name);
        assert!(
            said(&harness, "cut short") && said(&harness, "14.63 ms, each in its place, by the device's timestamps")
        );
        table.known = std::mem::take(&mut harness.state_mut().1.known);
    }
}

#[test]
fn kernels_that_are_wrong_are_named() {
    let mut table = Table::of(fixture::known(1));
    let failures = ["Conv { batch: 3 }: output[7]: got 1.5, wanted 1.25"; 7];
    agreement(&mut table, vec![row("conv_forward", 0.2, &failures), row("sgd", 1e-7, &[])], true);
    let mut harness = harness(table, Theme::Light);
    harness.run();
    assert!(
        said(&harness, "1 kernel computes wrongly")
            && said(&harness, "conv_forward is wrong")
            && said(&harness, "and 2 more")
    );
    assert!(!said(&harness, "agrees"));
    picture(&mut harness, "engine-wrong");
}

/// Looking begins a check where the run rests, once; a button begins one at any time.
#[test]
fn a_check_begins_by_itself_only_where_the_run_rests() {
    let checks = |harness: &Harness<'_, (Engine, Table)>| {
        harness.state().1.commands.iter().filter(|command| matches!(command, Command::Check)).count()
    };
    let mut resting = harness(Table::of(fixture::known(1)), Theme::Dark);
    resting.run_steps(3);
    assert_eq!(checks(&resting), 1);
    let mut table = Table::of(fixture::known(1));
    table.known.phase = Phase::Training;
    let mut training = harness(table, Theme::Dark);
    training.run_steps(3);
    assert_eq!(checks(&training), 0);
    training.get_by_label("Check this device").click();
    training.run_steps(3);
    assert_eq!(checks(&training), 1);
    training.get_by_label("Measure each kind of step").click();
    training.run_steps(2);
    assert!(matches!(training.state().1.commands.last(), Some(Command::Measure)));
}

#[test]
fn what_is_under_way_shows_how_far_it_is() {
    let mut table = Table::of(fixture::known(1));
    agreement(&mut table, vec![row("sgd", 2e-7, &[])], false);
    table.known.take(Message::Measured(Box::new(Passes { over: false, steps: [3, 41], ..passes() })));
    let mut harness = harness(table, Theme::Dark);
    harness.run();
    assert!(said(&harness, "So far it agrees with the f64 reference within 2.0e-7 (24 cases)"));
    picture(&mut harness, "engine-under-way");
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!([0, 7, 999, 1000, 12_345_678].map(thousands), ["0", "7", "999", "1,000", "12,345,678"]);
    assert_eq!([0.0, 1.26e-6, f64::MAX].map(error), ["none", "1.3e-6", "no number"]);
}
