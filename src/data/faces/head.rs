//! The head without its features: shape, ears, neck, shoulders, and the light on them.

use super::ageing::Looks;
use super::paint::{Canvas, Rgb, Spot, between, curve, ellipse, lerp, mix, rectangle, round, scale};
use super::person::Person;

/// A person at an age, and where the points of the turned head come to lie.
pub(super) struct Face<'a> {
    pub(super) person: &'a Person,
    pub(super) looks: &'a Looks,
    pub(super) colours: Colours,
    sin: f32,
    cos: f32,
}

/// The colours of a person at an age.
pub(super) struct Colours {
    pub(super) skin: Rgb,
    /// Skin in half and in full shadow, and lit.
    pub(super) dusk: Rgb,
    pub(super) shadow: Rgb,
    pub(super) glow: Rgb,
    pub(super) lips: Rgb,
    pub(super) hair: Rgb,
    /// Strands darker and lighter than the hair.
    pub(super) strand: Rgb,
    pub(super) shine: Rgb,
    /// Lashes and the lines of eyes and mouth.
    pub(super) ink: Rgb,
}

impl Colours {
    fn new(person: &Person, looks: &Looks) -> Self {
        let pale = mix(person.skin, [0.80, 0.74, 0.70], 0.16 * looks.spots);
        let skin = mix(pale, [0.98, 0.66, 0.58], 0.06 * looks.blush);
        let hair = mix(person.hair, [0.84, 0.84, 0.86], 0.92 * looks.grey);
        Self {
            skin,
            dusk: mix(scale(skin, 0.78), [0.52, 0.20, 0.16], 0.14),
            shadow: mix(scale(skin, 0.52), [0.34, 0.10, 0.10], 0.25),
            glow: mix(skin, [1.0, 0.97, 0.90], 0.55),
            lips: mix(scale(skin, 0.82), [0.78, 0.24, 0.28], 0.42),
            hair,
            strand: scale(hair, 0.70),
            shine: mix(hair, [1.0, 0.95, 0.88], 0.32),
            ink: mix(scale(person.hair, 0.5), [0.16, 0.09, 0.08], 0.6),
        }
    }
}

/// An outline from its right half, given from the top to the bottom, both ends on the middle line.
pub(super) fn symmetric(right: &[Spot]) -> Vec<Spot> {
    let inner = &right[1..right.len() - 1];
    let left = inner.iter().rev().map(|&[x, y]| [-x, y]);
    right.iter().copied().chain(left).collect()
}

impl<'a> Face<'a> {
    /// The face of `person` with the measures `looks`.
    pub(super) fn new(person: &'a Person, looks: &'a Looks) -> Self {
        Self {
            person,
            looks,
            colours: Colours::new(person, looks),
            sin: libm::sinf(person.shot.yaw),
            cos: libm::cosf(person.shot.yaw),
        }
    }

    /// Where a point comes to lie that stands `out` in front of the skin, of which `part` takes
    /// part in the turning (1 in the face, less towards the outline).
    fn turned(&self, [x, y]: Spot, out: f32, part: f32) -> Spot {
        let looks = self.looks;
        let (middle, half) = (0.5 * (looks.crown + looks.chin), 0.5 * (looks.chin - looks.crown));
        let (u, v) = (x / (1.04 * looks.width), (y - middle) / (1.04 * half));
        let depth = looks.width * (1.0 - u * u - v * v).max(0.0).sqrt() + out;
        let across = lerp(x, x * self.cos, part) + part * depth * self.sin;
        [across, y + part * depth * self.person.shot.pitch]
    }

    /// Where a point of the face comes to lie.
    pub(super) fn at(&self, spot: Spot) -> Spot {
        self.turned(spot, 0.0, 1.0)
    }

    /// Where a point that stands `out` in front of the face comes to lie.
    pub(super) fn before(&self, spot: Spot, out: f32) -> Spot {
        self.turned(spot, out, 1.0)
    }

    /// Where points of the face come to lie.
    pub(super) fn all<const N: usize>(&self, spots: [Spot; N]) -> [Spot; N] {
        spots.map(|spot| self.at(spot))
    }

    /// The outline of the head, without ears and hair.
    pub(super) fn outline(&self) -> Vec<Spot> {
        let looks = self.looks;
        let Looks { crown, chin, width, cheek, jaw, .. } = *looks;
        let jowl = 0.030 * looks.sag;
        let low = chin - 0.185;
        let right = [
            [0.0, crown],
            [0.54 * width, crown + 0.048],
            [0.88 * width, crown + 0.20],
            [width, crown + 0.45],
            [lerp(width, cheek, 0.6), lerp(looks.eye_y, low, 0.38)],
            [lerp(cheek, jaw, 0.42) + 0.4 * jowl, lerp(looks.eye_y, low, 0.74)],
            [jaw + jowl, low + 0.005],
            [lerp(looks.chin_width, jaw, 0.52) + 0.5 * jowl, chin - 0.082],
            [looks.chin_width * 0.86, chin - 0.018],
            [0.0, chin],
        ];
        let line: Vec<Spot> = symmetric(&right).into_iter().map(|spot| self.turned(spot, 0.0, 0.4)).collect();
        round(&line)
    }

