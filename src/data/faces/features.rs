//! Eyes, eyebrows, nose and mouth.

use super::head::Face;
use super::paint::{CUTS, Canvas, Spot, between, curve, ellipse, lerp, mix, scale};

/// The two lid lines of an eye, both from the inner to the outer corner.
struct Lids {
    upper: Vec<Spot>,
    lower: Vec<Spot>,
    /// The points the upper lid runs through.
    arch: [Spot; 5],
    centre: Spot,
}

impl Face<'_> {
    fn lids(&self, side: f32) -> Lids {
        let looks = self.looks;
        let (w, x, y) = (looks.eye, looks.eye_x, looks.eye_y);
        let squint = 0.16 * self.person.smile.max(0.0) + 0.20 * looks.sag - 0.06 * self.person.brows;
        let high = w * (0.64 + 0.10 * looks.blush - squint);
        let low = w * (0.44 - 0.5 * squint);
        let droop = 0.30 * w * looks.sag;
        let place = |u: f32, v: f32| self.at([side * (x + u * w), y + v]);
        let arch = [
            place(-1.0, 0.14 * w),
            place(-0.52, -0.72 * high),
            place(0.05, -high),
            place(0.62, -0.70 * high + droop),
            place(1.04, -0.04 * w + droop),
        ];
        let lower = [arch[0], place(-0.4, 0.86 * low), place(0.2, low), place(0.7, 0.62 * low + 0.4 * droop), arch[4]];
        Lids {
            upper: curve(&arch),
            lower: curve(&lower),
            arch,
            centre: place(0.04 + 0.16 * side * self.person.gaze, 0.02 * w - 0.04 * high),
        }
    }

    /// Paints both eyes and their brows.
    pub(super) fn eyes(&self, canvas: &mut Canvas) {
        for side in [-1.0, 1.0] {
            let lids = self.lids(side);
            self.socket(canvas, side);
            self.eyeball(canvas, &lids);
            self.lashes(canvas, side, &lids);
            self.eyebrow(canvas, side);
        }
    }

    /// The shade around an eye.
    fn socket(&self, canvas: &mut Canvas, side: f32) {
        let looks = self.looks;
        let colours = &self.colours;
        let above = self.at([side * looks.eye_x, looks.eye_y - 0.03]);
        let deep = 0.14 + 0.16 * looks.bridge + 0.2 * looks.sag;
        canvas.glow(above, [1.7 * looks.eye, 1.25 * looks.eye], colours.dusk, deep);
        let corner = self.at([side * (looks.eye_x - 0.9 * looks.eye), looks.eye_y]);
        canvas.glow(corner, [0.06, 0.10], colours.shadow, 0.10 + 0.20 * looks.bridge);
    }

    fn eyeball(&self, canvas: &mut Canvas, lids: &Lids) {
        let (iris, person) = (self.looks.iris, self.person);
        let white = mix([0.98, 0.97, 0.96], self.colours.skin, 0.10 + 0.10 * self.looks.sag);
        let opening = between(&lids.upper, &lids.lower);
        canvas.fill(&opening, white, 1.0);
        canvas.clip(&[&opening]);
        let [x, y] = lids.centre;
        canvas.fill(&ellipse([x, y], iris, iris), scale(person.iris, 0.55), 1.0);
        canvas.fill(&ellipse([x, y], 0.86 * iris, 0.86 * iris), person.iris, 1.0);
        let light = mix(person.iris, [1.0, 0.95, 0.85], 0.45);
        canvas.glow([x, y + 0.45 * iris], [0.75 * iris, 0.6 * iris], light, 0.8);
        canvas.fill(&ellipse([x, y], 0.46 * iris, 0.46 * iris), [0.06, 0.05, 0.06], 1.0);
        canvas.stroke(&lids.arch, 1.1 * iris, 0.5, self.colours.ink, 0.22);
        let [gx, gy] = [x + 0.34 * iris * person.shot.light.signum(), y - 0.36 * iris];
        canvas.fill(&ellipse([gx, gy], 0.26 * iris, 0.26 * iris), [1.0; 3], 0.95);
        canvas.unclip();
    }

    fn lashes(&self, canvas: &mut Canvas, side: f32, lids: &Lids) {
        let (looks, colours) = (self.looks, &self.colours);
        let soft = 1.0 - self.person.masculine;
        let [inner, a, b, c, outer] = lids.arch;
        let flick = [outer[0] + side * 0.016 * (0.4 + soft), outer[1] - 0.016 * soft];
        let width = (0.015 + 0.011 * soft) * (1.0 - 0.35 * looks.sag);
        canvas.stroke(&[inner, a, b, c, flick], width, 0.7, colours.ink, 0.95);
        let rim = [inner, lids.lower[2 * CUTS], outer];
        canvas.stroke(&rim, 0.008, 0.6, colours.shadow, 0.6);
        let lift = 0.024 + 0.012 * looks.bridge - 0.010 * looks.sag;
        let raised = |[x, y]: Spot| [x, y - lift];
        let crease = [
            [inner[0] + side * 0.012, inner[1] - 0.7 * lift],
            raised(a),
            raised(b),
            raised(c),
            [outer[0] + side * 0.012, outer[1] - 0.4 * lift],
        ];
        let (width, depth) = (0.011 + 0.012 * looks.sag, 0.30 + 0.35 * looks.sag);
        canvas.stroke(&crease, width, 0.6, colours.shadow, depth);
    }

    fn eyebrow(&self, canvas: &mut Canvas, side: f32) {
        let (looks, person) = (self.looks, self.person);
        let lift = 0.018 * person.brows;
        let (x, y, w) = (looks.eye_x, looks.brow_y - lift, looks.eye);
        let frown = 0.010 * person.brows.min(0.0) + 0.006;
        let place = |u: f32, v: f32| self.at([side * (x + u * w), y + v]);
        let drop = 0.022 * looks.sag;
        let line = [
            place(-1.12, 0.016 - frown),
            place(-0.5, -0.008),
            place(0.35, -0.026 + 0.5 * drop),
            place(1.32, 0.020 + drop),
        ];
        let root = scale(mix(person.hair, self.colours.skin, 0.10), 0.78);
        let colour = mix(root, [0.80; 3], 0.75 * looks.grey * looks.grey);
        let thin = 0.45 + 0.5 * looks.cover.min(1.0);
        canvas.stroke(&line, 1.35 * looks.brow, 0.35, colour, 0.9 * thin);
    }

    /// Paints the nose.
    pub(super) fn nose(&self, canvas: &mut Canvas) {
        let (looks, colours) = (self.looks, &self.colours);
        let (w, y, eye_y) = (looks.nose, looks.nose_y, looks.eye_y);
        let far = -self.person.shot.light.signum();
        let ridge = 0.08 + 0.04 * looks.bridge;
        let out = |x: f32, v: f32, d: f32| self.before([x, v], d);
        let flank = [
            out(far * 0.03, eye_y + 0.01, 0.01),
            out(far * 0.033, lerp(eye_y, y, 0.55), 0.5 * ridge),
            out(far * 0.75 * w, y - 0.01, 0.6 * ridge),
        ];
        let shade = 0.04 + 0.20 * looks.bridge;
        canvas.stroke(&flank, 0.045, 0.75, colours.shadow, shade);
        let rosy = mix(colours.skin, [0.9, 0.35, 0.3], 0.4);
        canvas.glow(out(0.0, y - 0.028, ridge), [0.9 * w, 0.75 * w], rosy, 0.30);
        let top = [out(0.0, eye_y, 0.3 * ridge), out(0.0, lerp(eye_y, y, 0.5), 0.7 * ridge), out(0.0, y - 0.05, ridge)];
        let light = 0.10 + 0.30 * looks.bridge;
        canvas.stroke(&top, 0.034, 0.6, colours.glow, light);
        let tip = out(-0.2 * far * w, y - 0.042, ridge);
        canvas.glow(tip, [0.34 * w, 0.28 * w], colours.glow, 0.75);
        self.nostrils(canvas, ridge);
    }

    /// The underside of a nose whose tip stands `ridge` in front of the face.
    fn nostrils(&self, canvas: &mut Canvas, ridge: f32) {
        let (w, y) = (self.looks.nose, self.looks.nose_y);
        let shadow = self.colours.shadow;
        let out = |u: f32, v: f32, d: f32| self.before([u * w, y + v], d * ridge);
        for side in [-1.0, 1.0] {
            let hole = out(side * 0.40, 0.002, 0.6);
            canvas.fill(&ellipse(hole, 0.22 * w, 0.010), shadow, 0.85);
            let wing = [out(side * 0.80, -0.050, 0.3), out(side * 1.02, -0.016, 0.3), out(side * 0.72, 0.008, 0.4)];
            let depth = 0.30 + 0.30 * self.looks.bridge;
            canvas.stroke(&wing, 0.015, 0.6, shadow, depth);
        }
        let base = [out(-0.62, 0.006, 0.5), out(0.0, 0.020, 0.8), out(0.62, 0.006, 0.5)];
        canvas.stroke(&base, 0.014, 0.5, shadow, 0.55);
    }

    /// Paints the mouth.
    pub(super) fn mouth(&self, canvas: &mut Canvas) {
        let (looks, person) = (self.looks, self.person);
        let w = looks.mouth * (1.0 + 0.20 * person.smile.max(0.0));
        let corner = 0.034 * person.smile - 0.016 * looks.sag;
        let gap = 0.055 * person.open * (0.6 + 0.4 * looks.mouth / 0.15);
        let place = |u: f32, v: f32| self.at([u * w, looks.mouth_y + v]);
        let ends = [place(-1.0, -corner), place(1.0, -corner)];
        let bend = |side: f32, middle: f32| {
            let [left, right] = [-0.5, 0.5].map(|u| place(u, side));
            curve(&[ends[0], left, place(0.0, middle), right, ends[1]])
        };
        let seam = bend(0.006 - 0.2 * corner, 0.012 - 0.1 * gap);
        let sill = bend(0.012 + 0.75 * gap, 0.016 + gap);
        let lower = bend(gap + 0.95 * looks.lip, gap + 1.35 * looks.lip);
        self.lips(canvas, [&seam, &sill, &lower], [w, gap]);
        if gap > 0.004 {
            self.teeth(canvas, &between(&seam, &sill), place(0.0, 0.0), [w, gap]);
        }
        let ink = scale(self.colours.shadow, 0.7);
        let [a, b, c] = [1, 2, 3].map(|point| seam[point * CUTS]);
        canvas.stroke(&[ends[0], a, b, c, ends[1]], 0.015, 0.5, ink, 0.85);
        for ([x, y], side) in [(ends[0], -1.0), (ends[1], 1.0)] {
            let dimple = [x + 0.008 * side, y];
            canvas.glow(dimple, [0.026, 0.026], self.colours.shadow, 0.45);
        }
    }

    /// The lips around the seam: the upper one above it, the lower one between sill and edge.
    fn lips(&self, canvas: &mut Canvas, [seam, sill, lower]: [&[Spot]; 3], [w, gap]: Spot) {
        let (lip, colours) = (self.looks.lip, &self.colours);
        let place = |u: f32, v: f32| self.at([u * w, self.looks.mouth_y + v]);
        let bow = [
            seam[0],
            place(-0.55, -0.55 * lip),
            place(-0.20, -lip),
            place(0.0, -0.78 * lip),
            place(0.20, -lip),
            place(0.55, -0.55 * lip),
            seam[seam.len() - 1],
        ];
        let below = place(0.0, gap + 2.1 * lip + 0.008);
        canvas.glow(below, [0.55 * w, 0.024], colours.shadow, 0.35);
        let upper = between(&curve(&bow), seam);
        canvas.fill(&upper, scale(colours.lips, 0.90), 0.85);
        canvas.fill(&between(sill, lower), colours.lips, 0.88);
        let shine = place(0.1, gap + 0.85 * lip);
        canvas.glow(shine, [0.35 * w, 0.4 * lip], colours.glow, 0.40);
    }

    fn teeth(&self, canvas: &mut Canvas, opening: &[Spot], [x, y]: Spot, [w, gap]: Spot) {
        canvas.fill(opening, [0.30, 0.08, 0.09], 1.0);
        canvas.clip(&[opening]);
        let yellow = 0.6 * self.looks.spots;
        let white = mix([0.98, 0.97, 0.94], [0.86, 0.80, 0.66], yellow);
        let row = ellipse([x, y - 0.004], 0.80 * w, 0.016 + 0.52 * gap);
        canvas.fill(&row, white, 0.97);
        let tongue = [x, y + 1.1 * gap];
        canvas.glow(tongue, [0.5 * w, 0.5 * gap], [0.86, 0.42, 0.42], 0.8);
        canvas.unclip();
    }
}
