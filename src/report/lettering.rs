//! How texts are set, and how wide they are, in the font that is compiled in: Ubuntu Light.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};

use super::ReportError;
use super::palette::Rgb;

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set: its height in CSS pixels a em, its colour, where it stands, and whether it reads upwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lettering {
    pub em: f64,
    pub color: Rgb,
    pub anchor: Anchor,
    pub upwards: bool,
}

impl Lettering {
    pub fn new(em: f64, color: Rgb, anchor: Anchor) -> Self {
        Self { em, color, anchor, upwards: false }
    }

    pub fn upwards(self) -> Self {
        Self { upwards: true, ..self }
    }
}

/// The glyphs of a line of text from the origin, and its width, in the unit of `em`.
pub(super) fn set_line(font: &FontRef, text: &str, em: f64) -> (Vec<Glyph>, f32) {
    // ab_glyph scales by the height of a line rather than by the em.
    let lines = font.height_unscaled() / font.units_per_em().unwrap_or(1000.0);
    let scale = PxScale::from(em as f32 * lines);
    let scaled = font.as_scaled(scale);
    let (mut glyphs, mut x) = (Vec::new(), 0.0);
    let mut last = None;
    for c in text.chars() {
        let id = font.glyph_id(c);
        x += last.map_or(0.0, |last| scaled.kern(last, id));
        glyphs.push(id.with_scale_and_position(scale, point(x, 0.0)));
        x += scaled.h_advance(id);
        last = Some(id);
    }
    (glyphs, x)
}

/// Ubuntu Light.
pub(super) fn built_in_font() -> Result<FontRef<'static>, ReportError> {
    FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT).map_err(|error| ReportError::Draw(error.to_string()))
}

/// Width of a text in CSS pixels, in the built-in font.
pub(super) fn width(text: &str, em: f64) -> Result<f64, ReportError> {
    let (_, width) = set_line(&built_in_font()?, text, em);
    Ok(f64::from(width))
}

/// The text, or as much of its beginning as fits with an ellipsis.
pub(super) fn fitted(text: &str, em: f64, room: f64) -> Result<String, ReportError> {
    if width(text, em)? <= room {
        return Ok(text.to_owned());
    }
    let mut kept: Vec<char> = text.chars().collect();
    loop {
        kept.pop();
        let short = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if kept.is_empty() || width(&short, em)? <= room {
            return Ok(short);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_their_room() {
        assert_eq!(fitted("short", 12.0, 100.0).unwrap(), "short");
        let cut = fitted("a name that is far too long", 12.0, 60.0).unwrap();
        assert!(cut.starts_with("a name") && cut.ends_with('…'), "{cut}");
        assert!(width(&cut, 12.0).unwrap() <= 60.0);
        assert_eq!(fitted("name", 12.0, 0.0).unwrap(), "…");
        let (once, twice) = (width("ab", 12.0).unwrap(), width("ab", 24.0).unwrap());
        assert!((twice - 2.0 * once).abs() <= 1e-3, "{twice} is not twice {once}");
    }
}