    /// Paints neck, shoulders and clothes; the picture's lower edge is y = 1.
    pub(super) fn body(&self, canvas: &mut Canvas) {
        let Looks { neck, shoulder, shoulder_y: y, chin, .. } = *self.looks;
        let colours = &self.colours;
        let [x, _] = self.turned([0.0, chin], 0.0, 0.15);
        let column = [
            [x - neck, chin - 0.3],
            [x - 0.96 * neck, chin - 0.02],
            [-1.02 * neck, y - 0.06],
            [-1.14 * neck, y + 0.03],
            [-1.5 * neck, 1.4],
            [1.5 * neck, 1.4],
            [1.14 * neck, y + 0.03],
            [1.02 * neck, y - 0.06],
            [x + 0.96 * neck, chin - 0.02],
            [x + neck, chin - 0.3],
        ];
        let column = round(&column);
        canvas.fill(&column, colours.skin, 1.0);
        canvas.fade(&column, [[x, chin - 0.06], [x, chin + 0.20]], (colours.shadow, 0.62), (colours.dusk, 0.10));
        self.neck_lines(canvas, x);
        self.clothes(canvas, shoulder, y);
    }

    /// The bands and folds of an old neck.
    fn neck_lines(&self, canvas: &mut Canvas, x: f32) {
        let Looks { neck, chin, shoulder_y, sag, .. } = *self.looks;
        for side in [-1.0, 1.0] {
            let cord = [
                [x + side * 0.30 * neck, chin + 0.02],
                [side * 0.22 * neck, 0.5 * (chin + shoulder_y) + 0.02],
                [side * 0.08 * neck, shoulder_y + 0.04],
            ];
            canvas.stroke(&cord, 0.022, 0.4, self.colours.shadow, 0.55 * sag);
        }
        let fold = [[x - 0.8 * neck, chin + 0.07], [x, chin + 0.12], [x + 0.8 * neck, chin + 0.07]];
        let folds = self.looks.wrinkles * 0.5;
        canvas.stroke(&fold, 0.018, 0.5, self.colours.shadow, folds);
    }

    fn clothes(&self, canvas: &mut Canvas, shoulder: f32, y: f32) {
        let scene = &self.person.scene;
        let neck = self.looks.neck;
        let low = [0.10, 0.22, 0.13, -0.02][scene.collar];
        let right_neck = [1.12 * neck, y - 0.035];
        let right = [
            right_neck,
            [1.7 * neck, y + 0.015],
            [0.80 * shoulder, y + 0.085],
            [0.97 * shoulder, y + 0.20],
            [1.04 * shoulder, 1.5],
        ];
        let right = curve(&right);
        let left: Vec<Spot> = right.iter().rev().map(|&[x, y]| [-x, y]).collect();
        let dip = if scene.collar == 1 {
            vec![[-right_neck[0], right_neck[1]], [0.0, y + low], right_neck]
        } else {
            curve(&[
                [-right_neck[0], right_neck[1]],
                [-0.7 * neck, y + 0.72 * low],
                [0.0, y + low],
                [0.7 * neck, y + 0.72 * low],
                right_neck,
            ])
        };
        let cloth: Vec<Spot> = [left, dip.clone(), right].concat();
        canvas.fill(&cloth, scene.clothes, 1.0);
        let dark = scale(scene.clothes, 0.62);
        let light = self.person.shot.light;
        let line = [[0.9 * light, 0.7], [-0.9 * light, 1.1]];
        canvas.fade(&cloth, line, (scene.clothes, 0.0), (dark, 0.75));
        self.collar(canvas, &dip, y);
    }

    fn collar(&self, canvas: &mut Canvas, dip: &[Spot], y: f32) {
        let scene = &self.person.scene;
        let neck = self.looks.neck;
        let dark = scale(scene.clothes, 0.72);
        let pale = mix(scene.clothes, [1.0; 3], 0.45);
        match scene.collar {
            2 => {
                for side in [-1.0, 1.0] {
                    let flap = [
                        [side * 1.02 * neck, y - 0.075],
                        [side * 1.42 * neck, y - 0.005],
                        [side * 0.86 * neck, y + 0.20],
                        [side * 0.04 * neck, y + 0.125],
                    ];
                    canvas.fill(&flap, pale, 1.0);
                    canvas.stroke(&[flap[1], flap[2], flap[3]], 0.02, 0.5, dark, 0.6);
                }
            }
            3 => {
                let top: Vec<Spot> = dip.iter().map(|&[x, v]| [0.97 * x, v - 0.10]).collect();
                let bottom: Vec<Spot> = dip.iter().map(|&[x, v]| [1.1 * x, v + 0.035]).collect();
                canvas.fill(&between(&top, &bottom), mix(scene.clothes, pale, 0.3), 1.0);
                canvas.fill(&between(dip, &bottom), dark, 0.25);
            }
            _ => {
                let lower: Vec<Spot> = dip.iter().map(|&[x, v]| [1.12 * x, v + 0.035]).collect();
                canvas.fill(&between(dip, &lower), dark, 0.8);
            }
        }
    }

