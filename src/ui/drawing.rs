//! A view as a drawing (SVG): its shapes as they are on the screen, so that it can be enlarged. Pictures in it, and what is
//! made of very many parts, are taken from a picture of the screen.

use super::shot::part;
use crate::report::{data_url, encode_png, escape, hex};
use eframe::egui::epaint::text::Glyph;
use eframe::egui::epaint::{
    CircleShape, ClippedShape, ColorMode, PathShape, PathStroke, RectShape, TextShape, WHITE_UV,
};
use eframe::egui::{Color32, ColorImage, FontFamily, Mesh, Pos2, Rect, Shape, Stroke, StrokeKind, TextureId, Vec2};
use std::fmt::Write;

/// Most triangles of a mesh that are drawn one by one.
const MOST_TRIANGLES: usize = 2000;

/// What is drawn of a field of the window, in points; `screen` is a picture of the window.
pub fn svg(shapes: &[ClippedShape], field: Rect, screen: &ColorImage, pixels_per_point: f32) -> String {
    let mut drawing = Drawing { field, screen, pixels_per_point, clips: Vec::new(), body: String::new() };
    for ClippedShape { clip_rect, shape, .. } in shapes {
        drawing.clipped(shape, clip_rect.intersect(field));
    }
    let Vec2 { x: width, y: height } = field.size();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"{} {} {width} {height}\">\n\
         <style>rect,polygon{{shape-rendering:crispEdges}}</style>\n",
        field.min.x, field.min.y
    );
    for (number, clip) in drawing.clips.iter().enumerate() {
        text += &format!("<clipPath id=\"clip{number}\"><rect{}/></clipPath>\n", placed(*clip));
    }
    text + &drawing.body + "</svg>\n"
}

struct Drawing<'a> {
    field: Rect,
    screen: &'a ColorImage,
    pixels_per_point: f32,
    /// Parts of the field to which some shapes are cut.
    clips: Vec<Rect>,
    body: String,
}

