//! The race: metrics of all racers by epoch.

mod legend;
mod plot;

use crate::report::{ALXS, EpochRow, Printed, RES, losses_of};
use crate::ui::curves;
use crate::ui::desk::Desk;
use crate::ui::metric::Metric;
use crate::ui::{terms, theme};
use crate::worker::message::Exported;
use eframe::egui::{Checkbox, ComboBox, ScrollArea, Slider, Ui, Vec2};
use plot::{Curve, Plotted};

/// Height of a menu that shows all of its lines.
const MENU: f32 = 600.0;
/// Width from which two plots stand side by side, as a multiple of the height.
const WIDE: f32 = 1.4;
/// Least width for two plots side by side, in points.
const WIDTH: f32 = 640.0;
/// Height that is left free, so that rounding brings no scroll bar.
const SPARE: f32 = 2.0;

/// Which of the paper's levels are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Paper {
    #[default]
    None,
    Alxs,
    Res,
}

impl Paper {
    const ALL: [Self; 3] = [Self::None, Self::Alxs, Self::Res];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Alxs => "small network (ALXs)",
            Self::Res => "residual network (RES)",
        }
    }

    fn printed(self) -> &'static [Printed] {
        match self {
            Self::None => &[],
            Self::Alxs => &ALXS,
            Self::Res => &RES,
        }
    }

    /// What the paper prints of a loss in this metric.
    fn level(self, loss: &str, metric: Metric) -> Option<f64> {
        let &(_, aem, aeo) = self.printed().iter().find(|(name, ..)| *name == loss)?;
        match metric {
            Metric::Aem => Some(aem),
            Metric::Aeo => Some(aeo),
            _ => None,
        }
    }
}

/// The panel's own state.
#[derive(Default)]
pub struct Race {
    /// The metric that is shown alone; AEM and AEO where there is none.
    alone: Option<Metric>,
    logarithmic: bool,
    /// Share that smoothing keeps of what came before.
    smoothing: f64,
    /// Whether runs that differ in their seed are shown as mean and band.
    over_seeds: bool,
    paper: Paper,
}

