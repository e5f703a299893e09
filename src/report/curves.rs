//! Values by epoch, a line a loss: plots side by side under one legend; of a run its AEM and AEO (figure 2 of the paper).

use plotters::backend::DrawingBackend;
use serde::{Deserialize, Serialize};

use super::figure::{self, FAINT, Figure, GRID, INK, PAPER, Sheet};
use super::lettering::{self, Anchor, Lettering};
use super::palette::{Rgb, colors_of};
use super::scale::Scale;
use super::{EpochRow, ReportError, losses_of};

const WIDTH: f64 = 1000.0;
/// Height of the plotting areas.
const PLOT: f64 = 300.0;
/// Room left of a plotting area for its scale.
const LEFT: f64 = 44.0;
/// Room right of it for the last values.
const RIGHT: f64 = 52.0;
/// Room below it for the epochs.
const BELOW: f64 = 48.0;
/// Height of a line of the legend.
const LEGEND_LINE: f64 = 22.0;
const EM: f64 = 12.5;

/// A plot of values by epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// What the values are.
    pub title: String,
    /// Whether they are shares in percent.
    pub percent: bool,
    /// A line a loss: its name, and its epochs with their values.
    pub lines: Vec<(String, Vec<[f64; 2]>)>,
}

/// The curves as PNG, 2000 pixels wide.
///
/// # Errors
/// [`ReportError::Draw`] where plotting or encoding fails.
pub fn curves_png(rows: &[EpochRow]) -> Result<Vec<u8>, ReportError> {
    charts_png(&of_accuracies(rows))
}

/// The curves as SVG, 1000 CSS pixels wide.
///
/// # Errors
/// [`ReportError::Draw`] where plotting fails.
pub fn curves_svg(rows: &[EpochRow]) -> Result<String, ReportError> {
    charts_svg(&of_accuracies(rows))
}

/// Plots side by side as PNG, 2000 pixels wide.
///
/// # Errors
/// [`ReportError::Draw`] where plotting or encoding fails.
pub fn charts_png(charts: &[Chart]) -> Result<Vec<u8>, ReportError> {
    figure::png(&Curves::new(charts)?)
}

/// Plots side by side as SVG, 1000 CSS pixels wide.
///
/// # Errors
/// [`ReportError::Draw`] where plotting fails.
pub fn charts_svg(charts: &[Chart]) -> Result<String, ReportError> {
    figure::svg(&Curves::new(charts)?)
}

/// Picks what a plot shows from a row.
type Value = fn(&EpochRow) -> f64;

/// AEM and AEO.
fn of_accuracies(rows: &[EpochRow]) -> [Chart; 2] {
    let losses = losses_of(rows);
    let panels: [(&str, Value); 2] =
        [("AEM: exact match, %", |row| row.aem), ("AEO: at most one class off, %", |row| row.aeo)];
    panels.map(|(title, value)| {
        let points = |loss: &String| {
            let own = rows.iter().filter(|row| row.loss == *loss);
            own.map(|row| [row.epoch as f64, value(row)]).collect()
        };
        let lines = losses.iter().map(|loss| (loss.clone(), points(loss))).collect();
        Chart { title: title.to_owned(), percent: true, lines }
    })
}

struct Curves<'a> {
    charts: &'a [Chart],
    losses: Vec<&'a str>,
    /// The colour of each.
    colors: Vec<Rgb>,
    /// Upper left of each loss's entry in the legend, in CSS pixels.
    legend: Vec<(f64, f64)>,
    /// Upper edge of the panels.
    top: f64,
}

impl<'a> Curves<'a> {
    fn new(charts: &'a [Chart]) -> Result<Self, ReportError> {
        let mut losses: Vec<&str> = Vec::new();
        for (loss, _) in charts.iter().flat_map(|chart| &chart.lines) {
            if !losses.contains(&loss.as_str()) {
                losses.push(loss);
            }
        }
        let mut legend = Vec::new();
        let (mut x, mut y) = (LEFT, 12.0);
        for loss in &losses {
            let width = 54.0 + lettering::width(loss, EM)?;
            if x > LEFT && x + width > WIDTH {
                (x, y) = (LEFT, y + LEGEND_LINE);
            }
            legend.push((x, y));
            x += width;
        }
        let top = y + LEGEND_LINE + 10.0;
        Ok(Self { charts, colors: colors_of(&losses), losses, legend, top })
    }

    fn draw_legend<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        for ((loss, color), &(x, y)) in self.losses.iter().zip(&self.colors).zip(&self.legend) {
            let middle = y + LEGEND_LINE / 2.0;
            sheet.line(&[(x, middle), (x + 24.0, middle)], 2.5, *color)?;
            let text = lettering::fitted(loss, EM, WIDTH - LEFT - 60.0)?;
            sheet.centred(x + 30.0, middle, &text, Lettering::new(EM, INK, Anchor::Start))?;
        }
        Ok(())
    }

    fn color(&self, loss: &str) -> Rgb {
        let place = self.losses.iter().position(|other| *other == loss);
        place.map_or(INK, |place| self.colors[place])
    }
}

