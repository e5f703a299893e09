//! Batches cut out of a data set of bytes (section 4.1).

use super::mismatch;
use crate::plan::random::{draw, purpose, unit};
use crate::plan::{Augmentation, Crops, Op, PADDING};

/// Rotations reach this many degrees either way.
const DEGREES: f64 = 20.0;
/// The aspect changes by up to this share.
const ASPECT: f64 = 0.1;
/// Colours shift by up to this share of their range.
const COLOUR: f64 = 0.05;

pub(super) fn run(op: &Op, operands: &mut [Vec<f64>]) {
    if let (Op::BatchRows { batch, .. }, [order, clock, rows]) = (op, &mut *operands) {
        *rows = batch_rows(*batch, order, clock);
        return;
    }
    let Some((given, [output, targets])) = operands.split_last_chunk_mut() else { mismatch(op, operands) };
    match (op, &*given) {
        (Op::Augment(crops, augmentation), [pixels, labels, order, clock]) => {
            let batch = Batch { crops, pixels, labels, order, clock };
            (*output, *targets) = augment(&batch, *augmentation);
        }
        (Op::CentreCrops(crops), [pixels, labels, order, clock]) => {
            (*output, *targets) = centre_crops(&Batch { crops, pixels, labels, order, clock });
        }
        _ => mismatch(op, operands),
    }
}

/// What a batch is gathered from.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The shapes.
    pub crops: &'a Crops,
    /// Bytes, four to a word, the lowest first.
    pub pixels: &'a [f64],
    /// Class of each sample.
    pub labels: &'a [f64],
    /// Sample of each row of each batch of the epoch.
    pub order: &'a [f64],
    /// Seed, epoch, step, cursor.
    pub clock: &'a [f64],
}

impl Batch<'_> {
    /// The sample in row `row`, none in padding.
    fn sample(&self, row: usize) -> Option<u32> {
        let cursor = self.clock[3] as usize;
        Some(self.order[cursor * self.crops.batch + row] as u32).filter(|sample| *sample != PADDING)
    }

    /// The class of the sample in row `row`, or [`PADDING`].
    fn target(&self, row: usize) -> f64 {
        self.sample(row).map_or(f64::from(PADDING), |sample| self.labels[sample as usize])
    }

    /// The byte of a pixel of the image in row `row`.
    fn byte(&self, row: usize, sample: u32, channel: usize, y: usize, x: usize) -> f64 {
        let image = if self.crops.resident { sample as usize } else { row };
        let side = self.crops.stored_side;
        let k = ((image * 3 + channel) * side + y) * side + x;
        f64::from((self.pixels[k / 4] as u32 >> (8 * (k % 4))) & 255)
    }

    /// The image between its pixels: bilinear, the place being moved onto the image first.
    fn between(&self, row: usize, sample: u32, channel: usize, place: [f64; 2]) -> f64 {
        let last = (self.crops.stored_side - 1) as f64;
        let [x, y] = place.map(|coordinate| coordinate.clamp(0.0, last));
        let (left, top) = (x.floor(), y.floor());
        let (right, bottom) = ((left + 1.0).min(last), (top + 1.0).min(last));
        let (to_right, to_bottom) = (x - left, y - top);
        let byte = |y: f64, x: f64| self.byte(row, sample, channel, y as usize, x as usize);
        let above = byte(top, left) * (1.0 - to_right) + byte(top, right) * to_right;
        let below = byte(bottom, left) * (1.0 - to_right) + byte(bottom, right) * to_right;
        above * (1.0 - to_bottom) + below * to_bottom
    }

    /// The crop of one row under a transformation, channel by channel; zeros for padding.
    fn crop(&self, row: usize, transform: &impl Fn(u32) -> Transform) -> Vec<f64> {
        let side = self.crops.side;
        let Some(sample) = self.sample(row) else { return vec![0.0; 3 * side * side] };
        let transform = transform(sample);
        let mut crop = Vec::new();
        for channel in 0..3 {
            for y in 0..side {
                for x in 0..side {
                    let place = transform.source(side, x as f64, y as f64);
                    let value = self.between(row, sample, channel, place) / 255.0;
                    crop.push(2.0 * (value + transform.shift[channel]) - 1.0);
                }
            }
        }
        crop
    }

    fn margin(&self) -> u32 {
        (self.crops.stored_side - self.crops.side) as u32
    }
}

