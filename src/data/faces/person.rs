//! Who is portrayed, and how: everything that does not depend on the age.

use super::ageing::CUES;
use super::paint::{Rgb, Spot, hsv, mix, scale};
use super::stream::Stream;

/// How the hair is worn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// A few millimetres all over.
    Buzz,
    /// Short, straight to the front.
    Crop,
    /// Short, parted at one side.
    Parted,
    /// Short sides, brushed up at the front.
    Quiff,
    /// A head of curls.
    Curly,
    /// To the jaw, with a fringe.
    Fringe,
    /// To the jaw, parted.
    Bob,
    /// Over the shoulders, straight.
    Long,
    /// Over the shoulders, in waves.
    Wavy,
    /// Tied up on the head.
    Bun,
    /// Tied behind, over one shoulder.
    Ponytail,
}

/// Spectacles.
#[derive(Clone, Copy)]
pub(super) struct Glasses {
    /// Round lenses rather than oblong ones.
    pub(super) round: bool,
    /// Thickness of the rims.
    pub(super) rim: f32,
    pub(super) colour: Rgb,
}

/// What is behind the head.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub(super) near: Rgb,
    pub(super) far: Rgb,
    /// Where the brighter side is, a unit vector.
    pub(super) towards: Spot,
    /// Soft discs: centre, radius and opacity.
    pub(super) discs: [(Spot, f32, f32); 3],
    pub(super) clothes: Rgb,
    /// 0 round neck, 1 V-neck, 2 shirt, 3 rolled collar.
    pub(super) collar: usize,
}

/// How the picture was taken.
#[derive(Clone, Copy)]
pub(super) struct Shot {
    pub(super) zoom: f32,
    pub(super) shift: Spot,
    /// Turned left or right, up or down, and tilted, in radians.
    pub(super) yaw: f32,
    pub(super) pitch: f32,
    pub(super) tilt: f32,
    /// Where the light comes from: -1 left to 1 right.
    pub(super) light: f32,
    /// How much darker the far side is.
    pub(super) shade: f32,
    /// Colour of the light, one factor a channel.
    pub(super) tint: Rgb,
    pub(super) exposure: f32,
    pub(super) contrast: f32,
    /// Standard deviation of the blur, in half pictures.
    pub(super) blur: f32,
    /// Standard deviation of the noise, in 0..1.
    pub(super) noise: f32,
}

/// A person in front of a camera, without an age: the same person can be portrayed at any.
#[derive(Clone)]
pub(super) struct Person {
    /// How much older than the age each cue looks, in its own standard deviations.
    pub(super) leads: [f32; CUES],
    /// 0 to 1: how the adult face is built, and the beard.
    pub(super) masculine: f32,
    /// Standard normals: width and length of the face, size of eyes, nose and lips.
    pub(super) wide: f32,
    pub(super) long: f32,
    pub(super) eyes: f32,
    pub(super) nose: f32,
    pub(super) lips: f32,
    pub(super) skin: Rgb,
    pub(super) hair: Rgb,
    pub(super) iris: Rgb,
    pub(super) style: Style,
    /// Factor on how far the hair stands off the head.
    pub(super) volume: f32,
    /// The side of the parting, -1 or 1.
    pub(super) parting: f32,
    /// 0 to 1: how bald, how grey and how bearded the person becomes at most.
    pub(super) balding: f32,
    pub(super) greying: f32,
    pub(super) beard: f32,
    pub(super) moustache: bool,
    pub(super) freckles: bool,
    /// Where marks of the skin and strands of the hair lie, in 0..1.
    pub(super) marks: [[f32; 4]; 14],
    /// -0.4 (earnest) to 1 (beaming).
    pub(super) smile: f32,
    /// 0 to 1: how far the mouth is open.
    pub(super) open: f32,
    /// How far the eyebrows are raised, -1 to 1.
    pub(super) brows: f32,
    /// Where the eyes look, -1 to 1.
    pub(super) gaze: f32,
    pub(super) glasses: Option<Glasses>,
    pub(super) scene: Scene,
    pub(super) shot: Shot,
}

/// A colour given as bytes.
fn rgb(red: u8, green: u8, blue: u8) -> Rgb {
    [red, green, blue].map(|v| f32::from(v) / 255.0)
}

/// A skin tone, light (0) to deep (1).
fn skin(depth: f32, warmth: f32) -> Rgb {
    let tones = [
        rgb(253, 222, 200),
        rgb(244, 203, 172),
        rgb(230, 182, 146),
        rgb(208, 153, 114),
        rgb(178, 122, 86),
        rgb(142, 94, 66),
        rgb(108, 70, 51),
    ];
    let place = depth.clamp(0.0, 0.999) * (tones.len() - 1) as f32;
    let index = place as usize;
    let tone = mix(tones[index], tones[index + 1], place - index as f32);
    let warm = [1.0 + 0.02 * warmth, 1.0, 1.0 - 0.04 * warmth];
    [0, 1, 2].map(|i| (tone[i] * warm[i]).min(1.0))
}

