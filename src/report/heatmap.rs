//! Matrices between classes as pictures: learned distances, and confusions.

use plotters::backend::DrawingBackend;

use super::figure::{self, FAINT, Figure, INK, Sheet};
use super::lettering::{self, Anchor, Lettering};
use super::palette::{Rgb, blue_to_red, ink_on, viridis};
use super::scale::Scale;
use super::{ReportError, expect_shape};
use crate::train::metrics::Confusion;

/// Up to this many classes the cells show their values.
const WITH_VALUES: usize = 20;
/// Room for a class name, in CSS pixels; longer ones are cut short.
const NAME: f64 = 170.0;
const TITLE_EM: f64 = 15.0;
const EM: f64 = 12.5;
/// Distance of the names from the cells.
const GAP: f64 = 7.0;
/// Outer margin.
const MARGIN: f64 = 14.0;
/// Steps of the colour bar.
const BAR_STEPS: usize = 128;
const BAR_WIDTH: f64 = 14.0;
/// Room for the colour bar with its gap and labels.
const BAR_ROOM: f64 = 82.0;

/// A C x C matrix of distances as PNG, coloured by viridis from 0 (or the least entry, if negative) to the largest.
///
/// Up to 20 classes the values stand in the cells. Where names are too many for their rows, every few are shown.
///
/// # Errors
/// [`ReportError::Shape`] for a matrix that is not C x C, [`ReportError::Draw`] where plotting or encoding fails.
pub fn heatmap_png(classes: &[String], matrix: &[f64], title: &str) -> Result<Vec<u8>, ReportError> {
    figure::png(&Heatmap::of_distances(classes, matrix, title)?)
}

/// Like [`heatmap_png`], as SVG.
///
/// # Errors
/// Those of [`heatmap_png`].
pub fn heatmap_svg(classes: &[String], matrix: &[f64], title: &str) -> Result<String, ReportError> {
    figure::svg(&Heatmap::of_distances(classes, matrix, title)?)
}

/// A confusion matrix as PNG: rows are the truth, columns the prediction; colour is the share of the row, and up to
/// 20 classes the counts stand in the cells.
///
/// # Errors
/// Those of [`heatmap_png`].
pub fn confusion_heatmap_png(classes: &[String], confusion: &Confusion, title: &str) -> Result<Vec<u8>, ReportError> {
    figure::png(&Heatmap::of_confusion(classes, confusion, title)?)
}

/// Like [`confusion_heatmap_png`], as SVG.
///
/// # Errors
/// Those of [`heatmap_png`].
pub fn confusion_heatmap_svg(classes: &[String], confusion: &Confusion, title: &str) -> Result<String, ReportError> {
    figure::svg(&Heatmap::of_confusion(classes, confusion, title)?)
}

/// The difference of two C x C matrices as PNG: blue where it is below zero, white at it, red above.
///
/// # Errors
/// Those of [`heatmap_png`].
pub fn difference_heatmap_png(classes: &[String], difference: &[f64], title: &str) -> Result<Vec<u8>, ReportError> {
    figure::png(&Heatmap::of_difference(classes, difference, title)?)
}

/// Like [`difference_heatmap_png`], as SVG.
///
/// # Errors
/// Those of [`heatmap_png`].
pub fn difference_heatmap_svg(classes: &[String], difference: &[f64], title: &str) -> Result<String, ReportError> {
    figure::svg(&Heatmap::of_difference(classes, difference, title)?)
}

/// A matrix with all that is needed to draw it.
struct Heatmap {
    colors: fn(f64) -> Rgb,
    title: String,
    classes: usize,
    values: Vec<f64>,
    /// What stands in the cells, or nothing.
    texts: Vec<String>,
    /// The values of the first and the last colour.
    range: Scale,
    /// What rows and columns are; distances need no saying.
    axes: Option<(&'static str, &'static str)>,
    layout: Layout,
}

/// Where things are, in CSS pixels.
struct Layout {
    left: f64,
    top: f64,
    cell: f64,
    width: f64,
    height: f64,
    names: Vec<String>,
    /// Height of the names' letters.
    em: f64,
    /// Every how many classes a name stands.
    stride: usize,
    /// Whether the names below the columns read upwards.
    upwards: bool,
}

impl Heatmap {
    fn of_distances(classes: &[String], matrix: &[f64], title: &str) -> Result<Self, ReportError> {
        expect_shape("the distance matrix", classes.len() * classes.len(), matrix.len())?;
        let finite = || matrix.iter().copied().filter(|value| value.is_finite());
        let low = finite().fold(0.0, f64::min);
        let high = finite().fold(low, f64::max);
        let high = if high > low { high } else { low + 1.0 };
        let texts = if classes.len() <= WITH_VALUES {
            matrix.iter().map(|&value| short_number(value, high)).collect()
        } else {
            Vec::new()
        };
        Self::new(classes, matrix.to_vec(), texts, Scale::new(low, high, 5), None, title)
    }

