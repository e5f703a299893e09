//! The app: messages in, panels drawn, commands out.

use super::desk::{Choice, Desk};
use super::dialogs::{self, Kind, Question};
use super::keyboard;
use super::known::Known;
use super::letters::Letters;
use super::panels::controls::Controls;
use super::panels::runs::Runs;
use super::panels::{PanelName, Panels, alone, lack, pair, replay, top, welcome};
use super::shot::Shot;
use super::theme;
use crate::train::run::PACKED;
use crate::worker::message::{Brought, Choose, Export, Exported, Pace};
use crate::worker::{Command, Link};
use eframe::egui::{self, CentralPanel, Context, Modal, Panel, Ui, ViewportCommand};
use std::path::PathBuf;
use std::sync::Arc;

/// What a place is asked for.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Something is written there.
    Write(Exported),
    /// Images are read from there.
    Images,
    /// A run is opened from there.
    Run,
    /// One of the runs that are kept is opened.
    Kept,
}

/// The view in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum View {
    #[default]
    Race,
    One(PanelName),
}

impl View {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Race, "Race and distances"),
        (Self::One(PanelName::Edit), "Edit D"),
        (Self::One(PanelName::Mistakes), "Mistakes"),
        (Self::One(PanelName::Mover), "Earth mover"),
        (Self::One(PanelName::Inside), "Look inside"),
        (Self::One(PanelName::Engine), "Engine"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(view, _)| *view == self).map_or("", |(_, name)| name)
    }
}

/// The window's app.
pub struct App {
    link: Box<dyn Link>,
    known: Known,
    choice: Choice,
    view: View,
    controls: Controls,
    panels: Panels,
    /// The only panel that is shown, where one was asked for.
    alone: Option<PanelName>,
    runs: Runs,
    question: Option<Question>,
    /// Whether it is asked how images come into the page.
    bringing: bool,
    /// A picture that was asked for, until it is there.
    shot: Option<Shot>,
    controls_open: bool,
    /// A folder that was dropped, until it is said what it holds.
    dropped: Option<PathBuf>,
    closing: Closing,
    /// Letters that no font has.
    letters: Arc<Letters>,
}

/// How far the window is on its way to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    No,
    /// The question on unsaved steps is open.
    Asked,
    /// The run is being saved.
    Saving,
    /// The window may close.
    Yes,
}

impl App {
    /// An app that talks with a worker; it begins at once where `autostart`.
    #[must_use]
    pub fn new(ctx: &Context, link: Box<dyn Link>, controls: Controls, autostart: bool) -> Self {
        theme::set(ctx);
        let mut app = Self {
            link,
            known: Known::default(),
            choice: Choice::default(),
            view: View::default(),
            controls,
            panels: Panels::default(),
            alone: None,
            runs: Runs::default(),
            question: None,
            bringing: false,
            shot: None,
            controls_open: true,
            dropped: None,
            closing: Closing::No,
            letters: Letters::watched(ctx),
        };
        if autostart {
            app.link.send(app.controls.order());
        }
        app
    }

    /// The same with one panel alone, as a course page embeds it.
    #[must_use]
    pub fn showing(self, alone: Option<PanelName>) -> Self {
        Self { alone, ..self }
    }

    /// What the worker has told so far.
    #[must_use]
    pub fn known(&self) -> &Known {
        &self.known
    }

    fn receive(&mut self) {
        for message in self.link.receive() {
            self.known.take(message);
        }
        match self.known.brought.take() {
            Some(Brought::Images(place)) => {
                self.controls.take_folder(place);
                self.controls_open = true;
            }
            Some(Brought::Run(place)) => self.link.send(self.controls.open(place)),
            None => {}
        }
        self.choice.keep_up(&self.known);
    }

