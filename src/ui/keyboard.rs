//! The keyboard: space rests and goes on, arrows replay epochs.

use super::desk::Desk;
use super::known::Phase;
use crate::worker::Command;
use crate::worker::message::Pace;
use eframe::egui::{Context, Key, LayerId, Memory, Modifiers};

/// Does what keys ask for, where no field or button has the keyboard and no question is open before the window.
pub fn take(ctx: &Context, desk: &mut Desk<'_>) {
    let free = |memory: &Memory| memory.focused().is_none() && memory.allows_interaction(LayerId::background());
    if !ctx.memory(free) {
        return;
    }
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::Space) {
        match desk.known.phase {
            Phase::Training => desk.ask(Command::Go(Pace::Rest)),
            Phase::Resting => desk.ask(Command::Go(Pace::Run)),
            _ => {}
        }
    }
    if pressed(Key::ArrowLeft) {
        scrub(desk, |epochs, shown| epochs.iter().rev().find(|&&epoch| epoch < shown).copied());
    }
    if pressed(Key::ArrowRight) {
        scrub(desk, |epochs, shown| epochs.iter().find(|&&epoch| epoch > shown).copied());
    }
}

/// Shows the epoch that `next` finds among all from the one that is shown.
fn scrub(desk: &mut Desk<'_>, next: impl Fn(&[usize], usize) -> Option<usize>) {
    let epochs: Vec<usize> = desk.known.epochs.keys().copied().collect();
    if let Some(epoch) = desk.epoch().and_then(|shown| next(&epochs, shown)) {
        desk.show_epoch(epoch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;
    use crate::ui::fixture::Table;
    use eframe::egui::{Id, Modal, Ui};
    use egui_kittest::Harness;

    /// A window with a question before it, where one is open.
    fn window(ui: &mut Ui, (table, asks): &mut (Table, bool)) {
        take(ui.ctx(), &mut table.desk());
        if *asks {
            Modal::new(Id::unique("question")).show(ui.ctx(), |ui| ui.label("Why?"));
        }
    }

    #[test]
    fn keys_drive_the_run_but_not_from_behind_a_question() {
        let mut harness = Harness::new_ui_state(window, (Table::of_losses(&[Loss::Xe]), true));
        harness.run();
        [Key::Space, Key::ArrowLeft].into_iter().for_each(|key| harness.key_press(key));
        harness.run();
        let (table, asks) = harness.state_mut();
        assert!(table.commands.is_empty() && table.choice.epoch.is_none(), "{:?}", table.commands);
        *asks = false;
        harness.run();
        [Key::Space, Key::ArrowLeft].into_iter().for_each(|key| harness.key_press(key));
        harness.run();
        let table = &mut harness.state_mut().0;
        assert!(matches!(table.commands[..], [Command::Go(Pace::Run)]) && table.choice.epoch == Some(1));
        harness.key_press(Key::ArrowRight);
        harness.run();
        assert_eq!(harness.state().0.choice.epoch, None, "the newest is followed");
    }
}
