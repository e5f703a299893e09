//! The earth mover: the mass of a prediction on its way to the true class, what that costs, and what each loss makes of it.

mod field;
mod gradients;
mod haul;

use super::mistakes::FORGOTTEN;
use crate::nn::{Loss, Prediction, Worth, figure1};
use crate::train::ids::Ids;
use crate::train::{EpochResult, GroundEdit, Lambda, Settings};
use crate::ui::desk::Desk;
use crate::ui::distances::{Distances, ordered};
use crate::ui::{terms, theme};
use eframe::egui::{Button, Color32, Rect, Role, ScrollArea, Sense, Slider, TextStyle, Ui, Vec2, WidgetInfo};
use field::Field;
use haul::{Haul, with_share};
use std::borrow::Cow;

/// Seconds in which all mass is moved.
const SECONDS: f32 = 4.0;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Subject {
    /// The chosen test image, as the chosen racer sees it.
    #[default]
    Image,
    /// The first prediction of figure 1.
    A,
    /// The second.
    B,
}

/// Which distances the mass is moved over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Costs {
    /// Those that the chosen racer trains with after the epoch that is shown.
    #[default]
    Racer,
    /// Those of ordered classes.
    Ordered,
}

/// What a prediction belongs to: run, subject, test image, racer.
type Of = (usize, Subject, usize, Option<Loss>);

/// The panel's own state.
#[derive(Default)]
pub struct Mover {
    subject: Subject,
    costs: Costs,
    of: Option<Of>,
    /// The shares that were dragged.
    own: Option<Vec<f64>>,
    time: f32,
    playing: bool,
}

/// A prediction that is looked at.
struct Shown<'a> {
    classes: Cow<'a, [String]>,
    truth: usize,
    p: Vec<f64>,
    color: Color32,
}

/// What a loss makes of a prediction.
pub struct Weighed {
    name: String,
    color: Color32,
    worth: Option<Worth>,
    /// What it read beside the prediction, in words.
    read: String,
}

