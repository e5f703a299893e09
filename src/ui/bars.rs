//! Distributions over the classes as bars: a place a class, and in it a bar a loss.

use crate::nn::Loss;
use eframe::egui::{self, Align2, Color32, FontId, Pos2, Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// What a loss says of an image.
pub enum Said<'a> {
    /// A probability a class.
    Shares(&'a [f32]),
    /// A number, which lies at so many classes from the first.
    Number {
        /// Its place; 1.5 is the middle between the second and the third class.
        place: f64,
        /// The number.
        value: f64,
    },
}

impl<'a> Said<'a> {
    /// What a loss says: shares of the classes, but of a regression its number, between the classes that share its mass.
    pub fn of(loss: &str, shares: &'a [f32], value: f64) -> Self {
        if loss != Loss::Reg.name() {
            return Self::Shares(shares);
        }
        let place = shares.iter().enumerate().map(|(class, &share)| class as f64 * f64::from(share)).sum();
        Self::Number { place, value }
    }
}

/// One of the distributions that stand beside each other.
pub struct Series<'a> {
    /// The loss.
    pub name: &'a str,
    /// Its colour.
    pub color: Color32,
    /// What it says.
    pub said: Said<'a>,
}

impl Series<'_> {
    /// The class it is for, and how sure it is or what number it says.
    pub fn words(&self, classes: &[String]) -> String {
        let name = |class: usize| classes.get(class).map_or("", String::as_str);
        match &self.said {
            Said::Shares(shares) => {
                let class = crate::train::metrics::argmax(shares);
                let share = shares.get(class).copied().unwrap_or(0.0);
                format!("{}: {} ({:.0} %)", self.name, name(class), 100.0 * share)
            }
            Said::Number { place, value } => format!("{}: {value:.2} ({})", self.name, name(place.round() as usize)),
        }
    }

    fn of_class(&self, class: usize) -> Option<String> {
        match &self.said {
            Said::Shares(shares) => Some(format!("{}: {:.1} %", self.name, 100.0 * shares.get(class)?)),
            Said::Number { value, .. } => Some(format!("{}: {value:.2}", self.name)),
        }
    }
}

/// Distributions of one image, beside each other.
pub struct Bars<'a> {
    /// What they are, for those who cannot see them.
    pub label: &'a str,
    /// Class names.
    pub classes: &'a [String],
    /// The true class.
    pub truth: usize,
    /// The distributions.
    pub series: &'a [Series<'a>],
}

/// A field with a place a class, from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places {
    /// Where the bars stand.
    pub field: Rect,
    /// How many.
    pub classes: usize,
}

impl Places {
    /// Width of a place.
    pub fn width(&self) -> f32 {
        self.field.width() / self.classes.max(1) as f32
    }

    /// The whole place of a class.
    pub fn of(&self, class: usize) -> Rect {
        let left = self.field.min.x + class as f32 * self.width();
        Rect::from_min_size(Pos2::new(left, self.field.min.y), Vec2::new(self.width(), self.field.height()))
    }

    /// A bar of a height in 0 to 1, the `number`th of `of` in the place of a class.
    pub fn bar(&self, class: usize, [number, of]: [usize; 2], height: f64) -> Rect {
        let place = self.of(class);
        let room = place.width() * if place.width() > 6.0 { 0.8 } else { 1.0 };
        let left = place.center().x - room / 2.0 + room * number as f32 / of.max(1) as f32;
        let high = height.clamp(0.0, 1.0) as f32 * place.height();
        let min = Pos2::new(left, place.max.y - high);
        Rect::from_min_max(min, Pos2::new(left + room / of.max(1) as f32, place.max.y))
    }

    /// The class under a place on the screen.
    pub fn at(&self, x: f32) -> Option<usize> {
        let class = ((x - self.field.min.x) / self.width()).floor();
        (class >= 0.0 && class < self.classes as f32).then_some(class as usize)
    }

