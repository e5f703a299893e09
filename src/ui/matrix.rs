//! A matrix of classes by classes as coloured cells with their names, to be pointed at.

use super::theme::ink;
use eframe::egui::{
    self, Align2, Color32, ColorImage, FontId, Pos2, Rect, Response, Role, Sense, TextureHandle, TextureOptions, Ui,
    Vec2, WidgetInfo,
};

/// Smallest cells that show their values, in points.
const LEGIBLE: f32 = 26.0;
/// Smallest cells that are drawn one by one, and most of them in a row; others are one picture.
const DRAWN: f32 = 8.0;
const MOST_DRAWN: usize = 48;
/// Cells from which text is of the usual size, in its heights.
const ROOMY: f32 = 2.9;
/// Most classes whose cells can be reached one by one by keyboard and screen reader.
pub const MOST_REACHED: usize = 16;

/// A matrix to be shown.
pub struct Matrix<'a> {
    /// What it is, for those who cannot see it; names its cells.
    pub label: &'a str,
    /// Class names.
    pub classes: &'a [String],
    /// Classes x classes.
    pub values: &'a [f64],
    /// Colour of a value.
    pub color: &'a dyn Fn(f64) -> Color32,
    /// A value in words.
    pub text: &'a dyn Fn(f64) -> String,
    /// Cells with a frame: those that are chosen, or held fast.
    pub framed: &'a dyn Fn(usize, usize) -> bool,
}

/// A choice of a class: that of a row or column, where cells cannot be reached one by one. Tells the new one.
pub fn choose_class(ui: &mut Ui, label: &str, classes: &[String], chosen: Option<usize>) -> Option<usize> {
    let mut class = chosen;
    let name = chosen.and_then(|class| classes.get(class)).map_or("–", String::as_str);
    egui::ComboBox::from_label(label).selected_text(name).show_ui(ui, |ui| {
        for (number, name) in classes.iter().enumerate() {
            ui.selectable_value(&mut class, Some(number), name);
        }
    });
    class.filter(|_| class != chosen)
}

/// What was done with a matrix, by row and column.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pointed {
    /// The cell under the pointer.
    pub hovered: Option<[usize; 2]>,
    /// The cell that was clicked, or chosen by keyboard.
    pub clicked: Option<[usize; 2]>,
    /// The cell from which the pointer is being dragged, and how far since the last frame.
    pub dragged: Option<([usize; 2], Vec2)>,
    /// The cell that has the keyboard.
    pub focused: Option<[usize; 2]>,
    /// Where the cells are drawn.
    pub field: Option<Rect>,
}

