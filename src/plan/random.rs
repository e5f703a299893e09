//! The counter-based generator that every executor draws from: the same key gives the same number
//! on a GPU, on the processor and in the reference, in any order.

/// Purposes of a draw: the second word of its key, so that no two uses share numbers. Shaders have
/// theirs in common.wgsl as `PURPOSE_` and the name here; a test holds them against this list.
pub mod purpose {
    /// Crop position and flip of an image, by epoch and sample.
    pub const PLACE: u32 = 1;
    /// Rotation and aspect of an image, by epoch and sample.
    pub const SHAPE: u32 = 2;
    /// Colour of an image, by epoch and sample.
    pub const TINT: u32 = 3;
    /// The order of an epoch, by epoch and sample.
    pub const ORDER: u32 = 4;
    /// First weights, by parameter and element.
    pub const WEIGHTS: u32 = 5;
    /// Inputs of the check, by case and element; the operand's number is the seed.
    pub const CHECK: u32 = 6;
    /// Numbers by which a network knows the classes, by class.
    pub const IDS: u32 = 7;
    /// Dropout, by step and element; the layer's number is added, so it stands last.
    pub const DROPOUT: u32 = 16;

    /// All of them by name.
    pub const ALL: [(&str, u32); 8] = [
        ("PLACE", PLACE),
        ("SHAPE", SHAPE),
        ("TINT", TINT),
        ("ORDER", ORDER),
        ("WEIGHTS", WEIGHTS),
        ("CHECK", CHECK),
        ("IDS", IDS),
        ("DROPOUT", DROPOUT),
    ];
}

/// Four random words for a [`purpose`]; `time` is an epoch or a step, `item` a sample or an element.
#[must_use]
pub fn draw(seed: u32, purpose: u32, time: u32, item: u32) -> [u32; 4] {
    pcg4d([seed, purpose, time, item])
}

/// Four random words from a key of four: PCG4D of Jarzynski and Olano, "Hash Functions for GPU
/// Rendering", JCGT 9(3), 2020.
#[must_use]
pub fn pcg4d(key: [u32; 4]) -> [u32; 4] {
    let mut v = key.map(|word| word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    mix(&mut v);
    v = v.map(|word| word ^ (word >> 16));
    mix(&mut v);
    v
}

fn mix(v: &mut [u32; 4]) {
    v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
    v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
    v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
    v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
}

/// A number in [0, 1) from the upper 24 bits, exact in `f32`.
#[must_use]
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 / 16_777_216.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_uniform_and_words_of_a_key_uncorrelated() {
        let draws: Vec<[u32; 4]> = (0..20_000).map(|i| pcg4d([7, 0, i, 1])).collect();
        for word in 0..4 {
            let mean = draws.iter().map(|d| f64::from(unit(d[word]))).sum::<f64>() / 20_000.0;
            assert!((mean - 0.5).abs() <= 4.0 * (1.0 / 12.0f64 / 20_000.0).sqrt(), "{word}: {mean}");
        }
        let product: f64 = draws.iter().map(|d| (f64::from(unit(d[0])) - 0.5) * (f64::from(unit(d[1])) - 0.5)).sum();
        assert!((product / 20_000.0).abs() <= 4.0 / 12.0 / 20_000f64.sqrt());
    }

    #[test]
    fn no_two_purposes_meet() {
        let numbers = purpose::ALL.map(|(_, number)| number);
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}: dropout adds its layer to the last");
        assert_eq!(numbers.last(), Some(&purpose::DROPOUT));
    }

    #[test]
    fn shaders_draw_for_the_same_purposes() {
        let source = include_str!("../../shaders/common.wgsl");
        let module = naga::front::wgsl::parse_str(source).unwrap();
        let mut found = Vec::new();
        for (_, constant) in module.constants.iter() {
            let Some(name) = constant.name.as_ref().and_then(|name| name.strip_prefix("PURPOSE_")) else { continue };
            let naga::Expression::Literal(naga::Literal::U32(number)) = module.global_expressions[constant.init] else {
                panic!("{name} is a number")
            };
            assert!(purpose::ALL.contains(&(name, number)), "{name} {number}");
            found.push(number);
        }
        assert_eq!(found, [purpose::PLACE, purpose::SHAPE, purpose::TINT, purpose::DROPOUT]);
    }

    #[test]
    fn every_word_of_the_key_matters() {
        let base = pcg4d([1, 2, 3, 4]);
        for word in 0..4 {
            let mut key = [1, 2, 3, 4];
            key[word] ^= 1;
            assert_ne!(pcg4d(key), base);
        }
    }
}
