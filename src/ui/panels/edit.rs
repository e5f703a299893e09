//! The ground distance by hand: cells are held at what is dragged or typed, and the next epoch trains with them.

use crate::nn::Loss;
use crate::train::{EpochResult, GroundEdit};
use crate::ui::desk::{Desk, formats};
use crate::ui::distances::{Distances, MOST, hold, hold_all, ordered};
use crate::ui::matrix::{Matrix, Pointed, choose_class};
use crate::ui::{terms, theme};
use crate::worker::Command;
use crate::worker::message::Exported;
use eframe::egui::{self, Align2, DragValue, Event, Key, Modifiers, Rect, Stroke, StrokeKind, TextStyle, Ui, Vec2};
use std::sync::Arc;

/// Points that the pointer is dragged for a distance of 1.
const DRAG: f32 = 200.0;

/// The panel's own state.
#[derive(Default)]
pub struct Edit {
    /// The run that all below belongs to.
    run: usize,
    /// The chosen cell.
    cell: [usize; 2],
    /// What was asked for, until the worker says that it is so.
    asked: Option<Arc<GroundEdit>>,
    /// The cell that is being dragged, and its value so far.
    drag: Option<([usize; 2], f64)>,
    /// What is being typed into the chosen cell.
    typed: String,
    matrix: Table,
}

/// Epoch of a result and its place in time, by which it is known again.
type Below = (usize, f64);

/// The matrix that is edited, made anew only when it is another.
#[derive(Default)]
struct Table {
    /// Of what it is: the held cells, and the result below them.
    of: Option<(Arc<GroundEdit>, Option<Below>)>,
    values: Vec<f64>,
    most: f64,
}

impl Table {
    fn update(&mut self, distances: &Distances<'_>, shown: Option<&EpochResult>, held: &Arc<GroundEdit>) {
        let result = shown.map(|result| (result.row.epoch, result.row.seconds));
        if self.of.as_ref().is_some_and(|(of, below)| Arc::ptr_eq(of, held) && *below == result) {
            return;
        }
        self.of = Some((Arc::clone(held), result));
        self.values = distances.matrix();
        self.most = self.values.iter().copied().fold(1.0, f64::max);
    }
}

