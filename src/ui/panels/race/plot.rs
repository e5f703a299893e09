//! A plot of one metric by epoch, a curve a loss.

use super::legend;
use crate::report::Chart;
use crate::ui::curves::Band;
use crate::ui::metric::Metric;
use crate::ui::terms;
use eframe::egui::{Color32, Id, Role, Ui, Vec2, Vec2b, WidgetInfo};
use egui_plot::{
    FilledArea, GridInput, GridMark, HLine, HoverPosition, Line, LineStyle, Plot, PlotPoint, PlotUi, Points, VLine,
};

/// Least height of a plot, in points.
const LEAST: f32 = 90.0;
/// Most epochs whose points are drawn one by one.
const MOST_DOTS: usize = 60;
/// Least distance of marks at epochs, and the one at which a mark has its number, in smallest steps of a grid.
const NARROW: f64 = 4.0;
const LABELLED: f64 = 12.0;
/// Share of its colour that a band has, and what comes after the epoch that is replayed.
const FAINT: f32 = 0.25;
/// Share of the text's colour that the grid has.
const GRID: f32 = 0.3;
/// Room around the curves, as a share of the axes.
const MARGIN: f32 = 0.05;

/// A loss's curve.
pub struct Curve {
    /// The loss.
    pub name: String,
    /// Its colour.
    pub color: Color32,
    /// What is shown: the run itself, or mean and spread over seeds.
    pub band: Band,
    /// The same before smoothing, where it is smoothed.
    pub raw: Vec<[f64; 2]>,
    /// The paper's level.
    pub paper: Option<f64>,
}

/// All that a plot shows.
pub struct Plotted {
    /// What is plotted.
    pub metric: Metric,
    /// A curve a loss.
    pub curves: Vec<Curve>,
    /// Whether its axis is logarithmic.
    pub logarithmic: bool,
    /// The epoch that is replayed.
    pub replayed: Option<usize>,
    /// The last epoch on the axis.
    pub last: usize,
}

/// The last epoch on the axis: room for as many again as are done, for eight at least, and for no more than there will be.
pub fn last_epoch(done: usize, epochs: usize) -> usize {
    done.next_power_of_two().max(8).min(epochs.max(done)).max(2)
}

impl Plotted {
    /// The same as a figure of a report: the metric by epoch, smoothed and averaged as it is shown.
    pub fn chart(&self) -> Chart {
        let line = |curve: &Curve| (curve.name.clone(), curve.band.mean.clone());
        let title = self.metric.title().to_owned();
        Chart { title, percent: self.metric.is_percent(), lines: self.curves.iter().map(line).collect() }
    }

    /// Draws it with its heading, so high in all; the epoch that was clicked.
    pub fn show(self, ui: &mut Ui, height: f32) -> Option<f64> {
        let top = ui.cursor().top();
        self.heading(ui);
        let height = (height - (ui.cursor().top() - top) - ui.spacing().item_spacing.y).max(LEAST);
        let (metric, logarithmic, label) = (self.metric, self.logarithmic, self.words());
        let [low, high] = self.span();
        let grid = ui.visuals().text_color().gamma_multiply(GRID);
        let axes = Id::unique("race axes");
        let plot = Plot::new(metric.term())
            .height(height)
            .link_axis(axes, Vec2b::new(true, false))
            .link_cursor(axes, Vec2b::new(true, false))
            .include_x(1.0)
            .include_x(self.last as f64)
            .include_y(low)
            .include_y(high)
            .set_margin_fraction(Vec2::new(MARGIN, 0.0))
            .grid_color(grid)
            .x_axis_label("epoch")
            .x_grid_spacer(epoch_marks)
            .y_axis_min_width(34.0)
            .label_formatter(move |at| hover(at, metric, logarithmic));
        let plot = if logarithmic { with_decades(plot) } else { plot };
        let shown = plot.show(ui, |plot| {
            self.draw(plot);
            plot.response().clicked().then(|| plot.pointer_coordinate()).flatten()
        });
        shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
        shown.inner.map(|place| place.x)
    }

