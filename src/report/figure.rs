//! A sheet to draw on, the same for PNG and SVG: shapes and text in CSS pixels, on plotters' back ends.
//!
//! Bitmaps are set in Ubuntu Light, which is compiled in, so that no font needs to be installed but for letters that it lacks;
//! an SVG leaves the choice to its viewer.

use ab_glyph::{Font, point};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::lettering::{Anchor, Lettering, set_line};
use super::palette::Rgb;
use super::{ReportError, escape};

/// Back ends count in whole units; this many to a CSS pixel keep lines smooth.
const UNITS: u32 = 4;
/// Pixels of a PNG to a CSS pixel. Each is the mean of a square of units, which smooths edges.
const PNG_SCALE: u32 = 2;

/// The fonts that a viewer of SVG tries in turn.
const FAMILY: FontFamily<'static> = FontFamily::Name("Ubuntu, system-ui, sans-serif");
/// plotters' size of a text in SVG, in em.
const SVG_EM: f64 = 1.24;
/// How far below its anchor plotters puts the baseline of a text that hangs from it in SVG, in em.
const SVG_HANG: f64 = 0.76;

/// Black of text and axes.
pub(super) const INK: Rgb = [0x1F, 0x23, 0x28];
/// Grey of text that matters less.
pub(super) const FAINT: Rgb = [0x65, 0x6D, 0x76];
/// Grey of grid lines.
pub(super) const GRID: Rgb = [0xE4, 0xE7, 0xEB];
/// White of the sheet.
pub(super) const PAPER: Rgb = [0xFF, 0xFF, 0xFF];

/// Something that can be drawn on a sheet.
pub(super) trait Figure {
    /// Width and height in CSS pixels, whole numbers.
    fn size(&self) -> (u32, u32);

    /// What the figure shows, in a few words, for those who cannot see it.
    fn title(&self) -> String;

    /// Draws on a white sheet of that size.
    fn draw<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError>;
}

/// A white sheet; all coordinates and sizes are CSS pixels from the upper left.
pub(super) struct Sheet<B> {
    backend: B,
    /// Whether it is a bitmap, whose texts are drawn; an SVG leaves its texts to the viewer.
    is_bitmap: bool,
    /// The images of an SVG, which are added in the end.
    images: String,
}

impl<B: DrawingBackend> Sheet<B> {
    /// Fills a rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, color: Rgb) -> Result<(), ReportError> {
        let corner = (units(x + width), units(y + height));
        let drawn = self.backend.draw_rect((units(x), units(y)), corner, &rgb(color).filled(), true);
        drawn.map_err(draw_error)
    }

    /// Draws a line through points.
    pub fn line(&mut self, points: &[(f64, f64)], width: f64, color: Rgb) -> Result<(), ReportError> {
        let style: ShapeStyle = rgb(color).stroke_width(units(width).max(1) as u32);
        let points = points.iter().map(|&(x, y)| (units(x), units(y)));
        self.backend.draw_path(points, &style).map_err(draw_error)
    }

    /// Fills a circle.
    pub fn dot(&mut self, x: f64, y: f64, radius: f64, color: Rgb) -> Result<(), ReportError> {
        let drawn = self.backend.draw_circle((units(x), units(y)), units(radius) as u32, &rgb(color).filled(), true);
        drawn.map_err(draw_error)
    }

    /// Fills square cells row by row; `colors` are those of all rows.
    pub fn cells(&mut self, x: f64, y: f64, cell: f64, columns: usize, colors: &[Rgb]) -> Result<(), ReportError> {
        if !self.is_bitmap {
            let rows = colors.len() / columns;
            let png = encode_png(colors.as_flattened(), columns as u32, rows as u32)?;
            let corner = [x, y, columns as f64 * cell, rows as f64 * cell].map(units);
            self.images += &svg_image(corner, &png);
            return Ok(());
        }
        for (i, &color) in colors.iter().enumerate() {
            let (row, column) = ((i / columns) as f64, (i % columns) as f64);
            self.rect(x + column * cell, y + row * cell, cell, cell, color)?;
        }
        Ok(())
    }

    /// Sets a text on a baseline through (x, y).
    pub fn text(&mut self, x: f64, y: f64, text: &str, lettering: Lettering) -> Result<(), ReportError> {
        let (x, y) = (x * f64::from(UNITS), y * f64::from(UNITS));
        if self.is_bitmap {
            self.draw_glyphs((x as f32, y as f32), text, lettering)
        } else {
            self.write_text(x, y, text, lettering)
        }
    }

    /// Text of an SVG; coordinates in units.
    fn write_text(&mut self, x: f64, y: f64, text: &str, lettering: Lettering) -> Result<(), ReportError> {
        let h_pos = match lettering.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let em = lettering.em * f64::from(UNITS);
        let (transform, x, y) = if lettering.upwards {
            (FontTransform::Rotate270, x - SVG_HANG * em, y)
        } else {
            (FontTransform::None, x, y - SVG_HANG * em)
        };
        let font = (FAMILY, SVG_EM * em).into_font().transform(transform);
        let color = rgb(lettering.color);
        let style = TextStyle::from(font).color(&color).pos(Pos::new(h_pos, VPos::Top));
        let at = (x.round() as i32, y.round() as i32);
        self.backend.draw_text(text, &style, at).map_err(draw_error)
    }

    /// Text of a bitmap; coordinates in units.
    fn draw_glyphs(&mut self, (x, y): (f32, f32), text: &str, lettering: Lettering) -> Result<(), ReportError> {
        let (glyphs, width) = set_line(text, lettering.em * f64::from(UNITS))?;
        let start = match lettering.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let mut color = rgb(lettering.color).to_backend_color();
        for (font, mut glyph) in glyphs {
            // Upwards, a text is set from the origin, and its pixels are turned afterwards.
            glyph.position += if lettering.upwards { point(start, 0.0) } else { point(x + start, y) };
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let corner = outline.px_bounds().min;
            let mut drawn = Ok(());
            outline.draw(|column, row, coverage| {
                let (px, py) = (corner.x as i32 + column as i32, corner.y as i32 + row as i32);
                let turned = (x.round() as i32 + py, y.round() as i32 - px);
                color.alpha = f64::from(coverage.min(1.0));
                let at = if lettering.upwards { turned } else { (px, py) };
                if drawn.is_ok() {
                    drawn = self.backend.draw_pixel(at, color);
                }
            });
            drawn.map_err(draw_error)?;
        }
        Ok(())
    }

    /// Like [`Sheet::text`], with half the height of its capitals above and below (x, y).
    pub fn centred(&mut self, x: f64, y: f64, text: &str, lettering: Lettering) -> Result<(), ReportError> {
        let half = 0.35 * lettering.em;
        if lettering.upwards {
            self.text(x + half, y, text, lettering)
        } else {
            self.text(x, y + half, text, lettering)
        }
    }
}