impl Race {
    /// Draws it, as high as there is room; it scrolls where that is too little.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let height = ui.available_height() - SPARE;
        ScrollArea::vertical().id_salt("race").show(ui, |ui| self.content(ui, desk, height));
    }

    fn content(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, height: f32) {
        let top = ui.cursor().top();
        let runs = curves::sisters(desk.known);
        let losses = losses_of(&desk.known.rows);
        let wanted = self.choose(ui, runs.len(), desk);
        legend::show(ui, &losses, desk);
        if desk.known.rows.is_empty() {
            ui.label("The first points appear when the first epoch is over.");
            return;
        }
        let shown: Vec<&String> = losses.iter().filter(|loss| !desk.choice.hidden.contains(*loss)).collect();
        let metrics = self.alone.map_or_else(|| vec![Metric::Aem, Metric::Aeo], |metric| vec![metric]);
        let plots: Vec<Plotted> = metrics.iter().map(|&metric| self.plotted(metric, &runs, &shown, desk)).collect();
        if let Some(name) = wanted {
            desk.export(name, Exported::Charts(plots.iter().map(Plotted::chart).collect()));
        }
        let room = Vec2::new(ui.available_width(), height - (ui.cursor().top() - top));
        let clicked = draw(ui, plots, room);
        if let Some(epoch) = clicked.and_then(|epoch| nearest(desk, epoch)) {
            desk.show_epoch(epoch);
        }
    }

    /// The choices above the plots; the name of a file to which these shall be written.
    fn choose(&mut self, ui: &mut Ui, runs: usize, desk: &mut Desk<'_>) -> Option<&'static str> {
        let wanted = ui.horizontal_wrapped(|ui| {
            let name = |metric: Option<Metric>| metric.map_or("AEM and AEO", Metric::title);
            let label = ui.label("curves").on_hover_text("What the curves show, by epoch.");
            let combo = ComboBox::from_id_salt("curves").width(150.0).height(MENU).selected_text(name(self.alone));
            let chosen = combo.show_ui(ui, |ui| {
                ui.selectable_value(&mut self.alone, None, name(None));
                for metric in Metric::ALL {
                    let hint = terms::of(metric.term());
                    ui.selectable_value(&mut self.alone, Some(metric), metric.title()).on_hover_text(hint);
                }
            });
            chosen.response.labelled_by(label.id);
            ui.checkbox(&mut self.logarithmic, "log").on_hover_text(
                "Logarithmic axis: equal factors are equally far apart. Values of 0 and less have no place on it.",
            );
            ui.add_enabled(runs > 1, Checkbox::new(&mut self.over_seeds, "seeds"))
                .on_hover_text(terms::of("band over seeds"))
                .on_disabled_hover_text("Restart the run with another seed: mean and band of both appear here.");
            let menu = ui.menu_button("Export", |ui| export(ui, desk));
            menu.response.on_hover_text("Write the curves to a file.");
            menu.inner.flatten()
        });
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("smoothing").on_hover_text(terms::of("smoothing"));
            ui.spacing_mut().slider_width = 70.0;
            ui.add(Slider::new(&mut self.smoothing, 0.0..=0.95).fixed_decimals(2)).labelled_by(label.id);
            let combo = ComboBox::from_id_salt("paper").selected_text(self.paper.name());
            let label = ui.label("paper's levels").on_hover_text(terms::of("paper's levels"));
            let chosen = combo.show_ui(ui, |ui| {
                for paper in Paper::ALL {
                    ui.selectable_value(&mut self.paper, paper, paper.name());
                }
            });
            chosen.response.labelled_by(label.id);
        });
        wanted.inner
    }

    /// All that a plot of one metric shows.
    fn plotted(&self, metric: Metric, runs: &[&[EpochRow]], shown: &[&String], desk: &Desk<'_>) -> Plotted {
        let over_seeds = self.over_seeds && runs.len() > 1;
        let curve = |loss: &&String| {
            let of_run = |rows: &&[EpochRow]| curves::points(rows, loss, metric);
            let raw: Vec<curves::Points> = runs[..if over_seeds { runs.len() } else { 1 }].iter().map(of_run).collect();
            let smooth = |points: &curves::Points| curves::smoothed(points, self.smoothing);
            let smooth: Vec<curves::Points> = raw.iter().map(smooth).collect();
            Curve {
                name: (*loss).clone(),
                color: theme::of_loss(loss),
                band: curves::over_runs(&smooth),
                raw: if over_seeds || self.smoothing == 0.0 { Vec::new() } else { raw.into_iter().flatten().collect() },
                paper: self.paper.level(loss, metric),
            }
        };
        let epochs = desk.known.scene.as_ref().map_or(1, |scene| scene.settings.epochs);
        Plotted {
            metric,
            curves: shown.iter().map(curve).collect(),
            logarithmic: self.logarithmic,
            replayed: desk.choice.epoch.and_then(|_| desk.epoch()),
            last: plot::last_epoch(desk.known.epoch, epochs),
        }
    }
}

/// Draws the plots side by side or one above the other; the epoch that was clicked.
fn draw(ui: &mut Ui, plots: Vec<Plotted>, room: Vec2) -> Option<f64> {
    if plots.len() > 1 && room.x > (WIDE * room.y).max(WIDTH) {
        let shown =
            |columns: &mut [Ui]| columns.iter_mut().zip(plots).map(|(ui, plot)| plot.show(ui, room.y)).collect();
        let clicks: Vec<Option<f64>> = ui.columns(2, shown);
        return clicks.into_iter().flatten().next();
    }
    let height = room.y / plots.len() as f32;
    let clicks: Vec<Option<f64>> = plots.into_iter().map(|plot| plot.show(ui, height)).collect();
    clicks.into_iter().flatten().next()
}

/// The epoch with results that is nearest.
fn nearest(desk: &Desk<'_>, epoch: f64) -> Option<usize> {
    let distance = |known: &usize| (*known as f64 - epoch).abs();
    desk.known.epochs.keys().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// The formats of the curves; those of racers that the legend has put out are left out. The name of a file for what is shown.
fn export(ui: &mut Ui, desk: &mut Desk<'_>) -> Option<&'static str> {
    let choices = [
        ("Curves as PNG", "curves.png", "A picture of these curves, smoothed as they are."),
        ("Curves as SVG", "curves.svg", "A drawing of these curves, smoothed as they are, which can be enlarged."),
        ("All columns as CSV", "metrics.csv", "A line an epoch and loss, not smoothed."),
    ];
    let clicked = choices.into_iter().find(|(name, _, hint)| ui.button(*name).on_hover_text(*hint).clicked());
    let (_, file, _) = clicked?;
    ui.close();
    if file.ends_with(".csv") {
        let shown = |row: &&EpochRow| !desk.choice.hidden.contains(&row.loss);
        let rows = desk.known.rows.iter().filter(shown).cloned().collect();
        desk.export(file, Exported::Curves(rows));
        return None;
    }
    Some(file)
}
