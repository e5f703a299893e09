//! The project's colours: one for each loss, and a colour map for matrices. Portable.

/// A colour as red, green and blue.
pub type Rgb = [u8; 3];

/// Colours of the losses by name: from Okabe and Ito's set for colour-blind readers, then from Tol's muted one, legible on white and on black;
/// plain cross-entropy, the baseline, is grey.
const LOSSES: [(&str, Rgb); 11] = [
    ("xe", [0x76, 0x76, 0x76]),
    ("reg", [0xE6, 0x9F, 0x00]),
    ("emd", [0x00, 0x72, 0xB2]),
    ("xemd1", [0x00, 0x9E, 0x73]),
    ("xemd2", [0xD5, 0x5E, 0x00]),
    ("emd-linear", [0xCC, 0x79, 0xA7]),
    ("a-emd", [0x56, 0xB4, 0xE9]),
    ("corn", [0xAA, 0x44, 0x99]),
    ("sord", [0x99, 0x99, 0x33]),
    ("qwk", [0x88, 0x22, 0x55]),
    ("binomial", [0x44, 0xAA, 0x99]),
];

/// The colour of a loss, the same wherever it is shown.
pub fn loss_color(name: &str) -> Rgb {
    colors_of(&[name])[0]
}

/// The colours of names that are shown together: a loss has its own, other names in turn those that none of these losses
/// has. Eleven names are all different; beyond them colours begin again.
pub fn colors_of<T: AsRef<str>>(names: &[T]) -> Vec<Rgb> {
    let own = |name: &T| LOSSES.iter().find(|(loss, _)| *loss == name.as_ref()).map(|&(_, color)| color);
    let taken: Vec<Rgb> = names.iter().filter_map(own).collect();
    let all = || LOSSES.iter().map(|&(_, color)| color);
    let free: Vec<Rgb> = all().filter(|color| !taken.contains(color)).chain(all()).collect();
    let mut free = free.iter().cycle();
    names.iter().map(|name| own(name).or_else(|| free.next().copied()).unwrap_or(LOSSES[0].1)).collect()
}

/// Every fifth of the 256 colours of matplotlib's viridis (van der Walt and Smith, CC0).
const VIRIDIS: [u32; 52] = [
    0x440154, 0x46085c, 0x471063, 0x481769, 0x481d6f, 0x482475, 0x472a7a, 0x46307e, 0x453781, 0x433d84, 0x414287,
    0x3f4889, 0x3d4e8a, 0x3a538b, 0x38598c, 0x355e8d, 0x33638d, 0x31688e, 0x2e6d8e, 0x2c718e, 0x2a768e, 0x297b8e,
    0x27808e, 0x25848e, 0x23898e, 0x218e8d, 0x20928c, 0x1f978b, 0x1e9c89, 0x1fa188, 0x21a585, 0x24aa83, 0x28ae80,
    0x2eb37c, 0x35b779, 0x3dbc74, 0x46c06f, 0x50c46a, 0x5ac864, 0x65cb5e, 0x70cf57, 0x7cd250, 0x89d548, 0x95d840,
    0xa2da37, 0xb0dd2f, 0xbddf26, 0xcae11f, 0xd8e219, 0xe5e419, 0xf1e51d, 0xfde725,
];

/// Every fifth of the 256 colours of matplotlib's cividis (Nuñez, Anderton and Renslow, CC0), made for colour-blind eyes.
const CIVIDIS: [u32; 52] = [
    0x00224e, 0x002656, 0x002a5f, 0x002d68, 0x003070, 0x083370, 0x163770, 0x203a6f, 0x273e6e, 0x2e416d, 0x34456c,
    0x3a486c, 0x3f4c6c, 0x444f6c, 0x49536c, 0x4e566c, 0x535a6d, 0x575d6d, 0x5c616e, 0x60646f, 0x656870, 0x696b71,
    0x6d6f72, 0x727274, 0x767676, 0x7a7a78, 0x7e7d78, 0x838179, 0x888578, 0x8d8878, 0x928c78, 0x969077, 0x9b9476,
    0xa09875, 0xa59c74, 0xaaa073, 0xafa471, 0xb5a86f, 0xbaac6d, 0xbfb06b, 0xc4b468, 0xc9b965, 0xcfbd62, 0xd4c15f,
    0xdac65b, 0xdfca57, 0xe5cf52, 0xead34c, 0xf0d846, 0xf6dd3f, 0xfce236, 0xfee838,
];

