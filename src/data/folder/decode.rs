//! One image file's bytes to planar RGB of one side: upright, opaque, a centre square. Portable.

use std::io::{Cursor, ErrorKind};

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};
use thiserror::Error;

use crate::data::{SideError, check_side};

/// Widest and highest image that is decoded, in pixels.
const MAX_DIMENSION: u32 = 65_535;
/// Most memory that one decoded image may take, in bytes; also the longest file that is read.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// Why bytes could not be read as an image.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum DecodeError {
    /// The side to resize to is out of bounds: the caller's mistake, not the file's.
    #[error(transparent)]
    Side(#[from] SideError),
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// Neither the content nor the name is that of a format that is read.
    #[error("not an image in a format that is read (PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, TGA, ICO, QOI)")]
    NotAnImage,
    /// Refused before it is decoded: it would take too much memory, as a decompression bomb does.
    #[error(
        "too large: images are read up to {MAX_DIMENSION} pixels wide and high, and up to {} MiB, as files and \
         decoded; shrink it first",
        MAX_BYTES >> 20
    )]
    TooLarge,
    /// The data ends before the image does.
    #[error("the image data ends too early: the file is cut off")]
    Truncated,
    /// A variant of its format that the decoder does not know.
    #[error("a kind of image that is not read: {0}")]
    Unsupported(String),
    /// The decoder gave up.
    #[error("the image data is broken: {0}")]
    Broken(String),
}

/// Decodes an image file's bytes into 3 x `side` x `side` planar RGB.
///
/// The Exif orientation is applied, transparent pixels are laid on white, 16 bits become 8, grey becomes three equal
/// channels, the largest centre square is resized with a triangle filter. Of an animation it is the first frame.
///
/// # Errors
/// [`DecodeError`] says what is wrong with the bytes, or with `side`.
pub fn decode_bytes(bytes: &[u8], side: usize) -> Result<Vec<u8>, DecodeError> {
    decode_named(bytes, None, side)
}

/// [`decode_bytes`] with the format that the file's name promises, for the one that has no signature (TGA).
pub(super) fn decode_named(bytes: &[u8], named: Option<ImageFormat>, side: usize) -> Result<Vec<u8>, DecodeError> {
    check_side(side)?;
    let format = format_of(bytes, named)?;
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err(DecodeError::Truncated);
    }
    let upright = decode_upright(bytes, format)?;
    Ok(planar_square(&on_white(upright), side as u32))
}

fn format_of(bytes: &[u8], named: Option<ImageFormat>) -> Result<ImageFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    image::guess_format(bytes)
        .ok()
        .or(named.filter(|&format| format == ImageFormat::Tga))
        .filter(|format| format.reading_enabled())
        .ok_or(DecodeError::NotAnImage)
}

fn decode_upright(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, DecodeError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_DIMENSION);
    limits.max_image_height = Some(MAX_DIMENSION);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    // Not every decoder counts the decoded picture itself.
    limits.reserve(decoder.total_bytes())?;
    if decoder.total_bytes() == 0 {
        return Err(DecodeError::Broken("it has no pixels".into()));
    }
    // A picture with unreadable metadata is still a picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

impl From<ImageError> for DecodeError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => Self::Truncated,
            ImageError::Unsupported(e) => Self::Unsupported(e.to_string()),
            other => Self::Broken(other.to_string().trim().into()),
        }
    }
}

/// Whether a JPEG file reaches its end marker. The decoder fills what is missing with grey without a word.
///
/// Walks the segments, each `FF marker length payload`. Behind the one that starts a scan comes data in which `FF` is
/// followed by `00`, a restart marker (`D0`..`D7`) or another `FF` until the next segment: [`next_marker`] passes over
/// them.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    const START_OF_IMAGE: usize = 2;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut rest = bytes.get(START_OF_IMAGE..).unwrap_or_default();
    while let Some((marker, segment)) = next_marker(rest) {
        if marker == END_OF_IMAGE {
            return true;
        }
        let Some(&length) = segment.first_chunk::<2>() else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes(length));
        rest = segment.get(length..).unwrap_or_default();
    }
    false
}

