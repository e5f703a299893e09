//! Hair: its shape, how it recedes, and what of it is behind the head.

use super::head::{Face, symmetric};
use super::paint::{Canvas, Rgb, Spot, curve, ellipse, lerp, mix, ramp, round};
use super::person::Style;

/// How a style stands off the head, in half pictures at full growth.
struct Cut {
    /// Above the crown and beside the temples.
    top: f32,
    side: f32,
    /// How far it falls behind, from the ears (0) to the chest (1).
    fall: f32,
    /// How far it falls over the temples in front of the ears, likewise.
    locks: f32,
}

impl Cut {
    fn of(style: Style) -> Self {
        let (top, side, fall, locks) = match style {
            Style::Buzz => (0.025, 0.012, 0.0, 0.0),
            Style::Crop => (0.075, 0.030, 0.0, 0.0),
            Style::Parted => (0.095, 0.035, 0.0, 0.0),
            Style::Quiff => (0.150, 0.026, 0.0, 0.0),
            Style::Curly => (0.135, 0.105, 0.16, 0.0),
            Style::Fringe => (0.095, 0.085, 0.52, 0.46),
            Style::Bob => (0.090, 0.090, 0.50, 0.44),
            Style::Long => (0.085, 0.075, 1.0, 0.80),
            Style::Wavy => (0.110, 0.100, 0.74, 0.62),
            Style::Bun => (0.060, 0.025, 0.0, 0.0),
            Style::Ponytail => (0.065, 0.028, 0.0, 0.0),
        };
        Self { top, side, fall, locks }
    }
}

/// The outlines of a head of hair.
pub(super) struct Shape {
    /// Right half of the outer outline, from the middle of the top down to the ear.
    pub(super) outer: Vec<Spot>,
    /// The line where the hair begins, from the left ear over the forehead to the right one.
    pub(super) inner: Vec<Spot>,
    /// Height of the lower end of what falls behind, and of the locks in front.
    pub(super) fall: f32,
    pub(super) locks: f32,
}

impl Shape {
    /// Whether the locks in front hide the ears.
    pub(super) fn covers_ears(&self) -> bool {
        self.outer.last().is_some_and(|ear| self.locks > ear[1] + 0.1)
    }
}