    /// The metric's name, and the values of the epoch that is shown.
    fn heading(&self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.strong(self.metric.title()).on_hover_text(terms::of(self.metric.term()));
            for curve in &self.curves {
                let Some((at, value)) = self.shown(curve) else { continue };
                let deviation = curve.band.deviation[at];
                let mut text = self.metric.text(value);
                if deviation > 0.0 {
                    text += &format!(" ± {}", self.metric.text(deviation));
                }
                let mut hint = format!("{} in epoch {}", curve.name, curve.band.mean[at][0]);
                if let Some(level) = curve.paper {
                    hint += &format!("; in the paper: {}", self.metric.text(level));
                }
                legend::value(ui, curve.color, &text).on_hover_text(hint);
            }
        });
    }

    /// Place and value of the epoch that is shown.
    fn shown(&self, curve: &Curve) -> Option<(usize, f64)> {
        let until = self.replayed.map_or(f64::INFINITY, |epoch| epoch as f64);
        let at = curve.band.mean.iter().rposition(|point| point[0] <= until)?;
        Some((at, curve.band.mean[at][1]))
    }

    /// What it shows, for those who cannot see it.
    fn words(&self) -> String {
        let value = |curve: &Curve| Some(format!("{} {}", curve.name, self.metric.text(self.shown(curve)?.1)));
        let values: Vec<String> = self.curves.iter().filter_map(value).collect();
        format!("{} by epoch: {}", self.metric.title(), values.join(", "))
    }

    fn draw<'a>(&self, plot: &mut PlotUi<'a>) {
        for curve in &self.curves {
            self.draw_band(plot, curve);
        }
        if let Some(epoch) = self.replayed {
            let color = plot.ctx().global_style().visuals.strong_text_color();
            plot.vline(VLine::new("", epoch as f64).color(color).width(1.0).allow_hover(false));
        }
        for curve in &self.curves {
            self.draw_curve(plot, curve);
        }
    }

    /// What is behind the curves: the band up to the epoch that is shown, what was smoothed, the paper's level.
    fn draw_band(&self, plot: &mut PlotUi<'_>, curve: &Curve) {
        let faint = curve.color.gamma_multiply(FAINT);
        let until = self.shown(curve).map_or(0, |(at, _)| at + 1);
        let (mean, deviation) = (&curve.band.mean[..until], &curve.band.deviation[..until]);
        if deviation.iter().any(|&deviation| deviation > 0.0) {
            let end = |sign: f64| -> Option<Vec<f64>> {
                mean.iter().zip(deviation).map(|(point, deviation)| self.height(point[1] + sign * deviation)).collect()
            };
            let epochs: Vec<f64> = mean.iter().map(|point| point[0]).collect();
            if let (Some(low), Some(high)) = (end(-1.0), end(1.0)) {
                plot.add(FilledArea::new("", &epochs, &low, &high).fill_color(faint).allow_hover(false));
            }
        }
        if !curve.raw.is_empty() {
            plot.line(Line::new("", self.placed(&curve.raw)).color(faint).width(1.5).allow_hover(false));
        }
        if let Some(level) = curve.paper.and_then(|level| self.height(level)) {
            let color = curve.color.gamma_multiply(0.8);
            let line = HLine::new("", level).color(color).width(1.5).style(LineStyle::dashed_loose());
            plot.hline(line.allow_hover(false));
        }
    }

    /// The curve up to the epoch that is shown; what comes after it is faint.
    fn draw_curve(&self, plot: &mut PlotUi<'_>, curve: &Curve) {
        let Some((at, _)) = self.shown(curve) else { return };
        let mean = &curve.band.mean;
        let line =
            |points: &[[f64; 2]], color: Color32| Line::new("", self.placed(points)).color(color).allow_hover(false);
        if at + 1 < mean.len() {
            plot.line(line(&mean[at..], curve.color.gamma_multiply(FAINT)).width(2.0));
        }
        if at > 0 {
            plot.line(line(&mean[..=at], curve.color).width(2.5));
        }
        let dots = if mean.len() <= MOST_DOTS { &mean[..at] } else { &[] };
        plot.points(Points::new(curve.name.clone(), self.placed(dots)).color(curve.color).radius(2.5));
        plot.points(Points::new(curve.name.clone(), self.placed(&mean[at..=at])).color(curve.color).radius(4.5));
    }

    /// Ends of the axis: around all that is drawn, with room; percent end at 0 and 100.
    fn span(&self) -> [f64; 2] {
        let mut heights = Vec::new();
        for Curve { band, raw, paper, .. } in &self.curves {
            let ends = band.mean.iter().zip(&band.deviation).flat_map(|(point, by)| [point[1] - by, point[1] + by]);
            heights.extend(
                ends.chain(raw.iter().map(|point| point[1])).chain(*paper).filter_map(|value| self.height(value)),
            );
        }
        let (low, high) = heights
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &height| (low.min(height), high.max(height)));
        if low > high {
            return [0.0, 1.0];
        }
        // A single value is in the middle of an axis that is not endlessly fine.
        let least = if self.metric.is_percent() && !self.logarithmic { 4.0 } else { 0.05 * high.abs() };
        let size = (high - low).max(least).max(1e-3);
        let room = (size - (high - low)) / 2.0 + f64::from(MARGIN) * size;
        let (low, high) = (low - room, high + room);
        if self.metric.is_percent() && !self.logarithmic {
            return [low.max(-0.02 * size), high.min(100.0 + 0.02 * size)];
        }
        [low, high]
    }

    /// Points as they are placed in the plot.
    fn placed(&self, points: &[[f64; 2]]) -> Vec<[f64; 2]> {
        points.iter().filter_map(|&[epoch, value]| Some([epoch, self.height(value)?])).collect()
    }

    /// A value's height in the plot; none where a logarithmic axis has no place for it.
    fn height(&self, value: f64) -> Option<f64> {
        match self.logarithmic {
            true => (value > 0.0).then(|| value.log10()),
            false => Some(value),
        }
    }
}

