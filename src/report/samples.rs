//! Test images with the predicted distributions of each loss, as cards of the report.

use super::figure::{data_url, encode_png};
use super::palette::colors_of;
use super::{ReportError, Rgb, escape, expect_shape, hex};
use crate::train::metrics::argmax;

/// A test image and what each loss made of it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Name of the image.
    pub name: String,
    /// Width and height in pixels.
    pub side: usize,
    /// Planar RGB bytes, 3 x side x side.
    pub pixels: Vec<u8>,
    /// The true class.
    pub label: usize,
    /// A prediction for each loss, with the loss's name.
    pub predictions: Vec<(String, Prediction)>,
}

/// What a network says about one image.
#[derive(Debug, Clone)]
pub enum Prediction {
    /// A probability for each class, C.
    Distribution(Vec<f32>),
    /// The output of a regression network and the class nearest to it.
    Output {
        /// The output, in units of the class values.
        value: f64,
        /// The nearest class.
        class: usize,
    },
}

impl Prediction {
    /// The predicted class.
    fn class(&self) -> usize {
        match self {
            Self::Distribution(probabilities) => argmax(probabilities),
            Self::Output { class, .. } => *class,
        }
    }
}

/// Test images with what is predicted of each, as HTML.
///
/// # Errors
/// [`ReportError::Shape`] where an image or a distribution has another size than it should.
pub fn cards(samples: &[Sample], classes: &[String]) -> Result<String, ReportError> {
    let mut html = String::new();
    for sample in samples {
        sample.check(classes.len())?;
        html += &sample.card(classes)?;
    }
    Ok(html)
}

impl Sample {
    /// Checks that image and distributions have the size they should.
    pub(super) fn check(&self, classes: usize) -> Result<(), ReportError> {
        let name = &self.name;
        let side = self.side;
        expect_shape(&format!("the image {name}"), 3 * side * side, self.pixels.len())?;
        for (loss, prediction) in &self.predictions {
            let what = format!("the distribution of {loss} for {name}");
            if let Prediction::Distribution(probabilities) = prediction {
                expect_shape(&what, classes, probabilities.len())?;
            }
        }
        Ok(())
    }

    /// An image, its true class, and a line for each loss: name, distribution, predicted class.
    pub(super) fn card(&self, classes: &[String]) -> Result<String, ReportError> {
        let image = data_url(&self.png()?);
        let truth = class_name(classes, self.label);
        let name = escape(&self.name);
        let probabilities = self.predictions.iter().flat_map(|(_, prediction)| match prediction {
            Prediction::Distribution(probabilities) => probabilities.as_slice(),
            Prediction::Output { .. } => &[],
        });
        let highest = probabilities.copied().fold(0.0, f32::max);
        let mut lines = String::new();
        let names: Vec<&str> = self.predictions.iter().map(|(loss, _)| loss.as_str()).collect();
        for ((loss, prediction), color) in self.predictions.iter().zip(colors_of(&names)) {
            let bars = distribution_svg(color, prediction, self.label, classes.len(), highest);
            lines += &prediction_line(loss, prediction, self.label, classes, &bars);
        }
        Ok(format!(
            "<figure class=\"sample\" title=\"{name}\"><img src=\"{image}\" alt=\"{name}\"/>\n<div><p>truth: <b>{truth}</b></p>\n\
         <table>\n{lines}</table></div></figure>\n"
        ))
    }

    /// The image as PNG.
    fn png(&self) -> Result<Vec<u8>, ReportError> {
        let plane = self.side * self.side;
        let pixels: Vec<u8> = (0..plane).flat_map(|at| [0, 1, 2].map(|c| self.pixels[c * plane + at])).collect();
        encode_png(&pixels, self.side as u32, self.side as u32)
    }
}

/// A line of a card.
fn prediction_line(loss: &str, prediction: &Prediction, label: usize, classes: &[String], bars: &str) -> String {
    let off = prediction.class().abs_diff(label);
    let verdict = match off {
        0 => "<em class=\"right\">✓</em>".to_owned(),
        _ => format!("<em>{off} off</em>"),
    };
    let predicted = match prediction {
        Prediction::Distribution(_) => class_name(classes, prediction.class()),
        Prediction::Output { value, class } => {
            format!("{} ({value:.1})", class_name(classes, *class))
        }
    };
    let loss = escape(loss);
    format!("<tr><th scope=\"row\">{loss}</th><td>{bars}</td><td>{predicted} {verdict}</td></tr>\n")
}

fn class_name(classes: &[String], class: usize) -> String {
    classes.get(class).map_or_else(|| format!("class {class}"), |name| escape(name))
}

/// A distribution as bars as high as their probability against the highest of the image; a regression output as one
/// full bar. The true class has a lighter ground.
fn distribution_svg(color: Rgb, prediction: &Prediction, label: usize, classes: usize, highest: f32) -> String {
    const WIDTH: f64 = 120.0;
    const HEIGHT: f64 = 22.0;
    let step = WIDTH / classes.max(1) as f64;
    let heights: Vec<f64> = match prediction {
        Prediction::Distribution(probabilities) => {
            let share = |&p: &f32| if p > 0.0 { f64::from(p / highest) } else { 0.0 };
            probabilities.iter().map(share).collect()
        }
        Prediction::Output { class, .. } => (0..classes).map(|i| f64::from(i == *class)).collect(),
    };
    let bar = step * if step > 3.0 { 0.8 } else { 1.0 };
    let mut path = String::new();
    for (i, height) in heights.iter().map(|share| share * HEIGHT).enumerate() {
        // Less than a tenth of a pixel would not show.
        if height >= 0.1 {
            let x = i as f64 * step + (step - bar) / 2.0;
            path += &format!("M{x:.1} {HEIGHT}v-{height:.1}h{bar:.1}v{height:.1}z");
        }
    }
    let color = hex(color);
    let truth = label as f64 * step;
    format!(
        "<svg class=\"bars\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\">\
         <rect class=\"truth\" x=\"{truth:.1}\" y=\"0\" width=\"{step:.1}\" height=\"{HEIGHT}\"/>\
         <path fill=\"{color}\" d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::super::loss_color;
    use super::*;

    #[test]
    fn a_sample_is_shown_as_it_is() {
        let sample = Sample {
            name: "faces/000001".to_owned(),
            side: 2,
            pixels: (0..12).collect(),
            label: 0,
            predictions: Vec::new(),
        };
        let png = sample.png().unwrap();
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        // Byte (c, y, x) is 4 c + 2 y + x.
        assert_eq!(image.get_pixel(1, 0).0, [1, 5, 9]);
        assert_eq!(image.get_pixel(0, 1).0, [2, 6, 10]);
    }

    #[test]
    fn bars_are_as_high_as_their_probabilities() {
        let prediction = Prediction::Distribution(vec![0.5, 0.25, 0.0, f32::NAN]);
        let svg = distribution_svg(loss_color("emd"), &prediction, 2, 4, 0.5);
        assert!(svg.contains("M3.0 22v-22.0h24.0v22.0z"), "{svg}");
        assert!(svg.contains("M33.0 22v-11.0h24.0v11.0z"), "{svg}");
        assert_eq!(svg.matches('M').count(), 2, "nothing for the others");
        assert!(svg.contains("class=\"truth\" x=\"60.0\""), "{svg}");
        let output = Prediction::Output { value: 2.9, class: 3 };
        assert!(distribution_svg(loss_color("reg"), &output, 2, 4, 0.0).contains("M93.0 22v-22.0"));
    }
}