impl Matrix<'_> {
    /// Draws it as large as there is room, square, and tells what was done with it. Many classes are one picture, which is made
    /// anew only when it changes.
    pub fn show(&self, ui: &mut Ui) -> Pointed {
        let classes = self.classes.len();
        if classes == 0 || self.values.len() != classes * classes {
            return Pointed::default();
        }
        let (field, font) = self.place(ui);
        self.names(ui, field, &font);
        let cell = field.width() / classes as f32;
        let at = |row: usize, column: usize| {
            Rect::from_min_size(field.min + Vec2::new(column as f32, row as f32) * cell, Vec2::splat(cell))
        };
        let pointed = self.sense(ui, field, &at);
        if cell < DRAWN || classes > MOST_DRAWN {
            self.picture(ui, field);
            if let Some([row, column]) = pointed.hovered {
                let stroke = egui::Stroke::new(2.0, ui.visuals().strong_text_color());
                ui.painter().rect_stroke(at(row, column), 0.0, stroke, egui::StrokeKind::Outside);
            }
            return pointed;
        }
        for row in 0..classes {
            for column in 0..classes {
                self.cell(ui, at(row, column), [row, column], &font, pointed.hovered);
            }
        }
        pointed
    }

    /// The place of its cells, with room for names beside and above them, and the font of both: the usual one where it
    /// fits.
    fn place(&self, ui: &mut Ui) -> (Rect, FontId) {
        let room = ui.available_size();
        let fonts = [egui::TextStyle::Body, egui::TextStyle::Small].map(|style| style.resolve(ui.style()));
        let [body, small] = fonts.map(|font| {
            let margin = Vec2::new(self.widest_name(ui, &font) + 8.0, font.size + 8.0);
            let side = (room - margin).min_elem().max(DRAWN * 8.0);
            (font, margin, side)
        });
        let roomy = body.2 / self.classes.len() as f32 >= ROOMY * body.0.size;
        let (font, margin, side) = if roomy { body } else { small };
        let (whole, _) = ui.allocate_exact_size(margin + Vec2::splat(side), Sense::hover());
        (Rect::from_min_size(whole.min + margin, Vec2::splat(side)), font)
    }

    /// All cells as one picture, kept as long as they are the same.
    fn picture(&self, ui: &Ui, field: Rect) {
        let id = ui.scope_id().with((self.label, "picture"));
        let stamp = self.stamp();
        let kept = ui.data(|data| data.get_temp::<(u64, TextureHandle)>(id)).filter(|(of, _)| *of == stamp);
        let texture = kept.map_or_else(
            || {
                let pixels = self.values.iter().map(|&value| (self.color)(value)).collect();
                let image = ColorImage::new([self.classes.len(); 2], pixels);
                let texture = ui.ctx().load_texture(self.label, image, TextureOptions::NEAREST);
                ui.data_mut(|data| data.insert_temp(id, (stamp, texture.clone())));
                texture
            },
            |(_, texture)| texture,
        );
        let all = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
        ui.painter().image(texture.id(), field, all, Color32::WHITE);
    }

    /// A number that is another where any value is, or the colours are.
    fn stamp(&self) -> u64 {
        let mix = |stamp: u64, word: u64| (stamp.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let stamp = self.values.iter().fold(0, |stamp, value| mix(stamp, value.to_bits()));
        let probes = self.values.iter().step_by(self.values.len() / 16 + 1);
        probes.fold(stamp, |stamp, &value| mix(stamp, u64::from(u32::from_le_bytes((self.color)(value).to_array()))))
    }

    fn widest_name(&self, ui: &Ui, font: &FontId) -> f32 {
        let width = |name: &String| ui.painter().layout_no_wrap(name.clone(), font.clone(), Color32::BLACK).size().x;
        self.classes.iter().map(width).fold(0.0, f32::max).min(120.0)
    }

    /// Row names to the left, column names above, every so many where they would meet.
    fn names(&self, ui: &Ui, field: Rect, font: &FontId) {
        let cell = field.width() / self.classes.len() as f32;
        let every = (font.size / cell).ceil().max(1.0) as usize;
        let wide = ((self.widest_name(ui, font) + 6.0) / cell).ceil().max(1.0) as usize;
        let color = ui.visuals().text_color();
        for (index, name) in self.classes.iter().enumerate() {
            let middle = (index as f32 + 0.5) * cell;
            if index % every == 0 {
                let place = Pos2::new(field.min.x - 4.0, field.min.y + middle);
                ui.painter().text(place, Align2::RIGHT_CENTER, name, font.clone(), color);
            }
            if index % wide == 0 {
                let place = Pos2::new(field.min.x + middle, field.min.y - 4.0);
                ui.painter().text(place, Align2::CENTER_BOTTOM, name, font.clone(), color);
            }
        }
    }

    fn sense(&self, ui: &Ui, field: Rect, at: &dyn Fn(usize, usize) -> Rect) -> Pointed {
        let classes = self.classes.len();
        let mut pointed = Pointed { field: Some(field), ..Pointed::default() };
        let mut note = |cell: [usize; 2], response: &Response| {
            pointed.hovered = if response.hovered() { Some(cell) } else { pointed.hovered };
            pointed.clicked = if response.clicked() { Some(cell) } else { pointed.clicked };
            pointed.dragged = if response.dragged() { Some((cell, response.drag_delta())) } else { pointed.dragged };
            pointed.focused = if response.has_focus() { Some(cell) } else { pointed.focused };
        };
        if classes <= MOST_REACHED {
            for [row, column] in (0..classes * classes).map(|at| [at / classes, at % classes]) {
                let id = ui.scope_id().with((self.label, row, column));
                let response = ui.interact(at(row, column), id, Sense::click_and_drag());
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, self.name(row, column)));
                note([row, column], &response);
            }
            return pointed;
        }
        let response = ui.interact(field, ui.scope_id().with(self.label), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, self.label));
        if let Some(place) = response.interact_pointer_pos().or(response.hover_pos()) {
            let index = |from: f32| ((from / field.width() * classes as f32) as usize).min(classes - 1);
            note([index(place.y - field.min.y), index(place.x - field.min.x)], &response);
        }
        // The keyboard reaches so large a field as a whole.
        pointed.focused = None;
        pointed
    }

    /// A cell in words.
    pub fn name(&self, row: usize, column: usize) -> String {
        let value = (self.text)(self.values[row * self.classes.len() + column]);
        format!("{}: {} to {}: {value}", self.label, self.classes[row], self.classes[column])
    }

    fn cell(&self, ui: &Ui, rect: Rect, [row, column]: [usize; 2], font: &FontId, hovered: Option<[usize; 2]>) {
        let value = self.values[row * self.classes.len() + column];
        let color = (self.color)(value);
        ui.painter().rect_filled(rect.expand(0.25), 0.0, color);
        if rect.width() >= LEGIBLE {
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, (self.text)(value), font.clone(), ink(color));
        }
        if (self.framed)(row, column) || hovered == Some([row, column]) {
            let stroke = egui::Stroke::new(2.0, ink(color));
            ui.painter().rect_stroke(rect.shrink(1.0), 0.0, stroke, egui::StrokeKind::Inside);
        }
    }
}