/// Draws a figure as PNG, at twice its size.
pub(super) fn png(figure: &impl Figure) -> Result<Vec<u8>, ReportError> {
    let (width, height) = figure.size();
    let size = (width * UNITS, height * UNITS);
    let mut buffer = vec![0xFF; 3 * size.0 as usize * size.1 as usize];
    let mut sheet =
        Sheet { backend: BitMapBackend::with_buffer(&mut buffer, size), is_bitmap: true, images: String::new() };
    figure.draw(&mut sheet)?;
    drop(sheet);
    let smooth = reduced(&buffer, size.0 as usize);
    encode_png(&smooth, width * PNG_SCALE, height * PNG_SCALE)
}

/// Means over squares of units, one a pixel of the PNG.
fn reduced(units: &[u8], width: usize) -> Vec<u8> {
    let step = (UNITS / PNG_SCALE) as usize;
    let mut pixels = Vec::with_capacity(units.len() / (step * step));
    for rows in units.chunks_exact(3 * width * step) {
        for x in (0..width).step_by(step) {
            for c in 0..3 {
                let at = |dx: usize, dy: usize| usize::from(rows[3 * (dy * width + x + dx) + c]);
                let sum: usize = (0..step * step).map(|i| at(i % step, i / step)).sum();
                pixels.push(((sum + step * step / 2) / (step * step)) as u8);
            }
        }
    }
    pixels
}

