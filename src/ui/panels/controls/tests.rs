use super::*;
use crate::train::Change;
use crate::ui::fixture::{Table, harness};
use crate::worker::message::{Message, Trouble};
use eframe::egui::{Key, Role, Theme, Vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, Node};

type Shown = Harness<'static, (Table, Controls)>;

fn controls(source: Source) -> Controls {
    let settings = Settings { losses: vec![Loss::Xe, Loss::Emd], ..Settings::default() };
    let protocol = Protocol { fold: Some(2), ..Protocol::default() };
    let cell = Cell { source, protocol, settings, ground: Some("d.csv".into()), search: false };
    Controls::new(cell, true, "cpu", None)
}

/// The controls beside a run of the same losses, whose settings are these.
fn shown(change: impl FnOnce(&mut Settings)) -> Shown {
    let mut table = Table::of_losses(&[Loss::Xe, Loss::Emd]);
    change(&mut table.known.scene.as_mut().unwrap().settings);
    let show = |controls: &mut Controls, ui: &mut Ui, desk: &mut Desk<'_>| controls.show(ui, desk, &mut Vec::new());
    let mut harness = harness(table, controls(Source::Faces { train: 80, test: 40 }), Theme::Dark, show);
    harness.run();
    harness
}

fn settings(harness: &Shown) -> &Settings {
    &harness.state().1.settings
}

fn changes(harness: &Shown) -> Vec<Change> {
    let change = |command: &Command| if let Command::Change(change) = command { Some(*change) } else { None };
    harness.state().0.commands.iter().filter_map(change).collect()
}

fn number<'a>(harness: &'a Shown, name: &'a str) -> Node<'a> {
    harness.get_by(move |node| {
        let number = matches!(node.role(), Role::SpinButton | Role::TextInput);
        number && node.label().is_some_and(|label| label == name)
    })
}

/// Types into a number and leaves it.
fn write(harness: &mut Shown, name: &str, text: &str) {
    number(harness, name).focus();
    harness.run();
    number(harness, name).type_text(text);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
}

#[test]
fn a_number_goes_to_the_run_once_it_is_typed_to_its_end() {
    let mut harness = shown(|_| ());
    number(&harness, "learning rate").focus();
    harness.run();
    for text in ["0", ".", "0", "1"] {
        number(&harness, "learning rate").type_text(text);
        harness.run();
        assert_eq!(changes(&harness), []);
    }
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(changes(&harness), [Change::LearningRate(0.01)]);
    assert_eq!(settings(&harness).learning_rate, 0.01, "not the run's old one while it does not answer");
    let changed = Settings { learning_rate: 0.01, ..harness.state().0.known.scene.clone().unwrap().settings };
    harness.state_mut().0.known.take(Message::Changed(Box::new(changed)));
    harness.run();
    harness.state_mut().0.known.scene.as_mut().unwrap().settings.learning_rate = 0.2;
    harness.run();
    assert_eq!(settings(&harness).learning_rate, 0.2, "the run's own is shown again");
}

#[test]
fn a_dragged_number_goes_to_the_run_once_it_is_let_go() {
    let mut harness = shown(|_| ());
    let place = number(&harness, "momentum").rect().center();
    harness.drag_at(place);
    harness.step();
    for by in [-20.0, -40.0, -60.0] {
        harness.hover_at(place + Vec2::new(by, 0.0));
        harness.step();
        assert_eq!(changes(&harness), []);
    }
    harness.step();
    let reached = settings(&harness).momentum;
    assert!(reached < 0.9, "{reached}");
    harness.drop_at(place - Vec2::new(60.0, 0.0));
    harness.run();
    assert_eq!(changes(&harness), [Change::Momentum(reached)]);
    assert_eq!(settings(&harness).momentum, reached);
}

#[test]
fn a_refused_setting_is_the_run_s_again() {
    let mut harness = shown(|_| ());
    write(&mut harness, "epochs", "1");
    assert_eq!((settings(&harness).epochs, changes(&harness).len()), (1, 1));
    let trouble = Trouble { what: "that".to_owned(), why: "fewer than have begun".to_owned(), ends: false };
    harness.state_mut().0.known.take(Message::Failed(trouble));
    harness.run();
    assert_eq!(settings(&harness).epochs, 8);
}

#[test]
fn after_a_run_that_ended_by_an_error_settings_are_of_the_next() {
    let mut harness = shown(|settings| settings.learning_rate = 9.0);
    assert_eq!(settings(&harness).learning_rate, 9.0);
    let trouble = Trouble { what: "training".to_owned(), why: "it diverged".to_owned(), ends: true };
    harness.state_mut().0.known.take(Message::Failed(trouble));
    write(&mut harness, "learning rate", "0.05");
    harness.run_steps(3);
    assert_eq!((settings(&harness).learning_rate, changes(&harness).len()), (0.05, 0));
}

#[test]
fn looking_at_a_setting_does_not_change_it() {
    let unusual = |settings: &mut Settings| {
        (settings.learning_rate, settings.momentum) = (2e-10, 0.999_95);
        (settings.omega, settings.mu) = (Some(900.0), Some(-5e4));
    };
    let mut harness = shown(unusual);
    harness.run_steps(3);
    let Settings { learning_rate, momentum, omega, mu, .. } = *settings(&harness);
    assert_eq!((learning_rate, momentum, omega, mu), (2e-10, 0.999_95, Some(900.0), Some(-5e4)));
    // Nor does taking up and leaving its field.
    for name in ["learning rate", "momentum", "omega", "mu"] {
        number(&harness, name).focus();
        harness.run();
        harness.key_press(Key::Tab);
        harness.run();
    }
    assert_eq!(changes(&harness), []);
}

#[test]
fn searched_rates_are_of_their_losses_alone() {
    let mut harness = shown(|settings| settings.rates = vec![0.03, 0.01]);
    assert_eq!(settings(&harness).rates, [0.03, 0.01]);
    harness.get_by_label_contains("xe 0.03, emd 0.01");
    harness.get_by_label("sord").click();
    harness.run();
    assert_eq!((settings(&harness).rates.len(), settings(&harness).losses.len()), (0, 3));
    assert_eq!(settings(&harness).check(), Ok(()));
    assert!(harness.query_by_label_contains("xe 0.03").is_none());
}

#[test]
fn what_was_said_of_the_data_is_of_these_data() {
    let ordered =
        |controls: &mut Controls| if let Command::Begin(order) = controls.order() { order.cell } else { panic!() };
    let source = Source::Folder { path: "/photos".into(), test_fraction: 0.3, strict: true };
    let mut controls = controls(source.clone());
    let cell = ordered(&mut controls);
    assert_eq!((cell.source, cell.protocol.fold, cell.ground), (source, Some(2), Some("d.csv".into())));
    assert!(controls.said_before().unwrap().contains("fold 2"));
    controls.take_folder("/other".into());
    let cell = ordered(&mut controls);
    assert_eq!((cell.protocol, cell.ground, controls.said_before()), (Protocol::default(), None, None));
    let Source::Folder { test_fraction, strict, .. } = cell.source else { panic!() };
    assert_eq!((test_fraction, strict), (0.3, true));
}
