//! Colours, outlines and the canvas they are painted on.
//!
//! Outlines are polygons, curves being cut into short lines here: the rasteriser then needs
//! nothing but the four operations and square roots, which are the same on every platform.

use tiny_skia::{
    Color, FillRule, GradientStop, LinearGradient, Mask, Paint, Path, PathBuilder, Pixmap, Point, RadialGradient,
    Shader, SpreadMode, Transform,
};

/// A point in the picture: x to the right, y down, the picture being -1..1 both ways.
pub(super) type Spot = [f32; 2];

/// A colour: red, green and blue in 0..1 as they are stored (not linear light).
pub(super) type Rgb = [f32; 3];

/// The mixture of two colours, all of `b` at `t` = 1.
pub(super) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

/// A colour made darker (`by` below 1) or lighter.
pub(super) fn scale(a: Rgb, by: f32) -> Rgb {
    a.map(|v| (v * by).min(1.0))
}

/// The colour of a hue (turns), a saturation and a value.
pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Rgb {
    [0.0, 2.0 / 3.0, 1.0 / 3.0].map(|offset| {
        let turn = hue + offset;
        let distance = ((turn - turn.floor()) * 6.0 - 3.0).abs() - 1.0;
        value * (1.0 - saturation * (1.0 - distance.clamp(0.0, 1.0)))
    })
}