/// Where a crop comes from and how its colours change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    /// Left edge of the crop on the stored image.
    pub left: f64,
    /// Top edge of the crop on the stored image.
    pub top: f64,
    /// Whether left and right change places.
    pub flip: bool,
    /// Rotation in radians.
    pub angle: f64,
    /// Factor on horizontal distances from the centre.
    pub stretch: f64,
    /// Added to red, green and blue, which range from 0 to 1.
    pub shift: [f64; 3],
}

impl Transform {
    /// The centre crop as it is.
    fn centre(margin: u32) -> Self {
        let edge = f64::from(margin / 2);
        Self { left: edge, top: edge, flip: false, angle: 0.0, stretch: 1.0, shift: [0.0; 3] }
    }

    /// The draws of one sample in one epoch.
    fn random(margin: u32, on: Augmentation, seed: u32, epoch: u32, sample: u32) -> Self {
        let draw = |purpose| draw(seed, purpose, epoch, sample);
        let (place, shape, colour) = (draw(purpose::PLACE), draw(purpose::SHAPE), draw(purpose::TINT));
        let mut transform = Self::centre(margin);
        if on.crop {
            transform.left = f64::from(below(place[0], margin + 1));
            transform.top = f64::from(below(place[1], margin + 1));
        }
        transform.flip = on.flip && place[2] >> 31 == 1;
        if on.rotation {
            transform.angle = symmetric(shape[0]) * DEGREES.to_radians();
        }
        if on.aspect {
            transform.stretch = 1.0 + symmetric(shape[1]) * ASPECT;
        }
        if on.colour {
            transform.shift = [0, 1, 2].map(|c| symmetric(colour[c]) * COLOUR);
        }
        transform
    }

    /// The place (x, y) on the stored image that pixel (x, y) of the crop shows: flipped, stretched
    /// and rotated about the centre of the crop.
    fn source(&self, side: usize, x: f64, y: f64) -> [f64; 2] {
        let centre = (side - 1) as f64 / 2.0;
        let across = (x - centre) * self.stretch * if self.flip { -1.0 } else { 1.0 };
        let down = y - centre;
        let (sin, cos) = self.angle.sin_cos();
        [self.left + centre + cos * across - sin * down, self.top + centre + sin * across + cos * down]
    }
}

/// A number below `n` from the upper 16 bits of a word.
fn below(word: u32, n: u32) -> u32 {
    ((word >> 16) * n) >> 16
}

/// A number in [-1, 1).
fn symmetric(word: u32) -> f64 {
    2.0 * f64::from(unit(word)) - 1.0
}

/// A batch of crops changed at random, in -1..1 apart from shifts of colour, and its targets.
#[must_use]
pub fn augment(batch: &Batch<'_>, on: Augmentation) -> (Vec<f64>, Vec<f64>) {
    let (seed, epoch) = (batch.clock[0] as u32, batch.clock[1] as u32);
    let transform = |sample| Transform::random(batch.margin(), on, seed, epoch, sample);
    let rows = 0..batch.crops.batch;
    (rows.clone().flat_map(|row| batch.crop(row, &transform)).collect(), rows.map(|row| batch.target(row)).collect())
}

/// The centre crops of a batch, then their mirror images, and the targets (once).
#[must_use]
pub fn centre_crops(batch: &Batch<'_>) -> (Vec<f64>, Vec<f64>) {
    let centre = Transform::centre(batch.margin());
    let rows = 0..batch.crops.batch;
    let all = |flip| rows.clone().flat_map(move |row| batch.crop(row, &|_| Transform { flip, ..centre }));
    (all(false).chain(all(true)).collect(), rows.clone().map(|row| batch.target(row)).collect())
}