    /// The ground of the field, with the place of the true class lighter or darker.
    pub fn ground(&self, ui: &Ui, truth: usize) {
        ui.painter().rect_filled(self.field, 0.0, ui.visuals().faint_bg_color);
        if truth < self.classes {
            ui.painter().rect_filled(self.of(truth), 0.0, ui.visuals().selection.bg_fill.gamma_multiply(0.45));
        }
    }

    /// Lines at every quarter up to the end of the axis, with their percent to the left.
    pub fn axis(&self, ui: &Ui, top: f64, font: &FontId) {
        let field = self.field;
        let color = ui.visuals().weak_text_color();
        for quarter in 0..=(4.0 * top) as usize {
            let share = 0.25 * quarter as f64;
            let y = field.max.y - (share / top) as f32 * field.height();
            ui.painter().hline(field.x_range(), y, Stroke::new(0.5, color));
            let text = format!("{:.0} %", 100.0 * share);
            let place = Pos2::new(field.min.x - 4.0, y);
            ui.painter().text(place, Align2::RIGHT_CENTER, text, font.clone(), ui.visuals().text_color());
        }
    }

    /// Class names below the field, as many as have room; the true one always, and stronger.
    pub fn names(&self, ui: &Ui, classes: &[String], truth: usize, font: &FontId) {
        let width = |name: &String| ui.painter().layout_no_wrap(name.clone(), font.clone(), Color32::BLACK).size().x;
        let widest = classes.iter().map(width).fold(0.0, f32::max) + 4.0;
        let every = (widest / self.width()).ceil().max(1.0) as usize;
        for (class, name) in classes.iter().enumerate() {
            let met = class != truth && class.abs_diff(truth) < every;
            if class == truth || (class % every == 0 && !met) {
                let strong = if class == truth { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
                let below = Pos2::new(self.of(class).center().x, self.field.max.y + 3.0);
                ui.painter().text(below, Align2::CENTER_TOP, name, font.clone(), strong);
            }
        }
    }
}

/// The end of an axis of probabilities that shows the highest of them: a whole number of quarters.
pub fn top_of(highest: f64) -> f64 {
    if highest.is_finite() { ((4.0 * highest).ceil() / 4.0).clamp(0.25, 1.0) } else { 1.0 }
}

impl Bars<'_> {
    /// Draws them in so much height, names and legend included.
    pub fn show(&self, ui: &mut Ui, height: f32) {
        let font = egui::TextStyle::Body.resolve(ui.style());
        self.legend(ui);
        let below = font.size + 8.0;
        let axis = 3.0 * font.size;
        let size = Vec2::new(ui.available_width(), height.max(4.0 * font.size));
        let (whole, response) = ui.allocate_exact_size(size, Sense::hover());
        let field = Rect::from_min_max(whole.min + Vec2::new(axis, font.size / 2.0), whole.max - Vec2::new(0.0, below));
        let places = Places { field, classes: self.classes.len() };
        places.ground(ui, self.truth);
        let top = top_of(self.highest());
        places.axis(ui, top, &egui::TextStyle::Small.resolve(ui.style()));
        for (number, series) in self.series.iter().enumerate() {
            draw(ui, places, [number, self.series.len()], series, top);
        }
        places.names(ui, self.classes, self.truth, &font);
        self.tell(response, places);
    }

    fn highest(&self) -> f64 {
        let shares = self.series.iter().filter_map(|series| match series.said {
            Said::Shares(shares) => Some(shares),
            Said::Number { .. } => None,
        });
        shares.flatten().fold(0.0, |highest, &share| highest.max(f64::from(share)))
    }

