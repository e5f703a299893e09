//! Wrinkles, folds, freckles and spots.

use super::head::Face;
use super::paint::{Canvas, Spot, ellipse, lerp, ramp};

impl Face<'_> {
    fn wrinkle<const N: usize>(&self, canvas: &mut Canvas, points: [Spot; N], width: f32, depth: f32) {
        if depth > 0.01 {
            let line = self.all(points);
            canvas.stroke(&line, width, 0.45, self.colours.shadow, depth.min(0.9));
            let lit = line.map(|[x, y]| [x, y + 0.8 * width]);
            canvas.stroke(&lit, 0.8 * width, 0.45, self.colours.glow, 0.35 * depth);
        }
    }

    /// Paints what time draws on a face.
    pub(super) fn wrinkles(&self, canvas: &mut Canvas) {
        self.forehead(canvas);
        for side in [-1.0, 1.0] {
            self.around_eye(canvas, side);
            self.around_mouth(canvas, side);
        }
    }

    fn forehead(&self, canvas: &mut Canvas) {
        let (looks, raised) = (self.looks, 0.85 + 0.15 * self.person.brows);
        let (bottom, w) = (looks.brow_y - 0.055, 0.62 * looks.width);
        for (row, onset) in [0.15, 0.28, 0.45].into_iter().enumerate() {
            let y = bottom - 0.052 * row as f32;
            let depth = raised * 0.75 * ramp(looks.wrinkles, onset, onset + 0.5);
            let reach = w * (1.0 - 0.10 * row as f32);
            let line = [
                [-reach, y + 0.012],
                [-0.5 * reach, y - 0.010],
                [0.0, y + 0.004],
                [0.5 * reach, y - 0.010],
                [reach, y + 0.012],
            ];
            self.wrinkle(canvas, line, 0.017, depth);
        }
        let between = 0.8 * ramp(looks.wrinkles, 0.3, 0.8);
        for side in [-1.0, 1.0] {
            let line = [
                [side * 0.045, looks.brow_y - 0.045],
                [side * 0.038, looks.brow_y],
                [side * 0.048, looks.brow_y + 0.04],
            ];
            self.wrinkle(canvas, line, 0.014, between);
        }
    }

    fn around_eye(&self, canvas: &mut Canvas, side: f32) {
        let looks = self.looks;
        let (x, y, w) = (looks.eye_x, looks.eye_y, looks.eye);
        let at = |u: f32, v: f32| [side * (x + u * w), y + v];
        let feet = (0.7 + 0.3 * self.person.smile.max(0.0)) * 0.85 * ramp(looks.wrinkles, 0.18, 0.75);
        for (spread, reach) in [(-1.0, 0.075), (0.0, 0.09), (1.0, 0.08)] {
            let v = 0.012 + 0.02 * looks.sag + 0.020 * spread;
            let far = side * (x + 1.22 * w + reach);
            let line = [
                at(1.22, v),
                [side * (x + 1.22 * w + 0.5 * reach), y + v + 0.012 * spread],
                [far, y + v + 0.034 * spread + 0.006],
            ];
            self.wrinkle(canvas, line, 0.012, feet);
        }
        let bag = ramp(looks.sag, 0.05, 0.8);
        let pouch = self.at(at(0.0, 0.085));
        canvas.glow(pouch, [1.15 * w, 0.055], self.colours.shadow, 0.28 * bag);
        let rim = [at(-0.95, 0.045), at(-0.35, 0.092), at(0.35, 0.098), at(1.0, 0.060)];
        self.wrinkle(canvas, rim, 0.017, 0.12 + 0.55 * bag);
        let below = [at(-0.6, 0.105), at(0.1, 0.130), at(0.9, 0.105)];
        self.wrinkle(canvas, below, 0.012, 0.7 * ramp(looks.wrinkles, 0.5, 1.0));
    }

    fn around_mouth(&self, canvas: &mut Canvas, side: f32) {
        let looks = self.looks;
        let (nose_y, mouth_y, w) = (looks.nose_y, looks.mouth_y, looks.mouth);
        let age = ramp(looks.wrinkles, 0.02, 0.7);
        let grin = 0.10 * self.person.smile.max(0.0);
        let fold = [
            [side * (looks.nose + 0.022), nose_y - 0.030],
            [side * (0.82 * w + 0.030), lerp(nose_y, mouth_y, 0.45)],
            [side * (w + 0.050), mouth_y - 0.005],
            [side * (w + 0.052), mouth_y + 0.035 * age],
        ];
        self.wrinkle(canvas, fold, 0.014 + 0.014 * age, grin + 0.62 * age);
        let droop = [
            [side * (w + 0.010), mouth_y + 0.015],
            [side * (w + 0.028), mouth_y + 0.065],
            [side * (w + 0.020), mouth_y + 0.115],
        ];
        self.wrinkle(canvas, droop, 0.018, 0.75 * ramp(looks.sag, 0.2, 0.85));
        let cheek =
            [[side * 0.31, nose_y - 0.02], [side * 0.30, lerp(nose_y, mouth_y, 0.6)], [side * 0.265, mouth_y + 0.05]];
        self.wrinkle(canvas, cheek, 0.013, 0.55 * ramp(looks.wrinkles, 0.55, 1.0));
        let lip = mouth_y - looks.lip;
        let pleat = [[side * 0.30 * w, lip - 0.040], [side * 0.30 * w, lip - 0.023], [side * 0.27 * w, lip - 0.006]];
        self.wrinkle(canvas, pleat, 0.010, 0.5 * ramp(looks.wrinkles, 0.6, 1.0));
    }

    /// Paints freckles, and the spots of age.
    pub(super) fn freckles(&self, canvas: &mut Canvas) {
        let (looks, colours) = (self.looks, &self.colours);
        let freckles = if self.person.freckles { 0.65 } else { 0.0 };
        for &[a, b, c, d] in &self.person.marks {
            let spot = self.at([0.66 * a - 0.33, looks.nose_y + 0.06 - 0.18 * b]);
            let size = 0.006 + 0.004 * c;
            canvas.fill(&ellipse(spot, size, size), colours.dusk, freckles);
            let side = if c < 0.5 { 1.0 } else { -1.0 };
            let y = lerp(looks.crown + 0.12, looks.mouth_y, a);
            let spot = self.at([side * (0.16 + 0.20 * b), y]);
            let size = 0.012 + 0.018 * d;
            let alpha = 0.55 * looks.spots;
            canvas.glow(spot, [1.2 * size, size], colours.shadow, alpha);
        }
    }
}
