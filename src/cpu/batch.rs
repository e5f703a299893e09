//! Batches cut out of a data set of bytes (section 4.1).

use super::task::{Cut, Task, Words};
use super::tile::vectorised;
use crate::plan::random::{draw, purpose, unit};
use crate::plan::{Augmentation, Clock, Crops, Op, PADDING};

/// Rotations reach this many radians either way: 20 degrees.
const LARGEST_ANGLE: f32 = 20.0 * std::f32::consts::PI / 180.0;

/// What a batch is gathered from.
struct Set<'a> {
    crops: Crops,
    pixels: &'a [u8],
    labels: &'a [u32],
    order: &'a [u32],
    clock: Clock,
}

impl<'a> Set<'a> {
    fn of(crops: Crops, [pixels, labels, order, clock]: [&'a Words<'_>; 4]) -> Self {
        Self {
            crops,
            pixels: bytemuck::cast_slice(pixels.integers()),
            labels: labels.integers(),
            order: order.integers(),
            clock: *bytemuck::from_bytes(bytemuck::cast_slice(clock.integers())),
        }
    }

    /// The sample in a row, none in padding.
    fn sample(&self, row: usize) -> Option<u32> {
        let sample = self.order[self.clock.cursor as usize * self.crops.batch + row];
        (sample != PADDING).then_some(sample)
    }

    /// Channel by channel, the stored planes of the image in a row.
    fn planes(&self, row: usize, sample: u32) -> impl Iterator<Item = &'a [u8]> {
        let image = if self.crops.resident { sample as usize } else { row };
        let plane = self.crops.stored_side * self.crops.stored_side;
        self.pixels[3 * image * plane..3 * (image + 1) * plane].chunks_exact(plane)
    }
}

/// How one image is cut: a corner, left and right exchanged or not, colours shifted by so much.
struct Crop {
    left: usize,
    top: usize,
    flip: bool,
    shift: [f32; 3],
}

impl Crop {
    fn centre(crops: &Crops) -> Self {
        let edge = (crops.stored_side - crops.side) / 2;
        Self { left: edge, top: edge, flip: false, shift: [0.0; 3] }
    }

    /// The draws of a sample in an epoch.
    fn random(crops: &Crops, on: Augmentation, clock: Clock, sample: u32) -> Self {
        let draw = |purpose| draw(clock.seed, purpose, clock.epoch, sample);
        let (place, colour) = (draw(purpose::PLACE), draw(purpose::TINT));
        let margin = (crops.stored_side - crops.side) as u32;
        let mut crop = Self::centre(crops);
        if on.crop {
            (crop.left, crop.top) = (below(place[0], margin + 1), below(place[1], margin + 1));
        }
        crop.flip = on.flip && place[2] >> 31 == 1;
        if on.colour {
            crop.shift = [0, 1, 2].map(|channel| 0.05 * signed_unit(colour[channel]));
        }
        crop
    }

    /// Copies whole pixels.
    #[inline(always)]
    fn copy(&self, crops: &Crops, plane: &[u8], shift: f32, output: &mut [f32]) {
        let side = crops.side;
        for (y, output) in output.chunks_exact_mut(side).enumerate() {
            let from = (self.top + y) * crops.stored_side + self.left;
            let bytes = &plane[from..from + side];
            let bright = |byte: &u8| bright(f32::from(*byte), shift);
            if self.flip {
                output.iter_mut().zip(bytes.iter().rev()).for_each(|(output, byte)| *output = bright(byte));
            } else {
                output.iter_mut().zip(bytes).for_each(|(output, byte)| *output = bright(byte));
            }
        }
    }
}

/// A whole number below n, n at most 65,536.
fn below(word: u32, n: u32) -> usize {
    (((word >> 16) * n) >> 16) as usize
}

/// A number in [-1, 1).
fn signed_unit(word: u32) -> f32 {
    2.0 * unit(word) - 1.0
}

