//! Which class is taken for which: the confusion matrix, the test images behind its cells, and what each loss says of one.

use super::pair;
use crate::nn::Loss;
use crate::train::EpochResult;
use crate::train::metrics::{Confusion, argmax};
use crate::ui::bars::{Bars, Said, Series};
use crate::ui::desk::{Desk, formats};
use crate::ui::matrix::{MOST_REACHED, Matrix, Pointed, choose_class};
use crate::ui::{terms, theme};
use crate::worker::message::Exported;
use eframe::egui::{self, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

/// What the cells of the matrix say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cells {
    /// How many images.
    #[default]
    Counts,
    /// How many of a hundred of the true class.
    Percent,
}

/// A test image and what it was taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Found {
    index: usize,
    truth: usize,
    predicted: usize,
    /// How far its probabilities have to be moved to the true class, in classes.
    moved: f64,
}

/// Of what the images are listed: run, epoch, racer, cell, numbers of predictions.
type Key = (usize, usize, Loss, Option<[usize; 2]>, usize);

/// The cells' values, made anew only when they are others.
#[derive(Default)]
struct Table {
    /// Of what they are: run, epoch, place in time, racer, what they say.
    of: Option<(usize, usize, f64, Loss, Cells)>,
    values: Vec<f64>,
    highest: f64,
}

impl Table {
    fn update(&mut self, desk: &Desk<'_>, result: &EpochResult, cells: Cells) {
        let of = desk.loss().map(|loss| (desk.known.run, result.row.epoch, result.row.seconds, loss, cells));
        if self.of != of {
            self.of = of;
            self.values = values(&result.evaluation.confusion, cells);
            self.highest = self.values.iter().copied().filter(|value| value.is_finite()).fold(1.0, f64::max);
        }
    }
}

/// The panel's own state.
#[derive(Default)]
pub struct Mistakes {
    /// The run that the cell belongs to.
    run: usize,
    cells: Cells,
    /// The cell whose images are shown, true and predicted class; all mistakes where there is none.
    cell: Option<[usize; 2]>,
    listed: Option<(Key, Vec<Found>)>,
    table: Table,
}

impl Mistakes {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if self.run != desk.known.run {
            (self.run, self.cell) = (desk.known.run, None);
        }
        if desk.result().is_none() {
            ui.label("Here stands which class is taken for which, once an epoch is done.");
            return;
        }
        pair(ui, |which, ui| {
            if which == 0 {
                return self.matrix(ui, desk);
            }
            self.images(ui, desk);
            one_image(ui, desk);
        });
    }

    fn matrix(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        ui.horizontal_wrapped(|ui| {
            desk.choose_loss(ui, "racer");
            ui.selectable_value(&mut self.cells, Cells::Counts, "counts").on_hover_text(terms::of("confusion"));
            ui.selectable_value(&mut self.cells, Cells::Percent, "row percent").on_hover_text(terms::of("row percent"));
            export(ui, desk);
        });
        let known = desk.known;
        let Some(result) = desk.result() else { return };
        let (classes, confusion) = (known.classes(), &result.evaluation.confusion);
        ui.label("Rows are true classes, columns predicted ones.").on_hover_text(terms::of("confusion"));
        self.table.update(desk, result, self.cells);
        let (map, cell, highest) = (desk.choice.map, self.cell, self.table.highest);
        let below = 3.5 * ui.text_style_height(&egui::TextStyle::Body);
        let room = Vec2::new(ui.available_width(), ui.available_height() - below);
        let matrix = Matrix {
            label: &format!("confusion of {}", result.row.loss),
            classes,
            values: &self.table.values,
            color: &|value| map.color(value / highest),
            text: &|value| if value.is_finite() { format!("{value:.0}") } else { "–".to_owned() },
            framed: &|row, column| cell == Some([row, column]),
        };
        let pointed = ui.allocate_ui(room, |ui| matrix.show(ui)).inner;
        self.point(ui, pointed, classes, confusion);
    }

    /// A click chooses a cell, and leaves it when it is chosen already; the one under the pointer stands below in words.
    fn point(&mut self, ui: &mut Ui, pointed: Pointed, classes: &[String], confusion: &Confusion) {
        if let Some(cell) = pointed.clicked {
            self.cell = (self.cell != Some(cell)).then_some(cell);
        }
        ui.horizontal_wrapped(|ui| {
            if classes.len() > MOST_REACHED {
                self.choose(ui, classes);
            }
            let cell = pointed.hovered.or(pointed.focused).or(self.cell);
            let words = cell.map(|cell| cell_in_words(cell, classes, confusion));
            ui.label(words.unwrap_or_else(|| "Click a cell to see its images.".to_owned()));
        });
    }

    /// The cell by its classes, where there are too many cells to reach one by one.
    fn choose(&mut self, ui: &mut Ui, classes: &[String]) {
        let old = self.cell;
        let truth = choose_class(ui, "true class", classes, old.map(|[truth, _]| truth));
        let predicted = choose_class(ui, "predicted class", classes, old.map(|[_, predicted]| predicted));
        self.cell = match (truth, predicted) {
            (None, None) => old,
            (Some(truth), _) => Some([truth, old.map_or(truth, |[_, predicted]| predicted)]),
            (None, Some(predicted)) => Some([old.map_or(predicted, |[truth, _]| truth), predicted]),
        };
    }

    /// The images of the chosen cell, or all mistakes.
    fn images(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let known = desk.known;
        let classes = known.classes();
        ui.horizontal_wrapped(|ui| {
            ui.strong(match self.cell {
                Some([truth, predicted]) if truth == predicted => format!("{}, recognised", classes[truth]),
                Some([truth, predicted]) => format!("{} taken for {}", classes[truth], classes[predicted]),
                None => "All mistakes".to_owned(),
            });
            ui.label("most distant first").on_hover_text(terms::of("most distant"));
            if self.cell.is_some() && ui.button("Show all mistakes").clicked() {
                self.cell = None;
            }
        });
        let Some(found) = self.found(desk) else {
            ui.label(FORGOTTEN);
            return;
        };
        if found.is_empty() {
            ui.label("There is no such image.");
            return;
        }
        let height = 0.42 * ui.available_height();
        thumbnails(ui, desk, classes, found, height);
    }

    /// The images that are listed; none where the epoch's predictions are not kept.
    fn found(&mut self, desk: &Desk<'_>) -> Option<&[Found]> {
        let (result, scene) = (desk.result()?, desk.known.scene.as_ref()?);
        let outcomes = &result.outcomes;
        let classes = scene.classes.len();
        if outcomes.is_empty() || outcomes.len() != classes * scene.labels.len() {
            return None;
        }
        let key = (desk.known.run, result.row.epoch, desk.loss()?, self.cell, outcomes.len());
        if self.listed.as_ref().is_none_or(|(listed, _)| *listed != key) {
            self.listed = Some((key, list(outcomes, &scene.labels, classes, self.cell)));
        }
        self.listed.as_ref().map(|(_, found)| found.as_slice())
    }
}