impl Face<'_> {
    /// The outlines of the hair.
    pub(super) fn hair_shape(&self) -> Shape {
        let looks = self.looks;
        let cut = Cut::of(self.person.style);
        let (w, crown) = (looks.width, looks.crown);
        let bald = ramp(looks.recession, 0.42, 0.95);
        let thick = looks.volume * looks.cover;
        let top = cut.top * thick * (1.0 - bald) + 0.004;
        let side = cut.side * thick * (1.0 - 0.35 * bald) + 0.006;
        let ear = looks.eye_y + 0.02;
        let outer = vec![
            [0.0, crown - top],
            [0.46 * w + 0.2 * side, crown + 0.030 - 0.92 * top],
            [0.82 * w + 0.7 * side, crown + 0.145 - 0.5 * top],
            [w + side, crown + 0.36],
            [w + side, lerp(crown + 0.36, ear, 0.6)],
            [w + 0.8 * side, ear],
        ];
        Shape {
            outer,
            inner: self.hairline(bald),
            fall: lerp(ear, 1.25, cut.fall * looks.length),
            locks: lerp(ear, 1.25, cut.locks * looks.length),
        }
    }

    fn hairline(&self, bald: f32) -> Vec<Spot> {
        let looks = self.looks;
        let (w, crown) = (looks.width, looks.crown);
        let sparse = 1.0 - looks.cover;
        let line = crown + 0.25 - 0.07 * sparse;
        let corner = ramp(looks.recession, 0.0, 0.75);
        let temple = lerp(looks.eye_y - 0.16, looks.eye_y - 0.02, 0.6 * bald);
        let right = [
            [0.985 * w, looks.eye_y + 0.075],
            [0.90 * w, looks.eye_y + 0.02],
            [lerp(0.86, 0.95, bald) * w, temple],
            [lerp(0.76, 0.90, bald) * w, lerp(line + 0.085, crown + 0.26, corner)],
            [lerp(0.52, 0.66, corner) * w, lerp(line, crown + 0.095, corner)],
            [0.26 * w, lerp(line - 0.015, crown + 0.016, (0.35 * corner).max(bald))],
            [0.0, lerp(line - 0.005, crown - 0.006, bald.max(0.12 * corner))],
        ];
        let left = right.iter().map(|&[x, y]| [-x, y]);
        let line = left.chain(right[..6].iter().rev().copied());
        line.map(|spot| self.at(spot)).collect()
    }

    /// Paints the hair that is behind head and shoulders.
    pub(super) fn hair_behind(&self, canvas: &mut Canvas) {
        let shape = self.hair_shape();
        let colours = &self.colours;
        let looks = self.looks;
        let low = shape.fall;
        let [x, y] = shape.outer[4];
        if low > y + 0.05 {
            let flare = self.wavy(0.09, 0.02);
            let wide = x + flare * looks.length;
            let mut right = shape.outer[..4].to_vec();
            right.extend([
                [wide, lerp(y, low, 0.35)],
                [wide + 0.4 * flare, lerp(y, low, 0.75)],
                [0.90 * wide, low - 0.01],
                [0.62 * wide, low + 0.02],
                [0.0, low],
            ]);
            let back = round(&symmetric(&right));
            canvas.fill(&back, mix(colours.hair, colours.strand, 0.75), looks.cover);
            self.strands_behind(canvas, wide, y, low);
        }
        match self.person.style {
            Style::Bun => self.knot(canvas, [0.0, looks.crown - 0.10 * looks.volume]),
            Style::Ponytail => self.tail(canvas, x),
            Style::Curly => self.curls(canvas, &shape),
            _ => {}
        }
    }

    /// The colour of a strand that catches the light, or does not.
    pub(super) fn strand(&self, lit: bool) -> Rgb {
        if lit { self.colours.shine } else { self.colours.strand }
    }

    /// One of two measures: that of waves, or that of straight hair.
    pub(super) fn wavy(&self, waves: f32, straight: f32) -> f32 {
        match self.person.style {
            Style::Wavy => waves,
            _ => straight,
        }
    }

    fn strands_behind(&self, canvas: &mut Canvas, wide: f32, high: f32, low: f32) {
        for (i, &[a, b, _, _]) in self.person.marks[..8].iter().enumerate() {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            let x = side * wide * (0.62 + 0.27 * a);
            let sway = self.wavy(0.035, 0.006);
            let line = [
                [x, high - 0.1],
                [x + sway, lerp(high, low, 0.3)],
                [x - sway, lerp(high, low, 0.65)],
                [0.94 * x, lerp(high, low, 0.9 + 0.08 * b)],
            ];
            let colour = self.strand(i % 3 == 0);
            canvas.stroke(&line, 0.022, 0.5, colour, 0.40 * self.looks.cover);
        }
    }

    fn knot(&self, canvas: &mut Canvas, [x, y]: Spot) {
        let size = 0.155 * self.looks.length * self.person.volume;
        if size < 0.09 {
            return;
        }
        let ball = ellipse([x, y], size, 0.9 * size);
        canvas.fill(&ball, self.colours.hair, 1.0);
        canvas.spot(&ball, [x - 0.3 * size, y - 0.4 * size], [size, size], self.colours.shine, 0.6);
        for k in [-0.5, 0.0, 0.5] {
            let line = [[x - 0.8 * size, y + k * size], [x, y + (k - 0.25) * size], [x + 0.8 * size, y + k * size]];
            canvas.stroke(&line, 0.02, 0.5, self.colours.strand, 0.55);
        }
    }

    fn tail(&self, canvas: &mut Canvas, x: f32) {
        let (looks, side) = (self.looks, self.person.parting);
        let length = 0.95 * looks.length;
        if length < 0.1 {
            return;
        }
        let at = |u: f32, v: f32| [side * (x + u), looks.crown + 0.42 + v * length];
        let line = [at(-0.12, -0.05), at(0.08, 0.10), at(0.13, 0.42), at(0.04, 0.82), at(0.07, 1.05)];
        canvas.stroke(&line, 0.26, 0.42, self.colours.hair, looks.cover);
        let strand = [at(0.02, 0.05), at(0.12, 0.4), at(0.05, 0.8)];
        canvas.stroke(&strand, 0.05, 0.5, self.colours.strand, 0.5);
        let shine = line.map(|[x, y]| [x + 0.03, y]);
        canvas.stroke(&shine, 0.03, 0.4, self.colours.shine, 0.5);
    }

    /// A row of curls along the outer outline.
    fn curls(&self, canvas: &mut Canvas, shape: &Shape) {
        let looks = self.looks;
        let colours = &self.colours;
        let line = curve(&shape.outer);
        let size = 0.115 * looks.volume.min(1.2) * (1.0 - 0.5 * looks.recession) * ramp(looks.length, 0.0, 0.5);
        let base = mix(colours.hair, colours.strand, 0.25);
        for (i, &[x, y]) in line.iter().enumerate().step_by(2) {
            let wobble = 1.0 + 0.25 * (self.person.marks[i % 14][0] - 0.5);
            for side in [-1.0, 1.0] {
                let centre = [side * 0.93 * x, y + 0.05 * (1.0 - x / 0.5)];
                let curl = ellipse(centre, size * wobble, size * wobble);
                canvas.fill(&curl, base, looks.cover);
                let lit = [centre[0] + 0.3 * size * self.person.shot.light, centre[1] - 0.35 * size];
                canvas.spot(&curl, lit, [size, size], colours.shine, 0.45 * looks.cover);
            }
        }
    }
}