    fn of_difference(classes: &[String], difference: &[f64], title: &str) -> Result<Self, ReportError> {
        let most =
            difference.iter().filter(|value| value.is_finite()).fold(0.0, |most, value| f64::max(most, value.abs()));
        let most = if most > 0.0 { most } else { 1.0 };
        let heatmap = Self::of_distances(classes, difference, title)?;
        Ok(Self { range: Scale::new(-most, most, 5), colors: blue_to_red, ..heatmap })
    }

    fn of_confusion(classes: &[String], confusion: &Confusion, title: &str) -> Result<Self, ReportError> {
        expect_shape("the confusion matrix", classes.len() * classes.len(), confusion.counts().len())?;
        let rows = confusion.counts().chunks(classes.len().max(1));
        let shares = rows.flat_map(|row| {
            let total = row.iter().sum::<u64>().max(1) as f64;
            row.iter().map(move |&count| count as f64 / total)
        });
        let texts = if classes.len() <= WITH_VALUES {
            confusion.counts().iter().map(ToString::to_string).collect()
        } else {
            Vec::new()
        };
        Self::new(classes, shares.collect(), texts, Scale::new(0.0, 1.0, 5), Some(("truth", "prediction")), title)
    }

    fn new(
        classes: &[String],
        values: Vec<f64>,
        texts: Vec<String>,
        range: Scale,
        axes: Option<(&'static str, &'static str)>,
        title: &str,
    ) -> Result<Self, ReportError> {
        Ok(Self {
            colors: viridis,
            layout: Layout::new(classes, &texts, axes.is_some(), title)?,
            title: title.to_owned(),
            classes: classes.len(),
            values,
            texts,
            range,
            axes,
        })
    }

    fn color(&self, value: f64) -> Rgb {
        (self.colors)(self.range.share(value))
    }

    fn draw_cells<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        let Layout { left, top, cell, .. } = self.layout;
        if self.texts.is_empty() && self.classes > 0 {
            let colors: Vec<Rgb> = self.values.iter().map(|&value| self.color(value)).collect();
            return sheet.cells(left, top, cell, self.classes, &colors);
        }
        for (at, (&value, text)) in self.values.iter().zip(&self.texts).enumerate() {
            let (x, y) = self.layout.corner(at / self.classes, at % self.classes);
            let color = self.color(value);
            sheet.rect(x, y, cell, cell, color)?;
            let lettering = Lettering::new(EM, ink_on(color), Anchor::Middle);
            sheet.centred(x + cell / 2.0, y + cell / 2.0, text, lettering)?;
        }
        Ok(())
    }

    fn draw_names<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        let layout = &self.layout;
        let end = Lettering::new(layout.em, INK, Anchor::End);
        let below = layout.bottom() + GAP;
        for i in (0..self.classes).step_by(layout.stride) {
            let name = &layout.names[i];
            let middle = (i as f64 + 0.5) * layout.cell;
            sheet.centred(layout.left - GAP, layout.top + middle, name, end)?;
            let x = layout.left + middle;
            if layout.upwards {
                sheet.centred(x, below, name, end.upwards())?;
            } else {
                let lettering = Lettering::new(layout.em, INK, Anchor::Middle);
                sheet.text(x, below + 0.75 * layout.em, name, lettering)?;
            }
        }
        Ok(())
    }

    fn draw_axes<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        let Some((rows, columns)) = self.axes else {
            return Ok(());
        };
        let lettering = Lettering::new(EM, FAINT, Anchor::Middle);
        let half = self.layout.side() / 2.0;
        sheet.text(MARGIN + EM, self.layout.top + half, rows, lettering.upwards())?;
        sheet.text(self.layout.left + half, self.layout.height - MARGIN, columns, lettering)
    }

    fn draw_bar<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        let x = self.layout.left + self.layout.side() + 18.0;
        let (top, height) = (self.layout.top, self.layout.side());
        let step = height / BAR_STEPS as f64;
        for i in 0..BAR_STEPS {
            let color = (self.colors)(1.0 - (i as f64 + 0.5) / BAR_STEPS as f64);
            // Down to the end, so that no gap shows between the steps.
            let y = i as f64 * step;
            sheet.rect(x, top + y, BAR_WIDTH, height - y, color)?;
        }
        for value in self.range.ticks() {
            let y = top + height * (1.0 - self.range.share(value));
            let lettering = Lettering::new(EM, FAINT, Anchor::Start);
            sheet.centred(x + BAR_WIDTH + 6.0, y, &self.range.label(value), lettering)?;
        }
        Ok(())
    }
}

