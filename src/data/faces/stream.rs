//! A stream of random numbers that is the same on every platform.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is drawn for; keeps streams of equal numbers apart.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// The person of one image of a data set.
    Person = 1,
    /// The age of one image.
    Age = 2,
    /// The order of the groups within one block of images.
    Order = 3,
    /// The noise over one image.
    Noise = 4,
    /// The person of `portrait`.
    Sitter = 5,
    /// A person of `contact_sheet`.
    Sheet = 6,
}

/// Numbers drawn from ChaCha8 keyed by a purpose and three integers. The generator's bits are
/// fixed by its specification, the conversions are done here and the transcendental functions
/// come from `libm`, so no platform can draw anything else.
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `purpose` and `key`, at its beginning.
    pub(super) fn new(purpose: Purpose, key: [u64; 3]) -> Self {
        let mut seed = [0; 32];
        let words = [purpose as u64, key[0], key[1], key[2]];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// A number in [0, 1), of 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number between `low` and `high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit() as f32
    }

    /// An index below `count`.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count - 1)
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of `choices`.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A standard normal number (Box and Muller), cut at 2.5 so that nobody is drawn grotesque.
    pub(super) fn normal(&mut self) -> f32 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        let angle = core::f64::consts::TAU * self.unit();
        (radius * libm::cos(angle)).clamp(-2.5, 2.5) as f32
    }

    /// The next 32 bits.
    pub(super) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }
}