/// Encodes interleaved RGB bytes, width x height x 3, as PNG.
///
/// # Errors
/// When there are not that many bytes.
pub fn encode_png(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
        .write_image(pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(draw_error)?;
    Ok(bytes)
}

/// A PNG as the address of an image that holds its own data.
pub fn data_url(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// Draws a figure as SVG.
pub(super) fn svg(figure: &impl Figure) -> Result<String, ReportError> {
    let (width, height) = figure.size();
    let mut text = String::new();
    let mut sheet = Sheet {
        backend: SVGBackend::with_string(&mut text, (width * UNITS, height * UNITS)),
        is_bitmap: false,
        images: String::new(),
    };
    sheet.rect(0.0, 0.0, f64::from(width), f64::from(height), PAPER)?;
    figure.draw(&mut sheet)?;
    sheet.backend.present().map_err(draw_error)?;
    let images = std::mem::take(&mut sheet.images);
    drop(sheet);
    Ok(tidied(&text, figure, &images))
}

/// Gives the SVG its size in CSS pixels, a title, sharp rectangles and its images, and leaves out what says nothing.
fn tidied(text: &str, figure: &impl Figure, images: &str) -> String {
    let (width, height) = figure.size();
    let in_units = format!("<svg width=\"{}\" height=\"{}\"", width * UNITS, height * UNITS);
    let title = escape(&figure.title());
    let in_pixels = format!("<svg role=\"img\" aria-label=\"{title}\" width=\"{width}\" height=\"{height}\"");
    let body = text.strip_suffix("</svg>\n").unwrap_or(text);
    // Rectangles side by side would show seams if their edges were smoothed.
    body.replacen(&in_units, &in_pixels, 1)
        .replacen(">\n", ">\n<style>rect{shape-rendering:crispEdges}</style>\n", 1)
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        + images
        + "</svg>\n"
}

/// An image of sharp pixels in units: left, top, width, height.
fn svg_image([x, y, width, height]: [i32; 4], png: &[u8]) -> String {
    let data = data_url(png);
    format!(
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" href=\"{data}\"/>\n"
    )
}

fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

fn rgb([r, g, b]: Rgb) -> RGBColor {
    RGBColor(r, g, b)
}

fn draw_error(error: impl std::fmt::Display) -> ReportError {
    ReportError::Draw(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::lettering::width;
    use super::*;

    /// A sheet of 60 x 40 with one text.
    struct OneText(f64, f64, &'static str, Lettering);

    impl Figure for OneText {
        fn size(&self) -> (u32, u32) {
            (60, 40)
        }

        fn title(&self) -> String {
            "one \"text\"".to_owned()
        }

        fn draw<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
            sheet.text(self.0, self.1, self.2, self.3)
        }
    }

    /// Left, top, right and bottom of all that is not white, in CSS pixels.
    fn ink(figure: &OneText) -> [f64; 4] {
        let image = image::load_from_memory(&png(figure).unwrap()).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (120, 80));
        let dark = image.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] < 128);
        let extent = [f64::MAX, f64::MAX, 0.0, 0.0];
        dark.fold(extent, |[left, top, right, bottom], (x, y, _)| {
            let (x, y) = (f64::from(x) / 2.0, f64::from(y) / 2.0);
            [left.min(x), top.min(y), right.max(x + 0.5), bottom.max(y + 0.5)]
        })
    }

    #[track_caller]
    fn near(found: [f64; 4], expected: [f64; 4]) {
        let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1.0);
        assert!(close, "{found:?} is not {expected:?}");
    }

    #[test]
    fn texts_stand_where_they_should() {
        // Capitals of Ubuntu Light are 0.693 em high; the bearings of an H are about 0.09 em.
        let wide = width("HH", 20.0).unwrap();
        let set = |anchor| Lettering::new(20.0, INK, anchor);
        let start = ink(&OneText(10.0, 30.0, "HH", set(Anchor::Start)));
        near(start, [11.8, 16.1, 8.2 + wide, 30.0]);
        let end = ink(&OneText(50.0, 30.0, "HH", set(Anchor::End)));
        near(end, [51.8 - wide, 16.1, 48.2, 30.0]);
        let middle = ink(&OneText(30.0, 30.0, "HH", set(Anchor::Middle)));
        near(middle, [31.8 - wide / 2.0, 16.1, 28.2 + wide / 2.0, 30.0]);
        let upwards = ink(&OneText(30.0, 38.0, "HH", set(Anchor::Start).upwards()));
        near(upwards, [16.1, 39.8 - wide, 30.0, 36.2]);
    }

    #[test]
    fn svg_has_the_text_on_the_same_baseline() {
        let text = svg(&OneText(10.0, 30.0, "<H>", Lettering::new(20.0, INK, Anchor::Start))).unwrap();
        super::super::tests::assert_well_formed(&text);
        // In units of a quarter: the baseline at 120 is 0.76 em of 80 below the anchor.
        for part in [
            "width=\"60\" height=\"40\" viewBox=\"0 0 240 160\"",
            "x=\"40\" y=\"59\" dy=\"0.76em\"",
            "font-size=\"80\"",
            "one &quot;text&quot;",
            "&lt;H&gt;",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn svg_turns_text_about_the_same_baseline() {
        let text = svg(&OneText(30.0, 38.0, "H", Lettering::new(20.0, INK, Anchor::Start).upwards())).unwrap();
        assert!(text.contains("x=\"59\" y=\"152\" dy=\"0.76em\""), "{text}");
        assert!(text.contains("rotate(270, 59, 152)"), "{text}");
    }

    #[test]
    fn pixels_are_means_of_units() {
        let mut units = vec![0; 3 * 4 * 4];
        // The four units of the upper right pixel, in red.
        for (at, value) in [(2, 10), (3, 20), (6, 30), (7, 42)] {
            units[3 * at] = value;
        }
        assert_eq!(reduced(&units, 4), [0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