impl Figure for Curves<'_> {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (self.top + 30.0 + PLOT + BELOW) as u32)
    }

    fn title(&self) -> String {
        let titles: Vec<&str> = self.charts.iter().map(|chart| chart.title.as_str()).collect();
        format!("{}, by epoch, for each loss", titles.join(" and "))
    }

    fn draw<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        self.draw_legend(sheet)?;
        let room = WIDTH / self.charts.len().max(1) as f64;
        for (i, chart) in self.charts.iter().enumerate() {
            let series = chart.lines.iter().map(|(loss, points)| Series::new(points, self.color(loss))).collect();
            Panel::new((LEFT + i as f64 * room, self.top + 30.0), room, chart, series).draw(sheet)?;
        }
        Ok(())
    }
}

/// One loss's finite values by epoch.
struct Series {
    color: Rgb,
    points: Vec<(f64, f64)>,
}

impl Series {
    fn new(points: &[[f64; 2]], color: Rgb) -> Self {
        let mut points: Vec<(f64, f64)> = points.iter().map(|&[x, y]| (x, y)).filter(|(_, y)| y.is_finite()).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { color, points }
    }
}

/// One of the plots.
struct Panel<'a> {
    chart: &'a Chart,
    left: f64,
    top: f64,
    width: f64,
    epochs: Scale,
    values: Scale,
    series: Vec<Series>,
}

impl<'a> Panel<'a> {
    fn new((left, top): (f64, f64), room: f64, chart: &'a Chart, series: Vec<Series>) -> Self {
        let points = || series.iter().flat_map(|series| &series.points);
        let values = points().map(|point| point.1);
        Self {
            chart,
            left,
            top,
            width: room - LEFT - RIGHT,
            epochs: Scale::of_epochs(points().map(|point| point.0)),
            values: if chart.percent { Scale::of_percent(values) } else { Scale::of_values(values) },
            series,
        }
    }

    fn x(&self, epoch: f64) -> f64 {
        self.left + self.width * self.epochs.share(epoch)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PLOT * (1.0 - self.values.share(value))
    }

    fn draw<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        sheet.text(self.left, self.top - 14.0, &self.chart.title, Lettering::new(14.5, INK, Anchor::Start))?;
        self.draw_grid(sheet)?;
        for series in &self.series {
            self.draw_series(sheet, series)?;
        }
        self.draw_last_values(sheet)
    }

    fn draw_grid<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        let (right, bottom) = (self.left + self.width, self.top + PLOT);
        for value in self.values.ticks() {
            let y = self.y(value);
            sheet.line(&[(self.left, y), (right, y)], 1.0, GRID)?;
            let label = self.values.label(value);
            sheet.centred(self.left - 8.0, y, &label, Lettering::new(EM, FAINT, Anchor::End))?;
        }
        for epoch in self.epochs.ticks() {
            let x = self.x(epoch);
            sheet.line(&[(x, self.top), (x, bottom)], 1.0, GRID)?;
            let label = format!("{epoch:.0}");
            sheet.text(x, bottom + 18.0, &label, Lettering::new(EM, FAINT, Anchor::Middle))?;
        }
        let middle = self.left + self.width / 2.0;
        sheet.text(middle, bottom + 37.0, "epoch", Lettering::new(EM, FAINT, Anchor::Middle))
    }

    fn draw_series<B: DrawingBackend>(&self, sheet: &mut Sheet<B>, series: &Series) -> Result<(), ReportError> {
        let points: Vec<(f64, f64)> = series.points.iter().map(|&(x, y)| (self.x(x), self.y(y))).collect();
        if points.len() > 1 {
            sheet.line(&points, 2.0, series.color)?;
        }
        if let Some(&(x, y)) = points.last() {
            sheet.dot(x, y, 5.0, PAPER)?;
            sheet.dot(x, y, 3.75, series.color)?;
        }
        Ok(())
    }

    /// The value of each loss's last epoch, right of the plot, moved apart where they would overlap.
    fn draw_last_values<B: DrawingBackend>(&self, sheet: &mut Sheet<B>) -> Result<(), ReportError> {
        let mut last: Vec<(Rgb, f64)> =
            self.series.iter().filter_map(|series| Some((series.color, series.points.last()?.1))).collect();
        last.sort_by(|a, b| b.1.total_cmp(&a.1));
        let wanted: Vec<f64> = last.iter().map(|&(_, value)| self.y(value)).collect();
        let places = spread(&wanted, EM + 2.0, self.top + PLOT);
        for ((color, value), y) in last.into_iter().zip(places) {
            let lettering = Lettering::new(EM, color, Anchor::Start);
            let text = if self.chart.percent { format!("{value:.1}") } else { format!("{value:.3}") };
            sheet.centred(self.left + self.width + 10.0, y, &text, lettering)?;
        }
        Ok(())
    }
}

