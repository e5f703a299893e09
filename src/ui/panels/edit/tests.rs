use super::*;
use crate::ui::fixture::{Table, harness, keep};
use crate::worker::message::{Message, Trouble};
use eframe::egui::{Pos2, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

type Shown = Harness<'static, (Table, Edit)>;

fn shown(losses: &[Loss], theme: Theme) -> Shown {
    let mut harness = harness(Table::of_losses(losses), Edit::default(), theme, Edit::show);
    harness.run();
    harness
}

/// All edits that were asked for.
fn asked(harness: &Shown) -> Vec<GroundEdit> {
    let edit = |command: &Command| if let Command::Ground(edit) = command { Some(edit.clone()) } else { None };
    harness.state().0.commands.iter().filter_map(edit).collect()
}

/// The value of a cell of the matrix that is edited.
fn cell<'a>(harness: &'a Shown, name: &str) -> egui_kittest::Node<'a> {
    let label = format!("D of the next epoch: {name}:");
    harness.get_by(move |node| node.label().is_some_and(|found| found.starts_with(&label)))
}

fn only(edit: &GroundEdit) -> Vec<(usize, f32)> {
    edit.cells.iter().enumerate().filter_map(|(at, cell)| cell.map(|cell| (at, cell))).collect()
}

#[test]
fn a_cell_is_dragged_up_and_both_triangles_follow() {
    let mut harness = shown(&[Loss::Xe, Loss::Xemd2], Theme::Dark);
    let place = cell(&harness, "4-6 to 15-20").rect().center();
    let before = harness.state().0.known.epochs[&2][1].ground[11];
    harness.drag_at(place);
    harness.step();
    for by in [20.0, 40.0, 60.0] {
        harness.hover_at(place - Vec2::new(0.0, by));
        harness.step();
        assert_eq!(asked(&harness).len(), 0, "the worker is asked once it lets go");
    }
    harness.drop_at(Pos2::new(place.x, place.y - 60.0));
    harness.run();
    let edits = asked(&harness);
    let [(there, to), (back, from)] = only(edits.last().unwrap())[..] else { panic!("{edits:?}") };
    assert_eq!((edits.len(), there, back, to), (1, 11, 25, from));
    // The first movement may be taken up by finding out that it is a drag.
    assert!(to > before as f32 + 0.15 && to <= before as f32 + 0.31, "{before} became {to}");
}

#[test]
fn a_cell_is_chosen_and_typed_into_by_keyboard() {
    let mut harness = shown(&[Loss::Xemd1], Theme::Light);
    cell(&harness, "0-2 to 8-13").focus();
    harness.run();
    assert_eq!(harness.state().1.cell, [0, 2]);
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(harness.state().1.cell, [0, 3], "arrows go from cell to cell");
    for text in ["0", ",", "3", "7"] {
        harness.event(Event::Text(text.to_owned()));
        harness.run();
    }
    assert_eq!(harness.state().1.typed, "0.37");
    harness.key_press(Key::Backspace);
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(only(asked(&harness).last().unwrap()), [(3, 0.3), (24, 0.3)]);
    let name = "D of the next epoch: 15-20 to 0-2: 0.30";
    harness.get_by_label(name);
    harness.key_press(Key::Delete);
    harness.run();
    assert_eq!(asked(&harness).last(), Some(&GroundEdit::default()));
    assert!(harness.query_by_label(name).is_none(), "what was learned counts again");
}

#[test]
fn cells_are_frozen_where_they_are_and_released() {
    let mut harness = shown(&[Loss::Xemd2], Theme::Dark);
    let learned = harness.state().0.known.epochs[&2][0].ground[1];
    harness.get_by_label("frozen").click();
    harness.run();
    let edit = asked(&harness).pop().unwrap();
    assert_eq!(only(&edit), [(1, learned as f32), (8, learned as f32)]);
    harness.state_mut().0.known.take(Message::Held(edit));
    harness.run();
    assert_eq!(harness.state().1.asked, None, "the worker has it");
    harness.get_by_label("frozen").click();
    harness.run();
    assert_eq!(asked(&harness).pop(), Some(GroundEdit::default()));
}

