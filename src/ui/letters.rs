//! Letters that the embedded fonts lack: the window takes them from fonts of the system, and says which no font has.

use crate::fonts;
use eframe::egui::{Context, Label, Panel, Ui};
#[cfg(not(target_arch = "wasm32"))]
use eframe::egui::{FallbackRequest, FontInsert, FontProvider};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Most letters that are named.
const MOST: usize = 8;

/// Letters for which no font was found.
#[derive(Default)]
pub struct Letters {
    missing: Mutex<BTreeSet<char>>,
}

impl Letters {
    /// Has the fonts of the system asked for letters that the embedded ones lack. They are listed meanwhile, in a thread of its
    /// own. In a page the browser draws such letters.
    pub fn watched(ctx: &Context) -> Arc<Self> {
        let letters = Arc::new(Self::default());
        #[cfg(not(target_arch = "wasm32"))]
        {
            fonts::begin();
            ctx.add_font_provider(letters.clone());
        }
        #[cfg(target_arch = "wasm32")]
        let _ = ctx;
        letters
    }

    /// Remembers a letter that no font has; of signs that are none nothing need be said.
    #[cfg(not(target_arch = "wasm32"))]
    fn miss(&self, letter: Option<char>) {
        let letter = letter.filter(|letter| letter.is_alphabetic());
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).extend(letter);
    }

    /// Which letters show as boxes, and what helps, until it is read.
    pub fn tell(&self, ui: &mut Ui) {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(&first) = missing.first() else { return };
        Panel::top("letters").show(ui, |ui| {
            ui.horizontal(|ui| {
                if ui.button("OK").clicked() {
                    self.missing.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
                ui.add(Label::new(words(&missing, first)).wrap());
            });
        });
    }
}

fn words(missing: &BTreeSet<char>, first: char) -> String {
    let code = |letter: &char| format!("U+{:04X}", u32::from(*letter));
    let mut codes: Vec<String> = missing.iter().take(MOST).map(code).collect();
    if missing.len() > MOST {
        codes.push(format!("{} more", missing.len() - MOST));
    }
    format!(
        "No font of this machine has the letters {}: they show as boxes. Install {}, then open the window again.",
        codes.join(", "),
        fonts::helping(first)
    )
}

#[cfg(not(target_arch = "wasm32"))]
impl FontProvider for Letters {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let found = fonts::find(request);
        if found.is_none() {
            self.miss(request.cluster.chars().next());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::RawInput;
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT, Queryable};

    fn shown(letters: Arc<Letters>) -> Harness<'static> {
        Harness::builder().with_size([900.0, 200.0]).build_ui(move |ui| letters.tell(ui))
    }

    #[test]
    fn letters_without_a_font_are_told_with_what_helps_until_it_is_read() {
        let letters = Arc::new(Letters::default());
        let mut harness = shown(letters.clone());
        assert!(harness.query_by_label("OK").is_none());
        ['漢', '字', '☃'].into_iter().for_each(|letter| letters.miss(Some(letter)));
        harness.run();
        let said = harness.get_by_label_contains("boxes").accesskit_node().value().unwrap_or_default();
        assert!(said.contains("U+5B57, U+6F22:") && said.contains("Noto Sans CJK"), "{said}");
        harness.get_by_label("OK").click();
        harness.run();
        assert!(harness.query_by_label("OK").is_none());
    }

    #[test]
    fn the_window_asks_the_system_for_what_the_embedded_fonts_lack() {
        let letters = Arc::new(Letters::default());
        let ctx = Context::default();
        ctx.add_font_provider(letters.clone());
        // A sign for private use is no letter.
        ctx.run_ui(RawInput::default(), |ui| _ = ui.label("plain \u{F0000} 漢 ა")).textures_delta.clear();
        let found = ctx.fonts(|fonts| fonts.discovered_fonts().len());
        let missing = letters.missing.lock().unwrap().clone();
        let there: BTreeSet<char> = ['漢', 'ა'].into_iter().filter(|&letter| fonts::having(letter).is_some()).collect();
        assert!(there.is_disjoint(&missing) && there.len() + missing.len() == 2, "{there:?} {missing:?}");
        assert!(found <= there.len() && (found > 0) != there.is_empty(), "{found} {there:?}");
    }
}