/// Moves ascending places apart to a least distance: downwards first, then up from the bottom.
fn spread(wanted: &[f64], least: f64, bottom: f64) -> Vec<f64> {
    let mut places = wanted.to_vec();
    for i in 1..places.len() {
        places[i] = places[i].max(places[i - 1] + least);
    }
    let mut limit = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - least;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: usize, loss: &str, aem: f64) -> EpochRow {
        EpochRow {
            epoch,
            loss: loss.to_owned(),
            train_loss: 1.0,
            aem,
            aeo: (aem + 30.0).min(100.0),
            mae: 0.5,
            spearman: None,
            lambda: None,
            sdd: None,
            seconds: 1.0,
            train_aem: 0.0,
            ..EpochRow::default()
        }
    }

    fn run(losses: &[&str], epochs: usize) -> Vec<EpochRow> {
        let mut rows = Vec::new();
        for epoch in 1..=epochs {
            for (i, loss) in losses.iter().enumerate() {
                rows.push(row(epoch, loss, 30.0 + 5.0 * i as f64 + 20.0 * (1.0 - (-(epoch as f64) / 8.0).exp())));
            }
        }
        rows
    }

    #[test]
    fn svg_names_every_loss_in_its_colour() {
        let losses = ["xe", "reg", "emd", "xemd1", "xemd2", "a<b & \"c\""];
        let svg = curves_svg(&run(&losses, 12)).unwrap();
        super::super::tests::assert_well_formed(&svg);
        for (loss, color) in losses.into_iter().zip(colors_of(&losses)) {
            assert!(
                svg.contains(&format!(">\n{}\n</text>", super::super::escape(loss).replace("&#39;", "&apos;"))),
                "{loss}"
            );
            let lines =
                svg.matches(&format!("<polyline fill=\"none\" stroke=\"{}\"", super::super::hex(color))).count();
            assert_eq!(lines, 3, "two panels and the legend show {loss}");
        }
    }

    #[test]
    fn lines_run_where_their_values_are() {
        let rows = [row(1, "emd", 40.0), row(2, "emd", 40.0), row(3, "emd", 60.0)];
        // The scale runs from 35 (at y = 374) to 65 (at y = 74), the epochs from x = 44 to x = 448, in quarters.
        let svg = curves_svg(&rows).unwrap();
        assert!(svg.contains("points=\"176,1296 984,1296 1792,496 \""), "{svg}");
        let image = image::load_from_memory(&curves_png(&rows).unwrap()).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (2000, 844));
        assert_eq!(image.get_pixel(2 * 145, 2 * 324).0, super::super::loss_color("emd"));
        assert_eq!(image.get_pixel(2 * 347, 2 * 224).0, super::super::loss_color("emd"));
        let white = image.pixels().filter(|pixel| pixel.0 == PAPER).count();
        assert!(white * 10 > image.pixels().len() * 8, "the background is white");
    }

    #[test]
    fn a_plot_alone_has_the_whole_width_and_its_own_scale() {
        let line = |loss: &str, values: [f64; 3]| {
            (loss.to_owned(), values.iter().zip(1..).map(|(&value, epoch)| [f64::from(epoch), value]).collect())
        };
        let lines = vec![line("emd", [0.2, 0.2, 0.4]), line("xe", [0.3, f64::NAN, 0.3])];
        let chart = Chart { title: "ECE".to_owned(), percent: false, lines };
        let svg = charts_svg(std::slice::from_ref(&chart)).unwrap();
        super::super::tests::assert_well_formed(&svg);
        // The scale runs from 0.15 (at y = 374) to 0.45 (at y = 74), the epochs from x = 44 to x = 948, in quarters.
        assert!(svg.contains("points=\"176,1296 1984,1296 3792,496 \""), "{svg}");
        assert!(svg.contains("points=\"176,896 3792,896 \""), "{svg}");
        assert!(svg.contains("\n0.400\n") && svg.contains("\nECE\n"), "{svg}");
        assert!(!charts_png(&[chart]).unwrap().is_empty() && charts_svg(&[]).is_ok());
    }

    #[test]
    fn few_rows_and_bad_values_can_be_drawn() {
        let mut bad = run(&["xe"], 3);
        bad[1].aem = f64::NAN;
        bad[2].aeo = f64::INFINITY;
        for rows in [vec![], run(&["xe"], 1), bad, run(&["xe", "emd"], 500)] {
            super::super::tests::assert_well_formed(&curves_svg(&rows).unwrap());
        }
        assert!(!curves_png(&[]).unwrap().is_empty());
    }

    #[test]
    fn labels_move_apart() {
        assert_eq!(spread(&[10.0, 11.0, 50.0], 5.0, 100.0), [10.0, 15.0, 50.0]);
        assert_eq!(spread(&[97.0, 98.0, 99.0], 5.0, 100.0), [90.0, 95.0, 100.0]);
        assert!(spread(&[], 5.0, 100.0).is_empty());
    }
}