impl Edit {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        self.keep_up(desk);
        let classes = desk.known.classes();
        if classes.len() < 2 {
            ui.label("A single class has no distances.");
            return;
        }
        readers(ui, desk);
        let shown = shown(desk);
        ui.horizontal_wrapped(|ui| {
            desk.choose_loss(ui, "racer");
            self.all(ui, desk, shown);
        });
        self.one(ui, desk, shown);
        ui.columns(2, |columns| {
            self.edited(&mut columns[0], desk, shown);
            learned(&mut columns[1], desk, shown);
        });
    }

    /// Forgets what belonged to another run, and what the worker has taken over, refused or can no longer take.
    fn keep_up(&mut self, desk: &Desk<'_>) {
        if self.run != desk.known.run {
            *self = Self { run: desk.known.run, cell: [0, 1], ..Self::default() };
        }
        let refused = !desk.known.alive || !desk.known.troubles.is_empty();
        if refused || self.asked.as_ref() == Some(&desk.known.held) {
            self.asked = None;
        }
    }

    /// The cells that are held, with the one that is being dragged.
    fn held(&self, desk: &Desk<'_>) -> Arc<GroundEdit> {
        let held = self.asked.as_ref().unwrap_or(&desk.known.held);
        match self.drag {
            Some((cell, value)) => Arc::new(hold(held, desk.known.classes().len(), cell, Some(rounded(value)))),
            None => Arc::clone(held),
        }
    }

    fn ask(&mut self, desk: &mut Desk<'_>, edit: GroundEdit) {
        desk.ask(Command::Ground(edit.clone()));
        self.asked = Some(Arc::new(edit));
    }

    /// Holds the chosen cell at a distance, or sets it free.
    fn set(&mut self, desk: &mut Desk<'_>, distance: Option<f64>) {
        let edit = hold(&self.held(desk), desk.known.classes().len(), self.cell, distance);
        self.ask(desk, edit);
    }

    /// What is done with all cells.
    fn all(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, shown: Option<&EpochResult>) {
        let classes = desk.known.classes().len();
        let held = self.held(desk);
        if ui.button("Reset to ordered").on_hover_text("Hold all cells at |i - j| / (C - 1).").clicked() {
            self.ask(desk, hold_all(classes, |cell| ordered(cell, classes)));
        }
        let some = !held.cells.is_empty();
        let learned = egui::Button::new("Reset to learned");
        if ui.add_enabled(some, learned).on_hover_text("Set all cells free: what is learned counts.").clicked() {
            self.ask(desk, GroundEdit::default());
        }
        let distances = Distances::after(desk.known, shown, &held);
        if ui.button("Freeze all").on_hover_text("Hold every cell where it is now.").clicked() {
            let all = hold_all(classes, |cell| distances.at(cell));
            self.ask(desk, all);
        }
        let menu = ui.menu_button("Export", formats);
        menu.response.on_hover_text("Write D as a picture, a drawing, or a table for `--ground`.");
        if let Some(ending) = menu.inner.flatten() {
            let (classes, matrix) = (desk.known.classes().to_vec(), distances.matrix());
            let title = "Ground distance of the next epoch".to_owned();
            desk.export(&format!("ground-distance.{ending}"), Exported::Matrix { classes, matrix, title });
        }
    }

    /// The chosen cell: which it is, its value, whether it is held, and what the racers learned there.
    fn one(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, shown: Option<&EpochResult>) {
        let classes = desk.known.classes();
        let held = self.held(desk);
        let distances = Distances::after(desk.known, shown, &held);
        let [i, j] = self.cell;
        ui.horizontal_wrapped(|ui| {
            for (place, label) in ["from", "to"].into_iter().enumerate() {
                let chosen = choose_class(ui, label, classes, Some(self.cell[place]));
                self.cell[place] = chosen.unwrap_or(self.cell[place]);
            }
            let label = ui.label("distance").on_hover_text(terms::of("held cell"));
            // As many digits as are shown, so that leaving the field does not change it.
            let mut value = (1e3 * distances.at([i, j])).round() / 1e3;
            let field = DragValue::new(&mut value).range(0.0..=MOST).clamp_existing_to_range(false);
            let field = field.speed(0.005).max_decimals(3).update_while_editing(false);
            let field = ui.add_enabled(i != j, field).labelled_by(label.id);
            let (is_held, mut frozen) = (distances.held([i, j]).is_some(), distances.held([i, j]).is_some());
            ui.add_enabled(i != j, egui::Checkbox::new(&mut frozen, "frozen")).on_hover_text(terms::of("held cell"));
            if field.changed() {
                self.set(desk, Some(value));
            } else if frozen != is_held {
                self.set(desk, frozen.then(|| distances.at([i, j])));
            }
            ui.separator();
            ui.label(comparison(desk, [i, j]));
        });
    }

    /// The matrix that is trained with next, to be dragged and typed into.
    fn edited(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, shown: Option<&EpochResult>) {
        let loss = reader(desk).map_or("", Loss::name);
        ui.strong(format!("D of {loss} in the next epoch")).on_hover_text(terms::of("D"));
        ui.label("Framed cells are held. Drag a cell up or to the right for more; or choose one and type.");
        let held = self.held(desk);
        let distances = Distances::after(desk.known, shown, &held);
        self.matrix.update(&distances, shown, &held);
        let (map, most) = (desk.choice.map, self.matrix.most);
        let matrix = Matrix {
            label: "D of the next epoch",
            classes: desk.known.classes(),
            values: &self.matrix.values,
            color: &|value| map.color(value / most),
            text: &|value| format!("{value:.2}"),
            framed: &|row, column| distances.held([row, column]).is_some(),
        };
        let pointed = matrix.show(ui);
        self.cell = pointed.clicked.or(pointed.focused).unwrap_or(self.cell);
        self.mark(ui, &pointed, desk.known.classes().len());
        self.drag(desk, &pointed, &distances);
        self.type_into(ui, desk, &pointed);
    }

    /// A frame around the chosen cell, and in it what is being typed.
    fn mark(&self, ui: &Ui, pointed: &Pointed, classes: usize) {
        let Some(field) = pointed.field else { return };
        let side = field.width() / classes as f32;
        let [row, column] = self.cell;
        let cell = Rect::from_min_size(field.min + side * Vec2::new(column as f32, row as f32), Vec2::splat(side));
        let stroke = Stroke::new(3.0, ui.visuals().selection.stroke.color);
        if !self.typed.is_empty() {
            ui.painter().rect_filled(cell, 0.0, ui.visuals().extreme_bg_color);
            let font = TextStyle::Body.resolve(ui.style());
            let (text, color) = (format!("{}_", self.typed), ui.visuals().strong_text_color());
            ui.painter().text(cell.center(), Align2::CENTER_CENTER, text, font, color);
        }
        ui.painter().rect_stroke(cell, 0.0, stroke, StrokeKind::Outside);
    }

    /// Follows the pointer; the worker is asked once it lets go.
    fn drag(&mut self, desk: &mut Desk<'_>, pointed: &Pointed, distances: &Distances<'_>) {
        match (pointed.dragged, self.drag) {
            (Some((cell, by)), drag) if cell[0] != cell[1] || drag.is_some() => {
                // The cell is the one where it began, wherever the pointer is now.
                let (cell, value) = drag.unwrap_or_else(|| (cell, distances.at(cell)));
                self.drag = Some((cell, (value + f64::from((by.x - by.y) / DRAG)).clamp(0.0, MOST)));
                self.cell = cell;
            }
            (None, Some(_)) => {
                let edit = self.held(desk);
                self.drag = None;
                self.ask(desk, GroundEdit::clone(&edit));
            }
            _ => {}
        }
    }

    /// Digits typed at a cell that has the keyboard: Enter holds it there, Escape gives up, Delete sets it free.
    fn type_into(&mut self, ui: &Ui, desk: &mut Desk<'_>, pointed: &Pointed) {
        if pointed.focused != Some(self.cell) || self.cell[0] == self.cell[1] {
            self.typed.clear();
            return;
        }
        let text = |event: &Event| if let Event::Text(text) = event { text.clone() } else { String::new() };
        let typed: String = ui.input(|input| input.events.iter().map(text).collect());
        let digit = |letter: &char| letter.is_ascii_digit() || matches!(letter, '.' | ',');
        self.typed.extend(typed.chars().filter(digit).map(|letter| if letter == ',' { '.' } else { letter }));
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if pressed(Key::Backspace) {
            self.typed.pop();
        }
        if pressed(Key::Escape) {
            self.typed.clear();
        }
        if pressed(Key::Delete) {
            self.set(desk, None);
        }
        if pressed(Key::Enter) && !self.typed.is_empty() {
            let value = self.typed.parse::<f64>();
            self.typed.clear();
            if let Ok(value) = value {
                self.set(desk, Some(value));
            }
        }
    }
}

