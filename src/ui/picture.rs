//! Test images as textures: asked for once, when they are first shown.

use super::desk::Desk;
use super::known::Known;
use crate::worker::Command;
use crate::worker::message::Picture;
use eframe::egui::{
    self, Color32, ColorImage, Context, DragValue, Rect, TextureHandle, TextureId, TextureOptions, Ui, pos2,
};
use std::collections::{HashMap, HashSet};

/// Most bytes of textures; beyond them all are made anew as they are shown.
const MOST_BYTES: usize = 64 << 20;

/// Test images that were shown.
#[derive(Default)]
pub struct Pictures {
    /// The run that they belong to.
    run: usize,
    asked: HashSet<usize>,
    textures: HashMap<usize, TextureHandle>,
    /// Bytes of all textures.
    bytes: usize,
}

impl Pictures {
    /// The texture of a test image, once it is there.
    fn texture(&mut self, ctx: &Context, known: &Known, index: usize) -> Option<TextureId> {
        if self.run != known.run || self.bytes > MOST_BYTES {
            // Textures are freed after the frame, so that one that is shown already in this frame stays until then.
            self.textures.clear();
            self.bytes = 0;
        }
        if self.run != known.run {
            (self.run, self.asked) = (known.run, HashSet::new());
        }
        if let Some(texture) = self.textures.get(&index) {
            return Some(texture.id());
        }
        let image = color_image(known.images.get(&index)?)?;
        let texture = ctx.load_texture(format!("test image {index}"), image, TextureOptions::LINEAR);
        // Once neither image nor texture is kept any more, it is asked for again.
        self.asked.remove(&index);
        self.bytes += texture.byte_size();
        Some(self.textures.entry(index).or_insert(texture).id())
    }
}

/// Planes of red, green and blue as pixels; nothing of what are no such planes: no texture is without a pixel.
fn color_image(picture: &Picture) -> Option<ColorImage> {
    let (side, planes) = (picture.side, &picture.planes);
    let plane = side * side;
    let pixel = |at: usize| Color32::from_rgb(planes[at], planes[plane + at], planes[2 * plane + at]);
    let there = plane > 0 && planes.len() == 3 * plane;
    there.then(|| ColorImage::new([side, side], (0..plane).map(pixel).collect()))
}

impl Desk<'_> {
    /// Paints a test image; a plain ground where it is not there yet, and it is asked for the first time that it is missing.
    pub fn paint_picture(&mut self, ui: &Ui, index: usize, rect: Rect) {
        ui.painter().rect_filled(rect, 2.0, ui.visuals().faint_bg_color);
        let pictures = &mut self.choice.pictures;
        if let Some(texture) = pictures.texture(ui.ctx(), self.known, index) {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture, rect, whole, Color32::WHITE);
        } else if pictures.asked.insert(index) {
            // All that a frame misses is asked for at once.
            match self.commands.last_mut() {
                Some(Command::Images(indices)) => indices.push(index),
                _ => self.ask(Command::Images(vec![index])),
            }
        }
    }

    /// A choice of the test image whose predictions are shown, by number.
    pub fn choose_image(&mut self, ui: &mut Ui) {
        let images = self.known.scene.as_ref().map_or(0, |scene| scene.labels.len());
        let Some(last) = images.checked_sub(1) else { return };
        self.choice.image = self.choice.image.min(last);
        ui.horizontal(|ui| {
            let label = ui.label("test image");
            let (first, at) = (self.choice.image == 0, &mut self.choice.image);
            if ui.add_enabled(!first, egui::Button::new("Previous")).on_hover_text("The test image before it").clicked()
            {
                *at -= 1;
            }
            ui.add(DragValue::new(at).range(0..=last)).labelled_by(label.id);
            if ui.add_enabled(*at < last, egui::Button::new("Next")).on_hover_text("The test image after it").clicked()
            {
                *at += 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::Loss;
    use crate::ui::fixture::Table;
    use crate::worker::message::{Message, Picture};
    use eframe::egui::{Pos2, Rect, Ui};
    use egui_kittest::Harness;

    /// Two images in each frame, which nobody answers.
    fn frame(ui: &mut Ui, table: &mut Table) {
        let rect = Rect::from_min_max(Pos2::ZERO, Pos2::new(20.0, 20.0));
        [3, 5].into_iter().for_each(|index| table.desk().paint_picture(ui, index, rect));
    }

    #[test]
    fn an_image_is_asked_for_once_in_a_run_however_long_it_takes() {
        let mut harness = Harness::new_ui_state(frame, Table::of_losses(&[Loss::Xe]));
        harness.run_steps(3);
        let table = harness.state_mut();
        assert_eq!((table.asked(), table.commands.len()), (vec![3, 5], 1), "both at once, and never again");
        table.known.take(Message::Images(vec![Picture { index: 3, side: 1, planes: vec![9; 3] }]));
        harness.run_steps(3);
        let table = harness.state_mut();
        assert_eq!((table.asked(), table.choice.pictures.textures.len()), (vec![3, 5], 1));
        // Another run has other images.
        let scene = table.known.scene.clone().unwrap();
        table.known.take(Message::Begun(Box::new(scene)));
        harness.run_steps(2);
        assert_eq!(harness.state().asked(), [3, 5, 3, 5]);
    }

    #[test]
    fn planes_become_pixels_and_a_broken_image_none() {
        let image = super::color_image(&Picture { index: 0, side: 2, planes: (0..12).collect() }).unwrap();
        assert_eq!((image.size, image.pixels[1].to_array()), ([2, 2], [1, 5, 9, 255]));
        assert_eq!(super::color_image(&Picture { index: 0, side: 2, planes: vec![0; 5] }), None);
        assert_eq!(super::color_image(&Picture { index: 0, side: 0, planes: Vec::new() }), None);
    }
}
