//! The losses of a prediction, and what each would do to the logits: a strip a loss.

use super::Weighed;
use crate::ui::bars::{Places, swatch};
use eframe::egui::{Align2, Layout, Pos2, Rect, Response, Role, Sense, Stroke, TextStyle, Ui, Vec2, WidgetInfo};

/// Lines of text that a strip is high.
const LINES: f32 = 2.6;

/// How high so many strips are.
pub fn height(ui: &Ui, strips: usize) -> f32 {
    strips as f32 * (LINES * ui.text_style_height(&TextStyle::Body) + ui.spacing().item_spacing.y)
}

/// A strip for each loss, its classes at the places of those above; `left` of them are name and value.
pub fn show(ui: &mut Ui, classes: &[String], truth: usize, losses: &[Weighed], left: f32) {
    let height = LINES * ui.text_style_height(&TextStyle::Body);
    for weighed in losses {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let start = ui.cursor().min.x;
            let layout = Layout::left_to_right(eframe::egui::Align::Center);
            ui.allocate_ui_with_layout(Vec2::new(left - 4.0, height), layout, |ui| name(ui, weighed));
            ui.add_space((start + left - ui.cursor().min.x).max(0.0));
            let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
            strip(ui, rect, response, classes, truth, weighed);
        });
    }
}

fn name(ui: &mut Ui, weighed: &Weighed) {
    swatch(ui, weighed.color);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.strong(&weighed.name).on_hover_text(crate::ui::terms::of(&weighed.name));
        if let Some(worth) = &weighed.worth {
            ui.label(format!("{:.4}", worth.loss));
        }
    });
}

fn strip(ui: &Ui, rect: Rect, response: Response, classes: &[String], truth: usize, weighed: &Weighed) {
    let Some(worth) = &weighed.worth else {
        let text = "is no function of a single softmax: it has no such gradient";
        let font = TextStyle::Body.resolve(ui.style());
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, text, font, ui.visuals().text_color());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{} {text}", weighed.name)));
        return;
    };
    let places = Places { field: rect, classes: classes.len() };
    places.ground(ui, truth);
    let highest = worth.gradient.iter().fold(0.0, |highest: f64, slope| highest.max(slope.abs()));
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, ui.visuals().weak_text_color()));
    for (class, &slope) in worth.gradient.iter().enumerate() {
        bar(ui, places, class, [slope, highest], weighed);
    }
    tell(response, classes, places, weighed, &worth.gradient);
}

/// A bar above the middle where the slope is positive, below where it is negative; its number on the other side.
fn bar(ui: &Ui, places: Places, class: usize, [slope, highest]: [f64; 2], weighed: &Weighed) {
    let share = if highest > 0.0 { (slope / highest) as f32 } else { 0.0 };
    let (place, width) = (places.of(class), places.bar(class, [0, 1], 1.0).width());
    let end = Pos2::new(place.center().x, place.center().y - 0.48 * share * place.height());
    let rect = Rect::from_two_pos(place.center() - Vec2::new(width / 2.0, 0.0), end + Vec2::new(width / 2.0, 0.0));
    ui.painter().rect_filled(rect, 0.0, weighed.color);
    let body = TextStyle::Body.resolve(ui.style());
    let font = if place.width() > 4.5 * body.size { body } else { TextStyle::Small.resolve(ui.style()) };
    if place.width() > 4.0 * font.size {
        let (align, by) = if slope > 0.0 { (Align2::CENTER_TOP, 1.0) } else { (Align2::CENTER_BOTTOM, -1.0) };
        let at = place.center() + Vec2::new(0.0, by);
        ui.painter().text(at, align, format!("{slope:+.3}"), font, ui.visuals().text_color());
    }
}

fn tell(response: Response, classes: &[String], places: Places, weighed: &Weighed, gradient: &[f64]) {
    response.widget_info(|| {
        let slope = |(name, slope): (&String, &f64)| format!("{name} {slope:+.3}");
        let slopes: Vec<String> = classes.iter().zip(gradient).map(slope).collect();
        WidgetInfo::labeled(Role::Image, true, format!("gradient of {}: {}", weighed.name, slopes.join(", ")))
    });
    let class = response.hover_pos().and_then(|place| places.at(place.x));
    if let Some((name, slope)) = class.and_then(|class| Some((classes.get(class)?, gradient.get(class)?))) {
        let direction = if *slope > 0.0 { "lowered" } else { "raised" };
        let text = format!("{name}: {slope:+.4}; this logit is {direction} by the next step\n{}", weighed.read);
        response.on_hover_text_at_pointer(text);
    }
}