#[test]
fn passing_through_the_field_of_a_distance_holds_nothing() {
    let mut harness = shown(&[Loss::Xemd2], Theme::Dark);
    let is_field = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
        matches!(node.role(), egui::Role::SpinButton | egui::Role::TextInput)
            && node.label().is_some_and(|label| label == "distance")
    };
    // More digits than the field shows.
    let held = hold(&GroundEdit::default(), 8, [0, 1], Some(0.12345));
    harness.state_mut().0.known.take(Message::Held(held));
    harness.run();
    harness.get_by(is_field).focus();
    harness.run();
    harness.key_press(Key::Tab);
    harness.run();
    assert_eq!(asked(&harness), []);
    harness.get_by(is_field).focus();
    harness.run();
    harness.get_by(is_field).type_text("0.4");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(only(asked(&harness).last().unwrap()), [(1, 0.4), (8, 0.4)]);
}

#[test]
fn an_edit_that_is_refused_is_not_shown_as_held() {
    let mut harness = shown(&[Loss::Xemd2], Theme::Dark);
    harness.get_by_label("frozen").click();
    harness.run();
    assert!(harness.state().1.asked.is_some());
    let trouble = |ends| Trouble { what: "that".to_owned(), why: "no distance".to_owned(), ends };
    harness.state_mut().0.known.take(Message::Failed(trouble(false)));
    harness.run();
    assert_eq!(harness.state().1.asked, None);
    // Nor is one of a run that is no more.
    harness.state_mut().0.known.take(Message::Failed(trouble(true)));
    harness.state_mut().0.known.troubles.clear();
    harness.get_by_label("frozen").click();
    harness.run();
    assert_eq!((asked(&harness).len(), harness.state().1.asked.is_some()), (2, false));
}

#[test]
fn all_cells_are_ordered_frozen_or_learned() {
    let mut harness = shown(&[Loss::Xemd2], Theme::Dark);
    for button in ["Reset to ordered", "Reset to learned", "Freeze all"] {
        harness.get_by_label(button).click();
        harness.run();
    }
    let edits = asked(&harness);
    assert_eq!(edits[0].cells[7], Some(1.0));
    assert_eq!(edits[1], GroundEdit::default());
    let ground = &harness.state().0.known.epochs[&2][0].ground;
    assert_eq!(edits[2].cells[5], Some(ground[5] as f32));
    assert!(edits.iter().all(|edit| edit.check(8).is_ok()));
    harness.get_by_label("Export").click();
    harness.run();
    harness.get_by_label("CSV").click();
    harness.run();
    let (name, Exported::Matrix { matrix, .. }) = &harness.state().0.exports[0] else { panic!() };
    assert_eq!((name.as_str(), matrix.len()), ("ground-distance.csv", 64));
}

#[test]
fn it_says_who_reads_d() {
    assert!(words(&[Loss::Xemd1], &[Loss::Xe, Loss::Emd]).ends_with("Not touched: xe, emd."));
    assert!(words(&[], &[Loss::Xe]).contains("emd-linear, xemd1, xemd2, a-emd"));
    let mut harness = shown(&[Loss::Xe], Theme::Dark);
    harness.get_by_label_contains("No racer reads D");
    harness.state_mut().0.known.scene.as_mut().unwrap().settings.losses = vec![Loss::AEmd];
    harness.run();
    harness.get_by_label_contains("reads D and trains with it");
}

#[test]
fn it_is_drawn_in_dark_and_light() {
    for (theme, name) in [(Theme::Dark, "edit-dark"), (Theme::Light, "edit-light")] {
        let mut harness = shown(&[Loss::Xe, Loss::Xemd1, Loss::Xemd2], theme);
        let held = hold(&hold(&GroundEdit::default(), 8, [0, 7], Some(0.2)), 8, [2, 3], Some(0.9));
        harness.state_mut().0.known.take(Message::Held(held));
        cell(&harness, "4-6 to 15-20").focus();
        harness.run();
        harness.event(Event::Text("0.4".to_owned()));
        harness.run();
        keep(&mut harness, name);
    }
}
