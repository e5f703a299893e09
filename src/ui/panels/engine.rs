//! What computes, whether it computes rightly, how fast, in how much memory, and where the files are.
//!
//! The check against the reference begins when asked for, and of itself where this is looked at while the run rests or is over.

use crate::check::Row;
use crate::data;
use crate::plan::Adapter;
use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use crate::ui::terms;
use crate::worker::Command;
use crate::worker::message::{Agreement, PassTime, Passes, Scene};
use eframe::egui::{Button, CollapsingHeader, Color32, Grid, ProgressBar, RichText, ScrollArea, Ui};
use std::path::PathBuf;

/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;
/// Failures of a kernel that are shown.
const MOST_FAILURES: usize = 5;

/// The panel's own state.
#[derive(Default)]
pub struct Engine {
    /// The run for which a check was asked for.
    checked: Option<PathBuf>,
}

impl Engine {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        let Some(scene) = &desk.known.scene else { return };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            badge(ui, scene);
            ui.add_space(12.0);
            self.agreement(ui, desk);
            ui.add_space(12.0);
            speed(ui, desk);
            ui.add_space(12.0);
            size(ui, scene);
            ui.add_space(12.0);
            files(ui, scene);
        });
    }

    fn agreement(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        ui.heading("Does it compute rightly?").on_hover_text(terms::of("f64 reference"));
        let found = desk.known.agreement.as_ref();
        if let Some(found) = found {
            agreement(ui, found);
        } else {
            ui.label("Not checked yet. A check runs every kernel on this device and compares all it writes with the same in 64 bits.");
        }
        let place = desk.known.scene.as_ref().map(|scene| scene.place.clone());
        let (running, waiting) = (found.is_some_and(|found| !found.over), found.is_none() && self.checked == place);
        let closed = desk.known.phase == Phase::Closed;
        let button = Button::new(if found.is_some() { "Check again" } else { "Check this device" });
        let hint =
            "Beside a run under way the check takes at most a tenth of its time; resting, it goes at full speed.";
        let clicked = ui.add_enabled(!(running || waiting || closed), button).on_hover_text(hint).clicked();
        let still = matches!(desk.known.phase, Phase::Resting | Phase::Finished);
        if clicked || (still && found.is_none() && !waiting) {
            self.checked = place;
            desk.ask(Command::Check);
        }
    }
}

/// Images a second, and the kinds of steps where they were measured.
fn speed(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.heading("How fast is it?");
    if let Some(words) = pace(desk) {
        ui.label(words);
    }
    let passes = desk.known.passes.as_ref();
    if let Some(passes) = passes {
        times(ui, passes);
    }
    let ready = passes.is_none_or(|passes| passes.over) && desk.known.phase != Phase::Closed;
    let button = ui.add_enabled(ready, Button::new("Measure each kind of step"));
    let hint =
        "Times every step of the plan, on a device of its own. Training stands still meanwhile: about a second a loss.";
    if button.on_hover_text(hint).clicked() {
        desk.ask(Command::Measure);
    }
}