impl Mover {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        self.choices(ui, desk);
        self.keep_up(desk);
        let shown = match self.shown(desk) {
            Ok(shown) => shown,
            Err(why) => {
                ui.label(why);
                return;
            }
        };
        let to_truth = self.distances(desk, &shown);
        let haul = Haul { p: &shown.p, to_truth: &to_truth, truth: shown.truth };
        self.player(ui, haul);
        let left = 8.0 * ui.text_style_height(&TextStyle::Body);
        let losses = self.weigh(desk, &shown);
        let line = ui.text_style_height(&TextStyle::Body) + ui.spacing().item_spacing.y;
        let strips = gradients::height(ui, losses.len()) + 2.0 * line;
        let height = (ui.available_height() - strips).max(0.5 * ui.available_height()).max(12.0 * line);
        self.field(ui, desk, &shown, haul, [left, height]);
        ui.label(
            "Gradient of each loss on each logit: above the line it is lowered by the next step, below it is raised.",
        )
        .on_hover_text(terms::of("gradient"));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            gradients::show(ui, &shown.classes, shown.truth, &losses, left);
        });
    }

    fn choices(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        ui.horizontal_wrapped(|ui| {
            for (subject, name, hint) in [
                (Subject::Image, "Test image", "What the chosen racer predicts for a test image."),
                (Subject::A, "Figure 1, A", terms::of("figure 1")),
                (Subject::B, "Figure 1, B", terms::of("figure 1")),
            ] {
                ui.selectable_value(&mut self.subject, subject, name).on_hover_text(hint);
            }
            ui.separator();
            if self.subject != Subject::Image {
                ui.label(format!(
                    "The true class is {}: both predictions have the same cross-entropy.",
                    figure1::CLASSES[figure1::TRUTH]
                ));
                return;
            }
            desk.choose_loss(ui, "racer");
            desk.choose_image(ui);
            ui.separator();
            ui.label("distances").on_hover_text(terms::of("D"));
            let name = desk.loss().map_or("", Loss::name);
            ui.selectable_value(&mut self.costs, Costs::Racer, format!("D of {name}")).on_hover_text(terms::of("D"));
            let hint = "|i - j| / (C - 1), the distances of ordered classes.";
            ui.selectable_value(&mut self.costs, Costs::Ordered, "ordered").on_hover_text(hint);
        });
    }

    /// Begins anew with another prediction.
    fn keep_up(&mut self, desk: &Desk<'_>) {
        let of = match self.subject {
            Subject::Image => (desk.known.run, Subject::Image, desk.choice.image, desk.loss()),
            figure => (0, figure, 0, None),
        };
        if self.of != Some(of) {
            (self.of, self.own, self.time, self.playing) = (Some(of), None, 0.0, false);
        }
    }

    /// The prediction that is looked at, or why there is none.
    fn shown<'a>(&self, desk: &Desk<'a>) -> Result<Shown<'a>, &'static str> {
        let mut shown = match self.subject {
            Subject::Image => predicted(desk)?,
            Subject::A => of_figure(&figure1::A),
            Subject::B => of_figure(&figure1::B),
        };
        if let Some(own) = self.own.as_ref().filter(|own| own.len() == shown.p.len()) {
            shown.p.clone_from(own);
        }
        Ok(shown)
    }

    /// How far every class is from the true one.
    fn distances(&self, desk: &Desk<'_>, shown: &Shown<'_>) -> Vec<f64> {
        if self.subject == Subject::Image && self.costs == Costs::Racer {
            return Distances::after(desk.known, desk.result(), held(desk)).to(shown.truth);
        }
        in_order(shown)
    }

    /// Play, pause, time, and what the way has cost so far.
    fn player(&mut self, ui: &mut Ui, haul: Haul<'_>) {
        if self.playing {
            self.time += ui.input(|input| input.stable_dt).min(0.1) / SECONDS;
            self.playing = self.time < 1.0;
            self.time = self.time.min(1.0);
        }
        ui.horizontal_wrapped(|ui| {
            if ui.button(if self.playing { "Pause moving" } else { "Play" }).clicked() {
                self.playing = !self.playing;
                self.time = if self.time >= 1.0 { 0.0 } else { self.time };
            }
            if ui.add(Slider::new(&mut self.time, 0.0..=1.0).show_value(false).text("time")).changed() {
                self.playing = false;
            }
            let (so_far, all) = (haul.work(f64::from(self.time)), haul.work(1.0));
            let text = format!("work so far {so_far:.3} of {all:.3}: the sum of p x D is the earth mover's distance");
            ui.label(text).on_hover_text(terms::of("earth mover"));
            if ui.add_enabled(self.own.is_some(), Button::new("As predicted")).clicked() {
                self.own = None;
            }
        });
        if self.playing {
            ui.ctx().request_repaint();
        }
    }

    /// The picture, and beside it the bars and their mass on its way.
    fn field(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, shown: &Shown<'_>, haul: Haul<'_>, [left, height]: [f32; 2]) {
        let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
        if self.subject == Subject::Image {
            let side = 0.6 * left;
            desk.paint_picture(ui, desk.choice.image, Rect::from_min_size(rect.min, Vec2::splat(side)));
        }
        let (classes, time, map) = (&*shown.classes, f64::from(self.time), desk.choice.map);
        let field = Field { classes, haul, time, color: shown.color, map };
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, field.words()));
        if let Some((class, share)) = field.show(ui, rect.with_min_x(rect.min.x + left)) {
            self.own = Some(with_share(&shown.p, class, share));
            (self.time, self.playing) = (0.0, false);
        }
    }

    /// What every racer makes of the prediction; beside figure 1 the two losses that it is about, whether they race or not.
    fn weigh(&self, desk: &Desk<'_>, shown: &Shown<'_>) -> Vec<Weighed> {
        let mut losses = desk.known.losses_racing().to_vec();
        if self.subject != Subject::Image {
            let missing = [Loss::Emd, Loss::Xe].into_iter().filter(|loss| !desk.known.losses_racing().contains(loss));
            missing.for_each(|loss| losses.insert(0, loss));
        }
        losses.into_iter().map(|loss| self.weigh_one(desk, shown, loss)).collect()
    }

    fn weigh_one(&self, desk: &Desk<'_>, shown: &Shown<'_>, loss: Loss) -> Weighed {
        let result = desk.results().iter().find(|result| result.row.loss == loss.name());
        let defaults = Settings::default();
        let settings = desk.known.scene.as_ref().map_or(&defaults, |scene| &scene.settings);
        let (to_truth, ids) = if self.subject == Subject::Image {
            let distances = Distances::after(desk.known, result, held(desk));
            (distances.to(shown.truth), Ids::of(settings, shown.p.len()))
        } else {
            (in_order(shown), Ids::default())
        };
        let (omega, mu) = settings.omega_and_mu(loss);
        let lambda = lambda(settings, result);
        // Losses see the classes as the network does, whose ids may be shuffled.
        let (p, to_truth) = (ids.rows_by_output(shown.p.clone()), ids.rows_by_output(to_truth));
        let worth = loss.worth(&Prediction {
            p: &p,
            truth: ids.output(shown.truth),
            to_truth: &to_truth,
            lambda,
            omega: omega.into(),
            mu: mu.into(),
            regulariser: settings.regulariser.into(),
        });
        let worth = worth.map(|worth| Worth { gradient: ids.rows_by_class(worth.gradient), ..worth });
        let read = if loss.is_self_guided() {
            let ground = match desk.choice.epoch {
                None => "the D that it trains with next",
                Some(_) => "the D of that epoch, whatever was held then",
            };
            format!("lambda {lambda:.3}, omega {omega}, mu {mu}, with {ground}")
        } else {
            String::new()
        };
        Weighed { name: loss.name().to_owned(), color: theme::of_loss(loss.name()), worth, read }
    }
}