/// A hair colour; deep skin mostly goes with dark hair.
fn hair(stream: &mut Stream, depth: f32) -> Rgb {
    let colours = [
        rgb(34, 27, 26),
        rgb(56, 38, 30),
        rgb(84, 56, 38),
        rgb(116, 78, 48),
        rgb(140, 72, 40),
        rgb(176, 126, 70),
        rgb(212, 172, 108),
    ];
    let choices = if depth > 0.55 { 3 } else { colours.len() };
    let colour = stream.pick(&colours[..choices]);
    scale(colour, stream.between(0.85, 1.15))
}

fn style(stream: &mut Stream, masculine: f32) -> Style {
    use Style::*;
    if masculine > 0.5 {
        stream.pick(&[Buzz, Crop, Crop, Parted, Parted, Parted, Quiff, Quiff, Curly, Wavy])
    } else {
        stream.pick(&[Crop, Curly, Fringe, Fringe, Bob, Bob, Long, Long, Wavy, Wavy, Bun, Ponytail])
    }
}

fn glasses(stream: &mut Stream) -> Option<Glasses> {
    let colours = [rgb(40, 36, 40), rgb(94, 60, 38), rgb(150, 120, 70), rgb(60, 74, 110), rgb(140, 44, 52)];
    let worn = stream.chance(0.17);
    let glasses =
        Glasses { round: stream.chance(0.5), rim: stream.between(0.014, 0.03), colour: stream.pick(&colours) };
    worn.then_some(glasses)
}

fn scene(stream: &mut Stream) -> Scene {
    let hue = stream.between(0.0, 1.0);
    let (saturation, value) = (stream.between(0.10, 0.42), stream.between(0.62, 0.97));
    let near = hsv(hue, saturation, value);
    let neighbour = hue + stream.between(-0.12, 0.12);
    let far = hsv(neighbour, (saturation * 1.25).min(1.0), value * stream.between(0.6, 0.92));
    let angle = stream.between(0.0, core::f32::consts::TAU);
    let disc = |stream: &mut Stream| {
        let centre = [stream.between(-1.1, 1.1), stream.between(-1.1, 0.6)];
        let opacity = if stream.chance(0.5) { 0.16 } else { 0.0 };
        (centre, stream.between(0.15, 0.6), opacity)
    };
    let cloth_hue = stream.between(0.0, 1.0);
    Scene {
        near,
        far,
        towards: [libm::cosf(angle), libm::sinf(angle)],
        discs: [disc(stream), disc(stream), disc(stream)],
        clothes: hsv(cloth_hue, stream.between(0.1, 0.6), stream.between(0.25, 0.95)),
        collar: stream.below(4),
    }
}

fn shot(stream: &mut Stream) -> Shot {
    let warmth = stream.normal();
    Shot {
        zoom: 1.20 + 0.05 * stream.normal(),
        shift: [0.04 * stream.normal(), 0.03 + 0.035 * stream.normal()],
        yaw: 0.13 * stream.normal(),
        pitch: 0.10 * stream.normal(),
        tilt: 0.06 * stream.normal(),
        light: stream.between(-1.0, 1.0),
        shade: stream.between(0.15, 0.55),
        tint: [1.0 + 0.025 * warmth, 1.0, 1.0 - 0.035 * warmth],
        exposure: 1.0 + 0.06 * stream.normal(),
        contrast: 1.0 + 0.06 * stream.normal(),
        blur: 0.018 * libm::powf(stream.between(0.0, 1.0), 3.0),
        noise: stream.between(0.004, 0.028),
    }
}

impl Person {
    /// Draws a person and a shot.
    pub(super) fn draw(stream: &mut Stream) -> Self {
        let overall = stream.normal();
        let leads = [(); CUES].map(|()| super::ageing::lead(overall, stream.normal()));
        let depth = libm::powf(stream.between(0.0, 1.0), 1.3);
        let masculine = if stream.chance(0.5) { stream.between(0.7, 1.0) } else { stream.between(0.0, 0.3) };
        let bearded = masculine > 0.5 && stream.chance(0.4);
        let irises = [rgb(74, 46, 30), rgb(98, 64, 38), rgb(70, 100, 70), rgb(84, 124, 160), rgb(120, 132, 140)];
        Self {
            leads,
            masculine,
            wide: stream.normal(),
            long: stream.normal(),
            eyes: stream.normal(),
            nose: stream.normal(),
            lips: stream.normal(),
            skin: skin(depth, stream.normal()),
            hair: hair(stream, depth),
            iris: stream.pick(&irises[..if depth > 0.55 { 2 } else { 5 }]),
            style: style(stream, masculine),
            volume: 1.0 + 0.15 * stream.normal(),
            parting: if stream.chance(0.5) { 1.0 } else { -1.0 },
            balding: if masculine > 0.5 { stream.between(0.1, 1.0) } else { 0.12 },
            greying: stream.between(0.55, 1.0),
            beard: if bearded { stream.between(0.25, 1.0) } else { 0.0 },
            moustache: stream.chance(0.6),
            freckles: stream.chance(0.12),
            marks: [[(); 4]; 14].map(|row| row.map(|()| stream.between(0.0, 1.0))),
            smile: stream.between(-0.35, 1.0),
            open: stream.between(-1.2, 1.0).max(0.0),
            brows: stream.between(-1.0, 1.0),
            gaze: 0.5 * stream.normal(),
            glasses: glasses(stream),
            scene: scene(stream),
            shot: shot(stream),
        }
    }
}
