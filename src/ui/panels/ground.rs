//! The ground distance: the matrix that a network learned, and its classes laid out by it.

mod map;
mod table;

use crate::ui::desk::{Desk, formats};
use crate::ui::layout::{Basis, Layouts, MOST_CLASSES};
use crate::ui::matrix::{MOST_REACHED, Matrix, Pointed, choose_class};
use crate::ui::terms;
use crate::worker::message::Exported;
use eframe::egui::{Color32, Mesh, Rect, ScrollArea, Sense, TextStyle, Ui, Vec2};
use table::{Kind, Tables};

/// Share of the height that the matrix has beside the layouts.
const MATRIX: f32 = 0.56;
/// Least height of matrix and layout together, in points.
const LEAST: f32 = 260.0;
/// Height that is left free, so that rounding brings no scroll bar.
const SPARE: f32 = 2.0;
/// Steps of the colour bar.
const STEPS: usize = 64;

/// What is shown of the distances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum View {
    #[default]
    Both,
    Matrix,
    Layout,
}

/// The panel's own state.
#[derive(Default)]
pub struct Ground {
    kind: Kind,
    view: View,
    tables: Tables,
    layouts: Layouts,
    /// The cell under the pointer, or that has the keyboard, in the frame before.
    hovered: Option<[usize; 2]>,
    /// The cell that was chosen by its classes.
    chosen: [usize; 2],
}

impl Ground {
    /// Draws it, as high as there is room; it scrolls where that is too little.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let height = ui.available_height() - SPARE;
        ScrollArea::vertical().id_salt("ground").show(ui, |ui| self.content(ui, desk, height));
    }

    fn content(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, height: f32) {
        let top = ui.cursor().top();
        self.choose(ui, desk);
        let (Some(result), Some(epoch)) = (desk.result(), desk.epoch()) else {
            ui.label("The first matrix appears when the first epoch is over.");
            return;
        };
        let (values, most) = self.tables.of(self.kind, result);
        let classes = desk.known.classes();
        let map = desk.choice.map;
        let kind = self.kind;
        let color = move |value: f64| kind.color(value, most, map);
        if classes.len() > MOST_REACHED && self.view != View::Layout {
            choose_cell(ui, classes, &mut self.chosen);
        }
        let named = self.hovered.or((classes.len() > MOST_REACHED).then_some(self.chosen));
        caption(ui, named, classes, values, kind.range(most), kind, &color);
        let line = ui.text_style_height(&TextStyle::Body) + ui.spacing().item_spacing.y;
        let room = Vec2::new(ui.available_width(), (height - (ui.cursor().top() - top)).max(LEAST));
        let laid_out = self.view == View::Both && classes.len() <= MOST_CLASSES;
        let share = if laid_out { MATRIX * room.y } else { room.y - line };
        if self.view != View::Layout {
            let pointed = matrix(ui, Vec2::new(room.x, share), classes, values, &color, kind);
            self.hovered = pointed.hovered.or(pointed.focused);
        }
        if self.view != View::Matrix {
            self.layout(ui, desk, epoch, top + height);
        }
    }

    /// The choices above the matrix.
    fn choose(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        ui.horizontal_wrapped(|ui| {
            for kind in Kind::ALL {
                ui.selectable_value(&mut self.kind, kind, kind.name()).on_hover_text(terms::of(kind.term()));
            }
            ui.separator();
            desk.choose_loss(ui, "loss");
        });
        ui.horizontal_wrapped(|ui| {
            let views = [
                (View::Both, "both", "Matrix and layout."),
                (View::Matrix, "matrix", "The matrix alone, as large as there is room."),
                (View::Layout, "layout", terms::of("layout")),
            ];
            for (view, name, hint) in views {
                ui.selectable_value(&mut self.view, view, name).on_hover_text(hint);
            }
            ui.separator();
            let shown = desk.result().is_some();
            let export = ui.add_enabled_ui(shown, |ui| ui.menu_button("Export", |ui| self.export(ui, desk)));
            export.inner.response.on_hover_text("Write the matrix to a file.");
        });
    }

    /// The classes laid out by their distances down to there, with the order that these tell.
    fn layout(&mut self, ui: &mut Ui, desk: &Desk<'_>, epoch: usize, bottom: f32) {
        let (known, Some(loss)) = (desk.known, desk.loss()) else { return };
        let classes = known.classes();
        if classes.len() > MOST_CLASSES {
            ui.label(format!(
                "Classes are laid out, and their order found, up to {MOST_CLASSES} of them; these are {}.",
                classes.len()
            ))
            .on_hover_text(terms::of("layout"));
            return;
        }
        let basis = if self.kind == Kind::Raw { Basis::Raw } else { Basis::Ground };
        match self.layouts.at(known, loss, basis, epoch) {
            (Some(layout), _) => map::show(ui, layout, classes, desk.choice.map, bottom),
            (None, true) => {
                ui.label("These distances are not all finite numbers: the training has diverged.");
            }
            (None, false) => {
                ui.ctx().request_repaint();
                ui.label("The layouts of the epochs before are being made …");
            }
        }
    }

    /// The formats of the matrix.
    fn export(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let (Some(result), Some(epoch)) = (desk.result(), desk.epoch()) else { return };
        let (values, _) = self.tables.of(self.kind, result);
        let title = format!("{} of {}, epoch {epoch}", self.kind.title(), result.row.loss);
        let file = format!("{}_{}_{epoch}", self.kind.name(), result.row.loss).replace(' ', "_");
        if let Some(ending) = formats(ui) {
            let (classes, matrix) = (desk.known.classes().to_vec(), values.to_vec());
            let what = match self.kind {
                Kind::Difference => Exported::Difference { classes, matrix, title },
                Kind::Ground | Kind::Raw | Kind::Ranks => Exported::Matrix { classes, matrix, title },
            };
            desk.export(&format!("{file}.{ending}"), what);
        }
    }
}

