//! Colours, the same as in reports.

use crate::report::{Rgb, blue_to_red, cividis, ink_on, loss_color, viridis};
use eframe::egui::{Color32, Context, Theme};

/// The colours of a matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorMap {
    /// Dark blue to yellow, perceptually uniform.
    #[default]
    Viridis,
    /// Dark blue over grey to yellow: made for colour-blind eyes.
    Cividis,
}

impl ColorMap {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Viridis, Self::Cividis];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
        }
    }

    /// The colour at `t` in 0 to 1.
    pub fn color(self, t: f64) -> Color32 {
        color(match self {
            Self::Viridis => viridis(t),
            Self::Cividis => cividis(t),
        })
    }
}

/// Blue below zero, red above, white at zero: a difference in -1 to 1.
pub fn difference(value: f64) -> Color32 {
    color(blue_to_red(0.5 + 0.5 * value))
}

/// The colour of a loss throughout the app.
pub fn of_loss(name: &str) -> Color32 {
    color(loss_color(name))
}

/// Black or white, whichever is easier to read on a background.
pub fn ink(background: Color32) -> Color32 {
    color(ink_on([background.r(), background.g(), background.b()]))
}

fn color([r, g, b]: Rgb) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// Text that carries to the back row: stronger than egui's own, in dark and light.
pub fn set(ctx: &Context) {
    for (theme, text) in [(Theme::Dark, Color32::from_gray(215)), (Theme::Light, Color32::from_gray(35))] {
        ctx.style_mut_of(theme, |style| style.visuals.widgets.noninteractive.fg_stroke.color = text);
    }
}