/// The viridis colour at `t` in 0 to 1 (dark blue to yellow), within one level of matplotlib's. Values outside are
/// clamped; NaN is a neutral grey.
pub fn viridis(t: f64) -> Rgb {
    between(&VIRIDIS, t)
}

/// The cividis colour at `t` in 0 to 1 (dark blue over grey to yellow), as [`viridis`].
pub fn cividis(t: f64) -> Rgb {
    between(&CIVIDIS, t)
}

fn between(colors: &[u32; 52], t: f64) -> Rgb {
    if t.is_nan() {
        return [0xC8, 0xC8, 0xC8];
    }
    let at = t.clamp(0.0, 1.0) * (colors.len() - 1) as f64;
    let low = (at as usize).min(colors.len() - 2);
    let (a, b) = (channels(colors[low]), channels(colors[low + 1]));
    let weight = at - low as f64;
    std::array::from_fn(|c| {
        let mixed = f64::from(a[c]) * (1.0 - weight) + f64::from(b[c]) * weight;
        mixed.round() as u8
    })
}

/// Blue at 0, white at a half, red at 1 (the ends of ColorBrewer's RdBu): for differences. NaN is a neutral grey.
pub fn blue_to_red(t: f64) -> Rgb {
    if t.is_nan() {
        return [0xC8; 3];
    }
    let end: Rgb = if t < 0.5 { [0x21, 0x66, 0xAC] } else { [0xB2, 0x18, 0x2B] };
    let weight = (2.0 * t.clamp(0.0, 1.0) - 1.0).abs();
    end.map(|value| (f64::from(value) * weight + 255.0 * (1.0 - weight)).round() as u8)
}

fn channels(rgb: u32) -> Rgb {
    [(rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8]
}

/// Black or white, whichever is easier to read on a background (larger contrast ratio by WCAG 2).
pub fn ink_on(background: Rgb) -> Rgb {
    // Contrast with white, 1.05 / (L + 0.05), equals that with black, (L + 0.05) / 0.05, at L = 0.179.
    if luminance(background) > 0.179 { [0x11, 0x11, 0x11] } else { [0xFF, 0xFF, 0xFF] }
}

/// Relative luminance of an sRGB colour, 0 to 1.
fn luminance(color: Rgb) -> f64 {
    let linear = color.map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// A colour as `#rrggbb`.
pub fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_maps_meet_matplotlib() {
        // (t * 255, matplotlib's viridis, matplotlib's cividis)
        let known: [(f64, [i16; 3], [i16; 3]); 5] = [
            (0.0, [68, 1, 84], [0, 34, 78]),
            (64.0, [59, 82, 139], [67, 78, 108]),
            (128.0, [33, 145, 140], [125, 124, 120]),
            (191.0, [92, 200, 99], [187, 173, 109]),
            (255.0, [253, 231, 37], [254, 232, 56]),
        ];
        let near = |found: Rgb, expected: [i16; 3]| {
            let near = found.iter().zip(expected).all(|(&a, b)| (i16::from(a) - b).abs() <= 1);
            assert!(near, "{found:?} is not {expected:?}");
        };
        for (t, green, blue) in known {
            near(viridis(t / 255.0), green);
            near(cividis(t / 255.0), blue);
        }
        assert_eq!(viridis(-3.0), viridis(0.0));
        assert_eq!(viridis(f64::INFINITY), viridis(1.0));
        assert_eq!(viridis(f64::NAN), [0xC8, 0xC8, 0xC8]);
    }

    #[test]
    fn what_is_shown_together_has_distinct_colours_and_losses_their_own() {
        for (i, (name, color)) in LOSSES.iter().enumerate() {
            assert_eq!(loss_color(name), *color);
            assert!(LOSSES[..i].iter().all(|(_, other)| other != color));
        }
        let runs: Vec<String> = (0..9).map(|run| format!("run {run}")).collect();
        let names: Vec<&str> = ["emd", "xe"].into_iter().chain(runs.iter().map(String::as_str)).collect();
        let colors = colors_of(&names);
        assert_eq!(colors[..2], [loss_color("emd"), loss_color("xe")]);
        assert_eq!(colors.iter().collect::<std::collections::BTreeSet<_>>().len(), 11);
        assert_eq!(colors_of(&[""; 40]).len(), 40);
    }

    #[test]
    fn ink_contrasts() {
        assert_eq!(ink_on(viridis(0.0)), [0xFF; 3]);
        assert_eq!(ink_on(viridis(1.0)), [0x11; 3]);
        assert_eq!(hex([1, 0xAB, 255]), "#01ABFF");
    }
}
