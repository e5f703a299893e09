//! The bars of a prediction, and their mass on its way to the true class.

use super::haul::Haul;
use crate::ui::bars::Places;
use crate::ui::theme::{ColorMap, ink};
use eframe::egui::epaint::QuadraticBezierShape;
use eframe::egui::{
    self, Align2, Color32, EventFilter, FontId, Key, Modifiers, Pos2, Rect, Response, Sense, Stroke, StrokeKind,
    TextStyle, Ui, Vec2, WidgetInfo,
};

/// Most classes whose bars can be dragged, each by itself.
const MOST_DRAGGED: usize = 64;
/// What an arrow key adds to a share.
const STEP: f64 = 0.01;

/// What is drawn.
pub struct Field<'a> {
    /// Class names.
    pub classes: &'a [String],
    /// Masses and distances.
    pub haul: Haul<'a>,
    /// When: from 0, nothing moved, to 1, all.
    pub time: f64,
    /// Colour of the bars.
    pub color: Color32,
    /// Colours of distances.
    pub map: ColorMap,
}

impl Field<'_> {
    /// Draws it into a place, bars above and numbers below; a bar that was dragged, or moved by keys, with its new share.
    pub fn show(&self, ui: &Ui, whole: Rect) -> Option<(usize, f64)> {
        let font = TextStyle::Body.resolve(ui.style());
        let line = font.size + 6.0;
        let field = Rect::from_min_max(whole.min + Vec2::new(0.0, line), whole.max - Vec2::new(0.0, 3.0 * line));
        let places = Places { field, classes: self.classes.len() };
        places.ground(ui, self.haul.truth);
        places.axis(ui, 1.0, &TextStyle::Small.resolve(ui.style()));
        let changed = self.take(ui, places);
        self.bars(ui, places, &font);
        self.flows(ui, places);
        places.names(ui, self.classes, self.haul.truth, &font);
        self.numbers(ui, places, &font, line);
        changed
    }

    fn take(&self, ui: &Ui, places: Places) -> Option<(usize, f64)> {
        let classes = if self.classes.len() <= MOST_DRAGGED { self.classes.len() } else { 0 };
        let mut changed = None;
        for class in 0..classes {
            changed = self.take_one(ui, places, class).map(|share| (class, share)).or(changed);
        }
        changed
    }

    /// The new share of a class whose bar is dragged or moved by the keyboard.
    fn take_one(&self, ui: &Ui, places: Places, class: usize) -> Option<f64> {
        let share = self.haul.p.get(class).copied().unwrap_or(0.0);
        let id = ui.scope_id().with(("share", class));
        let response = ui.interact(places.of(class), id, Sense::click_and_drag());
        let name = format!("share of {}", self.classes[class]);
        response.widget_info(|| WidgetInfo::slider(true, share, &name));
        if response.has_focus() {
            let stroke = ui.visuals().selection.stroke;
            ui.painter().rect_stroke(places.of(class), 0.0, stroke, StrokeKind::Inside);
        }
        let share = by_keys(ui, &response, share).or_else(|| {
            let pointer = response.interact_pointer_pos().filter(|_| response.dragged())?;
            Some(f64::from((places.field.max.y - pointer.y) / places.field.height()).clamp(0.0, 1.0))
        });
        response.on_hover_ui_at_pointer(|ui| self.explain(ui, class));
        share
    }

    fn explain(&self, ui: &mut Ui, class: usize) {
        let Haul { p, to_truth, truth } = self.haul;
        ui.strong(&self.classes[class]);
        ui.label(format!(
            "{:.1} % of the mass, {:.3} away from {}",
            100.0 * p[class],
            to_truth[class],
            self.classes[truth]
        ));
        ui.label(format!("costs {:.4}", p[class] * to_truth[class]));
        ui.label("Drag it, or use the up and down keys.");
    }

    /// Bars as predicted, hollow where their mass has left, each with its percent.
    fn bars(&self, ui: &Ui, places: Places, font: &FontId) {
        for (class, &p) in self.haul.p.iter().enumerate() {
            let bar = places.bar(class, [0, 1], p);
            let left = class != self.haul.truth && self.haul.progress(class, self.time) > 0.0;
            if left {
                ui.painter().rect_stroke(bar, 0.0, Stroke::new(1.0, self.color), StrokeKind::Inside);
            } else {
                ui.painter().rect_filled(bar, 0.0, self.color);
            }
            if places.width() > 3.5 * font.size {
                let text = format!("{:.0} %", 100.0 * p);
                let above = bar.center_top() - Vec2::new(0.0, 2.0);
                ui.painter().text(above, Align2::CENTER_BOTTOM, text, font.clone(), ui.visuals().strong_text_color());
            }
        }
    }

    /// Every mass on its way: a curve as wide as it is heavy, and a block of it, coloured by its distance.
    fn flows(&self, ui: &Ui, places: Places) {
        for class in self.haul.sources() {
            let p = self.haul.p[class];
            let block = places.bar(class, [0, 1], p);
            let heap = places.bar(self.haul.truth, [0, 1], self.haul.below(class));
            let (from, to) = (block.center(), heap.center_top() - Vec2::new(0.0, block.height() / 2.0));
            let top = above([from, to], places.field, block.height());
            let width = (0.06 * p as f32 * places.field.height()).clamp(1.0, 12.0);
            let stroke = Stroke::new(width, self.color.gamma_multiply(0.35));
            let curve = QuadraticBezierShape::from_points_stroke([from, top, to], false, Color32::TRANSPARENT, stroke);
            ui.painter().add(curve);
            let progress = self.haul.progress(class, self.time) as f32;
            if progress > 0.0 {
                let block = Rect::from_center_size(on_curve([from, top, to], progress), block.size());
                let color = self.map.color(self.haul.to_truth[class]);
                ui.painter().rect_filled(block, 0.0, color);
                ui.painter().rect_stroke(block, 0.0, Stroke::new(1.0, ink(color)), StrokeKind::Inside);
            }
        }
    }

    /// Below the names: the distance of each class, and what its mass costs; their names to the left of the field.
    fn numbers(&self, ui: &Ui, places: Places, font: &FontId, line: f32) {
        let row = |number: f32| places.field.max.y + (number + 0.5) * line;
        let truth = self.classes.get(self.haul.truth).map_or("", String::as_str);
        for (number, text) in [(1.0, format!("D to {truth}")), (2.0, "p x D".to_owned())] {
            let place = Pos2::new(places.field.min.x - 6.0, row(number));
            ui.painter().text(place, Align2::RIGHT_CENTER, text, font.clone(), ui.visuals().text_color());
        }
        if places.width() < 2.5 * font.size {
            return;
        }
        for (class, (&p, &d)) in self.haul.p.iter().zip(self.haul.to_truth).enumerate() {
            let x = places.of(class).center().x;
            let color = self.map.color(d);
            let cell = Rect::from_center_size(Pos2::new(x, row(1.0)), Vec2::new(places.width() - 2.0, line - 2.0));
            ui.painter().rect_filled(cell, 2.0, color);
            ui.painter().text(cell.center(), Align2::CENTER_CENTER, format!("{d:.2}"), font.clone(), ink(color));
            let text = format!("{:.3}", p * d);
            let place = Pos2::new(x, row(2.0));
            ui.painter().text(place, Align2::CENTER_CENTER, text, font.clone(), ui.visuals().text_color());
        }
    }

    /// What is drawn in words, for those who cannot see it.
    pub fn words(&self) -> String {
        let share = |(name, p): (&String, &f64)| format!("{name} {:.0} %", 100.0 * p);
        let shares: Vec<String> = self.classes.iter().zip(self.haul.p).map(share).collect();
        let truth = self.classes.get(self.haul.truth).map_or("", String::as_str);
        format!("prediction for a true class {truth}: {}", shares.join(", "))
    }
}

