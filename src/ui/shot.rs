//! A picture or a drawing of what a view shows, as it is on the screen.

use super::drawing;
use crate::worker::message::Exported;
use eframe::egui::epaint::ClippedShape;
use eframe::egui::{ColorImage, Context, LayerId, Rect};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// A picture or a drawing that was asked for.
pub struct Shot {
    /// A name for its file.
    pub name: String,
    /// What of the window it shows, in points.
    field: Rect,
    /// Where the shapes of a drawing lie, until they are taken.
    layer: Option<LayerId>,
    /// The shapes of a drawing.
    shapes: Option<Vec<ClippedShape>>,
    answer: Receiver<Arc<ColorImage>>,
}

impl Shot {
    /// Asks for a picture of this part of the window; where a layer is named, for a drawing of it.
    pub fn take(ctx: &Context, field: Rect, name: String, layer: Option<LayerId>) -> Self {
        let (tell, answer) = channel();
        let window = ctx.clone();
        ctx.request_screenshot(move |image| {
            // The window may be closed meanwhile.
            let _ = tell.send(image);
            window.request_repaint();
        });
        Self { name, field, layer, shapes: None, answer }
    }

    /// The picture or drawing, once it is there. To be called in the frame in which it was asked for, too, when all is drawn.
    pub fn developed(&mut self, ctx: &Context) -> Option<Exported> {
        if let Some(layer) = self.layer.take() {
            let shapes = |list: &eframe::egui::layers::PaintList| list.all_entries().cloned().collect();
            self.shapes = Some(ctx.graphics(|layers| layers.get(layer).map(shapes)).unwrap_or_default());
        }
        let image = self.answer.try_recv().ok()?;
        Some(match &self.shapes {
            Some(shapes) => Exported::Drawing(drawing::svg(shapes, self.field, &image, ctx.pixels_per_point())),
            None => {
                let (width, rgb) = part(&image, self.field, ctx.pixels_per_point());
                Exported::Picture { width, rgb }
            }
        })
    }
}

/// A part of an image of the window: its pixels across, and red, green and blue, row by row.
pub fn part(image: &ColorImage, field: Rect, pixels_per_point: f32) -> (u32, Vec<u8>) {
    let [across, down] = image.size;
    let pixels = |points: f32, most: usize| ((points * pixels_per_point).round().max(0.0) as usize).min(most);
    let (left, right) = (pixels(field.min.x, across), pixels(field.max.x, across));
    let rows = pixels(field.min.y, down)..pixels(field.max.y, down);
    let row = |row: usize| image.pixels[row * across..(row + 1) * across].iter().take(right).skip(left);
    let rgb = rows.flat_map(row).flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
    (right.saturating_sub(left) as u32, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Color32, Pos2};

    #[test]
    fn a_picture_is_of_its_part_of_the_window_alone() {
        let pixels = (0..12).map(Color32::from_gray).collect();
        let image = ColorImage::new([4, 3], pixels);
        let part = |min: [f32; 2], max: [f32; 2], scale| {
            let (width, rgb) = part(&image, Rect::from_min_max(Pos2::from(min), Pos2::from(max)), scale);
            (width, rgb.chunks(3).map(|rgb| rgb[0]).collect::<Vec<u8>>())
        };
        assert_eq!(part([0.5, 0.5], [1.5, 1.5], 2.0), (2, vec![5, 6, 9, 10]));
        assert_eq!(part([3.0, -1.0], [9.0, 9.0], 1.0), (1, vec![3, 7, 11]), "no farther than the window");
    }
}