    /// Paints the ears, unless hair hides them; the one that is turned away disappears behind the
    /// head.
    pub(super) fn ears(&self, canvas: &mut Canvas) {
        if self.hair_shape().covers_ears() {
            return;
        }
        let (looks, colours) = (self.looks, &self.colours);
        let ear = looks.ear;
        let y = lerp(looks.eye_y, looks.nose_y, 0.5) - 0.3 * self.person.shot.pitch * looks.width;
        for side in [-1.0, 1.0] {
            let edge = side * lerp(looks.width, looks.cheek, 0.35);
            let x = edge * self.cos - 0.10 * self.sin + side * 0.025;
            // The lobe is narrower than the top, and nearer to the jaw.
            let lean = |[u, v]: Spot| [x + u * (1.0 - 0.3 * v / ear) - side * 0.10 * v, y + v];
            let shell = ellipse([0.0, 0.0], 0.46 * ear, ear);
            let shell: Vec<Spot> = shell.into_iter().map(lean).collect();
            canvas.fill(&shell, mix(colours.skin, colours.dusk, 0.25), 1.0);
            let inner = ellipse([x + side * 0.006, y - 0.01], 0.25 * ear, 0.62 * ear);
            canvas.fill(&inner, colours.dusk, 0.75);
            let depth = ellipse([x - side * 0.01, y], 0.14 * ear, 0.40 * ear);
            canvas.fill(&depth, colours.shadow, 0.35);
        }
    }

    /// Paints the skin of the head, with light and shade.
    pub(super) fn skin(&self, canvas: &mut Canvas, outline: &[Spot]) {
        let colours = &self.colours;
        let looks = self.looks;
        let shot = &self.person.shot;
        let middle = 0.5 * (looks.crown + looks.chin);
        canvas.fill(outline, colours.skin, 1.0);
        canvas.clip(&[outline]);
        let lit = [shot.light * 0.26, looks.crown + 0.30];
        canvas.glow(lit, [0.50, 0.55], colours.glow, 0.42);
        let far = -shot.light.signum();
        let reach = 0.35 + 0.65 * shot.light.abs();
        let rim = [far * 1.05 * looks.width, middle + 0.12];
        let dark = (colours.shadow, shot.shade * reach);
        let half = rectangle([-0.15 * far, -0.8], [0.7 * far, 0.8]);
        let line = [[0.05 * far, middle], rim];
        canvas.fade(&half, line, (colours.dusk, 0.0), dark);
        let top = looks.mouth_y + 0.02;
        let below = rectangle([-0.7, top], [0.7, 0.8]);
        let line = [[0.0, top], [0.0, looks.chin + 0.03]];
        canvas.fade(&below, line, (colours.dusk, 0.0), (colours.dusk, 0.55));
        self.cheeks(canvas);
        canvas.unclip();
    }

    /// Rosy cheeks, hollow cheeks and sunken temples.
    fn cheeks(&self, canvas: &mut Canvas) {
        let looks = self.looks;
        let rose = mix(self.colours.skin, [0.93, 0.33, 0.33], 0.55);
        for side in [-1.0, 1.0] {
            let apple = self.at([side * 0.235, lerp(looks.nose_y, looks.mouth_y, 0.10)]);
            let size = 0.135 + 0.03 * looks.blush;
            canvas.glow(apple, [size, 0.85 * size], rose, 0.18 + 0.55 * looks.blush);
            let shine = [apple[0] + 0.02 * side, apple[1] - 0.05];
            canvas.glow(shine, [0.07, 0.045], self.colours.glow, 0.22);
            let hollow = self.at([side * 0.285, lerp(looks.mouth_y, looks.nose_y, 0.25)]);
            canvas.glow(hollow, [0.10, 0.20], self.colours.shadow, 0.50 * looks.sag);
            let temple = self.at([side * 0.36, looks.brow_y - 0.05]);
            canvas.glow(temple, [0.09, 0.16], self.colours.shadow, 0.38 * looks.sag);
            let jowl = self.at([side * 0.22, looks.chin - 0.10]);
            canvas.glow(jowl, [0.11, 0.09], self.colours.shadow, 0.34 * looks.sag);
        }
    }
}