/// What is said where an epoch's predictions were dropped.
pub const FORGOTTEN: &str =
    "The predictions of this epoch are no longer in memory: those of old epochs are dropped. Newer epochs have theirs.";

fn export(ui: &mut Ui, desk: &mut Desk<'_>) {
    let menu = ui.menu_button("Export", formats);
    menu.response.on_hover_text("Write the counts as a picture, a drawing or a table.");
    let (Some(ending), Some(result)) = (menu.inner.flatten(), desk.result()) else { return };
    let (loss, epoch) = (&result.row.loss, result.row.epoch);
    let what = Exported::Confusion {
        classes: desk.known.classes().to_vec(),
        confusion: result.evaluation.confusion.clone(),
        title: format!("Confusion of {loss} after epoch {epoch}"),
    };
    let name = format!("confusion-{loss}-epoch-{epoch}.{ending}");
    desk.export(&name, what);
}

/// The cells' values; those of a row without images are not numbers where they are shares.
fn values(confusion: &Confusion, cells: Cells) -> Vec<f64> {
    let rows = confusion.counts().chunks(confusion.classes().max(1));
    rows.flat_map(|row| {
        let total: u64 = row.iter().sum();
        row.iter().map(move |&count| match cells {
            Cells::Counts => count as f64,
            Cells::Percent if total == 0 => f64::NAN,
            Cells::Percent => 100.0 * count as f64 / total as f64,
        })
    })
    .collect()
}

fn cell_in_words([truth, predicted]: [usize; 2], classes: &[String], confusion: &Confusion) -> String {
    let count = confusion.count(truth, predicted);
    let total: u64 = (0..confusion.classes()).map(|column| confusion.count(truth, column)).sum();
    let share = 100.0 * count as f64 / total.max(1) as f64;
    format!("{} taken for {}: {count} of {total} ({share:.0} %)", classes[truth], classes[predicted])
}

