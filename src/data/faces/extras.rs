//! What may be on a face: a beard, spectacles.

use super::head::Face;
use super::paint::{Canvas, Spot, between, curve, ellipse, lerp, mix, round, scale};

impl Face<'_> {
    /// Paints the beard, from a shadow to a full one; `outline` is the head's.
    pub(super) fn beard(&self, canvas: &mut Canvas, outline: &[Spot]) {
        let looks = self.looks;
        if looks.beard <= 0.0 {
            return;
        }
        let full = ((looks.beard - 0.35) / 0.65).clamp(0.0, 1.0);
        let alpha = 0.20 * (looks.beard / 0.35).min(1.0) + 0.74 * full;
        let (y, drop) = (looks.mouth_y, looks.chin + 0.05 * full);
        let grown: Vec<Spot> = outline
            .iter()
            .map(|&[x, v]| {
                let below = ((v - y) / (looks.chin - y)).max(0.0);
                [x * (1.0 + 0.03 * full), v + 0.05 * full * below]
            })
            .collect();
        let area = self.bearded(drop + 0.2);
        let colour = mix(scale(self.colours.hair, 0.85), [0.88; 3], 0.3 * looks.grey);
        canvas.clip(&[&grown]);
        canvas.fill(&area, colour, alpha);
        let dark = (scale(colour, 0.7), 0.45 * alpha);
        canvas.fade(&area, [[0.0, y], [0.0, drop]], (dark.0, 0.0), dark);
        canvas.unclip();
        if self.person.moustache {
            self.moustache(canvas, alpha);
        }
    }

    /// What lies below the upper edge of a beard, down to y = `low`; it is wider than the head.
    fn bearded(&self, low: f32) -> Vec<Spot> {
        let looks = self.looks;
        let (w, y) = (looks.mouth, looks.mouth_y);
        let edge = |side: f32| {
            curve(&self.all([
                [side * 0.97 * looks.width, looks.nose_y - 0.06],
                [side * 0.80 * looks.cheek, lerp(looks.nose_y, y, 0.5)],
                [side * 1.55 * w, y - 0.01],
                [side * 1.18 * w, y + 0.030],
                [side * 0.70 * w, y + 0.115],
                [0.0, y + 0.085],
            ]))
        };
        let top = looks.nose_y;
        let mut area = between(&edge(-1.0), &edge(1.0));
        area.extend([[0.62, top], [0.62, low], [-0.62, low], [-0.62, top]]);
        area
    }

    fn moustache(&self, canvas: &mut Canvas, alpha: f32) {
        let looks = self.looks;
        let colour = scale(self.colours.hair, 0.85);
        let (w, y) = (looks.mouth, looks.mouth_y);
        let top = lerp(looks.nose_y, y, 0.30);
        for side in [-1.0, 1.0] {
            let half = [
                [0.0, top + 0.01],
                [side * 0.55 * w, top + 0.012],
                [side * 1.12 * w, y + 0.005],
                [side * 1.20 * w, y + 0.040],
                [side * 0.80 * w, y - 0.5 * looks.lip],
                [0.0, y - 0.7 * looks.lip],
            ];
            canvas.fill(&round(&self.all(half)), colour, alpha);
        }
    }

    /// Half width and height of a lens, and the place of its centre to the right of the nose.
    fn lens(&self, oblong: bool) -> (Spot, Spot) {
        let looks = self.looks;
        let size = 0.135 + 0.25 * (looks.eye - 0.08);
        let height = if oblong { 0.72 } else { 1.0 } * size;
        ([size, height], [looks.eye_x + 0.008, looks.eye_y + 0.018])
    }

    /// Paints spectacles, except for what the hair may cover.
    pub(super) fn glasses(&self, canvas: &mut Canvas) {
        let Some(glasses) = self.person.glasses else {
            return;
        };
        let (half, [x, y]) = self.lens(!glasses.round);
        for side in [-1.0, 1.0] {
            let rim = |grow: f32| -> Vec<Spot> {
                let corners = ellipse([0.0, 0.0], 1.0, 1.0).into_iter();
                let mut line: Vec<Spot> = corners
                    .map(|[u, v]| {
                        // An oblong lens is the circle pushed out towards its four corners.
                        let far = u.abs().max(v.abs()).max(0.82);
                        let push = if glasses.round { 1.0 } else { 1.0 / far };
                        let (dx, dy) = ((half[0] + grow) * u * push, (half[1] + grow) * v * push);
                        self.before([side * x + dx, y + dy], 0.03)
                    })
                    .collect();
                line.push(line[0]);
                line
            };
            let (outer, inner) = (rim(0.5 * glasses.rim), rim(-0.5 * glasses.rim));
            canvas.fill(&inner, [0.85, 0.93, 1.0], 0.10);
            canvas.fill(&between(&outer, &inner), glasses.colour, 1.0);
            let glint = [[-0.5, 0.08], [-0.35, -0.28], [0.0, -0.44]]
                .map(|[u, v]| self.before([side * x + u * half[0], y + v * half[0]], 0.03));
            canvas.stroke(&glint, 0.018, 0.5, [1.0; 3], 0.45);
        }
        let gap = x - half[0] + 0.02;
        let bridge = [
            self.before([-gap, y - 0.01], 0.03),
            self.before([0.0, y - 0.035], 0.05),
            self.before([gap, y - 0.01], 0.03),
        ];
        canvas.stroke(&bridge, 1.5 * glasses.rim, 0.5, glasses.colour, 1.0);
    }

    /// Paints the arms of the spectacles, which go under the hair.
    pub(super) fn temples(&self, canvas: &mut Canvas) {
        let Some(glasses) = self.person.glasses else {
            return;
        };
        let (half, [x, y]) = self.lens(!glasses.round);
        let thick = 0.4 * glasses.rim;
        for side in [-1.0, 1.0] {
            let from = self.before([side * (x + half[0]), y - 0.02], 0.03);
            let to = self.at([side * self.looks.width, y - 0.03]);
            // Where the head is turned away, the lens reaches its edge.
            if side * (to[0] - from[0]) > 0.0 {
                let [[a, b], [c, d]] = [from, to];
                let arm = [[a, b - thick], [c, d - thick], [c, d + thick], [a, b + thick]];
                canvas.fill(&arm, glasses.colour, 1.0);
            }
        }
    }
}