impl Figure for Heatmap {
    fn size(&self) -> (u32, u32) {
        (self.layout.width as u32, self.layout.height as u32)
    }

    fn title(&self) -> String {
        self.title.clone()
    }

    fn draw<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        let room = self.layout.width - 2.0 * MARGIN;
        let title = lettering::fitted(&self.title, TITLE_EM, room)?;
        sheet.text(MARGIN, MARGIN + TITLE_EM, &title, Lettering::new(TITLE_EM, INK, Anchor::Start))?;
        self.draw_cells(sheet)?;
        self.draw_names(sheet)?;
        self.draw_axes(sheet)?;
        self.draw_bar(sheet)
    }
}

impl Layout {
    fn new(classes: &[String], texts: &[String], axes: bool, title: &str) -> Result<Self, ReportError> {
        let count = classes.len().max(1) as f64;
        let widest_text = widest(texts, EM)?;
        let cell = if texts.is_empty() {
            // Half pixels, which are whole ones in PNG.
            (2.0 * (900.0 / count).clamp(0.5, 30.0)).floor() / 2.0
        } else {
            (560.0 / count).clamp(34.0, 76.0).max(widest_text + 8.0).round()
        };
        let em = cell.clamp(7.0, EM);
        let stride = (em / cell).ceil() as usize;
        let names: Vec<String> =
            classes.iter().map(|name| lettering::fitted(name, em, NAME)).collect::<Result<_, _>>()?;
        let longest = widest(&names, em)?;
        let upwards = longest > cell * stride as f64 - 6.0;
        let axis = if axes { 1.8 * EM } else { 0.0 };
        let left = MARGIN + axis + longest + GAP;
        let top = MARGIN + 2.1 * TITLE_EM;
        let below = GAP + if upwards { longest } else { em } + axis + MARGIN;
        let side = count * cell;
        let title_width = lettering::width(title, TITLE_EM)?.min(640.0) + 2.0 * MARGIN + 2.0;
        Ok(Self {
            left,
            top,
            cell,
            width: (left + side + BAR_ROOM).max(title_width).ceil(),
            height: (top + side + below).ceil(),
            names,
            em,
            stride,
            upwards,
        })
    }

    fn side(&self) -> f64 {
        self.names.len() as f64 * self.cell
    }

    fn bottom(&self) -> f64 {
        self.top + self.side()
    }

    fn corner(&self, row: usize, column: usize) -> (f64, f64) {
        (self.left + column as f64 * self.cell, self.top + row as f64 * self.cell)
    }
}

fn widest(texts: &[String], em: f64) -> Result<f64, ReportError> {
    texts.iter().try_fold(0.0, |widest, text| Ok(f64::max(widest, lettering::width(text, em)?)))
}

