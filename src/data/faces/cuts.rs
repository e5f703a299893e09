//! Hair that lies on the head, and how it is cut.

use super::hair::Shape;
use super::head::Face;
use super::paint::{CUTS, Canvas, Spot, between, curve, ellipse, lerp, mix, ramp};
use super::person::Style;

impl Face<'_> {
    /// Paints the hair that lies on the head.
    pub(super) fn hair_over(&self, canvas: &mut Canvas) {
        let shape = self.hair_shape();
        let style = self.person.style;
        let right = curve(&shape.outer);
        let left = right.iter().rev().map(|&[x, y]| [-x, y]);
        let outer: Vec<Spot> = left.chain(right[1..].iter().copied()).collect();
        let cap = between(&outer, &curve(&shape.inner));
        let dense = if style == Style::Buzz { 0.72 } else { 1.0 };
        let cover = self.looks.cover * dense;
        canvas.fill(&cap, self.colours.hair, cover);
        canvas.clip(&[&cap]);
        self.sheen(canvas, &cap, cover);
        if !matches!(style, Style::Curly | Style::Buzz) {
            self.strands(canvas, &shape, cover);
        }
        canvas.unclip();
        match style {
            Style::Curly => self.curls_over(canvas, &shape, cover),
            Style::Fringe => self.fringe(canvas, cover),
            Style::Parted | Style::Bob | Style::Long | Style::Wavy => self.sweep(canvas, cover),
            Style::Quiff => self.quiff(canvas, cover),
            _ => {}
        }
        if shape.covers_ears() {
            self.locks(canvas, &shape);
        }
        self.tuft(canvas);
    }

    /// Light from above, shade away from the light.
    fn sheen(&self, canvas: &mut Canvas, cap: &[Spot], cover: f32) {
        let (looks, colours) = (self.looks, &self.colours);
        let light = self.person.shot.light;
        let lit = [0.24 * light, looks.crown + 0.06];
        canvas.glow(lit, [0.36, 0.16], colours.shine, 0.60 * cover);
        let line = [[-0.1 * light, looks.crown], [-0.62 * light, looks.eye_y]];
        let dark = (colours.strand, 0.75 * cover);
        canvas.fade(cap, line, (colours.strand, 0.0), dark);
    }

    /// Strands from the parting down to the outline; they vanish with the hair on top.
    fn strands(&self, canvas: &mut Canvas, shape: &Shape, cover: f32) {
        let [top_x, top_y] = [self.person.parting * self.looks.width, shape.outer[0][1]];
        let root = [0.30 * top_x, top_y + 0.03];
        let right = curve(&shape.outer);
        let alpha = 0.34 * cover * (1.0 - ramp(self.looks.recession, 0.2, 0.6));
        let marks = &self.person.marks;
        for (i, &[a, b, _, d]) in marks.iter().enumerate() {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            // Three and a half of the outline's five pieces, leaving out the top and the ear.
            let along = (i as f32 + 0.99 * a) / marks.len() as f32;
            let [x, y] = right[CUTS + (3.5 * CUTS as f32 * along) as usize];
            let end = [side * 0.95 * x, y + 0.05];
            let middle = [lerp(root[0], end[0], 0.6), lerp(root[1], end[1], 0.35) + 0.02 * b];
            let width = 0.014 + 0.012 * b;
            canvas.stroke(&[root, middle, end], width, 0.6, self.strand(d < 0.5), alpha);
        }
    }

    /// Curls along the hairline, and arcs of others on the top.
    fn curls_over(&self, canvas: &mut Canvas, shape: &Shape, cover: f32) {
        let looks = self.looks;
        let size = 0.062 * looks.volume.min(1.2) * ramp(looks.length, 0.0, 0.5);
        let alpha = cover * (1.0 - ramp(looks.recession, 0.1, 0.6));
        let marks = &self.person.marks;
        let line = curve(&shape.inner);
        let front = line.iter().skip(2 * CUTS).step_by(3);
        for (&[x, y], mark) in front.zip(marks) {
            let wide = size * (0.8 + 0.4 * mark[1]);
            let curl = ellipse([x, y - 0.03], wide, 0.9 * wide);
            canvas.fill(&curl, self.colours.hair, alpha);
            let lit = [x, y - 0.05];
            canvas.spot(&curl, lit, [size, size], self.colours.shine, 0.30 * alpha);
        }
        for (i, &[a, b, c, _]) in marks.iter().enumerate() {
            let (x, y) = (0.6 * a - 0.30, looks.crown - 0.04 + 0.14 * b);
            let (high, low) = (y - 0.024 - 0.016 * c, y - 0.018 - 0.012 * c);
            let arc = [[x - 0.04, y], [x - 0.024, low], [x, high], [x + 0.024, low], [x + 0.04, y]];
            canvas.stroke(&arc, 0.018, 0.5, self.strand(i % 2 == 0), 0.40 * alpha);
        }
    }

    /// Hair over the forehead, from light to shade along a line.
    fn flap(&self, canvas: &mut Canvas, outline: &[Spot], line: [Spot; 2], alpha: f32) {
        let (light, dark) = (self.colours.shine, self.colours.strand);
        canvas.fill(outline, self.colours.hair, alpha);
        canvas.fade(outline, line, (light, 0.36 * alpha), (dark, 0.5 * alpha));
    }

    /// Hair cut straight above the eyebrows.
    fn fringe(&self, canvas: &mut Canvas, cover: f32) {
        let looks = self.looks;
        let (w, crown) = (looks.width, looks.crown);
        let grown = looks.length * (1.0 - 0.4 * ramp(looks.recession, 0.1, 0.6));
        let low = lerp(crown + 0.26, looks.brow_y - 0.02, 0.35 + 0.55 * grown);
        let lower = self.all([
            [-0.90 * w, low + 0.05],
            [-0.55 * w, low + 0.012],
            [-0.2 * w, low],
            [0.15 * w, low + 0.008],
            [0.55 * w, low + 0.008],
            [0.90 * w, low + 0.05],
        ]);
        let upper = self.all([
            [-0.80 * w, crown + 0.22],
            [-0.35 * w, crown + 0.05],
            [0.35 * w, crown + 0.05],
            [0.80 * w, crown + 0.22],
        ]);
        let outline = between(&curve(&lower), &curve(&upper));
        self.flap(canvas, &outline, [[0.0, crown + 0.05], [0.0, low]], cover);
        for i in 0..7 {
            let x = (i as f32 - 3.0) * 0.25 * w;
            let line = self.all([[0.6 * x, crown + 0.07], [0.9 * x, lerp(crown, low, 0.6)], [x, low - 0.005]]);
            canvas.stroke(&line, 0.016, 0.5, self.strand(i % 2 == 1), 0.40 * cover);
        }
    }

    /// Hair swept from the parting over the forehead to the other side.
    fn sweep(&self, canvas: &mut Canvas, cover: f32) {
        let looks = self.looks;
        let (w, crown, line) = (looks.width, looks.crown, looks.crown + 0.25);
        let left = (1.0 - ramp(looks.recession, 0.15, 0.55)) * ramp(looks.length, 0.0, 0.35);
        let grown = left * looks.length;
        let at = |u: f32, v: f32| self.at([self.person.parting * u * w, v]);
        let lower = [
            at(0.52, crown + 0.17),
            at(0.10, line - 0.01 + 0.03 * grown),
            at(-0.45, line + 0.01 + 0.07 * grown),
            at(-0.93, line + 0.08 + 0.14 * grown),
        ];
        let upper = [at(0.52, crown + 0.13), at(0.0, crown + 0.05), at(-0.60, crown + 0.12), at(-0.93, crown + 0.30)];
        let outline = between(&curve(&lower), &curve(&upper));
        let ends = [at(0.3, crown + 0.1), at(-0.8, line + 0.1)];
        self.flap(canvas, &outline, ends, cover * left);
        for k in [0.25, 0.5, 0.75] {
            let strand = [
                at(0.46, lerp(crown + 0.11, crown + 0.17, k)),
                at(-0.1, lerp(crown + 0.05, line, k)),
                at(-0.85, lerp(crown + 0.25, line + 0.18 * grown + 0.05, k)),
            ];
            canvas.stroke(&strand, 0.018, 0.5, self.colours.strand, 0.45 * cover * left);
        }
    }

    /// Hair brushed up from the forehead.
    fn quiff(&self, canvas: &mut Canvas, cover: f32) {
        let looks = self.looks;
        let alpha = 0.40 * cover * (1.0 - ramp(looks.recession, 0.25, 0.6));
        for i in 0..6 {
            let t = i as f32 / 5.0 - 0.5;
            let base = self.at([1.1 * t * looks.width, looks.crown + 0.24]);
            let tip = [0.98 * base[0] + 0.05 * self.person.parting, looks.crown - 0.10 * looks.volume + 0.12 * t * t];
            let middle = [lerp(base[0], tip[0], 0.3), lerp(base[1], tip[1], 0.55)];
            canvas.stroke(&[base, middle, tip], 0.040, 0.5, self.strand(i % 2 == 0), alpha);
        }
    }

    /// Hair that falls in front of the ears.
    fn locks(&self, canvas: &mut Canvas, shape: &Shape) {
        let (looks, colours) = (self.looks, &self.colours);
        let (w, side_out) = (looks.width, shape.outer[4][0]);
        let (top, low) = (looks.crown + 0.20, shape.locks);
        let down = |t: f32| lerp(top, low, t);
        for side in [-1.0, 1.0] {
            let turned = |x: f32, y: f32| [side * x + 0.25 * w * self.person.shot.yaw, y];
            let outer = [
                turned(0.84 * w, top),
                turned(side_out, down(0.35)),
                turned(side_out + self.wavy(0.06, 0.0), down(0.75)),
                turned(0.90 * side_out, low),
            ];
            let inner = [
                turned(0.74 * w, top + 0.03),
                turned(0.90 * w, down(0.40)),
                turned(0.93 * w, down(0.72)),
                turned(0.86 * side_out, low + 0.01),
            ];
            let lock = between(&curve(&outer), &curve(&inner));
            canvas.fill(&lock, colours.hair, looks.cover);
            let far = side * self.person.shot.light < 0.0;
            let alpha = if far { 0.35 } else { 0.12 } * looks.cover;
            let line = [turned(0.8 * w, top), turned(0.9 * w, low)];
            let tone = self.strand(!far);
            canvas.fade(&lock, line, (tone, 0.0), (tone, alpha));
            let strand = [turned(0.85 * w, top + 0.05), turned(0.96 * w, down(0.5)), turned(0.9 * w, low - 0.02)];
            canvas.stroke(&strand, 0.018, 0.5, colours.strand, 0.5 * looks.cover);
        }
    }

    /// The tuft of a small child.
    fn tuft(&self, canvas: &mut Canvas) {
        let looks = self.looks;
        let alpha = 0.85 * (1.0 - looks.length / 0.45).max(0.0);
        let hair = mix(self.colours.hair, self.colours.skin, 0.15);
        for (i, lean) in [-0.07, 0.02, 0.09].into_iter().enumerate() {
            let base = [0.04 * i as f32 - 0.04, looks.crown + 0.06];
            let tip = [base[0] + lean * self.person.parting, looks.crown - 0.05 - 0.02 * (i % 2) as f32];
            let middle = [base[0] - 0.25 * lean, lerp(base[1], tip[1], 0.6)];
            canvas.stroke(&[base, middle, tip], 0.035, 0.4, hair, alpha);
        }
    }
}
