use super::*;
use crate::ui::fixture::{Table, harness, keep};
use eframe::egui::{Key, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

type Panel = Harness<'static, (Table, Mover)>;

fn panel(losses: &[Loss], theme: Theme) -> Panel {
    let mut harness = harness(Table::of_losses(losses), Mover::default(), theme, Mover::show);
    harness.run();
    harness
}

fn own(harness: &Panel) -> Vec<f64> {
    harness.state().1.own.clone().unwrap()
}

#[test]
fn it_plays_to_the_end_and_then_costs_nothing() {
    let mut harness = panel(&[Loss::Xe, Loss::Emd], Theme::Dark);
    // Running ends only where nobody asks to be drawn again.
    harness.run();
    harness.get_by_label_contains("work so far 0.000 of");
    harness.get_by_label("Play").click();
    harness.step();
    harness.step();
    let time = harness.state().1.time;
    assert!(harness.state().1.playing && time > 0.0 && time < 0.2, "{time}");
    for _ in 0..60 {
        harness.step();
    }
    assert!(!harness.state().1.playing && harness.state().1.time == 1.0);
    harness.run();
    harness.get_by_label("Play").click();
    harness.step();
    assert!(harness.state().1.time < 0.2, "from the beginning again");
}

#[test]
fn bars_are_dragged_and_moved_by_keys() {
    let mut harness = panel(&[Loss::Xe, Loss::Emd], Theme::Dark);
    let bar = harness.get_by_label("share of 8-13").rect();
    harness.drag_at(bar.center_bottom() - Vec2::new(0.0, 5.0));
    harness.step();
    harness.hover_at(bar.center() + Vec2::new(0.0, 10.0));
    harness.step();
    harness.hover_at(bar.center());
    harness.step();
    harness.drop_at(bar.center());
    harness.run();
    let dragged = own(&harness);
    assert!((dragged[2] - 0.5).abs() < 0.01, "as high as the pointer: {dragged:?}");
    assert!((dragged.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    harness.get_by_label("share of 4-6").focus();
    harness.run();
    harness.key_press(Key::ArrowUp);
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert!((own(&harness)[1] - dragged[1] - 0.02).abs() < 1e-9);
    assert!(harness.get_by_label("share of 4-6").is_focused());
    harness.get_by_label("As predicted").click();
    harness.run();
    assert_eq!(harness.state().1.own, None);
}

#[test]
fn figure_1_has_one_cross_entropy_and_two_distances() {
    let mut harness = panel(&[Loss::Xemd2], Theme::Light);
    let mut found = Vec::new();
    for name in ["Figure 1, A", "Figure 1, B"] {
        harness.get_by_label(name).click();
        harness.run();
        for loss in ["xe", "emd", "xemd2"] {
            harness.get_by_label_contains(&format!("gradient of {loss}:"));
        }
        let state = harness.state_mut();
        let desk = state.0.desk();
        let shown = state.1.shown(&desk).ok().unwrap();
        found.push(state.1.weigh(&desk, &shown).iter().map(|w| w.worth.as_ref().unwrap().loss).collect::<Vec<_>>());
    }
    // xe and emd stand first: they do not race.
    assert_eq!(found[0][0], found[1][0]);
    assert!((found[0][1] - 1.5325).abs() < 1e-9 && (found[1][1] - 0.6325).abs() < 1e-9, "{found:?}");
}

#[test]
fn a_loss_without_a_gradient_of_one_softmax_says_so() {
    let harness = panel(&[Loss::Qwk, Loss::Reg], Theme::Dark);
    harness.get_by_label_contains("qwk is no function of a single softmax");
    harness.get_by_label_contains("reg is no function");
}

#[test]
fn shuffled_ids_are_what_losses_see() {
    let mut table = Table::of_losses(&[Loss::Xe, Loss::Emd]);
    let of = |table: &mut Table, loss| {
        let desk = table.desk();
        let mover = Mover::default();
        let shown = mover.shown(&desk).ok().unwrap();
        mover.weigh_one(&desk, &shown, loss).worth.unwrap()
    };
    let (xe, emd) = (of(&mut table, Loss::Xe), of(&mut table, Loss::Emd));
    table.known.scene.as_mut().unwrap().settings.shuffled_ids = true;
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12);
    assert!(close(&of(&mut table, Loss::Xe).gradient, &xe.gradient), "cross-entropy knows no order");
    assert!(!close(&of(&mut table, Loss::Emd).gradient, &emd.gradient), "the chain is another");
}

#[test]
fn what_is_not_there_is_said() {
    let mut harness = panel(&[Loss::Emd], Theme::Dark);
    harness.state_mut().0.known.epochs.get_mut(&2).unwrap()[0].outcomes.clear();
    harness.run();
    harness.get_by_label(FORGOTTEN);
    harness.state_mut().0.known.epochs.clear();
    harness.run();
    harness.get_by_label_contains("Nothing is predicted before");
}

#[test]
fn it_is_drawn_in_dark_and_light() {
    for (theme, name) in [(Theme::Dark, "mover-dark"), (Theme::Light, "mover-light")] {
        let mut harness = panel(&[Loss::Xe, Loss::Emd, Loss::Xemd2], theme);
        keep(&mut harness, &format!("{name}-0"));
        harness.state_mut().1.time = 0.45;
        harness.run();
        keep(&mut harness, &format!("{name}-1"));
        harness.get_by_label("Figure 1, B").click();
        harness.run();
        harness.state_mut().1.time = 1.0;
        harness.run();
        keep(&mut harness, &format!("{name}-figure"));
    }
}

#[test]
fn cells_that_are_held_now_are_not_those_of_an_earlier_epoch() {
    let mut harness = panel(&[Loss::Xemd2], Theme::Dark);
    let edit = crate::ui::distances::hold(&GroundEdit::default(), 8, [0, 7], Some(0.125));
    harness.state_mut().0.known.take(crate::worker::message::Message::Held(edit));
    let to_last = |harness: &mut Panel| {
        let desk = harness.state_mut().0.desk();
        Distances::after(desk.known, desk.result(), held(&desk)).at([0, 7])
    };
    assert_eq!(to_last(&mut harness), 0.125);
    harness.state_mut().0.choice.epoch = Some(1);
    let learned = harness.state().0.known.epochs[&1][0].ground[7];
    assert_eq!(to_last(&mut harness), learned);
}
