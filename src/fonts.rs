//! Fonts of the system, for letters that the embedded ones lack. A page has none: there the browser draws such letters of the
//! window, and figures show boxes.

use ab_glyph::FontRef;

/// A font of the system that has a letter, kept for as long as the program runs; none where there is none. The first call waits
/// until the system's fonts are listed.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn having(_: char) -> Option<&'static FontRef<'static>> {
    None
}

#[cfg(not(target_arch = "wasm32"))]
pub use system::{begin, find, having};

#[cfg(not(target_arch = "wasm32"))]
mod system {
    use super::FontRef;
    use eframe::egui::{FallbackRequest, FontFamily, FontInsert, FontProvider};
    use egui_system_font_provider::SystemFontProvider;
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex, PoisonError};

    /// It lists the fonts in a thread of its own, begun when it is made.
    static SYSTEM: LazyLock<SystemFontProvider> = LazyLock::new(SystemFontProvider::new);

    /// The fonts that figures are lettered with, by letter and by name.
    #[derive(Default)]
    struct Found {
        by_letter: HashMap<char, Option<&'static FontRef<'static>>>,
        by_name: HashMap<String, &'static FontRef<'static>>,
    }

    static FOUND: LazyLock<Mutex<Found>> = LazyLock::new(Mutex::default);

    /// Begins to list the fonts, without waiting for it.
    pub fn begin() {
        LazyLock::force(&SYSTEM);
    }

    /// The font that the system would take for these letters; none where none has the first of them.
    #[must_use]
    pub fn find(request: &FallbackRequest<'_>) -> Option<FontInsert> {
        SYSTEM.font_for(request)
    }

    /// A font of the system that has a letter, kept for as long as the program runs; none where there is none. The first call
    /// waits until the system's fonts are listed.
    #[must_use]
    pub fn having(letter: char) -> Option<&'static FontRef<'static>> {
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = found.by_letter.get(&letter) {
            return *known;
        }
        let cluster = letter.to_string();
        let asked = find(&FallbackRequest { cluster: &cluster, family: &FontFamily::Proportional });
        let font = asked.and_then(|insert| found.kept(insert));
        found.by_letter.insert(letter, font);
        font
    }

    impl Found {
        /// A font kept for good: there are no more of them than the system has.
        fn kept(&mut self, insert: FontInsert) -> Option<&'static FontRef<'static>> {
            if let Some(&font) = self.by_name.get(&insert.name) {
                return Some(font);
            }
            let data = Box::leak(Box::new(insert.data));
            let font = Box::leak(Box::new(FontRef::try_from_slice_and_index(data.bytes(), data.index).ok()?));
            self.by_name.insert(insert.name, font);
            Some(font)
        }
    }
}

/// A font that has a letter, which whoever sees a box in its place may install.
#[must_use]
pub fn helping(letter: char) -> &'static str {
    match u32::from(letter) {
        0x1100..=0x11FF | 0x2E80..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => {
            "Noto Sans CJK (in Debian and Ubuntu: fonts-noto-cjk)"
        }
        _ => "Noto Sans of its script (in Debian and Ubuntu: fonts-noto-core)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ab_glyph::Font;

    #[test]
    fn a_font_that_is_found_has_the_letter_and_is_found_again() {
        for letter in ['漢', '한', 'あ', 'ა', 'ש', 'ก', '\u{10FFFF}'] {
            let font = having(letter);
            assert!(font.is_none_or(|font| font.glyph_id(letter).0 != 0), "{letter}");
            let again = having(letter);
            assert_eq!(font.map(std::ptr::from_ref), again.map(std::ptr::from_ref), "{letter}");
        }
        assert!(having('\u{10FFFF}').is_none());
    }

    #[test]
    fn a_font_that_helps_is_named_by_the_letter() {
        for letter in ['漢', '한', 'あ', 'ア', '𠀀'] {
            assert!(helping(letter).contains("CJK"), "{letter}");
        }
        for letter in ['ა', 'ש', 'ก'] {
            assert!(!helping(letter).contains("CJK"), "{letter}");
        }
    }
}