/// The cells that are held in the D of the epoch that is shown: which they were in an earlier one is not known.
fn held<'a>(desk: &Desk<'a>) -> &'a GroundEdit {
    static FREE: GroundEdit = GroundEdit { cells: Vec::new() };
    if desk.choice.epoch.is_none() { &desk.known.held } else { &FREE }
}

/// What the chosen racer predicts for the chosen image in the epoch that is shown.
fn predicted<'a>(desk: &Desk<'a>) -> Result<Shown<'a>, &'static str> {
    const NOTHING: &str = "Nothing is predicted before an epoch is done; figure 1 can be looked at now.";
    let scene = desk.known.scene.as_ref().ok_or(NOTHING)?;
    let result = desk.result().ok_or(NOTHING)?;
    let (index, classes) = (desk.choice.image, scene.classes.len());
    let row = result.outcomes.get(index * classes..(index + 1) * classes).ok_or(FORGOTTEN)?;
    let truth = *scene.labels.get(index).ok_or(NOTHING)? as usize;
    let p = row.iter().map(|&p| f64::from(p)).collect();
    Ok(Shown { classes: Cow::Borrowed(&scene.classes), truth, p, color: theme::of_loss(&result.row.loss) })
}

fn of_figure(p: &[f64]) -> Shown<'static> {
    let classes = Cow::Owned(figure1::CLASSES.map(str::to_owned).to_vec());
    Shown { classes, truth: figure1::TRUTH, p: p.to_vec(), color: theme::of_loss(Loss::Xe.name()) }
}

fn in_order(shown: &Shown<'_>) -> Vec<f64> {
    (0..shown.p.len()).map(|class| ordered([class, shown.truth], shown.p.len())).collect()
}

/// Lambda as it was in the epoch that is shown.
fn lambda(settings: &Settings, result: Option<&EpochResult>) -> f64 {
    let fixed = if let Lambda::Fixed(lambda) = settings.lambda { f64::from(lambda) } else { 0.0 };
    result.and_then(|result| result.row.lambda).unwrap_or(fixed)
}

#[cfg(test)]
mod tests;