/// `a` at `t` = 0, `b` at `t` = 1, in between by a straight line.
pub(super) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `from`, 1 above `to`, smooth in between.
pub(super) fn ramp(x: f32, from: f32, to: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Lines a curve is cut into between two of its points.
pub(super) const CUTS: usize = 5;

/// The point of the Catmull-Rom curve through `p[1]` and `p[2]` at `t` in 0..1.
fn catmull_rom(p: [Spot; 4], t: f32) -> Spot {
    [0, 1].map(|i| {
        let [a, b, c, d] = p.map(|point| point[i]);
        let cubic = 3.0 * (b - c) + d - a;
        let square = 2.0 * a - 5.0 * b + 4.0 * c - d;
        b + 0.5 * t * (c - a + t * (square + t * cubic))
    })
}

/// A smooth closed outline through the points.
pub(super) fn round(points: &[Spot]) -> Vec<Spot> {
    let n = points.len();
    let mut line = Vec::with_capacity(n * CUTS);
    for i in 0..n {
        let corners = [n - 1, 0, 1, 2].map(|step| points[(i + step) % n]);
        line.extend((0..CUTS).map(|cut| catmull_rom(corners, cut as f32 / CUTS as f32)));
    }
    line
}

/// A smooth open line through the points.
pub(super) fn curve(points: &[Spot]) -> Vec<Spot> {
    let last = points.len() - 1;
    let mut line = Vec::with_capacity(last * CUTS + 1);
    for i in 0..last {
        let corners = [i.saturating_sub(1), i, i + 1, (i + 2).min(last)].map(|k| points[k]);
        line.extend((0..CUTS).map(|cut| catmull_rom(corners, cut as f32 / CUTS as f32)));
    }
    line.push(points[last]);
    line
}

/// An outline that follows `upper` and comes back along `lower`; both run the same way.
pub(super) fn between(upper: &[Spot], lower: &[Spot]) -> Vec<Spot> {
    upper.iter().chain(lower.iter().rev()).copied().collect()
}

/// The rectangle between two opposite corners.
pub(super) fn rectangle([left, top]: Spot, [right, bottom]: Spot) -> [Spot; 4] {
    [[left, top], [right, top], [right, bottom], [left, bottom]]
}

/// An ellipse, of more corners if it is large.
pub(super) fn ellipse(centre: Spot, rx: f32, ry: f32) -> Vec<Spot> {
    let corners = if rx + ry < 0.2 { 20 } else { 48 };
    (0..corners)
        .map(|i| {
            let angle = core::f32::consts::TAU * i as f32 / corners as f32;
            [centre[0] + rx * libm::cosf(angle), centre[1] + ry * libm::sinf(angle)]
        })
        .collect()
}

/// A stroke of `width` along a smooth line through the points, thickest at `peak` (0..1 of its
/// length) and pointed at both ends: a wrinkle, a lash line, an eyebrow, a strand.
pub(super) fn brush(points: &[Spot], width: f32, peak: f32) -> Vec<Spot> {
    let line = curve(points);
    let last = line.len() - 1;
    let side = |i: usize, sign: f32| {
        let (before, after) = (line[i.saturating_sub(1)], line[(i + 1).min(last)]);
        let [dx, dy] = [after[0] - before[0], after[1] - before[1]];
        let length = (dx * dx + dy * dy).sqrt().max(1e-6);
        let t = i as f32 / last as f32;
        let rise = if t < peak { t / peak } else { (1.0 - t) / (1.0 - peak) };
        let reach = sign * 0.5 * width * rise * (2.0 - rise) / length;
        [line[i][0] - dy * reach, line[i][1] + dx * reach]
    };
    let there = (0..=last).map(|i| side(i, 1.0));
    let back = (0..=last).rev().map(|i| side(i, -1.0));
    there.chain(back).collect()
}

/// Opacity up to which nothing is seen, and nothing painted.
const FAINTEST: f32 = 0.004;

/// A picture in the making, `pixels` wide and high.
pub(super) struct Canvas {
    pixmap: Pixmap,
    /// From the coordinates the picture is described in to pixels.
    frame: Transform,
    mask: Option<Mask>,
}

/// A closed outline as the rasteriser takes it; none where there is nothing to fill.
fn path(outline: &[Spot]) -> Option<Path> {
    let mut builder = PathBuilder::with_capacity(outline.len() + 1, outline.len());
    let (first, rest) = outline.split_first()?;
    builder.move_to(first[0], first[1]);
    for spot in rest {
        builder.line_to(spot[0], spot[1]);
    }
    builder.close();
    builder.finish()
}

/// A colour with its opacity.
fn color(rgb: Rgb, alpha: f32) -> Color {
    let [r, g, b, a] = [rgb[0], rgb[1], rgb[2], alpha].map(|v| v.clamp(0.0, 1.0));
    // The fallback cannot be reached: the four numbers are clamped (and a NaN is nobody's colour).
    Color::from_rgba(r, g, b, a).unwrap_or(Color::BLACK)
}

fn stops(from: (Rgb, f32), to: (Rgb, f32)) -> Vec<GradientStop> {
    vec![GradientStop::new(0.0, color(from.0, from.1)), GradientStop::new(1.0, color(to.0, to.1))]
}

impl Canvas {
    /// A black canvas; `None` for a size of 0 or beyond the address space.
    pub(super) fn new(pixels: usize) -> Option<Self> {
        let pixmap = Pixmap::new(u32::try_from(pixels).ok()?, u32::try_from(pixels).ok()?)?;
        let mut canvas = Self { pixmap, frame: Transform::identity(), mask: None };
        canvas.place(1.0, [0.0, 0.0], 0.0, [0.0, 0.0]);
        Some(canvas)
    }

    /// Sets where what follows is painted: turned by `angle` (radians) about `pivot`, magnified by
    /// `zoom`, then moved by `shift`.
    pub(super) fn place(&mut self, zoom: f32, shift: Spot, angle: f32, pivot: Spot) {
        let half = 0.5 * self.pixmap.width() as f32;
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let [px, py] = pivot;
        let tx = zoom * (px - cos * px + sin * py) + shift[0] + 1.0;
        let ty = zoom * (py - sin * px - cos * py) + shift[1] + 1.0;
        let [c, s] = [half * zoom * cos, half * zoom * sin];
        self.frame = Transform::from_row(c, s, -s, c, half * tx, half * ty);
    }

    /// Lets what follows show inside the outlines only.
    pub(super) fn clip(&mut self, outlines: &[&[Spot]]) {
        let mask = Mask::new(self.pixmap.width(), self.pixmap.height());
        self.mask = mask.map(|mut mask| {
            for path in outlines.iter().filter_map(|outline| path(outline)) {
                mask.fill_path(&path, FillRule::Winding, true, self.frame);
            }
            mask
        });
    }

    /// Ends `clip`.
    pub(super) fn unclip(&mut self) {
        self.mask = None;
    }

    fn paint(&mut self, outline: &[Spot], shader: Option<Shader<'static>>) {
        let (Some(path), Some(shader)) = (path(outline), shader) else {
            return;
        };
        let paint = Paint { shader, ..Paint::default() };
        let mask = self.mask.as_ref();
        self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.frame, mask);
    }

    /// Fills an outline evenly.
    pub(super) fn fill(&mut self, outline: &[Spot], rgb: Rgb, alpha: f32) {
        if alpha > FAINTEST {
            self.paint(outline, Some(Shader::SolidColor(color(rgb, alpha))));
        }
    }

    /// Paints a stroke of the brush, as [`brush`] shapes it.
    pub(super) fn stroke(&mut self, points: &[Spot], width: f32, peak: f32, rgb: Rgb, alpha: f32) {
        if alpha > FAINTEST {
            self.fill(&brush(points, width, peak), rgb, alpha);
        }
    }

    /// Fills an outline from one colour and opacity to another along a line.
    pub(super) fn fade(&mut self, outline: &[Spot], line: [Spot; 2], from: (Rgb, f32), to: (Rgb, f32)) {
        if from.1.max(to.1) <= FAINTEST {
            return;
        }
        let [a, b] = line.map(|spot| Point::from_xy(spot[0], spot[1]));
        let (mode, whole) = (SpreadMode::Pad, Transform::identity());
        self.paint(outline, LinearGradient::new(a, b, stops(from, to), mode, whole));
    }

    /// Fills an outline with a soft spot: `alpha` of the colour at its centre, none at its rim.
    pub(super) fn spot(&mut self, outline: &[Spot], centre: Spot, radii: Spot, rgb: Rgb, alpha: f32) {
        if alpha <= FAINTEST {
            return;
        }
        let stretch = Transform::from_row(radii[0], 0.0, 0.0, radii[1], centre[0], centre[1]);
        let zero = Point::from_xy(0.0, 0.0);
        let stops = stops((rgb, alpha), (rgb, 0.0));
        let shader = RadialGradient::new(zero, 0.0, zero, 1.0, stops, SpreadMode::Pad, stretch);
        self.paint(outline, shader);
    }

    /// A soft spot by itself.
    pub(super) fn glow(&mut self, centre: Spot, radii: Spot, rgb: Rgb, alpha: f32) {
        let [[x, y], [rx, ry]] = [centre, radii];
        let around = rectangle([x - rx, y - ry], [x + rx, y + ry]);
        self.spot(&around, centre, radii, rgb, alpha);
    }

    /// The pixels as red, green and blue in 0..1, row by row; the alpha of every pixel is 1.
    pub(super) fn into_colours(self) -> Vec<Rgb> {
        let pixels = self.pixmap.pixels().iter();
        pixels.map(|p| [p.red(), p.green(), p.blue()].map(|v| f32::from(v) / 255.0)).collect()
    }
}