    /// Draws everything; what is asked for goes to the worker, or is asked a place for.
    fn draw(&mut self, ui: &mut Ui) {
        let (mut commands, mut exports, mut wishes) = (Vec::new(), Vec::new(), Vec::new());
        let in_page = self.link.browser().is_some();
        let Self { known, choice, .. } = self;
        let mut desk = Desk { known, choice, commands: &mut commands, exports: &mut exports };
        keyboard::take(ui.ctx(), &mut desk);
        if let Some(name) = self.alone {
            alone::show(ui, &mut desk, name, &mut self.panels, &mut self.controls);
        } else {
            Panel::top("top").show(ui, |ui| top::show(ui, &mut desk));
            lack::show(ui, &mut desk, false);
            self.letters.tell(ui);
            Panel::bottom("replay").show(ui, |ui| replay::show(ui, &mut desk));
            let narrow = ui.available_width() < TURNS_BELOW;
            if narrow {
                Panel::top("turns").show(ui, |ui| turns(ui, &mut self.controls_open));
            } else {
                Panel::left("controls").default_size(270.0).show_collapsible(ui, &mut self.controls_open, |ui| {
                    self.controls.show(ui, &mut desk, &mut wishes);
                });
            }
            if narrow && self.controls_open {
                CentralPanel::default_margins().show(ui, |ui| self.controls.show(ui, &mut desk, &mut wishes));
                self.controls_open = !desk.commands.iter().any(|command| matches!(command, Command::Begin(_)));
            } else {
                let middle = |ui: &mut Ui| middle(ui, &mut desk, &mut self.view, &mut self.panels);
                self.shot = CentralPanel::default_margins().show(ui, middle).inner.or(self.shot.take());
            }
            if let Some(place) = self.runs.show(ui.ctx(), &mut desk, &mut wishes, in_page) {
                desk.ask(self.controls.open(place));
            }
            if wishes.iter().any(|(_, wish)| matches!(wish, Wish::Kept)) {
                self.runs.open(&mut desk);
            }
        }
        commands.into_iter().for_each(|command| self.link.send(command));
        wishes.extend(exports.into_iter().map(|(name, what)| (name, Wish::Write(what))));
        if let Some((name, wish)) = wishes.pop() {
            self.ask_for(&name, wish);
        }
    }

    /// Asks for a place, or in a page for what the browser has in place of places.
    fn ask_for(&mut self, name: &str, wish: Wish) {
        match (self.link.browser(), wish) {
            (_, Wish::Kept) => {}
            (None, wish) => self.question = Some(question(name, wish)),
            (Some(_), Wish::Images) => self.bringing = true,
            (Some(browser), Wish::Run) => browser.choose(Choose::Files),
            (Some(_), Wish::Write(what)) => {
                self.link.send(Command::Export(Box::new(Export { what, to: PathBuf::from(name) })));
            }
        }
    }

    /// How images come into a page.
    fn ask_to_bring(&mut self, ctx: &Context) {
        if self.bringing
            && let Some(answer) = dialogs::bring(ctx)
        {
            self.bringing = false;
            if let (Some(what), Some(browser)) = (answer, self.link.browser()) {
                browser.choose(what);
            }
        }
    }

    /// Asks where a picture goes, once it is there.
    fn develop(&mut self, ctx: &Context) {
        let developed = self.shot.as_mut().and_then(|shot| Some((shot.name.clone(), shot.developed(ctx)?)));
        if let Some((name, picture)) = developed {
            self.shot = None;
            self.ask_for(&name, Wish::Write(picture));
        }
    }

    /// The question for a place, and what is done with the answer.
    fn ask_place(&mut self, ctx: &Context) {
        let Some(answer) = self.question.as_mut().and_then(|question| question.show(ctx)) else { return };
        self.question = None;
        match answer {
            Some((Wish::Write(what), to)) => self.link.send(Command::Export(Box::new(Export { what, to }))),
            Some((Wish::Images, place)) => self.controls.take_folder(place),
            Some((Wish::Run, place)) => self.link.send(self.controls.open(place)),
            Some((Wish::Kept, _)) | None => {}
        }
    }

    /// A folder that is dropped on the window: is it images or a run? A page takes in what is dropped on it by itself.
    fn take_dropped(&mut self, ctx: &Context) {
        let dropped: Vec<PathBuf> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        self.dropped = dropped.into_iter().next().or(self.dropped.take());
        let Some(place) = self.dropped.clone() else { return };
        if place.extension().is_some_and(|ending| ending == PACKED) {
            self.dropped = None;
            return self.link.send(self.controls.open(place));
        }
        let modal = Modal::new(egui::Id::unique("dropped")).show(ctx, |ui| {
            ui.set_width(420.0);
            ui.heading("What is in this folder?");
            ui.monospace(place.display().to_string());
            ui.add_space(8.0);
            let answers = ["Images, a folder a class", "A run to go on with", "Cancel"];
            ui.horizontal(|ui| answers.map(|answer| ui.button(answer).clicked())).inner
        });
        let [images, run, cancel] = modal.inner;
        if images {
            self.controls.take_folder(place.clone());
            self.controls_open = true;
        }
        if run {
            self.link.send(self.controls.open(place));
        }
        if images || run || cancel || modal.should_close() {
            self.dropped = None;
        }
    }

    /// What went wrong, and good news, until they are read.
    fn tell(&mut self, ctx: &Context) {
        let Some(trouble) = self.known.troubles.first().cloned() else { return };
        let modal = Modal::new(egui::Id::unique("trouble")).show(ctx, |ui| {
            ui.set_width(460.0);
            ui.heading(format!("A problem with {}", trouble.what));
            ui.label(&trouble.why);
            ui.add_space(8.0);
            ui.button("OK").clicked()
        });
        if modal.inner || modal.should_close() {
            self.known.troubles.remove(0);
        }
    }

