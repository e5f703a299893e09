//! How a split goes to the device: whole where it fits, else batch by batch.

use crate::data::Images;
use crate::nn::plans::Batches;
use crate::plan::random::{draw, purpose};
use crate::plan::{Executor, ExecutorError, Limits, PADDING};

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

/// The batches of a split. Training leaves out the last samples of an epoch's order where they
/// fill no batch; evaluation pads.
#[must_use]
pub fn batches(split: &'static str, images: &Images, batch: usize, whole_only: bool, limits: Limits) -> Batches {
    let samples = images.labels.len();
    let batch = batch.min(samples);
    let count = if whole_only { samples / batch } else { samples.div_ceil(batch) };
    let resident = images.pixels.len() as u64 <= limits.binding_bytes;
    Batches { split, batch, samples, count, stored_side: images.side, resident }
}

/// Writes labels, and the pixels where they stay.
///
/// # Errors
/// When the device is lost.
pub fn upload(executor: &mut dyn Executor, batches: &Batches, images: &Images) -> Result<(), ExecutorError> {
    executor.write(&slot(batches, "labels"), 0, bytemuck::cast_slice(&images.labels))?;
    if !batches.resident {
        return Ok(());
    }
    let whole = images.pixels.len() / 4 * 4;
    executor.write(&slot(batches, "pixels"), 0, &images.pixels[..whole])?;
    if whole < images.pixels.len() {
        let mut last = [0; 4];
        last[..images.pixels.len() - whole].copy_from_slice(&images.pixels[whole..]);
        executor.write(&slot(batches, "pixels"), whole / 4, &last)?;
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
    let bytes = 3 * images.side * images.side;
    staging.clear();
    for &sample in samples {
        let at = if sample == PADDING { 0 } else { sample as usize * bytes };
        staging.extend_from_slice(&images.pixels[at..at + bytes]);
    }
    staging.resize(staging.len().next_multiple_of(4), 0);
    executor.write(&slot(batches, "pixels"), 0, staging)
}

/// The full name of a split's slot.
#[must_use]
pub fn slot(batches: &Batches, name: &str) -> String {
    format!("{}/{name}", batches.split)
}

#[cfg(test)]
mod tests {
    use super::*;

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