fn rounded(distance: f64) -> f64 {
    (100.0 * distance).round() / 100.0
}

/// The racer whose D is shown: the chosen one, or the first that reads D where it reads none.
fn reader(desk: &Desk<'_>) -> Option<Loss> {
    let reads = |loss: &Loss| loss.reads_ground();
    desk.loss().filter(reads).or_else(|| desk.known.losses_racing().iter().copied().find(reads)).or(desk.loss())
}

/// Its newest result.
fn shown<'a>(desk: &Desk<'a>) -> Option<&'a EpochResult> {
    let (known, loss) = (desk.known, reader(desk)?);
    known.epochs.values().next_back()?.iter().find(|result| result.row.loss == loss.name())
}

/// Which racers train with D, and which it does not touch.
fn readers(ui: &mut Ui, desk: &Desk<'_>) {
    ui.horizontal_wrapped(|ui| {
        let (reading, others): (Vec<Loss>, Vec<Loss>) =
            desk.known.losses_racing().iter().partition(|loss| loss.reads_ground());
        for loss in &reading {
            crate::ui::bars::swatch(ui, theme::of_loss(loss.name()));
            ui.strong(loss.name()).on_hover_text(terms::of(loss.name()));
        }
        ui.label(words(&reading, &others));
        if let Some(jump) = jump_start(desk, &reading) {
            ui.label(jump).on_hover_text(terms::of("jump start"));
        }
    });
}