impl Drawing<'_> {
    /// Draws what is seen of a shape.
    fn clipped(&mut self, shape: &Shape, clip: Rect) {
        let bounds = shape.visual_bounding_rect();
        if !clip.is_positive() || !clip.intersects(bounds) {
            return;
        }
        if clip.contains_rect(bounds) {
            return self.shape(shape, clip);
        }
        let number = self.clips.iter().position(|other| *other == clip).unwrap_or_else(|| {
            self.clips.push(clip);
            self.clips.len() - 1
        });
        self.put(format_args!("<g clip-path=\"url(#clip{number})\">"));
        self.shape(shape, clip);
        self.put(format_args!("</g>"));
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.body, "{element}");
    }

    fn shape(&mut self, shape: &Shape, clip: Rect) {
        match shape {
            Shape::Noop => {}
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.shape(shape, clip)),
            Shape::Circle(circle) => self.circle(circle),
            Shape::LineSegment { points, stroke } => self.lines(points, false, Color32::TRANSPARENT, *stroke),
            Shape::Rect(rect) if rect.fill_texture_id() == TextureId::default() => self.rect(rect),
            Shape::Text(text) => self.text(text),
            Shape::Mesh(mesh) if is_plain(mesh) => self.triangles(mesh),
            Shape::Path(PathShape {
                points,
                closed,
                fill,
                stroke: PathStroke { width, color: ColorMode::Solid(color), .. },
            }) => {
                self.lines(points, *closed, *fill, Stroke::new(*width, *color));
            }
            Shape::QuadraticBezier(curve) => {
                self.shape(
                    &Shape::Path(PathShape {
                        points: curve.flatten(None),
                        closed: curve.closed,
                        fill: curve.fill,
                        stroke: curve.stroke.clone(),
                    }),
                    clip,
                );
            }
            other => self.picture(other.visual_bounding_rect().intersect(clip)),
        }
    }

    fn circle(&mut self, CircleShape { center, radius, fill, stroke }: &CircleShape) {
        let Pos2 { x, y } = center;
        self.put(format_args!("<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius:.2}\"{}/>", painted(*fill, *stroke)));
    }

    fn rect(&mut self, shape: &RectShape) {
        let by = match shape.stroke_kind {
            StrokeKind::Inside => -0.5,
            StrokeKind::Middle => 0.0,
            StrokeKind::Outside => 0.5,
        };
        let rect = shape.rect.expand(by * shape.stroke.width);
        let radius = match shape.corner_radius.nw {
            0 => String::new(),
            radius => format!(" rx=\"{radius}\""),
        };
        self.put(format_args!("<rect{}{radius}{}/>", placed(rect), painted(shape.fill, shape.stroke)));
    }

    fn lines(&mut self, points: &[Pos2], closed: bool, fill: Color32, stroke: Stroke) {
        let element = if closed { "polygon" } else { "polyline" };
        let points: Vec<String> = points.iter().map(|point| format!("{:.2},{:.2}", point.x, point.y)).collect();
        let fill = if closed { fill } else { Color32::TRANSPARENT };
        self.put(format_args!("<{element} points=\"{}\"{}/>", points.join(" "), painted(fill, stroke)));
    }

    /// Triangles, each in the mean of its corners' colours.
    fn triangles(&mut self, mesh: &Mesh) {
        for corners in mesh.indices.chunks_exact(3) {
            let corners = [0, 1, 2].map(|corner| mesh.vertices[corners[corner] as usize]);
            let mean = |channel: usize| {
                let sum: u32 = corners.iter().map(|corner| u32::from(corner.color.to_array()[channel])).sum();
                (sum / 3) as u8
            };
            let color = Color32::from_rgba_premultiplied(mean(0), mean(1), mean(2), mean(3));
            self.lines(&corners.map(|corner| corner.pos), true, color, Stroke::NONE);
        }
    }

    /// The letters of a text, each row as long as it is on the screen, in whatever font the viewer has.
    fn text(&mut self, shape: &TextShape) {
        let Some(section) = shape.galley.job.sections.first() else { return };
        let font = &section.format.font_id;
        let family =
            if font.family == FontFamily::Monospace { "Hack, monospace" } else { "Ubuntu, system-ui, sans-serif" };
        let turn = match shape.angle {
            0.0 => String::new(),
            angle => format!(" transform=\"rotate({:.2} {:.2} {:.2})\"", angle.to_degrees(), shape.pos.x, shape.pos.y),
        };
        for placed in &shape.galley.rows {
            let color =
                |glyph: &Glyph| placed.row.visuals.mesh.vertices.get(glyph.first_vertex as usize).map(|at| at.color);
            for (color, glyphs) in runs(&placed.row.glyphs, color) {
                let words: String = glyphs.iter().map(|glyph| glyph.chr).collect();
                let (Some(first), Some(last)) = (glyphs.first(), glyphs.last()) else { continue };
                let at = shape.pos + placed.pos.to_vec2() + first.pos.to_vec2();
                let length = last.pos.x + last.advance_width - first.pos.x;
                let color = if color == Color32::PLACEHOLDER { shape.fallback_color } else { color };
                let color = shape.override_text_color.unwrap_or(color).gamma_multiply(shape.opacity_factor);
                self.put(format_args!(
                    "<text x=\"{:.2}\" y=\"{:.2}\" textLength=\"{length:.2}\" lengthAdjust=\"spacingAndGlyphs\" \
                     font-size=\"{}\" font-family=\"{family}\"{}{turn} xml:space=\"preserve\">{}</text>",
                    at.x,
                    at.y,
                    font.size,
                    paint("fill", color),
                    escape(&words)
                ));
            }
        }
    }

    /// A part of the screen.
    fn picture(&mut self, part_of: Rect) {
        let part_of = part_of.intersect(self.field);
        let (width, rgb) = part(self.screen, part_of, self.pixels_per_point);
        let height = rgb.len() as u32 / (3 * width).max(1);
        // What lies outside the picture of the screen has no pixels.
        let Ok(png) = encode_png(&rgb, width, height) else { return };
        self.put(format_args!(
            "<image{} preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"{}\"/>",
            placed(part_of),
            data_url(&png)
        ));
    }
}

/// Letters that follow each other in one colour; a letter without ink has the colour of those before it.
fn runs(glyphs: &[Glyph], color: impl Fn(&Glyph) -> Option<Color32>) -> Vec<(Color32, &[Glyph])> {
    let inked = |glyph: &Glyph| color(glyph).filter(|_| !glyph.uv_rect.is_nothing());
    let Some(mut present) = glyphs.iter().find_map(inked) else { return Vec::new() };
    let (mut runs, mut begun) = (Vec::new(), 0);
    for (at, glyph) in glyphs.iter().enumerate() {
        if let Some(next) = inked(glyph).filter(|next| *next != present) {
            runs.push((present, &glyphs[begun..at]));
            (present, begun) = (next, at);
        }
    }
    runs.push((present, &glyphs[begun..]));
    runs
}

/// Whether a mesh is of so few triangles, and without a texture, that they are drawn.
fn is_plain(mesh: &Mesh) -> bool {
    mesh.texture_id == TextureId::default()
        && mesh.indices.len() <= 3 * MOST_TRIANGLES
        && mesh.vertices.iter().all(|vertex| vertex.uv == WHITE_UV)
}

