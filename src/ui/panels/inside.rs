//! Inside a network: its first filters, a layer's outputs for one test image, and how the image's loss hangs on its pixels.
//!
//! The network is looked into when something else is chosen and after every epoch, not in every frame.

mod tiles;

use self::tiles::{Tiles, numbers, overlay, pixels};
use super::pair;
use crate::nn::Loss;
use crate::train::{Look, Seen};
use crate::ui::bars::{Bars, Said, Series};
use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use crate::ui::theme::ColorMap;
use crate::ui::{terms, theme};
use crate::worker::Command;
use eframe::egui::{
    self, Color32, ColorImage, ComboBox, Rect, Role, ScrollArea, Sense, Slider, TextureHandle, TextureOptions, Ui,
    Vec2, WidgetInfo, pos2,
};
use std::sync::Arc;

/// What was asked for: run, epochs done by then, look.
type Asked = (usize, usize, Look);

/// The panel's own state.
pub struct Inside {
    layer: usize,
    /// How much of the gradient is laid over the image, 0 to 1.
    opacity: f32,
    asked: Option<Asked>,
    drawn: Option<Drawn>,
}

impl Default for Inside {
    fn default() -> Self {
        Self { layer: 0, opacity: 0.8, asked: None, drawn: None }
    }
}

/// What was seen, as textures.
struct Drawn {
    seen: Arc<Seen>,
    map: ColorMap,
    input: Option<TextureHandle>,
    gradient: Option<TextureHandle>,
    filters: Tiles,
    activations: Tiles,
}

impl Inside {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let again = self.choose(ui, desk);
        self.ask(desk, again);
        ui.separator();
        let Some(seen) = desk.known.seen.clone() else {
            ui.label("The network is being looked into…");
            return;
        };
        if let Some(why) = &seen.trouble {
            ui.colored_label(ui.visuals().error_fg_color, format!("Nothing could be seen: {why}"));
            return;
        }
        self.update(ui, seen, desk.choice.map);
        let Some(drawn) = &self.drawn else { return };
        let opacity = &mut self.opacity;
        pair(ui, |which, ui| match which {
            0 => image(ui, desk, drawn, opacity),
            _ => maps(ui, drawn),
        });
    }

    /// What is looked at; whether it is to be looked at again.
    fn choose(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) -> bool {
        ui.horizontal_wrapped(|ui| {
            desk.choose_loss(ui, "racer");
            let none = Vec::new();
            let layers = desk.known.seen.as_ref().map_or(&none, |seen| &seen.layers);
            self.layer = self.layer.min(layers.len().saturating_sub(1));
            let shown = layers.get(self.layer).map_or("", String::as_str);
            let chosen = ComboBox::from_label("layer").selected_text(shown).show_ui(ui, |ui| {
                for (layer, name) in layers.iter().enumerate() {
                    ui.selectable_value(&mut self.layer, layer, name);
                }
            });
            chosen.response.on_hover_text(terms::of("layer"));
            desk.choose_image(ui);
            ui.button("Look again").on_hover_text("It is looked at again after every epoch.").clicked()
        })
        .inner
    }

    fn ask(&mut self, desk: &mut Desk<'_>, again: bool) {
        let Some(loss) = desk.loss() else { return };
        let look = Look { loss, image: desk.choice.image, layer: self.layer };
        let wanted = (desk.known.run, desk.known.epoch, look);
        if desk.known.phase != Phase::Closed && (again || self.asked != Some(wanted)) {
            self.asked = Some(wanted);
            desk.ask(Command::Look(look));
        }
    }

    /// Makes textures of what was seen, where that or the colours are new.
    fn update(&mut self, ui: &Ui, seen: Arc<Seen>, map: ColorMap) {
        if self.drawn.as_ref().is_some_and(|drawn| Arc::ptr_eq(&drawn.seen, &seen) && drawn.map == map) {
            return;
        }
        let ctx = ui.ctx();
        let texture = |name: &str, image: Option<ColorImage>| {
            image.map(|image| ctx.load_texture(name, image, TextureOptions::NEAREST))
        };
        let (low, high) = numbers(&seen.activations.values);
        let spread = if high > low { f64::from(high - low) } else { 1.0 };
        let color = |value: &[f32]| map.color(f64::from(value[0] - low) / spread);
        let most = seen.filters.values.iter().fold(0.0_f32, |most, value| most.max(value.abs())).max(f32::MIN_POSITIVE);
        self.drawn = Some(Drawn {
            input: texture("network input", pixels(&seen.input)),
            gradient: texture("gradient", overlay(&seen.gradient)),
            filters: Tiles::new(ctx, "filters", &seen.filters, &|weights| filter(weights, most)),
            activations: Tiles::new(ctx, "activations", &seen.activations, &color),
            seen,
            map,
        });
    }
}

