//! Classes in one and two dimensions.

use crate::ui::layout::Layout;
use crate::ui::terms;
use crate::ui::theme::ColorMap;
use eframe::egui::{Align2, Color32, FontId, Pos2, Rect, Role, Sense, TextStyle, Ui, Vec2, WidgetInfo};

/// Radius of a class, in points.
const RADIUS: f32 = 5.0;
/// Least height of the plane.
const LEAST: f32 = 80.0;

/// Draws a layout where there is room: its order, the line and the plane.
pub fn show(ui: &mut Ui, layout: &Layout, classes: &[String], map: ColorMap) {
    order(ui, layout, classes);
    let look = Look::new(ui, layout, classes, map);
    line(ui, &look);
    plane(ui, &look);
}

/// All that is needed to draw a class.
struct Look<'a> {
    layout: &'a Layout,
    classes: &'a [String],
    colors: Vec<Color32>,
    font: FontId,
    ink: Color32,
    faint: Color32,
}

impl<'a> Look<'a> {
    fn new(ui: &Ui, layout: &'a Layout, classes: &'a [String], map: ColorMap) -> Self {
        // The ends of the map are left out: they would vanish on dark and on light.
        let share = |class: usize| 0.12 + 0.76 * class as f64 / classes.len().saturating_sub(1).max(1) as f64;
        Self {
            layout,
            classes,
            colors: (0..classes.len()).map(|class| map.color(share(class))).collect(),
            font: TextStyle::Small.resolve(ui.style()),
            ink: ui.visuals().text_color(),
            faint: ui.visuals().weak_text_color(),
        }
    }
}

/// The order that the distances tell, and how well it agrees with the true one.
fn order(ui: &mut Ui, layout: &Layout, classes: &[String]) {
    let names: Vec<&str> = layout.order.iter().map(|&class| classes[class].as_str()).collect();
    let order = names.join(" · ");
    ui.horizontal(|ui| {
        ui.strong(format!("tau {:.2}", layout.tau)).on_hover_text(terms::of("tau"));
        ui.add(eframe::egui::Label::new(&order).truncate()).on_hover_text(format!("Recovered order: {order}"));
    });
}

/// The classes along a line.
fn line(ui: &mut Ui, look: &Look<'_>) {
    let height = 3.2 * look.font.size + 2.0 * RADIUS;
    let (field, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    let shares = look.layout.shares;
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Classes along a line by their distances"));
    response.on_hover_text(format!(
        "One dimension: {:.0} % of the distances. {}",
        100.0 * shares[0],
        terms::of("layout")
    ));
    let places = &look.layout.line;
    let (least, most) = extent(places.iter().copied());
    let inner = field.shrink2(Vec2::new(30.0, 0.0));
    let x = |place: f64| inner.left() + inner.width() * ((place - least) / (most - least)) as f32;
    let painter = ui.painter();
    painter.hline(inner.x_range(), field.center().y, (1.0, look.faint));
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    for (at, class) in order.into_iter().enumerate() {
        let place = Pos2::new(x(places[class]), field.center().y);
        painter.circle_filled(place, RADIUS, look.colors[class]);
        // Names stand above and below in turn, so that neighbours do not meet.
        let (way, anchor) = if at % 2 == 0 { (-1.0, Align2::CENTER_BOTTOM) } else { (1.0, Align2::CENTER_TOP) };
        let beside = place + Vec2::new(0.0, way * (RADIUS + 1.0));
        painter.text(beside, anchor, &look.classes[class], look.font.clone(), look.ink);
    }
}

/// The classes in a plane, joined in the order that their distances tell.
fn plane(ui: &mut Ui, look: &Look<'_>) {
    let size = ui.available_size().max(Vec2::new(LEAST, LEAST));
    let (field, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Classes in a plane by their distances"));
    let share = 100.0 * look.layout.shares[1];
    response.on_hover_text(format!("Two dimensions: {share:.0} % of the distances. {}", terms::of("layout")));
    let painter = ui.painter_at(field);
    painter.rect_filled(field, 2.0, ui.visuals().extreme_bg_color);
    let places = placed(&look.layout.plane, field.shrink2(Vec2::new(40.0, 2.0 * look.font.size)));
    let joined: Vec<Pos2> = look.layout.order.iter().map(|&class| places[class]).collect();
    painter.line(joined, (1.0, look.faint));
    for (class, &place) in places.iter().enumerate() {
        painter.circle_filled(place, RADIUS, look.colors[class]);
        let above = place - Vec2::new(0.0, RADIUS + 1.0);
        painter.text(above, Align2::CENTER_BOTTOM, &look.classes[class], look.font.clone(), look.ink);
    }
    let corner = field.right_bottom() - Vec2::splat(4.0);
    painter.text(corner, Align2::RIGHT_BOTTOM, format!("{share:.0} %"), look.font.clone(), look.faint);
}

/// Places in a field: equal distances are equally long in both directions.
fn placed(places: &[[f64; 2]], field: Rect) -> Vec<Pos2> {
    let [(left, right), (low, high)] = [0, 1].map(|axis| extent(places.iter().map(|place| place[axis])));
    let scale = (f64::from(field.width()) / (right - left)).min(f64::from(field.height()) / (high - low));
    let (x, y) = ((left + right) / 2.0, (low + high) / 2.0);
    let place =
        |place: &[f64; 2]| field.center() + Vec2::new(((place[0] - x) * scale) as f32, ((y - place[1]) * scale) as f32);
    places.iter().map(place).collect()
}

/// Least and largest, never the same.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if most - least > 1e-12 { (least, most) } else { (least - 1.0, least + 1.0) }
}