/// A number in about four characters, with as many decimals as the largest of its fellows leaves room for.
fn short_number(value: f64, largest: f64) -> String {
    match largest.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        size if size >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::tests::assert_well_formed;
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("class {i}")).collect()
    }

    fn line(count: usize) -> Vec<f64> {
        let distance = |at: usize| (at / count).abs_diff(at % count) as f64 / count as f64;
        (0..count * count).map(distance).collect()
    }

    /// The colour of a cell near its upper left corner, where no text is.
    fn cell_color(png: &[u8], layout: &Layout, row: usize, column: usize) -> [u8; 3] {
        let image = image::load_from_memory(png).unwrap().to_rgb8();
        let (x, y) = layout.corner(row, column);
        let inset = layout.cell / 8.0;
        image.get_pixel((2.0 * (x + inset)) as u32, (2.0 * (y + inset)) as u32).0
    }

    #[test]
    fn differences_are_white_at_zero() {
        let heatmap = Heatmap::of_difference(&names(2), &[0.0, -0.5, 0.25, 0.0], "less").unwrap();
        let colors = [0.0, -0.5, 0.5].map(|value| heatmap.color(value));
        assert_eq!(colors, [[0xFF; 3], [0x21, 0x66, 0xAC], [0xB2, 0x18, 0x2B]]);
        assert_well_formed(&difference_heatmap_svg(&names(2), &[0.0; 4], "none").unwrap());
        assert!(difference_heatmap_svg(&names(2), &[0.0; 3], "short").is_err());
    }

    #[test]
    fn cells_have_their_colour() {
        for count in [2, 5, 21] {
            let largest = count * count - 1;
            let matrix: Vec<f64> = (0..=largest).map(|at| at as f64).collect();
            let png = heatmap_png(&names(count), &matrix, "D").unwrap();
            let heatmap = Heatmap::of_distances(&names(count), &matrix, "D").unwrap();
            for (row, column) in [(0, 0), (0, count - 1), (count - 1, 0), (count / 2, count / 4)] {
                let share = (row * count + column) as f64 / largest as f64;
                let found = cell_color(&png, &heatmap.layout, row, column);
                assert_eq!(found, viridis(share), "{count} classes: {row}, {column}");
            }
        }
    }

    #[test]
    fn the_colour_bar_rises() {
        let heatmap = Heatmap::of_distances(&names(2), &[0.0, 1.0, 1.0, 0.0], "D").unwrap();
        let image = image::load_from_memory(&figure::png(&heatmap).unwrap()).unwrap().to_rgb8();
        let x = heatmap.layout.left + heatmap.layout.side() + 18.0 + BAR_WIDTH / 2.0;
        let at = |y: f64| image.get_pixel((2.0 * x) as u32, (2.0 * y) as u32).0;
        let near = |found: Rgb, share: f64| found.iter().zip(viridis(share)).all(|(a, b)| a.abs_diff(b) <= 6);
        assert!(near(at(heatmap.layout.top + 1.0), 1.0) && near(at(heatmap.layout.bottom() - 1.0), 0.0));
        let quarter = at(heatmap.layout.top + 0.25 * heatmap.layout.side());
        assert!(near(quarter, 0.75), "{quarter:?}");
    }

    #[test]
    fn many_cells_of_an_svg_are_pixels_of_an_image() {
        let matrix: Vec<f64> = (0..441).map(f64::from).collect();
        let svg = heatmap_svg(&names(21), &matrix, "D").unwrap();
        let (_, data) = svg.split_once("href=\"data:image/png;base64,").unwrap();
        let png = STANDARD.decode(data.split_once('"').unwrap().0).unwrap();
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (21, 21));
        assert_eq!(image.get_pixel(3, 20).0, viridis(423.0 / 440.0));
    }

    #[test]
    fn confusions_are_coloured_by_share_of_the_row() {
        let confusion = Confusion::from_counts(2, vec![30, 10, 0, 1]).unwrap();
        let png = confusion_heatmap_png(&names(2), &confusion, "xe").unwrap();
        let layout = Heatmap::of_confusion(&names(2), &confusion, "xe").unwrap().layout;
        let found = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j)| cell_color(&png, &layout, i, j));
        assert_eq!(found, [0.75, 0.25, 0.0, 1.0].map(viridis));
        let svg = confusion_heatmap_svg(&names(2), &confusion, "xe").unwrap();
        for text in ["30", "10", "truth", "prediction"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}");
        }
    }

    #[test]
    fn svg_shows_names_values_and_title() {
        let mut classes = names(4);
        classes[2] = "<b> & \"co\"".to_owned();
        let svg = heatmap_svg(&classes, &line(4), "learned by xemd2 <1>").unwrap();
        assert_well_formed(&svg);
        for text in ["learned by xemd2 &lt;1&gt;", "class 3", "&lt;b&gt; &amp; &quot;co&quot;", "0.75", "0.00"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}");
        }
        let cells = svg.matches(&format!("fill=\"{}\"", super::super::hex(viridis(1.0)))).count();
        assert_eq!(cells, 2, "the two farthest corners have the last colour");
    }

    #[test]
    fn awkward_matrices_can_be_drawn() {
        let long = vec!["a very long class name that goes on and on, and then some".to_owned(); 2];
        for (classes, matrix) in [
            (vec![], vec![]),
            (names(1), vec![0.0]),
            (long, vec![0.0, f64::NAN, -1.0, 1e9]),
            (names(3), vec![0.25; 9]),
            (names(21), vec![f64::INFINITY; 441]),
        ] {
            assert_well_formed(&heatmap_svg(&classes, &matrix, "t").unwrap());
            let (width, height) = Heatmap::of_distances(&classes, &matrix, "t").unwrap().size();
            assert!(width.max(height) < 1000, "{width} x {height}");
        }
        assert!(!heatmap_png(&names(1), &[0.0], "t").unwrap().is_empty());
        assert!(heatmap_png(&names(2), &[0.0; 3], "t").is_err());
        assert!(confusion_heatmap_svg(&names(2), &Confusion::new(3), "t").is_err());
    }

    #[test]
    fn numbers_are_short() {
        let found =
            [(0.5, 1.0), (0.003, 0.04), (12.0, 55.0), (3.0, 900.0), (2e-7, 1e-6)].map(|(v, l)| short_number(v, l));
        assert_eq!(found, ["0.50", "0.0030", "12.0", "3", "2.0e-7"]);
    }
}
