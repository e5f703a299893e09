//! What age does to a face: growth charts of every cue, and how much each runs ahead or behind.

use super::paint::lerp;
use super::person::Person;

/// How uncertain the ages of the faces are: the standard deviation, in years, of the difference
/// between the age a single cue shows and the true age, from 40 years on. Younger people differ
/// less, down to a tenth of it at birth. Larger is harder to learn; 0 makes every cue exact.
///
/// At 5 a small network (convolutions of 16, 32 and 64 channels, 1,600 images cropped to 32 pixels,
/// 12 epochs, cross-entropy) meets the right group about 62 % of the time, and 96 % within one.
pub const AGE_SPREAD: f64 = 5.0;

/// The age from which on cues spread by [`AGE_SPREAD`] years.
const MATURE: f64 = 40.0;

/// The part of a cue's variance that all cues of a person share: people look young or old for
/// their age. What is shared cannot be averaged out by looking at several cues.
const SHARED: f32 = 0.3;

/// One thing that shows the age. Each runs ahead of the true age, or behind it, on its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cue {
    /// Proportions of skull and cheeks.
    Skull,
    /// Size and place of the eyes, thickness of the eyebrows.
    Eyes,
    /// Size and place of nose, mouth and ears.
    Features,
    /// The jaw and the beard.
    Jaw,
    /// Neck and shoulders.
    Body,
    /// How dense and how long a child's hair is.
    Locks,
    /// How far the hair recedes.
    Hairline,
    /// Grey hair.
    Grey,
    /// Wrinkles.
    Wrinkles,
    /// What hangs: lids, bags, jowls, hollow cheeks.
    Sagging,
    /// Rosy or spotted skin.
    Skin,
}

/// Number of cues.
pub(super) const CUES: usize = 11;

impl Cue {
    /// All cues, in the order of their indices.
    #[cfg(test)]
    pub(super) const ALL: [Cue; CUES] = [
        Cue::Skull,
        Cue::Eyes,
        Cue::Features,
        Cue::Jaw,
        Cue::Body,
        Cue::Locks,
        Cue::Hairline,
        Cue::Grey,
        Cue::Wrinkles,
        Cue::Sagging,
        Cue::Skin,
    ];
}

/// How far a cue runs ahead, in standard deviations, from what a person's cues share and what is
/// this cue's own, both standard normals; standard normal again.
pub(super) fn lead(shared: f32, own: f32) -> f32 {
    SHARED.sqrt() * shared + (1.0 - SHARED).sqrt() * own
}

/// The standard deviation of a cue's age, in years, at a true age.
pub(super) fn spread(age: f64) -> f64 {
    AGE_SPREAD * (0.1 + 0.9 * (age / MATURE).min(1.0))
}

/// The age that each cue shows, in years.
#[derive(Clone)]
pub(super) struct Ages([f32; CUES]);

impl Ages {
    /// The cues of a person of `age` years, which counts as 0 or 100 beyond them.
    pub(super) fn of(age: f64, person: &Person) -> Self {
        let age = age.clamp(0.0, 100.0);
        let years = |lead: f32| (age + spread(age) * f64::from(lead)).clamp(0.0, 100.0) as f32;
        Self(person.leads.map(years))
    }

    /// The same with one cue set to `age` years.
    #[cfg(test)]
    pub(super) fn with(&self, cue: Cue, age: f32) -> Self {
        let mut ages = self.clone();
        ages.0[cue as usize] = age;
        ages
    }

    /// The value of a growth chart at a cue's age: (age, value) pairs joined by straight lines.
    fn chart(&self, cue: Cue, points: &[(f32, f32)]) -> f32 {
        let age = self.0[cue as usize];
        let next = points.iter().position(|&(at, _)| at > age);
        match next {
            Some(0) => points[0].1,
            Some(i) => {
                let ((from, low), (to, high)) = (points[i - 1], points[i]);
                lerp(low, high, (age - from) / (to - from))
            }
            None => points.last().map_or(0.0, |&(_, value)| value),
        }
    }
}