/// The next marker and what comes after it.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let is_marker = |byte: u8| !matches!(byte, 0x00 | 0xD0..=0xD7 | 0xFF);
    let at = bytes.windows(2).position(|pair| pair[0] == 0xFF && is_marker(pair[1]))?;
    Some((bytes[at + 1], &bytes[at + 2..]))
}

fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0;
        image::Rgb([r, g, b].map(|channel| over_white(channel, alpha)))
    })
}

/// `channel * alpha + 255 * (1 - alpha)` with alpha in 255ths, rounded.
fn over_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

fn planar_square(rgb: &RgbImage, side: u32) -> Vec<u8> {
    let (width, height) = rgb.dimensions();
    let edge = width.min(height);
    let square = imageops::crop_imm(rgb, (width - edge) / 2, (height - edge) / 2, edge, edge);
    let small = imageops::resize(&*square, side, side, FilterType::Triangle);
    let plane = |c: usize| small.pixels().map(move |pixel| pixel[c]);
    (0..3).flat_map(plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
    use image::{ExtendedColorType, ImageEncoder, Luma, LumaA, Rgb, Rgba, RgbaImage};

    const FORMATS: [ImageFormat; 10] = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
        ImageFormat::Tga,
        ImageFormat::Ico,
        ImageFormat::Qoi,
    ];

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        encoded(&image.into(), ImageFormat::Png)
    }

    /// Four quarters: red, green / blue, white.
    fn quarters(edge: u32) -> RgbImage {
        RgbImage::from_fn(edge, edge, |x, y| match (x < edge / 2, y < edge / 2) {
            (true, true) => Rgb([250, 0, 0]),
            (false, true) => Rgb([0, 250, 0]),
            (true, false) => Rgb([0, 0, 250]),
            (false, false) => Rgb([250; 3]),
        })
    }

    /// The four pixels of a 2 x 2 image, named after the quarters.
    fn names(planar: &[u8]) -> String {
        let name = |i: usize| match [planar[i], planar[4 + i], planar[8 + i]].map(|v| v > 125) {
            [true, false, false] => 'r',
            [false, true, false] => 'g',
            [false, false, true] => 'b',
            [true, true, true] => 'w',
            _ => '?',
        };
        (0..4).map(name).collect()
    }

    /// A little-endian Exif block with nothing but the orientation.
    fn exif(orientation: u8) -> Vec<u8> {
        let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
        [b"II*\0".as_slice(), &[8, 0, 0, 0, 1, 0], &entry, &[0; 4]].concat()
    }

    #[test]
    fn every_format_gives_the_same_picture() {
        for format in FORMATS {
            let picture = match format {
                ImageFormat::Ico => DynamicImage::from(quarters(16)).into_rgba8().into(),
                _ => DynamicImage::from(quarters(16)),
            };
            let bytes = encoded(&picture, format);
            let small = decode_named(&bytes, Some(format), 2).unwrap();
            assert_eq!(names(&small), "rgbw", "{format:?}");
            let error = decode_named(&bytes, Some(format), 16).unwrap()[0].abs_diff(250);
            let lossy = format == ImageFormat::Jpeg;
            assert!(error <= if lossy { 6 } else { 0 }, "{format:?} {error}");
        }
    }

    #[test]
    fn planes_follow_the_stated_layout() {
        let mut image = RgbImage::from_pixel(3, 3, Rgb([10, 20, 30]));
        image.put_pixel(2, 1, Rgb([40, 50, 60]));
        let planar = decode_bytes(&png(image), 3).unwrap();
        for (c, (most, one)) in [(10, 40), (20, 50), (30, 60)].into_iter().enumerate() {
            let mut plane = [most; 9];
            plane[3 + 2] = one;
            assert_eq!(planar[c * 9..][..9], plane);
        }
    }

    #[test]
    fn the_centre_square_is_what_remains() {
        let wide = RgbImage::from_fn(12, 4, |x, _| match x {
            4..8 => Rgb([200, 100, 50]),
            _ => Rgb([0; 3]),
        });
        let tall = image::imageops::rotate90(&wide);
        for image in [wide, tall] {
            let planar = decode_bytes(&png(image), 2).unwrap();
            assert_eq!(planar, [[200; 4], [100; 4], [50; 4]].concat());
        }
    }

    #[test]
    fn shrinking_averages_rather_than_picks() {
        let checks = RgbImage::from_fn(64, 64, |x, y| Rgb([((x + y) % 2 * 255) as u8; 3]));
        let planar = decode_bytes(&png(checks), 4).unwrap();
        assert!(planar.iter().all(|p| p.abs_diff(127) <= 3), "{planar:?}");
    }

    #[test]
    fn transparency_is_laid_on_white() {
        for (alpha, expected) in [(255, 40), (0, 255), (128, 147)] {
            let image = RgbaImage::from_pixel(2, 2, Rgba([40, 40, 40, alpha]));
            assert_eq!(decode_bytes(&png(image), 1).unwrap(), [expected; 3], "alpha {alpha}");
        }
        let grey = image::GrayAlphaImage::from_pixel(2, 2, LumaA([40, 128]));
        assert_eq!(decode_bytes(&png(grey), 1).unwrap(), [147; 3]);
    }

    #[test]
    fn mixing_with_white_is_rounded_to_nearest() {
        for (channel, alpha) in (0..=255).flat_map(|c| (0..=255).map(move |a| (c, a))) {
            let part = f64::from(alpha) / 255.0;
            let exact = f64::from(channel) * part + 255.0 * (1.0 - part);
            let error = (f64::from(over_white(channel, alpha)) - exact).abs();
            assert!(error <= 0.5 + 1e-9, "{channel} {alpha}: {error}");
        }
    }

    #[test]
    fn sixteen_bits_and_grey_become_eight_bit_colour() {
        let deep = image::ImageBuffer::from_pixel(2, 2, Rgb([0u16, 0x8080, 0xFFFF]));
        assert_eq!(decode_bytes(&png(deep), 1).unwrap(), [0, 0x80, 0xFF]);
        let deep_grey = image::ImageBuffer::from_pixel(2, 2, Luma([0x4040u16]));
        assert_eq!(decode_bytes(&png(deep_grey), 1).unwrap(), [0x40; 3]);
        let clear = image::ImageBuffer::from_pixel(2, 2, Rgba([0u16, 0, 0, 0]));
        assert_eq!(decode_bytes(&png(clear), 1).unwrap(), [255; 3]);
        let grey = image::GrayImage::from_pixel(2, 2, Luma([77]));
        assert_eq!(decode_bytes(&png(grey), 1).unwrap(), [77; 3]);
    }

    #[test]
    fn exif_orientation_turns_the_picture_upright() {
        let cases = ["rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"];
        for (orientation, expected) in (1..).zip(cases) {
            let (mut as_png, mut as_jpeg) = (Vec::new(), Vec::new());
            let mut png = PngEncoder::new(&mut as_png);
            png.set_exif_metadata(exif(orientation)).unwrap();
            png.write_image(&quarters(16), 16, 16, ExtendedColorType::Rgb8).unwrap();
            let mut jpeg = JpegEncoder::new(&mut as_jpeg);
            jpeg.set_exif_metadata(exif(orientation)).unwrap();
            jpeg.write_image(&quarters(16), 16, 16, ExtendedColorType::Rgb8).unwrap();
            for bytes in [as_png, as_jpeg] {
                assert_eq!(names(&decode_bytes(&bytes, 2).unwrap()), expected, "{orientation}");
            }
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_is_refused_or_whole() {
        // A gradient, so that a part filled in by a decoder would differ.
        let picture = RgbImage::from_fn(24, 20, |x, y| Rgb([(x * 9) as u8, (y * 12) as u8, (x * y) as u8]));
        for format in FORMATS {
            let picture = match format {
                ImageFormat::Ico => DynamicImage::from(picture.clone()).into_rgba8().into(),
                _ => DynamicImage::from(picture.clone()),
            };
            let bytes = encoded(&picture, format);
            let whole = decode_named(&bytes, Some(format), 20).unwrap();
            for length in 0..bytes.len() {
                let cut = decode_named(&bytes[..length], Some(format), 20);
                assert!(cut.is_err() || cut == Ok(whole.clone()), "{format:?} cut to {length}");
            }
            let half = decode_named(&bytes[..bytes.len() / 2], Some(format), 20);
            assert!(half.is_err(), "{format:?}");
        }
    }

    #[test]
    fn a_thumbnail_does_not_pass_for_the_end_of_a_jpeg() {
        let jpeg = encoded(&quarters(16).into(), ImageFormat::Jpeg);
        // An application segment whose payload is a whole JPEG with its own end marker.
        let length = (jpeg.len() as u16 + 2).to_be_bytes();
        let nested = [&jpeg[..2], &[0xFF, 0xE5], &length, &jpeg, &jpeg[2..]].concat();
        assert_eq!(names(&decode_bytes(&nested, 2).unwrap()), "rgbw");
        let cut = &nested[..nested.len() - 2];
        assert_eq!(decode_bytes(cut, 2), Err(DecodeError::Truncated));
    }

    #[test]
    fn what_is_no_image_is_told_apart() {
        assert_eq!(decode_bytes(b"", 8), Err(DecodeError::Empty));
        for bytes in [b"hello, world".as_slice(), &[0; 64], b"#?RADIANCE"] {
            assert_eq!(decode_bytes(bytes, 8), Err(DecodeError::NotAnImage));
        }
        // A name promises nothing for a format that has a signature.
        let named = decode_named(b"hello, world", Some(ImageFormat::Png), 8);
        assert_eq!(named, Err(DecodeError::NotAnImage));
        let mut broken = png(quarters(16));
        broken[20] ^= 0xFF;
        assert!(matches!(decode_bytes(&broken, 8), Err(DecodeError::Broken(_))));
        assert_eq!(decode_bytes(&broken[..20], 8), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_known_format_of_an_unknown_kind_is_told_from_a_broken_file() {
        let mut tiff = encoded(&quarters(16).into(), ImageFormat::Tiff);
        // The entry for the photometric interpretation, RGB (2), becomes YCbCr (6).
        let entry = [0x06, 0x01, 3, 0, 1, 0, 0, 0, 2];
        let at = tiff.windows(9).position(|bytes| bytes == entry).unwrap();
        tiff[at + 8] = 6;
        assert!(matches!(decode_bytes(&tiff, 8), Err(DecodeError::Unsupported(_))));
    }

    #[test]
    fn an_image_without_pixels_is_refused() {
        for bytes in [b"P6 0 0 255\n".as_slice(), b"P6 0 4 255\n", b"qoif\0\0\0\0\0\0\0\x04\x03\0"] {
            assert!(matches!(decode_bytes(bytes, 8), Err(DecodeError::Broken(_))));
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_takes_memory() {
        const SIDE: u32 = 60_000;
        let header = [b"IHDR", SIDE.to_be_bytes().as_slice(), &SIDE.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&header);
        let sum = crc.sum().to_be_bytes();
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x0D", header.as_slice(), &sum, b"\0\0\0\x01IDAT"].concat();
        let mut bmp = encoded(&quarters(2).into(), ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&SIDE.to_le_bytes());
        bmp[22..26].copy_from_slice(&SIDE.to_le_bytes());
        let mut gif = encoded(&quarters(2).into(), ImageFormat::Gif);
        gif[6..10].fill(0xFF);
        let netpbm = b"P6 60000 60000 255\n".to_vec();
        let too_wide = b"P6 70000 1 255\n".to_vec();
        for bomb in [png, bmp, gif, netpbm, too_wide] {
            assert_eq!(decode_bytes(&bomb, 8), Err(DecodeError::TooLarge), "{:?}", &bomb[..4]);
        }
    }

    #[test]
    fn the_side_is_checked() {
        let bytes = png(quarters(4));
        assert!(matches!(decode_bytes(&bytes, 0), Err(DecodeError::Side(_))));
        assert!(matches!(decode_bytes(&bytes, 1 << 20), Err(DecodeError::Side(_))));
    }
}