/// A cell by its classes, where there are too many cells to reach one by one.
fn choose_cell(ui: &mut Ui, classes: &[String], cell: &mut [usize; 2]) {
    ui.horizontal_wrapped(|ui| {
        for (class, label) in cell.iter_mut().zip(["from", "to"]) {
            *class = choose_class(ui, label, classes, Some(*class)).unwrap_or(*class);
        }
    });
}

/// The colour bar, and the value under the pointer.
fn caption(
    ui: &mut Ui,
    hovered: Option<[usize; 2]>,
    classes: &[String],
    values: &[f64],
    range: [f64; 2],
    kind: Kind,
    color: &dyn Fn(f64) -> Color32,
) {
    ui.horizontal(|ui| {
        let [low, high] = range;
        ui.small(kind.text(low));
        bar(ui, |t| color(low + t * (high - low)));
        ui.small(kind.text(high));
        let cell = hovered.filter(|[row, column]| row.max(column) < &classes.len());
        match cell.and_then(|[row, column]| Some(([row, column], values.get(row * classes.len() + column)?))) {
            Some(([row, column], &value)) => {
                ui.strong(format!("{} to {}: {}", classes[row], classes[column], kind.precise(value)))
            }
            None => ui.weak(kind.title()),
        };
    });
}

/// The matrix, as large as fits there.
fn matrix(
    ui: &mut Ui,
    room: Vec2,
    classes: &[String],
    values: &[f64],
    color: &dyn Fn(f64) -> Color32,
    kind: Kind,
) -> Pointed {
    let matrix =
        Matrix { label: kind.title(), classes, values, color, text: &|value| kind.text(value), framed: &|_, _| false };
    let shown = ui.allocate_ui(room, |ui| {
        ui.set_max_size(room);
        ui.vertical_centered(|ui| matrix.show(ui)).inner
    });
    shown.inner
}

/// A colour bar from left to right.
fn bar(ui: &mut Ui, color: impl Fn(f64) -> Color32) {
    let size = Vec2::new(110.0, ui.text_style_height(&TextStyle::Small));
    let (whole, _) = ui.allocate_exact_size(size, Sense::hover());
    let mut mesh = Mesh::default();
    for step in 0..STEPS {
        let (left, right) = (step as f32 / STEPS as f32, (step + 1) as f32 / STEPS as f32);
        let x = |share: f32| whole.left() + share * whole.width();
        let step = Rect::from_x_y_ranges(x(left)..=x(right), whole.y_range());
        mesh.add_colored_rect(step, color(f64::from(left + right) / 2.0));
    }
    ui.painter().add(mesh);
}

#[cfg(test)]
mod tests;
