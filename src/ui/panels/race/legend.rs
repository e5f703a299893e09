//! The racers by colour: their values, and the buttons that put their curves out and on again.

use crate::ui::desk::Desk;
use crate::ui::{terms, theme};
use eframe::egui::{Color32, Response, Role, Sense, Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo};

/// Shows a button a racer.
pub fn show(ui: &mut Ui, losses: &[String], desk: &mut Desk<'_>) {
    ui.horizontal_wrapped(|ui| {
        for loss in losses {
            let on = !desk.choice.hidden.contains(loss);
            if toggle(ui, loss, on).on_hover_text(terms::of(loss)).clicked() && !desk.choice.hidden.remove(loss) {
                desk.choice.hidden.insert(loss.clone());
            }
        }
    });
}

/// A value after a dot of its loss's colour; they stay together where lines are wrapped.
pub fn value(ui: &mut Ui, color: Color32, text: &str) -> Response {
    let ink = ui.visuals().text_color();
    let galley = ui.painter().layout_no_wrap(text.to_owned(), TextStyle::Body.resolve(ui.style()), ink);
    let height = galley.size().y;
    let (rect, response) = ui.allocate_exact_size(galley.size() + Vec2::new(height, 0.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().circle_filled(rect.left_center() + Vec2::new(0.4 * height, 0.0), 0.3 * height, color);
    ui.painter().galley(rect.left_top() + Vec2::new(0.9 * height, 0.0), galley, ink);
    response
}

/// A name with a dot of its colour, which is a ring where its curves are out.
fn toggle(ui: &mut Ui, loss: &str, on: bool) -> Response {
    let color = if on { ui.visuals().strong_text_color() } else { ui.visuals().weak_text_color() };
    let name = ui.painter().layout_no_wrap(loss.to_owned(), TextStyle::Button.resolve(ui.style()), color);
    let (height, padding) = (name.size().y, ui.spacing().button_padding);
    let size = Vec2::new(1.2 * height + name.size().x, height) + 2.0 * padding;
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), on, loss));
    let inner = rect.shrink2(padding);
    let visuals = ui.style().interact(&response);
    if response.hovered() || response.has_focus() {
        let painter = ui.painter();
        painter.rect(rect, visuals.corner_radius, visuals.weak_bg_fill, visuals.bg_stroke, StrokeKind::Inside);
    }
    let centre = inner.left_center() + Vec2::new(0.45 * height, 0.0);
    if on {
        ui.painter().circle_filled(centre, 0.4 * height, theme::of_loss(loss));
    } else {
        ui.painter().circle_stroke(centre, 0.35 * height, Stroke::new(1.5, theme::of_loss(loss)));
    }
    ui.painter().galley(inner.left_top() + Vec2::new(1.2 * height, 0.0), name, color);
    response
}
