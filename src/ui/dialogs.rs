//! Asking for a file's or folder's place: a field that can be typed into, and the system's own dialog beside it, which
//! never holds up the window.

use super::app::Wish;
use crate::worker::message::Choose;
use eframe::egui::{self, Context, Key, Modal, TextEdit, Ui};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

/// What kind of place is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file to be written.
    Save,
    /// A folder that is there.
    Folder,
}

/// A question for a place, open before the window.
pub struct Question {
    title: String,
    kind: Kind,
    text: String,
    wish: Wish,
    /// Where the system's dialog answers, while it is open.
    browsing: Option<Receiver<Option<PathBuf>>>,
}

impl Question {
    /// Asks with this title for a place, at first this one, for a wish.
    pub fn new(title: &str, kind: Kind, text: String, wish: Wish) -> Self {
        Self { title: title.to_owned(), kind, text, wish, browsing: None }
    }

    /// Shows it. The answer, once there is one: the wish and its place, or nothing where it was called off.
    pub fn show(&mut self, ctx: &Context) -> Option<Option<(Wish, PathBuf)>> {
        self.listen();
        let mut answer = None;
        let modal = Modal::new(egui::Id::unique("place")).show(ctx, |ui| {
            ui.set_width(460.0);
            ui.heading(&self.title);
            answer = self.fields(ui);
        });
        if modal.should_close() && answer.is_none() {
            return Some(None);
        }
        answer.map(|agreed| agreed.then(|| (self.wish.clone(), PathBuf::from(self.text.trim()))))
    }

    fn listen(&mut self) {
        let Some(answer) = self.browsing.as_ref().map(Receiver::try_recv) else { return };
        match answer {
            Ok(Some(path)) => {
                self.text = path.display().to_string();
                self.browsing = None;
            }
            Ok(None) | Err(std::sync::mpsc::TryRecvError::Disconnected) => self.browsing = None,
            Err(std::sync::mpsc::TryRecvError::Empty) => {}
        }
    }

    fn fields(&mut self, ui: &mut Ui) -> Option<bool> {
        let label = ui.label(if self.kind == Kind::Save { "File" } else { "Folder" });
        let field = ui.add(TextEdit::singleline(&mut self.text).desired_width(f32::INFINITY)).labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let mut answer = None;
        ui.horizontal(|ui| {
            #[cfg(not(target_arch = "wasm32"))]
            if ui.add_enabled(self.browsing.is_none(), egui::Button::new("Browse…")).clicked() {
                self.browse(ui.ctx().clone());
            }
            let named = !self.text.trim().is_empty();
            if ui.add_enabled(named, egui::Button::new("OK")).clicked() || (entered && named) {
                answer = Some(true);
            }
            if ui.button("Cancel").clicked() {
                answer = Some(false);
            }
        });
        answer
    }

    /// Opens the system's dialog in a thread of its own.
    #[cfg(not(target_arch = "wasm32"))]
    fn browse(&mut self, ctx: Context) {
        let (tell, answer) = std::sync::mpsc::channel();
        let (title, kind) = (self.title.clone(), self.kind);
        let name = PathBuf::from(&self.text).file_name().map(|name| name.to_string_lossy().into_owned());
        std::thread::spawn(move || {
            let dialog = rfd::FileDialog::new().set_title(title);
            let path = match kind {
                Kind::Save => dialog.set_file_name(name.unwrap_or_default()).save_file(),
                Kind::Folder => dialog.pick_folder(),
            };
            // The question may have been called off meanwhile.
            let _ = tell.send(path);
            ctx.request_repaint();
        });
        self.browsing = Some(answer);
    }
}

/// Asks how images shall come into a page. The answer, once there is one: what is to be chosen, or nothing where it was called
/// off.
pub fn bring(ctx: &Context) -> Option<Option<Choose>> {
    let modal = Modal::new(egui::Id::unique("bring")).show(ctx, |ui| {
        ui.set_width(460.0);
        ui.heading("Your own images");
        ui.label("A folder that holds a folder of images a class, or the same in a .zip. You can drop them on the page, too.");
        ui.label("Nothing leaves this machine: the page reads them here, trains here, and sends nothing anywhere.");
        ui.add_space(8.0);
        let answers = ["A folder…", "A .zip…", "Cancel"];
        ui.horizontal(|ui| answers.map(|answer| ui.button(answer).clicked())).inner
    });
    match modal.inner {
        [true, ..] => Some(Some(Choose::Folder)),
        [_, true, _] => Some(Some(Choose::Files)),
        [.., cancel] => (cancel || modal.should_close()).then_some(None),
    }
}
