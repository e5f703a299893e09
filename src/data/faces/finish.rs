//! From the painted canvas to the bytes of a photograph: size, blur, light and noise.

use super::paint::Rgb;
use super::person::Shot;
use super::stream::Stream;

/// The picture of `side` x `side` pixels that a painting of `factor` times that side shows, each
/// pixel the mean of the painted pixels it covers.
pub(super) fn shrink(painted: &[Rgb], side: usize, factor: usize) -> Vec<Rgb> {
    let wide = side * factor;
    let share = 1.0 / (factor * factor) as f32;
    let mut small = vec![[0.0; 3]; side * side];
    for (row, line) in painted.chunks_exact(wide).enumerate() {
        let out = &mut small[row / factor * side..][..side];
        for (pixel, group) in out.iter_mut().zip(line.chunks_exact(factor)) {
            for colour in group {
                for (sum, value) in pixel.iter_mut().zip(colour) {
                    *sum += share * value;
                }
            }
        }
    }
    small
}

/// Half of a Gaussian's weights, from the middle outwards; they and their mirror image sum to 1.
fn gaussian(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    let weight = |k: usize| libm::expf(-0.5 * (k as f32 / sigma) * (k as f32 / sigma));
    let weights: Vec<f32> = (0..=reach).map(weight).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    weights.into_iter().map(|w| w / total).collect()
}

/// The picture blurred along its rows and turned over its diagonal; twice is a blur both ways.
fn blur_rows(picture: &[Rgb], side: usize, weights: &[f32]) -> Vec<Rgb> {
    let mut turned = vec![[0.0; 3]; side * side];
    for (y, line) in picture.chunks_exact(side).enumerate() {
        for x in 0..side {
            let pixel = &mut turned[x * side + y];
            for (k, weight) in weights.iter().enumerate() {
                let (a, b) = (line[x.saturating_sub(k)], line[(x + k).min(side - 1)]);
                let both = if k == 0 { 0.5 } else { 1.0 } * weight;
                for i in 0..3 {
                    pixel[i] += both * (a[i] + b[i]);
                }
            }
        }
    }
    turned
}

/// Blurs a picture by a Gaussian of `sigma` pixels; less than a fifth of a pixel changes nothing.
pub(super) fn blur(picture: Vec<Rgb>, side: usize, sigma: f32) -> Vec<Rgb> {
    if sigma < 0.2 {
        return picture;
    }
    let weights = gaussian(sigma);
    blur_rows(&blur_rows(&picture, side, &weights), side, &weights)
}

/// A number of mean 0 and variance 1, near a normal one: four bytes summed.
fn grain(bits: u32) -> f32 {
    let sum: u32 = bits.to_le_bytes().into_iter().map(u32::from).sum();
    (sum as f32 - 510.0) / 147.8
}

/// Light, contrast and noise; the result is planar RGB, 3 x side x side.
pub(super) fn expose(picture: &[Rgb], shot: &Shot, stream: &mut Stream) -> Vec<u8> {
    let n = picture.len();
    let mut bytes = vec![0; 3 * n];
    for (at, colour) in picture.iter().enumerate() {
        for channel in 0..3 {
            let lit = colour[channel] * shot.tint[channel] * shot.exposure;
            let value = 0.5 + (lit - 0.5) * shot.contrast + shot.noise * grain(stream.bits());
            bytes[channel * n + at] = (255.0 * value.clamp(0.0, 1.0) + 0.5) as u8;
        }
    }
    bytes
}