/// A place of a filter over three colours as a colour; over others by the sum of its weights.
fn filter(weights: &[f32], most: f32) -> Color32 {
    let byte = |weight: f32| (255.0 * (0.5 + 0.5 * weight / most)).round().clamp(0.0, 255.0) as u8;
    match *weights {
        [red, green, blue] => Color32::from_rgb(byte(red), byte(green), byte(blue)),
        _ => theme::difference(f64::from(weights.iter().sum::<f32>() / (weights.len() as f32 * most))),
    }
}

/// The image with the gradient over it, and what the network says of it.
fn image(ui: &mut Ui, desk: &mut Desk<'_>, drawn: &Drawn, opacity: &mut f32) {
    let (known, seen) = (desk.known, &drawn.seen);
    let Some(scene) = &known.scene else { return };
    let truth = scene.labels.get(seen.look.image).map_or(0, |&label| label as usize);
    let name = scene.names.get(seen.look.image).map_or("", String::as_str);
    let class = known.classes().get(truth).map_or("", String::as_str);
    ui.strong(format!("{name}, true class {class}, as {} sees it after step {}", seen.look.loss, seen.step));
    let side = (0.5 * ui.available_height()).min(ui.available_width()).max(64.0);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    let label = || format!("picture of {name} with the gradient of its loss");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, label()));
    response.on_hover_text(terms::of("input gradient"));
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    let overlaid = [(&drawn.input, Color32::WHITE), (&drawn.gradient, Color32::WHITE.gamma_multiply(*opacity))];
    for (texture, tint) in overlaid {
        if let Some(texture) = texture {
            ui.painter().image(texture.id(), rect, whole, tint);
        }
    }
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("gradient over the image").on_hover_text(terms::of("input gradient"));
        ui.add(Slider::new(opacity, 0.0..=1.0).show_value(false)).labelled_by(label.id);
    });
    ui.label(legend(seen));
    bars(ui, known.classes(), truth, seen);
}

/// What the overlay's colours mean, in numbers.
fn legend(seen: &Seen) -> String {
    if seen.look.loss == Loss::Qwk {
        return "qwk is a loss of a batch: of one image alone it is always 1 and hangs on no pixel.".to_owned();
    }
    let (low, high) = numbers(&seen.gradient.values);
    let most = low.abs().max(high.abs());
    format!(
        "Loss {:.3}. Red: brighter there, the loss grows; blue: it falls; by up to {most:.1e} for each unit of a colour, which is -1 to 1.",
        seen.value
    )
}

fn bars(ui: &mut Ui, classes: &[String], truth: usize, seen: &Seen) {
    let name = seen.look.loss.name();
    let said = Said::of(name, &seen.probabilities, seen.score);
    let series = [Series { name, color: theme::of_loss(name), said }];
    let height = ui.available_height() - 2.0 * ui.text_style_height(&egui::TextStyle::Body);
    Bars { label: "prediction", classes, truth, series: &series }.show(ui, height);
}

/// Filters, and the chosen layer's outputs.
fn maps(ui: &mut Ui, drawn: &Drawn) {
    let seen = &drawn.seen;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        if seen.filters.count > 0 {
            let (low, high) = numbers(&seen.filters.values);
            ui.strong(format!("First filters, weights from {low:.2} to {high:.2}")).on_hover_text(terms::of("filters"));
            drawn.filters.show(ui, "filters");
            ui.add_space(8.0);
        }
        let Some(name) = seen.layers.get(seen.look.layer.min(seen.layers.len().saturating_sub(1))) else { return };
        let (low, high) = numbers(&seen.activations.values);
        let title = format!("Outputs of {name}, from {low:.2} (dark) to {high:.2} (bright)");
        ui.strong(title).on_hover_text(terms::of("activations"));
        drawn.activations.show(ui, &format!("outputs of {name}"));
    });
}

#[cfg(test)]
mod tests;