/// The sample of each row of the batch at the clock's cursor.
#[must_use]
pub fn batch_rows(batch: usize, order: &[f64], clock: &[f64]) -> Vec<f64> {
    order.chunks(batch).nth(clock[3] as usize).map_or(Vec::new(), <[f64]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    const OFF: Augmentation = Augmentation { crop: false, flip: false, rotation: false, aspect: false, colour: false };

    /// Images whose byte at (n, c, y, x) is `value`, packed.
    fn packed(images: usize, side: usize, value: impl Fn(usize, usize, usize, usize) -> u8) -> Vec<f64> {
        let mut bytes = Vec::new();
        for at in 0..images * 3 * side * side {
            let (y, x) = (at / side % side, at % side);
            bytes.push(value(at / side / side / 3, at / side / side % 3, y, x));
        }
        let word = |four: &[u8]| (0..four.len()).map(|k| u32::from(four[k]) << (8 * k)).sum::<u32>();
        bytes.chunks(4).map(|four| f64::from(word(four))).collect()
    }

    /// A plane of slope 2 across and 3 down.
    fn plane(_: usize, c: usize, y: usize, x: usize) -> u8 {
        (20 + 10 * c + 2 * x + 3 * y) as u8
    }

    fn crops(resident: bool) -> Crops {
        Crops { batch: 2, samples: 3, order: 6, stored_side: 6, side: 3, resident }
    }

    fn value(byte: f64) -> f64 {
        2.0 * byte / 255.0 - 1.0
    }

    /// Sample 2 then padding, at cursor 1 of an order whose first batch is samples 0 and 1; of the
    /// margin of 3 one is left and above.
    #[test]
    fn centre_crops_and_mirrors_by_hand() {
        let order = [0.0, 1.0, 2.0, f64::from(PADDING), 0.0, 0.0];
        for resident in [true, false] {
            let shown = if resident { 2 } else { 0 };
            let pixels = packed(3, 6, |n, c, y, x| (100 * n + 25 * c + 5 * y + x) as u8);
            let crops = crops(resident);
            let batch = Batch {
                crops: &crops,
                pixels: &pixels,
                labels: &[7.0, 8.0, 9.0],
                order: &order,
                clock: &[0.0, 0.0, 0.0, 1.0],
            };
            let (output, targets) = centre_crops(&batch);
            assert_eq!(targets, [9.0, f64::from(PADDING)]);
            let byte = |c: usize, y: usize, x: usize| ((100 * shown + 25 * c + 5 * (y + 1) + x + 1) % 256) as f64;
            let places = || (0..27).map(|at| (at / 9, at / 3 % 3, at % 3));
            let plain: Vec<f64> = places().map(|(c, y, x)| value(byte(c, y, x))).collect();
            let mirrored: Vec<f64> = places().map(|(c, y, x)| value(byte(c, y, 2 - x))).collect();
            let want = [plain, vec![0.0; 27], mirrored, vec![0.0; 27]].concat();
            assert_close(&output, &want, 1e-14);
            let (augmented, same) = augment(&batch, OFF);
            assert_close(&augmented, &want[..54], 1e-14);
            assert_eq!(same, targets);
        }
    }

    /// One crop of a plane; the sample's number makes the draw.
    fn crop_of_plane(sample: usize, on: Augmentation) -> Vec<f64> {
        let crops = Crops { batch: 1, samples: sample + 1, order: 1, stored_side: 31, side: 15, resident: false };
        let pixels = packed(1, 31, plane);
        let (labels, order) = (vec![0.0; sample + 1], [sample as f64]);
        let batch =
            Batch { crops: &crops, pixels: &pixels, labels: &labels, order: &order, clock: &[3.0, 4.0, 0.0, 0.0] };
        augment(&batch, on).0
    }

    /// Slopes across and down, and the value in the middle, in bytes.
    fn slopes(crop: &[f64]) -> [f64; 3] {
        let byte = |y: usize, x: usize| (crop[y * 15 + x] + 1.0) / 2.0 * 255.0;
        [byte(7, 8) - byte(7, 7), byte(8, 7) - byte(7, 7), byte(7, 7)]
    }

    fn draws(purpose: u32, sample: usize) -> [u32; 4] {
        draw(3, purpose, 4, sample as u32)
    }

    /// Middle of the centre crop: 20 + 5 * 15.
    const MIDDLE: f64 = 95.0;

    #[test]
    fn a_rotation_turns_the_slopes_about_the_centre() {
        for sample in 0..20 {
            let [across, down, middle] = slopes(&crop_of_plane(sample, Augmentation { rotation: true, ..OFF }));
            let turned = f64::atan2(down, across) - f64::atan2(3.0, 2.0);
            let want = -symmetric(draws(purpose::SHAPE, sample)[0]) * 20f64.to_radians();
            assert_close(&[turned, across.hypot(down), middle], &[want, 13f64.sqrt(), MIDDLE], 1e-12);
        }
    }

    #[test]
    fn aspect_and_flip_change_the_slope_across_alone() {
        let mut flips = 0;
        for sample in 0..20 {
            let stretch = 1.0 + 0.1 * symmetric(draws(purpose::SHAPE, sample)[1]);
            let got = slopes(&crop_of_plane(sample, Augmentation { aspect: true, ..OFF }));
            assert_close(&got, &[2.0 * stretch, 3.0, MIDDLE], 1e-12);
            let flip = draws(purpose::PLACE, sample)[2] >= 1 << 31;
            let got = slopes(&crop_of_plane(sample, Augmentation { flip: true, ..OFF }));
            assert_close(&got, &[if flip { -2.0 } else { 2.0 }, 3.0, MIDDLE], 1e-12);
            flips += usize::from(flip);
        }
        assert!((4..=16).contains(&flips), "{flips}");
    }

    #[test]
    fn crops_reach_every_place_and_colours_shift_each_channel() {
        let mut lefts = Vec::new();
        for sample in 0..200 {
            let place = draws(purpose::PLACE, sample);
            let [left, top] = [place[0], place[1]].map(|word| (f64::from(word >> 16) * 17.0 / 65536.0).floor());
            let got = slopes(&crop_of_plane(sample, Augmentation { crop: true, ..OFF }));
            assert_close(&got, &[2.0, 3.0, 20.0 + 2.0 * (left + 7.0) + 3.0 * (top + 7.0)], 1e-12);
            lefts.push(left as usize);
        }
        assert!((0..=16).all(|left| lefts.contains(&left)));
        let crop = crop_of_plane(1, Augmentation { colour: true, ..OFF });
        for c in 0..3 {
            let shift = symmetric(draws(purpose::TINT, 1)[c]) * 0.05;
            let want = value(MIDDLE + 10.0 * c as f64) + 2.0 * shift;
            assert_close(&[crop[(c * 15 + 7) * 15 + 7]], &[want], 1e-12);
        }
    }

    /// A 4 x 4 crop of a 4 x 4 image is all of it; turned, it looks beyond at the corners, and sees
    /// the edge.
    #[test]
    fn beyond_the_edge_lies_the_edge() {
        let crops = Crops { batch: 1, samples: 9, order: 1, stored_side: 4, side: 4, resident: false };
        let pixels = packed(1, 4, |_, _, _, x| if x == 3 { 200 } else { 100 });
        let labels = [0.0; 9];
        let whole = Batch { crops: &crops, pixels: &pixels, labels: &labels, order: &[0.0], clock: &[0.0; 4] };
        let row = [value(100.0), value(100.0), value(100.0), value(200.0)];
        assert_close(&augment(&whole, OFF).0, &row.repeat(12), 1e-14);
        for sample in 0..9 {
            let order = [f64::from(sample)];
            let batch = Batch { crops: &crops, pixels: &pixels, labels: &labels, order: &order, clock: &[0.0; 4] };
            let (output, _) = augment(&batch, Augmentation { rotation: true, aspect: true, ..OFF });
            assert!(output.iter().all(|v| (value(100.0) - 1e-9..=value(200.0) + 1e-9).contains(v)));
        }
    }
}