/// A crop that is turned and squeezed: its pixels lie between those of the image.
struct Turn {
    crop: Crop,
    /// Cosine and sine of the rotation.
    direction: [f32; 2],
    stretch: f32,
}

impl Turn {
    fn random(crops: &Crops, on: Augmentation, clock: Clock, sample: u32) -> Self {
        let shape = draw(clock.seed, purpose::SHAPE, clock.epoch, sample);
        let angle = if on.rotation { LARGEST_ANGLE * signed_unit(shape[0]) } else { 0.0 };
        Self {
            crop: Crop::random(crops, on, clock, sample),
            direction: [angle.cos(), angle.sin()],
            stretch: if on.aspect { 1.0 + 0.1 * signed_unit(shape[1]) } else { 1.0 },
        }
    }

    /// Where the pixels of row y of the crop come from, from pixel x on.
    #[inline(always)]
    fn sources(&self, crops: &Crops, x: usize, y: usize) -> Sources {
        let centre = (crops.side - 1) as f32 / 2.0;
        let last = (crops.stored_side - 1) as f32;
        let flipped = if self.crop.flip { -1.0 } else { 1.0 };
        let down = y as f32 - centre;
        let [cosine, sine] = self.direction;
        let (stored, end) = (crops.stored_side as u32, crops.stored_side as u32 - 1);
        let (begin_x, begin_y) = (self.crop.left as f32 + centre, self.crop.top as f32 + centre);
        let mut sources = Sources::default();
        for n in 0..RUN {
            let across = flipped * ((x + n) as f32 - centre) * self.stretch;
            let at_x = (begin_x + (cosine * across - sine * down)).clamp(0.0, last);
            let at_y = (begin_y + (sine * across + cosine * down)).clamp(0.0, last);
            let (left, top) = (at_x as u32, at_y as u32);
            sources.corner[n] = top * stored + left;
            sources.right[n] = u32::from(left < end);
            sources.below[n] = if top < end { stored } else { 0 };
            sources.shares[0][n] = at_x - left as f32;
            sources.shares[1][n] = at_y - top as f32;
        }
        sources
    }
}

/// Pixels of a row whose sources are found at a time: the compiler turns each loop over so many into vectors.
const RUN: usize = 32;

/// Where pixels in a row come from.
#[derive(Default)]
struct Sources {
    /// Of the four pixels around, the upper left one.
    corner: [u32; RUN],
    /// How far the right and the lower ones are: nowhere at the image's end.
    right: [u32; RUN],
    below: [u32; RUN],
    /// Shares of the right and of the lower ones.
    shares: [[f32; RUN]; 2],
}

impl Sources {
    /// The bytes of a plane around each of so many pixels: upper left and right, lower left and right.
    #[inline(always)]
    fn around(&self, plane: &[u8], len: usize) -> [[u8; 4]; RUN] {
        let mut around = [[0; 4]; RUN];
        for (n, around) in around.iter_mut().enumerate().take(len) {
            let [corner, right, below] = [self.corner[n], self.right[n], self.below[n]].map(|word| word as usize);
            *around = [0, right, below, below + right].map(|step| plane[corner + step]);
        }
        around
    }

    /// What lies between those bytes, as many as there are results.
    #[inline(always)]
    fn write(&self, plane: &[u8], shift: f32, output: &mut [f32]) {
        let len = output.len().min(RUN);
        let around = self.around(plane, len);
        let [right, lower] = self.shares;
        let mut run = [0.0; RUN];
        for n in 0..RUN {
            let [a, b, c, d] = around[n].map(f32::from);
            run[n] = bright(mix(mix(a, b, right[n]), mix(c, d, right[n]), lower[n]), shift);
        }
        output[..len].copy_from_slice(&run[..len]);
    }
}

/// A byte as a network sees it: 0 to 255 become -1 to 1, and a colour is shifted before.
#[inline(always)]
fn bright(byte: f32, shift: f32) -> f32 {
    2.0 * (byte / 255.0 + shift) - 1.0
}