/// What stands at the pointer: the nearest point's loss, epoch and value.
fn hover(at: &HoverPosition<'_>, metric: Metric, logarithmic: bool) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position: PlotPoint { x, y }, .. } = at else { return None };
    let value = if logarithmic { 10f64.powf(*y) } else { *y };
    Some(format!("{plot_name}, epoch {x:.0}: {}", metric.text(value)))
}

/// Marks at whole epochs.
fn epoch_marks(input: GridInput) -> Vec<GridMark> {
    let mut step: f64 = 1.0;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
        if step >= NARROW * input.base_step_size {
            break;
        }
        // 1, 2, 5, 10, 20 and so on.
        step = (step * factor).round();
    }
    let (low, high) = ((input.bounds.0 / step).ceil() as i64, (input.bounds.1 / step).floor() as i64);
    let mark = |at: i64| GridMark { value: at as f64 * step, step_size: step.max(LABELLED * input.base_step_size) };
    (low..=high).map(mark).collect()
}

/// A logarithmic axis: heights are powers of ten.
fn with_decades(plot: Plot<'_>) -> Plot<'_> {
    plot.y_grid_spacer(decade_marks).y_axis_formatter(|mark, _| {
        let value = 10f64.powf(mark.value);
        let decimals = (1.0 - mark.value.floor()).clamp(0.0, 6.0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    })
}

/// Marks at 1 to 9 times each power of ten; within less than a decade, at round values.
fn decade_marks(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    if high - low > 20.0 {
        return Vec::new();
    }
    let mut marks = Vec::new();
    if high - low < 0.8 {
        let (least, most) = (10f64.powf(low), 10f64.powf(high));
        let step = round_step((most - least) / 5.0);
        let range = (least / step).ceil() as i64..=(most / step).floor() as i64;
        marks.extend(range.map(|at| GridMark { value: (at as f64 * step).log10(), step_size: (high - low) / 5.0 }));
        return marks;
    }
    for decade in low.floor() as i32..=high.floor() as i32 {
        for digit in 1..10 {
            let step_size = if digit == 1 { 1.0 } else { 0.3 / f64::from(digit) };
            marks.push(GridMark { value: f64::from(decade) + f64::from(digit).log10(), step_size });
        }
    }
    marks.retain(|mark| (low..=high).contains(&mark.value));
    marks
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= step);
    digit.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests;
