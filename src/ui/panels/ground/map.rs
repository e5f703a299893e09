//! Classes in one and two dimensions.

use crate::ui::layout::Layout;
use crate::ui::terms;
use crate::ui::theme::ColorMap;
use eframe::egui::{
    Align2, Color32, FontId, Label, Pos2, Rect, Response, Role, Sense, TextStyle, Ui, Vec2, WidgetInfo,
};

/// Radius of a class, in points.
const RADIUS: f32 = 5.0;
/// Least height of the plane.
const LEAST: f32 = 80.0;

/// Draws a layout down to there: its order, the line and the plane.
pub fn show(ui: &mut Ui, layout: &Layout, classes: &[String], map: ColorMap, bottom: f32) {
    order(ui, layout, classes);
    let look = Look::new(ui, layout, classes, map);
    line(ui, &look);
    plane(ui, &look, bottom);
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
            font: TextStyle::Body.resolve(ui.style()),
            ink: ui.visuals().text_color(),
            faint: ui.visuals().weak_text_color(),
        }
    }

    /// Draws classes at their places, each with its name on a side where it meets neither another nor, if that can be, the
    /// line that joins them; without where there is none.
    fn classes(&self, ui: &Ui, field: Rect, places: &[Pos2], joined: &[Pos2], mut taken: Vec<Rect>) {
        let painter = ui.painter_at(field);
        taken.extend(places.iter().map(|&at| Rect::from_center_size(at, Vec2::splat(2.0 * RADIUS))));
        for (class, &at) in places.iter().enumerate() {
            painter.circle_filled(at, RADIUS, self.colors[class]);
            let name = painter.layout_no_wrap(self.classes[class].clone(), self.font.clone(), self.ink);
            let boxes = beside(at, name.size());
            let free = |space: &&Rect| {
                field.contains_rect(**space) && !taken.iter().any(|other| other.shrink(1.0).intersects(**space))
            };
            let clear = |space: &&Rect| free(space) && !crossed(**space, joined);
            if let Some(&space) = boxes.iter().find(clear).or_else(|| boxes.iter().find(free)) {
                painter.galley(space.min, name, self.ink);
                taken.push(space.expand2(Vec2::new(3.0, 0.0)));
            }
        }
    }

    /// Tells what it shows in so many dimensions, and the class under the pointer.
    fn tell(&self, response: Response, label: &str, dimension: usize, places: &[Pos2]) {
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, label));
        let near = |pointer: Pos2| {
            let distance = |class: &usize| places[*class].distance(pointer);
            let nearest = (0..places.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            nearest.filter(|class| distance(class) <= 2.0 * RADIUS)
        };
        let hint = match response.hover_pos().and_then(near) {
            Some(class) => self.classes[class].clone(),
            None => format!("{:.0} % of the distances. {}", 100.0 * self.layout.shares[dimension], terms::of("layout")),
        };
        response.on_hover_text(hint);
    }
}

/// The order that the distances tell, and how well it agrees with the true one.
fn order(ui: &mut Ui, layout: &Layout, classes: &[String]) {
    let names: Vec<&str> = layout.order.iter().map(|&class| classes[class].as_str()).collect();
    let order = names.join(" · ");
    ui.horizontal(|ui| {
        ui.strong(format!("tau {:.2}", layout.tau)).on_hover_text(terms::of("tau"));
        ui.add(Label::new(&order).truncate()).on_hover_text(format!("Recovered order: {order}"));
    });
}

/// The classes along a line.
fn line(ui: &mut Ui, look: &Look<'_>) {
    let height = 2.6 * look.font.size + 2.0 * RADIUS;
    let (field, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    let (least, most) = extent(look.layout.line.iter().copied());
    let inner = field.shrink2(Vec2::new(30.0, 0.0));
    let x = |place: f64| inner.left() + inner.width() * ((place - least) / (most - least)) as f32;
    let places: Vec<Pos2> = look.layout.line.iter().map(|&place| Pos2::new(x(place), field.center().y)).collect();
    ui.painter().hline(inner.x_range(), field.center().y, (1.0, look.faint));
    look.classes(ui, field, &places, &[], Vec::new());
    look.tell(response, "Classes along a line by their distances", 0, &places);
}

/// The classes in a plane, joined in the order that their distances tell.
fn plane(ui: &mut Ui, look: &Look<'_>, bottom: f32) {
    let size = Vec2::new(ui.available_width(), bottom - ui.cursor().top()).max(Vec2::splat(LEAST));
    let (field, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(field, 2.0, ui.visuals().extreme_bg_color);
    let places = placed(&look.layout.plane, field.shrink2(Vec2::new(40.0, 1.8 * look.font.size)));
    let joined: Vec<Pos2> = look.layout.order.iter().map(|&class| places[class]).collect();
    ui.painter().line(joined.clone(), (1.0, look.faint));
    let share = format!("{:.0} % of the distances", 100.0 * look.layout.shares[1]);
    let corner = field.right_top() + Vec2::new(-6.0, 4.0);
    let small = TextStyle::Small.resolve(ui.style());
    let taken = ui.painter().text(corner, Align2::RIGHT_TOP, share, small, look.faint);
    look.classes(ui, field, &places, &joined, vec![taken]);
    look.tell(response, "Classes in a plane by their distances", 1, &places);
}

/// Places for a name beside a class, the best first: above, below, right, left, and at the corners.
fn beside(at: Pos2, size: Vec2) -> [Rect; 8] {
    let away = Vec2::splat(RADIUS + 1.0) + size / 2.0;
    let sides = [[0, -1], [0, 1], [1, 0], [-1, 0], [1, -1], [-1, -1], [1, 1], [-1, 1]];
    sides.map(|[x, y]| Rect::from_center_size(at + Vec2::new(x as f32, y as f32) * away, size))
}

/// Whether a line through these places crosses a box; looked for every few points of it.
fn crossed(space: Rect, joined: &[Pos2]) -> bool {
    joined.windows(2).any(|pair| {
        let steps = (pair[0].distance(pair[1]) / 4.0).ceil().max(1.0) as usize;
        (0..=steps).any(|step| space.contains(pair[0].lerp(pair[1], step as f32 / steps as f32)))
    })
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
