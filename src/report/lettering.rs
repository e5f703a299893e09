//! How texts are set, and how wide they are, in the font that is compiled in, Ubuntu Light; letters that it lacks, in fonts of
//! the system.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use std::sync::LazyLock;

use super::ReportError;
use super::palette::Rgb;
use crate::fonts;

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

/// A font that is there for as long as the program runs.
pub(super) type Face = &'static FontRef<'static>;

/// The glyphs of a line of text from the origin, each with its font, and the line's width, in the unit of `em`.
pub(super) fn set_line(text: &str, em: f64) -> Result<(Vec<(Face, Glyph)>, f32), ReportError> {
    Ok(set_line_in(built_in_font()?, fonts::having, text, em))
}

/// [`set_line`] in a font, and where that has no glyph in the one that `having` finds; where that finds none, the first shows
/// its box.
fn set_line_in(first: Face, having: impl Fn(char) -> Option<Face>, text: &str, em: f64) -> (Vec<(Face, Glyph)>, f32) {
    let (mut glyphs, mut x) = (Vec::new(), 0.0);
    let mut last = None;
    for c in text.chars() {
        let other = || if c.is_control() { None } else { having(c) };
        let font = if first.glyph_id(c).0 == 0 { other().unwrap_or(first) } else { first };
        // ab_glyph scales by the height of a line rather than by the em.
        let lines = font.height_unscaled() / font.units_per_em().unwrap_or(1000.0);
        let scale = PxScale::from(em as f32 * lines);
        let (scaled, id) = (font.as_scaled(scale), font.glyph_id(c));
        let same = last.filter(|(other, _)| std::ptr::eq::<FontRef<'_>>(*other, font));
        x += same.map_or(0.0, |(_, last)| scaled.kern(last, id));
        glyphs.push((font, id.with_scale_and_position(scale, point(x, 0.0))));
        x += scaled.h_advance(id);
        last = Some((font, id));
    }
    (glyphs, x)
}

/// Ubuntu Light.
fn built_in_font() -> Result<Face, ReportError> {
    static FONT: LazyLock<Result<FontRef<'static>, String>> = LazyLock::new(|| {
        FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT).map_err(|error| error.to_string())
    });
    FONT.as_ref().map_err(|error| ReportError::Draw(error.clone()))
}

/// Width of a text in CSS pixels, as it is set.
pub(super) fn width(text: &str, em: f64) -> Result<f64, ReportError> {
    let (_, width) = set_line(text, em)?;
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
    fn letters_that_a_font_lacks_are_set_in_another() {
        let hack = Box::leak(Box::new(FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).unwrap()));
        let first = built_in_font().unwrap();
        assert!(first.glyph_id('╬').0 == 0 && hack.glyph_id('╬').0 != 0);
        let (glyphs, width) = set_line_in(first, |_| Some(hack), "a╬a", 100.0);
        let in_hack: Vec<bool> = glyphs.iter().map(|(font, _)| std::ptr::eq::<FontRef<'_>>(*font, hack)).collect();
        assert_eq!(in_hack, [false, true, false]);
        let (_, plain) = set_line_in(first, |_| None, "aa", 100.0);
        // A letter of Hack, which is of fixed width, is 0.602 em wide.
        assert!((width - plain - 60.2).abs() <= 0.1, "{width} is not {plain} and 60.2");
        let (boxes, _) = set_line_in(first, |_| None, "╬", 100.0);
        assert!(std::ptr::eq(boxes[0].0, first) && boxes[0].1.id.0 == 0);
        set_line_in(first, |c| panic!("{c:?} needs no other font"), "plain\n", 12.0);
    }

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
