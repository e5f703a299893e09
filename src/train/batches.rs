//! How a split goes to the device: whole where it fits, else batch by batch.

use super::ids::Ids;
use crate::data::Images;
use crate::nn::plans::Batches;
use crate::plan::random::{draw, purpose};
use crate::plan::{Executor, ExecutorError, Limits, PADDING};

/// A quarter of the bytes that are uploaded at once.
const UPLOADED: usize = 1 << 20;

/// The samples in the order of an epoch: sorted by a random key each.
#[must_use]
pub fn shuffled(samples: usize, seed: u32, epoch: u32) -> Vec<u32> {
    let key = |sample: &u32| {
        let words = draw(seed, purpose::ORDER, epoch, *sample);
        (words[0], words[1], *sample)
    };
    let mut order: Vec<u32> = (0..samples as u32).collect();
    order.sort_by_cached_key(key);
    order
}

/// The batches of a split of so many images of this side, without votes. Training leaves out the last samples of an epoch's order where they
/// fill no batch; evaluation pads.
#[must_use]
pub fn batches(
    split: &'static str,
    [samples, side]: [usize; 2],
    batch: usize,
    whole_only: bool,
    limits: Limits,
) -> Batches {
    let batch = batch.min(samples);
    let count = if whole_only { samples / batch } else { samples.div_ceil(batch) };
    let resident = (samples * 3 * side * side) as u64 <= limits.resident_bytes;
    Batches { split, batch, samples, count, stored_side: side, resident, votes: false }
}

/// Writes labels, as the outputs that stand for them, and the pixels where they stay.
///
/// # Errors
/// When the device is lost.
pub fn upload(executor: &mut dyn Executor, batches: &Batches, images: &Images, ids: &Ids) -> Result<(), ExecutorError> {
    let labels: Vec<u32> = images.labels.iter().map(|&label| ids.output(label as usize) as u32).collect();
    executor.write(&slot(batches, "labels"), 0, bytemuck::cast_slice(&labels))?;
    if !batches.resident {
        return Ok(());
    }
    let bytes = 3 * images.side * images.side;
    // Four images fill whole words, whatever their side.
    let some = 4 * (UPLOADED / bytes).max(1);
    let mut staging = Vec::new();
    for first in (0..images.len()).step_by(some) {
        gather(images, first..images.len().min(first + some), &mut staging);
        executor.write(&slot(batches, "pixels"), first * bytes / 4, &staging)?;
    }
    Ok(())
}

/// Writes the pixels of one batch where the data set does not stay on the device. `staging` is
/// kept between calls.
///
/// # Errors
/// When the device is lost.
pub fn stream(
    executor: &mut dyn Executor,
    batches: &Batches,
    images: &Images,
    samples: &[u32],
    staging: &mut Vec<u8>,
) -> Result<(), ExecutorError> {
    if batches.resident {
        return Ok(());
    }
    let places = samples.iter().map(|&sample| if sample == PADDING { 0 } else { sample as usize });
    gather(images, places, staging);
    executor.write(&slot(batches, "pixels"), 0, staging)
}

/// The bytes of these images one after another, up to a whole word.
fn gather(images: &Images, places: impl Iterator<Item = usize>, staging: &mut Vec<u8>) {
    staging.clear();
    for place in places {
        staging.extend_from_slice(images.image(place));
    }
    staging.resize(staging.len().next_multiple_of(4), 0);
}

/// The full name of a split's slot.
#[must_use]
pub fn slot(batches: &Batches, name: &str) -> String {
    format!("{}/{name}", batches.split)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::plans::evaluation;
    use crate::nn::{Loss, zoo};
    use crate::plan::executor::read_now;
    use crate::reference::Interpreter;

    /// Images of an odd number of bytes, so that most begin within a word, and of so many that they go in three parts.
    #[test]
    fn images_arrive_one_after_another_whatever_their_size() {
        let (side, count) = (601, 9);
        let mut images = Images::with_capacity(side, count);
        for image in 0..count {
            let pixels: Vec<u8> = (0..3 * side * side).map(|at| (at * (image + 3) % 251) as u8).collect();
            images.push(pixels, 0, 0.0, String::new());
        }
        let mut device = Interpreter::default();
        let batches = batches("test", [count, side], 2, false, device.limits());
        assert!(batches.resident && 3 * side * side > UPLOADED);
        device.prepare(&evaluation(&zoo::plain(8, &[1], 1, 2).unwrap(), &[Loss::Xe], &batches)).unwrap();
        upload(&mut device, &batches, &images, &Ids::default()).unwrap();
        let mut arrived = read_now(&mut device, "test/pixels").unwrap();
        arrived.truncate(count * 3 * side * side);
        assert!(arrived == images.pixels.concat());
    }

    #[test]
    fn orders_are_permutations_that_differ_by_epoch_and_seed() {
        let order = shuffled(101, 5, 0);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..101).collect::<Vec<_>>());
        assert_ne!(order, sorted);
        assert_ne!(order, shuffled(101, 5, 1));
        assert_ne!(order, shuffled(101, 6, 0));
        assert_eq!(order, shuffled(101, 5, 0));
    }
}