/// The measures of a face at an age. Lengths are in half pictures, the centre of the face being
/// the origin and y running down; the rest runs from 0 (none) to 1 (full).
#[derive(Clone)]
pub(super) struct Looks {
    /// Top of the skull and tip of the chin.
    pub(super) crown: f32,
    pub(super) chin: f32,
    /// Half widths, from the temples down.
    pub(super) width: f32,
    pub(super) cheek: f32,
    pub(super) jaw: f32,
    pub(super) chin_width: f32,
    pub(super) eye_y: f32,
    /// Half the distance between the eyes' centres, half the width of an eye.
    pub(super) eye_x: f32,
    pub(super) eye: f32,
    pub(super) iris: f32,
    pub(super) brow_y: f32,
    pub(super) brow: f32,
    pub(super) nose_y: f32,
    pub(super) nose: f32,
    pub(super) bridge: f32,
    pub(super) mouth_y: f32,
    pub(super) mouth: f32,
    pub(super) lip: f32,
    pub(super) ear: f32,
    pub(super) neck: f32,
    pub(super) shoulder: f32,
    pub(super) shoulder_y: f32,
    /// Opacity, length and volume of the hair.
    pub(super) cover: f32,
    pub(super) length: f32,
    pub(super) volume: f32,
    pub(super) beard: f32,
    pub(super) recession: f32,
    pub(super) grey: f32,
    pub(super) wrinkles: f32,
    pub(super) sag: f32,
    pub(super) blush: f32,
    pub(super) spots: f32,
}