/// The share that up and down keys, or a screen reader, ask for.
fn by_keys(ui: &Ui, response: &Response, share: f64) -> Option<f64> {
    let asked = |action| ui.input(|input| input.num_accesskit_action_requests(response.id, action)) as f64;
    let mut steps = asked(egui::accesskit::Action::Increment) - asked(egui::accesskit::Action::Decrement);
    if response.has_focus() {
        // Left and right go from bar to bar.
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key)) as f64;
        steps += pressed(Key::ArrowUp) - pressed(Key::ArrowDown);
    }
    (steps != 0.0).then(|| (share + STEP * steps).clamp(0.0, 1.0))
}

/// The middle point of a curve from one place to another that takes a block through the upper part of a field, but not out
/// of it.
fn above([from, to]: [Pos2; 2], field: Rect, block: f32) -> Pos2 {
    let wished = field.min.y - 0.1 * field.height();
    // Halfway the curve is at a quarter of each end's height and half of the middle point's.
    let highest = field.min.y + block / 2.0;
    Pos2::new((from.x + to.x) / 2.0, wished.max((4.0 * highest - from.y - to.y) / 2.0))
}

/// The point of a quadratic Bézier curve at a parameter from 0 to 1.
fn on_curve([from, top, to]: [Pos2; 3], t: f32) -> Pos2 {
    let near = from.lerp(top, t);
    near.lerp(top.lerp(to, t), t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_stay_in_their_field() {
        let field = Rect::from_min_max(Pos2::new(0.0, 100.0), Pos2::new(400.0, 300.0));
        for share in [0.01_f32, 0.2, 0.5, 0.8, 1.0] {
            let height = share * field.height();
            let ends = [Pos2::new(20.0, 300.0 - height / 2.0), Pos2::new(300.0, 100.0 + height / 2.0)];
            let curve = [ends[0], above(ends, field, height), ends[1]];
            assert_eq!([on_curve(curve, 0.0), on_curve(curve, 1.0)], ends);
            let highest = (0..=20).map(|t| on_curve(curve, t as f32 / 20.0).y - height / 2.0).fold(f32::MAX, f32::min);
            assert!(highest >= field.min.y - 15.0, "a block of {height} rises to {highest}");
        }
    }
}
