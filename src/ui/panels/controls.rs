//! What is trained and how: before a run begins, and while it goes on.

use crate::data::protocol::Protocol;
use crate::data::source::Source;
use crate::nn::Loss;
use crate::train::cell::Cell;
use crate::train::{Change, Lambda, Settings};
use crate::ui::app::Wish;
use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use crate::ui::terms;
use crate::worker::Command;
use crate::worker::message::Order;
use eframe::egui::{self, CollapsingHeader, ComboBox, DragValue, ScrollArea, TextEdit, Ui};
use std::path::PathBuf;

/// Share of a folder's images that is tested on, where it has no `test/`.
const TEST_FRACTION: f64 = 0.2;

/// Which data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    Faces,
    Digits,
    Folder,
}

/// What is trained and how.
pub struct Controls {
    data: Data,
    faces: [usize; 2],
    folder: String,
    protocol: Protocol,
    settings: Settings,
    ground: Option<PathBuf>,
    sized_by_device: bool,
    device: String,
    place: Option<PathBuf>,
}

impl Controls {
    /// Those of a cell, on a device of this name, the run kept in this folder or the next unused one.
    #[must_use]
    pub fn new(cell: Cell, sized_by_device: bool, device: &str, place: Option<PathBuf>) -> Self {
        let (data, faces, folder) = match cell.source {
            Source::Faces { train, test } => (Data::Faces, [train, test], String::new()),
            Source::Digits { .. } => (Data::Digits, [1600, 400], String::new()),
            Source::Folder { path, .. } => (Data::Folder, [1600, 400], path.display().to_string()),
        };
        let Cell { protocol, settings, ground, .. } = cell;
        Self { data, faces, folder, protocol, settings, ground, sized_by_device, device: device.to_owned(), place }
    }

    /// The command that begins what is chosen.
    #[must_use]
    pub fn order(&mut self) -> Command {
        let source = self.source();
        let mut settings = self.settings.clone();
        settings.make_room(source.most_side());
        let cell =
            Cell { source, protocol: self.protocol.clone(), settings, ground: self.ground.clone(), search: false };
        Command::Begin(Box::new(Order {
            cell,
            // A folder of its own is for the first run; those that follow take the next unused ones.
            place: self.place.take(),
            device: self.device.clone(),
            begins: true,
            sized_by_device: self.sized_by_device,
        }))
    }

    /// The command that opens the run of a folder.
    #[must_use]
    pub fn open(&self, place: PathBuf) -> Command {
        Command::Open { place, device: self.device.clone() }
    }

    /// Takes a folder of images as data.
    pub fn take_folder(&mut self, path: PathBuf) {
        self.folder = path.display().to_string();
        self.data = Data::Folder;
    }

    fn source(&self) -> Source {
        match self.data {
            Data::Faces => Source::Faces { train: self.faces[0], test: self.faces[1] },
            Data::Digits => Source::Digits { test_fraction: TEST_FRACTION },
            Data::Folder => {
                Source::Folder { path: PathBuf::from(self.folder.trim()), test_fraction: TEST_FRACTION, strict: false }
            }
        }
    }