    /// Asks once where a run has steps that no file shows; a checkpoint is kept in any case.
    fn close(&mut self, ctx: &Context) {
        let requested = ctx.input(|input| input.viewport().close_requested());
        if requested && self.closing != Closing::Yes {
            if self.known.is_unsaved() {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.closing = Closing::Asked;
            } else {
                self.closing = Closing::Yes;
            }
        }
        if self.closing == Closing::Saving {
            if !self.known.troubles.is_empty() {
                self.closing = Closing::No;
            } else if !self.known.is_unsaved() {
                self.closing = Closing::Yes;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn ask_to_close(&mut self, ctx: &Context) {
        if !matches!(self.closing, Closing::Asked | Closing::Saving) {
            return;
        }
        let place = self.known.scene.as_ref().map_or_else(String::new, |scene| scene.place.display().to_string());
        let saving = self.closing == Closing::Saving;
        let modal = Modal::new(egui::Id::unique("close")).show(ctx, |ui| {
            ui.set_width(460.0);
            ui.heading(if saving { "Saving the run …" } else { "Close while a run is under way?" });
            ui.label(format!("Its folder is {place}: it can be opened again from there, to go on where it was saved."));
            ui.add_space(8.0);
            let answers = ["Save and close", "Close anyway", "Stay"];
            ui.horizontal(|ui| answers.map(|answer| ui.add_enabled(!saving, egui::Button::new(answer)).clicked())).inner
        });
        match modal.inner {
            [true, ..] => {
                self.closing = Closing::Saving;
                self.link.send(Command::Go(Pace::Rest));
                self.link.send(Command::Save);
            }
            [_, true, _] => {
                self.closing = Closing::Yes;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            [.., true] => self.closing = Closing::No,
            _ if modal.should_close() && !saving => self.closing = Closing::No,
            _ => {}
        }
    }
}

/// Width below which there is no room for the controls beside the view: they take turns, as on a phone.
const TURNS_BELOW: f32 = 600.0;

/// Whose turn it is.
fn turns(ui: &mut Ui, controls: &mut bool) {
    ui.horizontal(|ui| {
        ui.selectable_value(controls, true, "Controls");
        ui.selectable_value(controls, false, "View");
    });
}

/// What stands in the middle, and the choice of it; a picture of it, where one is asked for.
fn middle(ui: &mut Ui, desk: &mut Desk<'_>, view: &mut View, panels: &mut Panels) -> Option<Shot> {
    if desk.known.scene.is_none() {
        welcome::show(ui);
        return None;
    }
    let shoot = ui.horizontal_wrapped(|ui| {
        for (other, name) in View::ALL {
            ui.selectable_value(view, other, name);
        }
        ui.separator();
        let picture = "Write what stands below to a file, as it is on the screen (.png).";
        let drawing =
            "Write what stands below to a file, as it is on the screen, as a drawing that can be enlarged (.svg).";
        [("Picture…", picture), ("Drawing…", drawing)].map(|(name, hint)| ui.button(name).on_hover_text(hint).clicked())
    });
    ui.separator();
    let take = |ending: &str, layer| {
        let name = format!("{}.{ending}", view.name().to_lowercase().replace(' ', "-"));
        Shot::take(ui.ctx(), ui.available_rect_before_wrap(), name, layer)
    };
    let shot = match shoot.inner {
        [true, _] => Some(take("png", None)),
        [_, true] => Some(take("svg", Some(ui.layer_id()))),
        _ => None,
    };
    match *view {
        View::Race => pair(ui, |which, ui| panels.show([PanelName::Race, PanelName::Distances][which], ui, desk)),
        View::One(name) => panels.show(name, ui, desk),
    }
    shot
}

fn question(name: &str, wish: Wish) -> Question {
    let here = std::env::current_dir().unwrap_or_default();
    match &wish {
        Wish::Write(_) => Question::new("Write to", Kind::Save, here.join(name).display().to_string(), wish),
        Wish::Images => Question::new("A folder with a folder of images a class", Kind::Folder, name.to_owned(), wish),
        Wish::Run | Wish::Kept => {
            let title = "The folder of a run, or a .backhoe file";
            Question::new(title, Kind::Folder, here.join(name).display().to_string(), wish)
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.receive();
        self.close(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.take_dropped(ui.ctx());
        self.draw(ui);
        self.develop(ui.ctx());
        self.ask_place(ui.ctx());
        self.ask_to_bring(ui.ctx());
        self.tell(ui.ctx());
        self.ask_to_close(ui.ctx());
    }
}