fn placed(rect: Rect) -> String {
    let (Pos2 { x, y }, Vec2 { x: width, y: height }) = (rect.min, rect.size());
    format!(" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"")
}

fn painted(fill: Color32, stroke: Stroke) -> String {
    if stroke.is_empty() {
        return paint("fill", fill);
    }
    format!("{}{} stroke-width=\"{:.2}\"", paint("fill", fill), paint("stroke", stroke.color), stroke.width)
}

fn paint(what: &str, color: Color32) -> String {
    let [r, g, b, alpha] = color.to_srgba_unmultiplied();
    match alpha {
        0 => format!(" {what}=\"none\""),
        255 => format!(" {what}=\"{}\"", hex([r, g, b])),
        alpha => format!(" {what}=\"{}\" {what}-opacity=\"{:.3}\"", hex([r, g, b]), f64::from(alpha) / 255.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::assert_well_formed;
    use eframe::egui::{Align2, Context, FontId, RawInput, TextureOptions, Ui};

    /// The drawing of 100 x 80 points of which a grey picture of the screen is made, two pixels a point.
    fn drawn(show: impl Fn(&mut Ui)) -> String {
        let ctx = Context::default();
        let screen = Rect::from_min_size(Pos2::ZERO, Vec2::new(200.0, 100.0));
        let input = || RawInput { screen_rect: Some(screen), ..RawInput::default() };
        // Fonts are there from the second frame on.
        ctx.run_ui(input(), |_| {}).textures_delta.clear();
        let mut output = ctx.run_ui(input(), |ui| show(ui));
        output.textures_delta.clear();
        let grey = ColorImage::filled([400, 200], Color32::from_gray(90));
        let text = svg(&output.shapes, Rect::from_min_size(Pos2::new(10.0, 10.0), Vec2::new(100.0, 80.0)), &grey, 2.0);
        assert_well_formed(&text);
        text
    }

    #[track_caller]
    fn assert_has(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn shapes_stand_where_they_are_on_the_screen() {
        let text = drawn(|ui| {
            let painter = ui.painter();
            painter.rect_filled(Rect::from_min_size(Pos2::new(20.0, 20.0), Vec2::splat(8.0)), 2.0, Color32::RED);
            painter.circle_filled(Pos2::new(50.0, 50.0), 5.0, Color32::from_rgba_unmultiplied(0, 0, 255, 51));
            painter
                .line(vec![Pos2::new(12.0, 13.0), Pos2::new(30.5, 40.0), Pos2::new(60.0, 14.0)], (1.5, Color32::GREEN));
            painter.text(Pos2::new(20.0, 60.0), Align2::LEFT_TOP, "a < b", FontId::proportional(12.0), Color32::WHITE);
            painter.circle_filled(Pos2::new(180.0, 50.0), 5.0, Color32::YELLOW);
        });
        assert_has(
            &text,
            &[
                "viewBox=\"10 10 100 80\"",
                "<rect x=\"20.00\" y=\"20.00\" width=\"8.00\" height=\"8.00\" rx=\"2\" fill=\"#FF0000\"/>",
                "<circle cx=\"50.00\" cy=\"50.00\" r=\"5.00\" fill=\"#0000FF\" fill-opacity=\"0.200\"/>",
                "<polyline points=\"12.00,13.00 30.50,40.00 60.00,14.00\" fill=\"none\" stroke=\"#00FF00\" stroke-width=\"1.50\"/>",
                "font-size=\"12\"",
                ">a &lt; b</text>",
            ],
        );
        assert!(!text.contains("#FFFF00"), "what is outside is left out");
    }

    #[test]
    fn pictures_are_taken_from_the_screen_and_what_reaches_beyond_the_field_is_cut() {
        let text = drawn(|ui| {
            let image = ColorImage::filled([2, 2], Color32::RED);
            let texture = ui.ctx().load_texture("red", image, TextureOptions::NEAREST);
            let whole = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
            let place = Rect::from_min_size(Pos2::new(20.0, 20.0), Vec2::new(8.0, 4.0));
            ui.painter().image(texture.id(), place, whole, Color32::WHITE);
            ui.painter().circle_filled(Pos2::new(110.0, 50.0), 5.0, Color32::GREEN);
        });
        assert_has(
            &text,
            &[
                "<image x=\"20.00\" y=\"20.00\" width=\"8.00\" height=\"4.00\"",
                "<clipPath id=\"clip0\"><rect x=\"10.00\" y=\"10.00\" width=\"100.00\" height=\"80.00\"/></clipPath>",
                "<g clip-path=\"url(#clip0)\">\n<circle cx=\"110.00\"",
            ],
        );
        use base64::Engine;
        let (_, data) = text.split_once("base64,").unwrap();
        let png = base64::engine::general_purpose::STANDARD.decode(data.split_once('"').unwrap().0).unwrap();
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!((image.dimensions(), image.get_pixel(3, 3).0), ((16, 8), [90; 3]));
    }

    #[test]
    fn few_triangles_are_drawn_and_many_are_a_picture() {
        let mesh = |squares: usize| {
            let mut mesh = Mesh::default();
            let square = Rect::from_min_size(Pos2::new(30.0, 30.0), Vec2::splat(4.0));
            (0..squares).for_each(|_| mesh.add_colored_rect(square, Color32::from_rgb(1, 2, 3)));
            mesh
        };
        let text = drawn(|ui| _ = ui.painter().add(mesh(2)));
        assert_eq!((text.matches("<polygon").count(), text.matches("fill=\"#010203\"").count()), (4, 4));
        let text = drawn(|ui| _ = ui.painter().add(mesh(1001)));
        assert_eq!((text.matches("<polygon").count(), text.matches("<image").count()), (0, 1));
    }
}