    /// Shows them.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, wishes: &mut Vec<(String, Wish)>) {
        ScrollArea::vertical().show(ui, |ui| {
            self.start(ui, desk, wishes);
            CollapsingHeader::new("Data").default_open(true).show(ui, |ui| self.data(ui, wishes));
            CollapsingHeader::new("Losses that race").default_open(true).show(ui, |ui| self.losses(ui));
            CollapsingHeader::new("While it runs").default_open(true).show(ui, |ui| self.steering(ui, desk));
            CollapsingHeader::new("Network and batches").show(ui, |ui| self.network(ui));
            CollapsingHeader::new("Look").show(ui, |ui| look(ui, desk));
        });
    }

    fn start(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, wishes: &mut Vec<(String, Wish)>) {
        let ready = !(self.data == Data::Folder && self.folder.trim().is_empty());
        let problem = self.settings.check().err().map(|error| error.to_string());
        ui.horizontal(|ui| {
            let fits = ready && problem.is_none() && desk.known.phase != Phase::Closed;
            let hint = "Begin a new run with what is chosen below; a run under way is saved first.";
            if ui.add_enabled(fits, egui::Button::new("Start")).on_hover_text(hint).clicked() {
                let order = self.order();
                desk.ask(order);
            }
            if ui.button("Open run…").on_hover_text("Go on with a run from its folder.").clicked() {
                wishes.push(("runs".to_owned(), Wish::Run));
            }
        });
        if let Some(problem) = problem {
            ui.colored_label(ui.visuals().warn_fg_color, problem);
        }
    }

    fn data(&mut self, ui: &mut Ui, wishes: &mut Vec<(String, Wish)>) {
        ui.horizontal(|ui| {
            ui.radio_value(&mut self.data, Data::Faces, "faces")
                .on_hover_text("Portraits drawn from an age, in eight groups.");
            ui.radio_value(&mut self.data, Data::Digits, "digits")
                .on_hover_text("Scanned digits: classes without an order.");
            ui.radio_value(&mut self.data, Data::Folder, "folder")
                .on_hover_text("Your images, a folder a class; or drop one on the window.");
        });
        match self.data {
            Data::Faces => {
                number(ui, "training images", &mut self.faces[0], 8..=100_000, "Faces that are drawn to train on.");
                number(ui, "test images", &mut self.faces[1], 8..=100_000, "Faces that are drawn to test on.");
            }
            Data::Digits => {}
            Data::Folder => {
                ui.horizontal(|ui| {
                    let label = ui.label("folder");
                    let field =
                        TextEdit::singleline(&mut self.folder).desired_width(130.0).hint_text("a folder a class");
                    ui.add(field).labelled_by(label.id);
                    if ui.button("Browse…").clicked() {
                        wishes.push((self.folder.clone(), Wish::Images));
                    }
                });
            }
        }
        ui.checkbox(&mut self.settings.shuffled_ids, "shuffle class ids").on_hover_text(terms::of("shuffled ids"));
    }

    fn losses(&mut self, ui: &mut Ui) {
        for loss in Loss::ALL {
            let mut races = self.settings.losses.contains(&loss);
            if ui.checkbox(&mut races, loss.name()).on_hover_text(terms::of(loss.name())).changed() {
                self.settings.losses.retain(|other| *other != loss);
                self.settings.losses.extend(races.then_some(loss));
                self.settings.losses.sort_by_key(|loss| Loss::ALL.iter().position(|other| other == loss));
            }
        }
    }

    /// Settings that may change while a run goes on: what is chosen here goes to it at once.
    fn steering(&mut self, ui: &mut Ui, desk: &mut Desk<'_>) {
        if let Some(scene) = &desk.known.scene {
            let Settings { epochs, learning_rate, momentum, lambda, omega, mu, .. } = scene.settings;
            if !ui.ctx().egui_is_using_pointer() && ui.memory(|memory| memory.focused().is_none()) {
                let rates = scene.settings.rates.clone();
                let own = self.settings.clone();
                self.settings = Settings { epochs, learning_rate, rates, momentum, lambda, omega, mu, ..own };
            }
        }
        let mut changes = Vec::new();
        self.numbers(ui, &mut changes);
        self.distance_term(ui, &mut changes);
        for change in changes {
            self.settings = change.on(&self.settings);
            if desk.known.scene.is_some() {
                desk.ask(Command::Change(change));
            }
        }
    }

    fn numbers(&self, ui: &mut Ui, changes: &mut Vec<Change>) {
        let Settings { mut epochs, mut learning_rate, mut momentum, .. } = self.settings;
        ui.horizontal(|ui| {
            let label = ui
                .label("epochs")
                .on_hover_text("Passes over the training images in all; more go on with a finished run.");
            let field = ui.add(DragValue::new(&mut epochs).range(1..=100_000)).labelled_by(label.id);
            changes.extend(field.changed().then_some(Change::Epochs(epochs)));
        });
        ui.horizontal(|ui| {
            let label = ui.label("learning rate").on_hover_text(terms::of("learning rate"));
            let speed = 0.01 * learning_rate;
            let field = DragValue::new(&mut learning_rate).range(1e-6..=10.0).speed(speed).max_decimals(6);
            let field = ui.add(field).labelled_by(label.id);
            changes.extend(field.changed().then_some(Change::LearningRate(learning_rate)));
        });
        ui.horizontal(|ui| {
            let label = ui.label("momentum").on_hover_text(terms::of("momentum"));
            let field = ui.add(DragValue::new(&mut momentum).range(0.0..=0.999).speed(0.001)).labelled_by(label.id);
            changes.extend(field.changed().then_some(Change::Momentum(momentum)));
        });
    }

    fn distance_term(&self, ui: &mut Ui, changes: &mut Vec<Change>) {
        let Settings { lambda, omega, mu, .. } = self.settings;
        let fixed = if let Lambda::Fixed(value) = lambda { Some(value) } else { None };
        if let Some(value) = choice(ui, "lambda", "automatic", fixed, 2.0, 0.0..=1000.0) {
            changes.push(Change::Lambda(value.map_or(Lambda::Auto, Lambda::Fixed)));
        }
        if let Some(omega) = choice(ui, "omega", "the paper's", omega, 1.0, 0.1..=8.0) {
            changes.push(Change::Omega(omega));
        }
        if let Some(mu) = choice(ui, "mu", "the paper's", mu, -0.5, -10.0..=10.0) {
            changes.push(Change::Mu(mu));
        }
    }

    fn network(&mut self, ui: &mut Ui) {
        number(ui, "image side", &mut self.settings.side, 8..=2048, "Pixels across and down that the network sees.");
        number(ui, "batch", &mut self.settings.batch, 1..=65_536, "Images a step.");
        number(ui, "jump start", &mut self.settings.jump_start, 0..=10_000, terms::of("jump start"));
        ui.horizontal(|ui| {
            let label = ui.label("seed").on_hover_text("Of first weights, order, augmentation and the faces.");
            ui.add(DragValue::new(&mut self.settings.seed)).labelled_by(label.id);
        });
        ui.checkbox(&mut self.sized_by_device, "network that suits the device");
        ui.add_enabled_ui(!self.sized_by_device, |ui| {
            for (layer, channels) in self.settings.channels.iter_mut().enumerate() {
                let name = format!("channels of convolution {}", layer + 1);
                number(ui, &name, channels, 1..=4096, "Filters of this layer.");
            }
            ui.horizontal(|ui| {
                if ui.button("Add convolution").clicked() {
                    let last = self.settings.channels.last().copied().unwrap_or(8);
                    self.settings.channels.push(2 * last);
                }
                let some = self.settings.channels.len() > 1;
                if ui.add_enabled(some, egui::Button::new("Remove one")).clicked() {
                    self.settings.channels.pop();
                }
            });
            number(ui, "hidden layer", &mut self.settings.hidden, 1..=65_536, "Outputs of the fully connected layer.");
        });
        let augmentation = &mut self.settings.augmentation;
        ui.label("random changes of training images");
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut augmentation.crop, "crop");
            ui.checkbox(&mut augmentation.flip, "flip");
            ui.checkbox(&mut augmentation.rotation, "rotation");
            ui.checkbox(&mut augmentation.aspect, "aspect");
            ui.checkbox(&mut augmentation.colour, "colour");
        });
        ui.horizontal(|ui| {
            let label = ui.label("device").on_hover_text("auto, gpu, cpu, or a part of an adapter's name.");
            ui.add(TextEdit::singleline(&mut self.device).desired_width(110.0)).labelled_by(label.id);
        });
    }
}