fn words(reading: &[Loss], others: &[Loss]) -> String {
    let names = |losses: &[Loss]| losses.iter().map(|loss| loss.name()).collect::<Vec<_>>().join(", ");
    let untouched = if others.is_empty() { String::new() } else { format!(" Not touched: {}.", names(others)) };
    match reading.len() {
        0 => {
            let all: Vec<Loss> = Loss::ALL.into_iter().filter(|loss| loss.reads_ground()).collect();
            format!("No racer reads D, so nothing here changes them. Those that do: {}.", names(&all))
        }
        1 => format!("reads D and trains with it in the next epoch.{untouched}"),
        _ => format!("read D and train with it in the next epoch.{untouched}"),
    }
}

/// Until when the self-guided racers do without D.
fn jump_start(desk: &Desk<'_>, reading: &[Loss]) -> Option<String> {
    let jump = desk.known.scene.as_ref()?.settings.jump_start;
    let waits = reading.iter().any(|loss| loss.is_self_guided()) && desk.known.epoch < jump;
    waits.then(|| format!("Until epoch {jump} is over, the self-guided ones are cross-entropy alone."))
}

/// What each racer learned for a cell in the newest epoch, and what it would be of ordered classes.
fn comparison(desk: &Desk<'_>, [i, j]: [usize; 2]) -> String {
    let classes = desk.known.classes().len();
    let newest = desk.known.epochs.values().next_back().map_or(&[][..], Vec::as_slice);
    let learned = |result: &EpochResult| {
        let value = result.ground.get(i * classes + j)?;
        Some(format!("{} {value:.2}", result.row.loss))
    };
    let learned: Vec<String> = newest.iter().filter_map(learned).collect();
    let learned = if learned.is_empty() { "nothing yet".to_owned() } else { learned.join(", ") };
    format!("learned: {learned}; ordered: {:.2}", ordered([i, j], classes))
}

/// What the network learned beside what is held.
fn learned(ui: &mut Ui, desk: &Desk<'_>, shown: Option<&EpochResult>) {
    let Some(result) = shown else {
        ui.strong("Learned by the network");
        ui.label("Nothing yet: once an epoch is done, what the network's features say stands here.");
        return;
    };
    let (loss, epoch) = (&result.row.loss, result.row.epoch);
    ui.strong(format!("Learned with {loss} in epoch {epoch}")).on_hover_text(terms::of("D"));
    ui.label("From the network's own features, whatever is held on the left.");
    let map = desk.choice.map;
    let held = &desk.known.held;
    let distances = Distances::after(desk.known, shown, held);
    let matrix = Matrix {
        label: &format!("D learned with {loss}"),
        classes: desk.known.classes(),
        values: &result.ground,
        color: &|value| map.color(value),
        text: &|value| format!("{value:.2}"),
        framed: &|row, column| distances.held([row, column]).is_some(),
    };
    matrix.show(ui);
}

#[cfg(test)]
mod tests;
