//! The app: messages in, panels drawn, commands out.

use super::desk::{Choice, Desk};
use super::dialogs::{Kind, Question};
use super::keyboard;
use super::known::Known;
use super::panels::controls::Controls;
use super::panels::edit::Edit;
use super::panels::engine::Engine;
use super::panels::ground::Ground;
use super::panels::inside::Inside;
use super::panels::mistakes::Mistakes;
use super::panels::mover::Mover;
use super::panels::race::Race;
use super::panels::{replay, top, welcome};
use super::theme;
use crate::worker::message::{Export, Exported};
use crate::worker::{Command, Link};
use eframe::egui::{self, CentralPanel, Context, Modal, Panel, Ui, ViewportCommand};
use std::path::PathBuf;

/// What a place is asked for.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Something is written there.
    Write(Exported),
    /// Images are read from there.
    Images,
    /// A run is opened from there.
    Run,
}

/// The view in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum View {
    #[default]
    Race,
    Edit,
    Mistakes,
    Mover,
    Inside,
    Engine,
}

impl View {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Race, "Race and distances"),
        (Self::Edit, "Edit D"),
        (Self::Mistakes, "Mistakes"),
        (Self::Mover, "Earth mover"),
        (Self::Inside, "Look inside"),
        (Self::Engine, "Engine"),
    ];
}

/// The window's app.
pub struct App {
    link: Box<dyn Link>,
    known: Known,
    choice: Choice,
    view: View,
    controls: Controls,
    race: Race,
    ground: Ground,
    edit: Edit,
    mistakes: Mistakes,
    mover: Mover,
    inside: Inside,
    engine: Engine,
    question: Option<Question>,
    controls_open: bool,
    /// Whether the question on unsaved steps is open.
    closing: bool,
    /// Whether the window may close.
    leaving: bool,
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
            race: Race::default(),
            ground: Ground::default(),
            edit: Edit::default(),
            mistakes: Mistakes::default(),
            mover: Mover::default(),
            inside: Inside::default(),
            engine: Engine::default(),
            question: None,
            controls_open: true,
            closing: false,
            leaving: false,
        };
        if autostart {
            app.link.send(app.controls.order());
        }
        app
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
    }

    /// Draws everything; what is asked for goes to the worker, or is asked a place for.
    fn draw(&mut self, ui: &mut Ui) {
        let (mut commands, mut exports, mut wishes) = (Vec::new(), Vec::new(), Vec::new());
        let Self { known, choice, .. } = self;
        let mut desk = Desk { known, choice, commands: &mut commands, exports: &mut exports };
        keyboard::take(ui.ctx(), &mut desk);
        Panel::top("top").show(ui, |ui| top::show(ui, &mut desk));
        Panel::bottom("replay").show(ui, |ui| replay::show(ui, &mut desk));
        Panel::left("controls").default_size(270.0).show_collapsible(ui, &mut self.controls_open, |ui| {
            self.controls.show(ui, &mut desk, &mut wishes);
        });
        CentralPanel::default_margins().show(ui, |ui| {
            if desk.known.scene.is_none() {
                return welcome::show(ui, &desk);
            }
            ui.horizontal_wrapped(|ui| {
                for (view, name) in View::ALL {
                    ui.selectable_value(&mut self.view, view, name);
                }
            });
            ui.separator();
            match self.view {
                View::Race => ui.columns(2, |columns| {
                    self.race.show(&mut columns[0], &mut desk);
                    self.ground.show(&mut columns[1], &mut desk);
                }),
                View::Edit => self.edit.show(ui, &mut desk),
                View::Mistakes => self.mistakes.show(ui, &mut desk),
                View::Mover => self.mover.show(ui, &mut desk),
                View::Inside => self.inside.show(ui, &mut desk),
                View::Engine => self.engine.show(ui, &mut desk),
            }
        });
        commands.into_iter().for_each(|command| self.link.send(command));
        wishes.extend(exports.into_iter().map(|(name, what)| (name, Wish::Write(what))));
        if let Some((name, wish)) = wishes.pop() {
            self.question = Some(question(&name, wish));
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
            None => {}
        }
    }

    /// Folders that are dropped on the window: a run is opened, images are taken as data.
    fn take_dropped(&mut self, ctx: &Context) {
        let dropped: Vec<PathBuf> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if let Some(place) = dropped.into_iter().next() {
            self.controls.take_folder(place);
            self.controls_open = true;
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
        if ctx.input(|input| input.viewport().close_requested()) && !self.leaving {
            if self.known.is_unsaved() {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.closing = true;
            } else {
                self.leaving = true;
            }
        }
        if self.closing {
            self.ask_to_close(ctx);
        }
    }

    fn ask_to_close(&mut self, ctx: &Context) {
        let place = self.known.scene.as_ref().map_or_else(String::new, |scene| scene.place.display().to_string());
        let modal = Modal::new(egui::Id::unique("close")).show(ctx, |ui| {
            ui.set_width(420.0);
            ui.heading("Close while a run is under way?");
            ui.label(format!("It is saved in {place} and can be opened again from there, to go on where it stands."));
            ui.add_space(8.0);
            ui.horizontal(|ui| [ui.button("Save and close").clicked(), ui.button("Stay").clicked()]).inner
        });
        let [close, stay] = modal.inner;
        if close {
            self.leaving = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        if close || stay || modal.should_close() {
            self.closing = false;
        }
    }
}

fn question(name: &str, wish: Wish) -> Question {
    let here = std::env::current_dir().unwrap_or_default();
    match &wish {
        Wish::Write(_) => Question::new("Write to", Kind::Save, here.join(name).display().to_string(), wish),
        Wish::Images => Question::new("A folder with a folder of images a class", Kind::Folder, name.to_owned(), wish),
        Wish::Run => Question::new("The folder of a run", Kind::Folder, here.join(name).display().to_string(), wish),
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
        self.ask_place(ui.ctx());
        self.tell(ui.ctx());
    }
}