/// Theme, size of the text, colours of matrices.
fn look(ui: &mut Ui, desk: &mut Desk<'_>) {
    egui::global_theme_preference_buttons(ui);
    let mut zoom = ui.ctx().zoom_factor();
    ui.horizontal(|ui| {
        let label = ui.label("text size");
        if ui.add(DragValue::new(&mut zoom).range(0.5..=4.0).speed(0.01)).labelled_by(label.id).changed() {
            ui.ctx().set_zoom_factor(zoom);
        }
    });
    ComboBox::from_label("colours of matrices").selected_text(desk.choice.map.name()).show_ui(ui, |ui| {
        for map in crate::ui::theme::ColorMap::ALL {
            ui.selectable_value(&mut desk.choice.map, map, map.name());
        }
    });
}

fn number(ui: &mut Ui, name: &str, value: &mut usize, range: std::ops::RangeInclusive<usize>, hint: &str) {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(hint);
        ui.add(DragValue::new(value).range(range)).labelled_by(label.id);
    });
}

/// A number that may be left to `otherwise`; the new choice, where it changed.
fn choice(
    ui: &mut Ui,
    name: &str,
    otherwise: &str,
    value: Option<f32>,
    first: f32,
    range: std::ops::RangeInclusive<f32>,
) -> Option<Option<f32>> {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(terms::of(name));
        let mut left = value.is_none();
        if ui.checkbox(&mut left, otherwise).changed() {
            return Some((!left).then_some(first));
        }
        let mut number = value?;
        let field = ui.add(DragValue::new(&mut number).range(range).speed(0.01)).labelled_by(label.id);
        field.changed().then_some(Some(number))
    })
    .inner
}