/// What computes, in plain words.
fn badge(ui: &mut Ui, scene: &Scene) {
    let (name, hint) = terms::of_device(scene.adapter.kind);
    ui.horizontal_wrapped(|ui| {
        let text = RichText::new(format!(" {name} ")).heading().background_color(ui.visuals().extreme_bg_color);
        ui.label(text.strong());
        ui.label(RichText::new(&scene.adapter.name).heading());
    });
    ui.label(format!("{hint} It is used because: {}.", scene.why));
    let Adapter { backend, driver, .. } = &scene.adapter;
    let parts: Vec<&str> = [backend.as_str(), driver.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    ui.label(RichText::new(parts.join(", ")).weak());
}

/// What the check found so far.
fn agreement(ui: &mut Ui, found: &Agreement) {
    let [done, of] = found.cases;
    if !found.over {
        let bar = ProgressBar::new(done as f32 / of.max(1) as f32).desired_width(280.0);
        ui.add(bar.text(format!("case {done} of {of}")));
    }
    if let Some(why) = &found.trouble {
        ui.colored_label(ui.visuals().error_fg_color, format!("The check could not go on: {why}"));
    }
    let failed: Vec<&Row> = found.rows.iter().filter(|row| !row.failures.is_empty()).collect();
    let (color, words) = verdict(ui, found, failed.len());
    ui.label(RichText::new(words).color(color).strong()).on_hover_text(terms::of("agreement"));
    for row in failed {
        failures(ui, row);
    }
    CollapsingHeader::new(format!("{} kernels", found.rows.len())).id_salt("kernels").show(ui, |ui| kernels(ui, found));
}

/// The check's result in a sentence.
fn verdict(ui: &Ui, found: &Agreement, failed: usize) -> (Color32, String) {
    let [done, of] = found.cases;
    if failed > 0 {
        let what = if failed == 1 { "1 kernel computes".to_owned() } else { format!("{failed} kernels compute") };
        return (ui.visuals().error_fg_color, format!("{what} wrongly on this device: do not trust what it trains."));
    }
    let worst = found.rows.iter().fold(0.0, |worst: f64, row| worst.max(row.worst));
    let color = ui.visuals().strong_text_color();
    if found.over && found.trouble.is_none() {
        return (color, format!("This adapter agrees with the f64 reference within {worst:.1e} ({of} cases)."));
    }
    (color, format!("So far it agrees with the f64 reference within {worst:.1e} ({done} cases)."))
}

fn failures(ui: &mut Ui, row: &Row) {
    let color = ui.visuals().error_fg_color;
    ui.label(RichText::new(format!("{} is wrong:", row.kernel)).color(color).strong());
    for failure in row.failures.iter().take(MOST_FAILURES) {
        ui.label(RichText::new(failure).monospace());
    }
    if row.failures.len() > MOST_FAILURES {
        ui.label(format!("and {} more", row.failures.len() - MOST_FAILURES));
    }
}

fn kernels(ui: &mut Ui, found: &Agreement) {
    Grid::new("kernels").striped(true).num_columns(5).spacing([24.0, 4.0]).show(ui, |ui| {
        for (name, term) in
            [("kernel", "kernel"), ("cases", ""), ("largest error", "agreement"), ("tolerance", ""), ("", "")]
        {
            ui.strong(name).on_hover_text(terms::of(term));
        }
        ui.end_row();
        for row in &found.rows {
            ui.label(&row.kernel);
            ui.label(row.cases.to_string());
            ui.label(error(row.worst));
            ui.label(error(row.tolerance));
            let wrong = ui.visuals().error_fg_color;
            if row.failures.is_empty() {
                ui.label("right")
            } else {
                ui.colored_label(wrong, "wrong")
            };
            ui.end_row();
        }
    });
}

/// An error as people write it.
fn error(error: f64) -> String {
    match error {
        0.0 => "none".to_owned(),
        f64::MAX => "no number".to_owned(),
        _ => format!("{error:.1e}"),
    }
}

/// Images a second, in words; nothing before the first were counted.
fn pace(desk: &Desk<'_>) -> Option<String> {
    let (known, scene) = (desk.known, desk.known.scene.as_ref()?);
    let (rate, racers, batch) = (known.rate, scene.settings.losses.len(), scene.settings.batch.min(scene.train_images));
    let which = if known.phase == Phase::Training { "now" } else { "when it last trained" };
    let of = if racers == 1 { String::new() } else { format!(" of all {racers} losses together") };
    (rate > 0.0).then(|| {
        let ms = 1e3 * batch as f64 / rate;
        format!("{rate:.0} images a second {which}: {ms:.1} ms a step of {batch} images{of}.")
    })
}

/// The kinds of steps, slowest first.
fn times(ui: &mut Ui, passes: &Passes) {
    if let Some(why) = &passes.trouble {
        ui.colored_label(ui.visuals().error_fg_color, format!("The steps could not be measured: {why}"));
        return;
    }
    let [done, of] = passes.steps;
    if !passes.over {
        let bar = ProgressBar::new(done as f32 / of.max(1) as f32).desired_width(280.0);
        ui.add(bar.text(format!("step {done} of {of}")));
        return;
    }
    let whole: f64 = passes.kinds.iter().map(|pass| pass.ms).sum();
    ui.label(format!("All kinds of steps together take {whole:.2} ms, {}.", passes.timed_by));
    Grid::new("passes").striped(true).num_columns(4).spacing([24.0, 4.0]).show(ui, |ui| {
        for (name, term) in [("kind of step", "kernel"), ("ms", ""), ("share", ""), ("GFLOP/s", "GFLOP/s")] {
            ui.strong(name).on_hover_text(terms::of(term));
        }
        ui.end_row();
        for PassTime { op, ms, share, gflops } in &passes.kinds {
            ui.label(op);
            ui.label(format!("{ms:.3}"));
            let bar = ProgressBar::new(*share as f32).desired_width(160.0).corner_radius(2);
            ui.add(bar.text(format!("{:.1} %", 100.0 * share)));
            ui.label(format!("{gflops:.2}"));
            ui.end_row();
        }
    });
}

/// Weights and memory.
fn size(ui: &mut Ui, scene: &Scene) {
    ui.heading("How large is it?");
    Grid::new("size").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
        let mut row = |name: &str, value: String| {
            ui.label(name).on_hover_text(terms::of(name));
            ui.label(value);
            ui.end_row();
        };
        row("memory of the plan", format!("{:.1} MiB", scene.memory as f64 / MIB));
        row("parameters", format!("{} a loss", thousands(scene.parameters)));
        row(
            "images",
            format!("{} to train on, {} to test on", thousands(scene.train_images), thousands(scene.labels.len())),
        );
        row("an epoch", format!("{} steps", thousands(scene.batches)));
    });
}

/// Digits in threes.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join(",")
}

/// Where the run's files are, and what was passed over of the data.
fn files(ui: &mut Ui, scene: &Scene) {
    ui.heading("Where are the files?");
    let place = std::path::absolute(&scene.place).unwrap_or_else(|_| scene.place.clone()).display().to_string();
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&place).monospace());
        if ui.button("Copy path").clicked() {
            ui.ctx().copy_text(place.clone());
        }
    });
    ui.label("Checkpoint, weights, matrices, curves and report.html of the run lie there.");
    if scene.skipped.is_empty() {
        return;
    }
    let name = format!("{} of the data passed over", data::files(scene.skipped.len()));
    CollapsingHeader::new(name).id_salt("skipped").show(ui, |ui| {
        ScrollArea::vertical().id_salt("skipped files").max_height(240.0).show(ui, |ui| {
            scene.skipped.iter().for_each(|file| {
                ui.label(file);
            });
        });
    });
}

#[cfg(test)]
mod tests;
