//! Settings that may change while a run goes on: what is chosen goes to it once it is settled, not while it is dragged or typed.

use super::field;
use crate::nn::Loss;
use crate::train::{Change, Lambda, Settings};
use crate::ui::desk::Desk;
use crate::ui::terms;
use crate::worker::Command;
use eframe::egui::{Response, Ui};
use std::ops::RangeInclusive;

/// Most epochs.
const MOST_EPOCHS: usize = u32::MAX as usize;
/// Least of what must be above 0.
const LEAST: f32 = f32::MIN_POSITIVE;

/// What of them is on its way to the run.
#[derive(Default)]
pub struct Steering {
    /// What the run was asked for last, until it says that it is so or refuses.
    asked: Option<Change>,
    /// Whether a number was dragged to another value and is not let go yet.
    moved: bool,
}

/// A field that was touched in a frame.
struct Touched {
    change: Change,
    changed: bool,
    dragged: bool,
}

impl Touched {
    fn of(field: &Response, change: Change) -> Option<Self> {
        let (changed, dragged) = (field.changed(), field.dragged());
        (changed || dragged || field.drag_stopped()).then_some(Self { change, changed, dragged })
    }
}

impl Steering {
    /// Shows them. They are those of the run as long as there is one.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, settings: &mut Settings) {
        self.take_over(ui, desk, settings);
        let mut touched = numbers(ui, settings);
        touched.extend(distance_term(ui, settings));
        self.moved &= !touched.is_empty();
        for Touched { change, changed, dragged } in touched {
            if changed {
                *settings = change.on(settings);
            }
            self.moved |= changed;
            if self.moved && !dragged {
                self.moved = false;
                self.ask(desk, change);
            }
        }
    }

    fn ask(&mut self, desk: &mut Desk<'_>, change: Change) {
        if desk.known.alive {
            self.asked = Some(change);
            desk.ask(Command::Change(change));
        }
    }

    /// Takes over what the run trains with, but for what is being changed here.
    fn take_over(&mut self, ui: &Ui, desk: &Desk<'_>, settings: &mut Settings) {
        let Some(scene) = desk.known.scene.as_ref().filter(|_| desk.known.alive) else {
            self.asked = None;
            return;
        };
        let present = &scene.settings;
        let refused = !desk.known.troubles.is_empty();
        self.asked = self.asked.filter(|asked| !refused && asked.on(present) != *present);
        if self.moved || self.asked.is_some() || ui.memory(|memory| memory.focused().is_some()) {
            return;
        }
        let Settings { epochs, learning_rate, momentum, lambda, omega, mu, .. } = *present;
        // Rates of their own are of those losses alone.
        let rates = if settings.losses == present.losses { present.rates.clone() } else { Vec::new() };
        *settings = Settings { epochs, learning_rate, rates, momentum, lambda, omega, mu, ..settings.clone() };
    }
}

fn numbers(ui: &mut Ui, settings: &Settings) -> Vec<Touched> {
    let Settings { mut epochs, mut learning_rate, mut momentum, .. } = *settings;
    let hint = "Passes over the training images in all; more go on with a finished run.";
    let epochs_field = field(ui, "epochs", &mut epochs, 1..=MOST_EPOCHS, hint, |field| field);
    let speed = 0.01 * f64::from(learning_rate);
    let hint = terms::of("learning rate");
    let rate_field = field(ui, "learning rate", &mut learning_rate, LEAST..=f32::MAX, hint, |field| field.speed(speed));
    if let Some(words) = own_rates(settings) {
        ui.label(words);
    }
    let hint = terms::of("momentum");
    let momentum_field =
        field(ui, "momentum", &mut momentum, 0.0..=1.0_f32.next_down(), hint, |field| field.speed(0.001));
    let touched = [
        Touched::of(&epochs_field, Change::Epochs(epochs)),
        Touched::of(&rate_field, Change::LearningRate(learning_rate)),
        Touched::of(&momentum_field, Change::Momentum(momentum)),
    ];
    touched.into_iter().flatten().collect()
}

/// What stands in place of the one rate where losses have rates of their own.
fn own_rates(settings: &Settings) -> Option<String> {
    let rate = |(loss, rate): (&Loss, &f32)| format!("{loss} {rate}");
    let rates: Vec<String> = settings.losses.iter().zip(&settings.rates).map(rate).collect();
    (!rates.is_empty())
        .then(|| format!("Losses have rates of their own: {}. Another one here is for all.", rates.join(", ")))
}

fn distance_term(ui: &mut Ui, settings: &Settings) -> Vec<Touched> {
    let Settings { lambda, omega, mu, .. } = *settings;
    let fixed = if let Lambda::Fixed(value) = lambda { Some(value) } else { None };
    let as_lambda = |value: Option<f32>| Change::Lambda(value.map_or(Lambda::Auto, Lambda::Fixed));
    let touched = [
        choice(ui, ["lambda", "automatic"], fixed, 2.0, 0.0..=f32::MAX, as_lambda),
        choice(ui, ["omega", "the paper's"], omega, 1.0, LEAST..=f32::MAX, Change::Omega),
        choice(ui, ["mu", "the paper's"], mu, -0.5, f32::MIN..=f32::MAX, Change::Mu),
    ];
    touched.into_iter().flatten().collect()
}

/// A number that may be left to something else, `first` where it is not any more.
fn choice(
    ui: &mut Ui,
    [name, otherwise]: [&str; 2],
    value: Option<f32>,
    first: f32,
    range: RangeInclusive<f32>,
    change: impl Fn(Option<f32>) -> Change,
) -> Option<Touched> {
    let mut left = value.is_none();
    ui.horizontal(|ui| {
        if ui.checkbox(&mut left, format!("{name}: {otherwise}")).on_hover_text(terms::of(name)).changed() {
            return Some(Touched { change: change((!left).then_some(first)), changed: true, dragged: false });
        }
        let mut number = value?;
        let field = field(ui, name, &mut number, range, terms::of(name), |field| field.speed(0.01));
        Touched::of(&field, change(Some(number)))
    })
    .inner
}