impl Looks {
    /// The measures of `person` when its cues show `ages`.
    #[rustfmt::skip]
    pub(super) fn new(ages: &Ages, person: &Person) -> Self {
        use Cue::*;
        let of = |cue, points: &[(f32, f32)]| ages.chart(cue, points);
        let man = person.masculine;
        let wide = 1.0 + 0.03 * person.wide;
        let long = 1.0 + 0.03 * person.long;
        let jaw = of(Jaw, &[(0.0, 0.385), (3.0, 0.375), (8.0, 0.335), (14.0, 0.305), (21.0, 0.29)]);
        let square = of(Jaw, &[(11.0, 0.0), (21.0, 1.0)]);
        let eye_y = of(Eyes, &[(0.0, 0.14), (3.0, 0.10), (8.0, 0.055), (14.0, 0.01), (21.0, -0.02)]);
        let brow_gap = of(Eyes, &[(0.0, 0.15), (3.0, 0.14), (20.0, 0.115), (50.0, 0.11), (90.0, 0.10)]);
        let heavy = of(Eyes, &[(0.0, 0.010), (3.0, 0.016), (8.0, 0.022), (21.0, 0.028), (60.0, 0.026), (90.0, 0.018)]);
        Self {
            crown: of(Skull, &[(0.0, -0.56), (8.0, -0.585), (20.0, -0.60)]),
            chin: long * of(Skull, &[(0.0, 0.45), (3.0, 0.475), (8.0, 0.52), (14.0, 0.56), (20.0, 0.59), (60.0, 0.60)]),
            width: wide * of(Skull, &[(0.0, 0.475), (3.0, 0.47), (8.0, 0.45), (14.0, 0.425), (20.0, 0.41)]),
            cheek: wide * of(Skull, &[(0.0, 0.500), (3.0, 0.490), (8.0, 0.445), (14.0, 0.405), (20.0, 0.385), (40.0, 0.375), (90.0, 0.365)]),
            jaw: wide * (jaw + 0.028 * man * square),
            chin_width: of(Jaw, &[(0.0, 0.165), (8.0, 0.145), (21.0, 0.12)]) + 0.03 * man * square,
            eye_y,
            eye_x: of(Eyes, &[(0.0, 0.205), (8.0, 0.19), (20.0, 0.175)]),
            eye: (1.0 + 0.06 * person.eyes) * of(Eyes, &[(0.0, 0.115), (3.0, 0.112), (8.0, 0.10), (14.0, 0.092), (21.0, 0.084), (90.0, 0.076)]),
            iris: of(Eyes, &[(0.0, 0.068), (3.0, 0.066), (8.0, 0.058), (14.0, 0.052), (21.0, 0.046), (90.0, 0.043)]),
            brow_y: eye_y - brow_gap,
            brow: heavy * (0.85 + 0.45 * man * square),
            nose_y: of(Features, &[(0.0, 0.235), (3.0, 0.22), (8.0, 0.20), (14.0, 0.195), (20.0, 0.195), (45.0, 0.205), (90.0, 0.235)]),
            nose: (1.0 + 0.08 * person.nose) * of(Features, &[(0.0, 0.055), (8.0, 0.06), (14.0, 0.068), (20.0, 0.073), (45.0, 0.078), (90.0, 0.092)]),
            bridge: of(Features, &[(0.0, 0.0), (3.0, 0.1), (10.0, 0.45), (20.0, 1.0)]),
            mouth_y: of(Features, &[(0.0, 0.325), (3.0, 0.335), (8.0, 0.345), (14.0, 0.355), (20.0, 0.365), (90.0, 0.385)]),
            mouth: of(Features, &[(0.0, 0.085), (3.0, 0.10), (8.0, 0.12), (14.0, 0.135), (20.0, 0.15), (60.0, 0.155), (90.0, 0.145)]),
            lip: (1.0 + 0.12 * person.lips) * of(Features, &[(0.0, 0.030), (8.0, 0.032), (18.0, 0.036), (40.0, 0.031), (60.0, 0.023), (90.0, 0.013)]),
            ear: of(Features, &[(0.0, 0.095), (8.0, 0.115), (20.0, 0.12), (50.0, 0.13), (90.0, 0.155)]),
            neck: of(Body, &[(0.0, 0.17), (8.0, 0.165), (14.0, 0.175), (21.0, 0.19)]) + man * of(Body, &[(11.0, 0.0), (24.0, 0.05)]),
            shoulder: of(Body, &[(0.0, 0.46), (3.0, 0.52), (8.0, 0.60), (14.0, 0.70), (21.0, 0.80), (60.0, 0.82), (90.0, 0.72)]) + man * of(Body, &[(11.0, 0.0), (24.0, 0.10)]),
            shoulder_y: of(Body, &[(0.0, 0.60), (3.0, 0.63), (8.0, 0.68), (14.0, 0.73), (21.0, 0.77), (60.0, 0.77), (90.0, 0.73)]),
            cover: of(Locks, &[(0.0, 0.25), (1.0, 0.5), (2.0, 0.75), (4.0, 1.0)]),
            length: of(Locks, &[(0.5, 0.0), (2.0, 0.25), (4.0, 0.6), (9.0, 1.0)]),
            volume: person.volume * of(Locks, &[(0.0, 0.10), (2.0, 0.5), (5.0, 0.9), (10.0, 1.0), (45.0, 1.0), (90.0, 0.7)]),
            beard: person.beard * of(Jaw, &[(15.0, 0.0), (18.0, 0.15), (23.0, 0.6), (30.0, 1.0)]),
            recession: person.balding * of(Hairline, &[(18.0, 0.0), (30.0, 0.18), (45.0, 0.5), (60.0, 0.8), (80.0, 1.0)]),
            grey: person.greying * of(Grey, &[(28.0, 0.0), (38.0, 0.16), (48.0, 0.42), (58.0, 0.72), (72.0, 1.0)]),
            wrinkles: of(Wrinkles, &[(18.0, 0.0), (28.0, 0.12), (40.0, 0.36), (50.0, 0.58), (65.0, 0.82), (90.0, 1.0)]),
            sag: of(Sagging, &[(24.0, 0.0), (40.0, 0.2), (52.0, 0.45), (70.0, 0.8), (90.0, 1.0)]),
            blush: of(Skin, &[(0.0, 1.0), (4.0, 0.9), (9.0, 0.65), (16.0, 0.35), (30.0, 0.22), (60.0, 0.3)]),
            spots: of(Skin, &[(48.0, 0.0), (68.0, 0.55), (90.0, 1.0)]),
        }
    }
}
