//! The keyboard: space rests and goes on, arrows replay epochs.

use super::desk::Desk;
use super::known::Phase;
use crate::worker::Command;
use crate::worker::message::Pace;
use eframe::egui::{Context, Key, Modifiers};

/// Does what keys ask for, where no field or button has the keyboard.
pub fn take(ctx: &Context, desk: &mut Desk<'_>) {
    if ctx.memory(|memory| memory.focused().is_some()) {
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

/// Shows the epoch that `next` finds among all from the one that is shown; the newest is followed again.
fn scrub(desk: &mut Desk<'_>, next: impl Fn(&[usize], usize) -> Option<usize>) {
    let epochs: Vec<usize> = desk.known.epochs.keys().copied().collect();
    let Some(epoch) = desk.epoch().and_then(|shown| next(&epochs, shown)) else { return };
    desk.choice.epoch = (epochs.last() != Some(&epoch)).then_some(epoch);
}