/// The test images of a cell, or all that are taken for another class: those that are most classes off first, and of these
/// those whose probabilities lie farthest from the true class.
fn list(outcomes: &[f32], labels: &[u32], classes: usize, cell: Option<[usize; 2]>) -> Vec<Found> {
    let found = |(index, (row, &label)): (usize, (&[f32], &u32))| {
        let truth = label as usize;
        let moved = row.iter().enumerate().map(|(class, &p)| f64::from(p) * class.abs_diff(truth) as f64).sum();
        Found { index, truth, predicted: argmax(row), moved }
    };
    let all = outcomes.chunks(classes.max(1)).zip(labels).enumerate().map(found);
    let mut found: Vec<Found> = match cell {
        Some(cell) => all.filter(|found| [found.truth, found.predicted] == cell).collect(),
        None => all.filter(|found| found.truth != found.predicted).collect(),
    };
    let off = |found: &Found| found.predicted.abs_diff(found.truth);
    found.sort_by(|a, b| off(b).cmp(&off(a)).then(b.moved.total_cmp(&a.moved)).then(a.index.cmp(&b.index)));
    found
}

/// Small pictures in rows, to be chosen from; only those in view are asked for.
fn thumbnails(ui: &mut Ui, desk: &mut Desk<'_>, classes: &[String], found: &[Found], height: f32) {
    let side = 4.5 * ui.text_style_height(&egui::TextStyle::Body);
    let gap = ui.spacing().item_spacing.x;
    let across = ((ui.available_width() - ui.spacing().scroll.bar_width) / (side + gap)).floor().max(1.0) as usize;
    let area = ScrollArea::vertical().max_height(height.max(side)).auto_shrink([false, true]);
    area.show_rows(ui, side, found.len().div_ceil(across), |ui, rows| {
        for row in rows {
            ui.horizontal(|ui| {
                for found in found.iter().skip(row * across).take(across) {
                    if thumbnail(ui, desk, classes, found, side).clicked() {
                        desk.choice.image = found.index;
                    }
                }
            });
        }
    });
}

fn thumbnail(ui: &mut Ui, desk: &mut Desk<'_>, classes: &[String], found: &Found, side: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    let chosen = desk.choice.image == found.index;
    let (truth, predicted) = (&classes[found.truth], &classes[found.predicted]);
    let name = desk.known.scene.as_ref().and_then(|scene| scene.names.get(found.index)).map_or("", String::as_str);
    let words = || format!("{name}: {truth} taken for {predicted}");
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, words()));
    desk.paint_picture(ui, found.index, rect.shrink(2.0));
    if chosen || response.has_focus() || response.hovered() {
        let stroke = if chosen { ui.visuals().selection.stroke } else { ui.visuals().widgets.hovered.fg_stroke };
        ui.painter().rect_stroke(rect, 2.0, Stroke::new(2.0, stroke.color), StrokeKind::Inside);
    }
    response.on_hover_ui(|ui| {
        ui.label(format!("{}\nmoved by {:.2} classes on average", words(), found.moved));
    })
}

/// The chosen image, with what every racer says of it.
fn one_image(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.separator();
    desk.choose_image(ui);
    let known = desk.known;
    let Some(scene) = &known.scene else { return };
    let (index, classes) = (desk.choice.image, known.classes());
    let Some(&truth) = scene.labels.get(index) else { return };
    ui.horizontal(|ui| {
        let side = 6.0 * ui.text_style_height(&egui::TextStyle::Body);
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
        let name = scene.names.get(index).map_or("", String::as_str);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("picture of {name}")));
        desk.paint_picture(ui, index, Rect::from_min_size(rect.min, Vec2::splat(side)));
        ui.vertical(|ui| {
            ui.strong(name);
            let truth = classes.get(truth as usize).map_or("", String::as_str);
            ui.label(format!("true class: {truth}"));
            ui.label(format!("as each loss sees it after epoch {}", desk.epoch().unwrap_or(0)));
        });
    });
    let series = predictions(desk.results(), index, classes.len());
    if series.is_empty() {
        ui.label(FORGOTTEN);
        return;
    }
    let legend = 3.0 * ui.text_style_height(&egui::TextStyle::Body);
    let height = ui.available_height() - legend;
    Bars { label: "predictions", classes, truth: truth as usize, series: &series }.show(ui, height);
}

/// What every racer says of a test image, where it is kept.
fn predictions(results: &[EpochResult], index: usize, classes: usize) -> Vec<Series<'_>> {
    results.iter().filter_map(|result| prediction(result, index, classes)).collect()
}

fn prediction(result: &EpochResult, index: usize, classes: usize) -> Option<Series<'_>> {
    let name = &result.row.loss;
    let row = result.outcomes.get(index * classes..(index + 1) * classes)?;
    let said = Said::of(name, row, *result.scores.get(index)?);
    Some(Series { name, color: theme::of_loss(name), said })
}

#[cfg(test)]
mod tests;