    fn legend(&self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            for series in self.series {
                swatch(ui, series.color);
                ui.label(series.words(self.classes));
            }
        });
    }

    /// The class under the pointer in numbers; all of it in words for those who cannot see it.
    fn tell(&self, response: Response, places: Places) {
        response.widget_info(|| {
            let said: Vec<String> = self.series.iter().map(|series| series.words(self.classes)).collect();
            WidgetInfo::labeled(Role::Image, true, format!("{}: {}", self.label, said.join(", ")))
        });
        let class = response.hover_pos().and_then(|place| places.at(place.x));
        let Some(class) = class.filter(|&class| class < self.classes.len()) else { return };
        response.on_hover_ui_at_pointer(|ui| {
            ui.strong(&self.classes[class]);
            for words in self.series.iter().filter_map(|series| series.of_class(class)) {
                ui.label(words);
            }
        });
    }
}

/// A loss's bars; a number is a line with a head.
fn draw(ui: &Ui, places: Places, number: [usize; 2], series: &Series<'_>, top: f64) {
    match series.said {
        Said::Shares(shares) => {
            for (class, &share) in shares.iter().enumerate().take(places.classes) {
                ui.painter().rect_filled(places.bar(class, number, f64::from(share) / top), 0.0, series.color);
            }
        }
        Said::Number { place, .. } => {
            let x = places.field.min.x + (place as f32 + 0.5) * places.width();
            ui.painter().vline(x, places.field.y_range(), Stroke::new(2.0, series.color));
            ui.painter().circle_filled(Pos2::new(x, places.field.min.y), 4.0, series.color);
        }
    }
}

/// A small square of a colour, before the name of what has it.
pub fn swatch(ui: &mut Ui, color: Color32) {
    let side = 0.7 * ui.text_style_height(&egui::TextStyle::Body);
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, color);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places { field: Rect::from_min_size(Pos2::new(10.0, 20.0), Vec2::new(80.0, 40.0)), classes: 4 }
    }

    #[test]
    fn bars_stand_beside_each_other_on_the_ground_of_their_class() {
        let bar = |number, height| places().bar(2, [number, 2], height);
        // The third place is from 50 to 70; four fifths of it are for bars.
        assert_eq!(bar(0, 0.5), Rect::from_min_max(Pos2::new(52.0, 40.0), Pos2::new(60.0, 60.0)));
        assert_eq!(
            bar(1, 2.0),
            Rect::from_min_max(Pos2::new(60.0, 20.0), Pos2::new(68.0, 60.0)),
            "no higher than the field"
        );
        assert_eq!(bar(0, 0.0).height(), 0.0);
    }

    #[test]
    fn the_pointer_finds_the_class() {
        let at = |x| places().at(x);
        assert_eq!([at(10.0), at(29.9), at(30.1), at(89.9)], [Some(0), Some(0), Some(1), Some(3)]);
        assert_eq!([at(9.0), at(90.5)], [None, None]);
    }

    #[test]
    fn the_axis_ends_at_a_quarter() {
        assert_eq!([0.0, 0.2, 0.26, 0.75, 1.0, f64::NAN].map(top_of), [0.25, 0.25, 0.5, 0.75, 1.0, 1.0]);
    }

    #[test]
    fn what_a_loss_says_in_words() {
        let classes = ["baby", "child", "teen"].map(str::to_owned);
        let color = Color32::RED;
        let Said::Number { place, value } = Said::of("reg", &[0.0, 0.25, 0.75], 9.25) else { panic!() };
        assert_eq!((place, value), (1.75, 9.25));
        assert!(matches!(Said::of("emd", &[1.0], 0.0), Said::Shares([_])));
        let shares = Series { name: "emd", color, said: Said::Shares(&[0.1, 0.7, 0.2]) };
        assert_eq!(shares.words(&classes), "emd: child (70 %)");
        let number = Series { name: "reg", color, said: Said::Number { place: 1.6, value: 9.25 } };
        assert_eq!(number.words(&classes), "reg: 9.25 (teen)");
        assert_eq!(shares.of_class(2).as_deref(), Some("emd: 20.0 %"));
        assert_eq!(shares.of_class(3), None);
    }
}