#[inline(always)]
fn mix(a: f32, b: f32, share: f32) -> f32 {
    a * (1.0 - share) + b * share
}

/// Crop, flip, rotation, aspect and colours, one draw of each an image and epoch.
pub(super) fn augment(op: &Op, crops: &Crops, on: Augmentation) -> Task {
    let crops = *crops;
    Task::new(op, crops.batch, cuts(&crops), move |rows, [pixels, labels, order, clock, output, targets]| {
        let set = Set::of(crops, [pixels, labels, order, clock]);
        let results = output.floats_mut().chunks_exact_mut(3 * crops.side * crops.side);
        for ((row, output), target) in rows.zip(results).zip(targets.integers_mut()) {
            let Some(sample) = set.sample(row) else {
                output.fill(0.0);
                *target = PADDING;
                continue;
            };
            *target = set.labels[sample as usize];
            if on.rotation || on.aspect {
                let turn = Turn::random(&crops, on, set.clock, sample);
                vectorised!(turned(&set, &turn, row, sample, output));
            } else {
                let crop = Crop::random(&crops, on, set.clock, sample);
                vectorised!(cropped(&set, &crop, row, sample, output));
            }
        }
    })
}

/// The centre crops of all rows, then their mirror images.
pub(super) fn centre_crops(op: &Op, crops: &Crops) -> Task {
    let crops = *crops;
    Task::new(op, 2 * crops.batch, cuts(&crops), move |rows, [pixels, labels, order, clock, output, targets]| {
        let set = Set::of(crops, [pixels, labels, order, clock]);
        for (row, target) in rows.clone().zip(targets.integers_mut()) {
            *target = set.sample(row).map_or(PADDING, |sample| set.labels[sample as usize]);
        }
        for (row, output) in rows.zip(output.floats_mut().chunks_exact_mut(3 * crops.side * crops.side)) {
            let Some(sample) = set.sample(row % crops.batch) else {
                output.fill(0.0);
                continue;
            };
            let crop = Crop { flip: row >= crops.batch, ..Crop::centre(&crops) };
            vectorised!(cropped(&set, &crop, row % crops.batch, sample, output));
        }
    })
}

/// The sample of each row of the batch.
pub(super) fn rows(op: &Op, batch: usize) -> Task {
    Task::new(op, 1, [Cut::Whole; 3], move |_, [order, clock, rows]| {
        let first = clock.integers()[3] as usize * batch;
        rows.integers_mut().copy_from_slice(&order.integers()[first..first + batch]);
    })
}

/// Rows of crops by units of one row; of `targets`, the units beyond its end have none.
fn cuts(crops: &Crops) -> [Cut; 6] {
    let whole = Cut::Whole;
    [whole, whole, whole, whole, Cut::Each(3 * crops.side * crops.side), Cut::Each(1)]
}

#[inline(always)]
fn cropped(set: &Set<'_>, crop: &Crop, row: usize, sample: u32, output: &mut [f32]) {
    let outputs = output.chunks_exact_mut(set.crops.side * set.crops.side);
    for ((plane, shift), output) in set.planes(row, sample).zip(crop.shift).zip(outputs) {
        crop.copy(&set.crops, plane, shift, output);
    }
}

#[inline(always)]
fn turned(set: &Set<'_>, turn: &Turn, row: usize, sample: u32, output: &mut [f32]) {
    let side = set.crops.side;
    for (x, y) in (0..side).flat_map(|y| (0..side).step_by(RUN).map(move |x| (x, y))) {
        let sources = turn.sources(&set.crops, x, y);
        let runs = output.chunks_exact_mut(side * side).map(|plane| &mut plane[y * side + x..(y + 1) * side]);
        for ((plane, shift), run) in set.planes(row, sample).zip(turn.crop.shift).zip(runs) {
            sources.write(plane, shift, run);
        }
    }
}
