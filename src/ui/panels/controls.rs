//! What is trained and how: before a run begins, and while it goes on.

mod steering;

use crate::data::protocol::Protocol;
use crate::data::source::{FACES, Source, TEST_FRACTION};
use crate::nn::Loss;
use crate::train::Settings;
use crate::train::cell::Cell;
use crate::ui::app::Wish;
use crate::ui::desk::Desk;
use crate::ui::known::Phase;
use crate::ui::terms;
use crate::worker::Command;
use crate::worker::message::Order;
use eframe::egui::emath::Numeric;
use eframe::egui::{self, CollapsingHeader, ComboBox, DragValue, Response, ScrollArea, TextEdit, Ui};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use steering::Steering;

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
    test_fraction: f64,
    strict: bool,
    /// How the data are divided that were chosen from the beginning; others are as usual.
    protocol: Protocol,
    settings: Settings,
    steering: Steering,
    ground: Option<PathBuf>,
    sized_by_device: bool,
    device: String,
    place: Option<PathBuf>,
}

impl Controls {
    /// Those of a cell, on a device of this name, the run kept in this folder or the next unused one.
    #[must_use]
    pub fn new(cell: Cell, sized_by_device: bool, device: &str, place: Option<PathBuf>) -> Self {
        let Cell { source, protocol, settings, ground, .. } = cell;
        let mut controls = Self {
            data: Data::Faces,
            faces: FACES,
            folder: String::new(),
            test_fraction: TEST_FRACTION,
            strict: false,
            protocol,
            settings,
            steering: Steering::default(),
            ground,
            sized_by_device,
            device: device.to_owned(),
            place,
        };
        match source {
            Source::Faces { train, test } => controls.faces = [train, test],
            Source::Digits { test_fraction } => {
                (controls.data, controls.test_fraction) = (Data::Digits, test_fraction);
            }
            Source::Folder { path, test_fraction, strict } => {
                (controls.data, controls.folder) = (Data::Folder, path.display().to_string());
                (controls.test_fraction, controls.strict) = (test_fraction, strict);
            }
        }
        controls
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
        self.choose(Data::Folder, path.display().to_string());
    }

    /// Chooses data. Others are divided as usual, and no file tells of their classes' distances.
    fn choose(&mut self, data: Data, folder: String) {
        if (data, &folder) != (self.data, &self.folder) {
            (self.protocol, self.ground) = (Protocol::default(), None);
        }
        (self.data, self.folder) = (data, folder);
    }

    fn source(&self) -> Source {
        match self.data {
            Data::Faces => Source::Faces { train: self.faces[0], test: self.faces[1] },
            Data::Digits => Source::Digits { test_fraction: self.test_fraction },
            Data::Folder => {
                let path = PathBuf::from(self.folder.trim());
                Source::Folder { path, test_fraction: self.test_fraction, strict: self.strict }
            }
        }
    }

    /// Shows them.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, wishes: &mut Vec<(String, Wish)>) {
        ScrollArea::vertical().show(ui, |ui| {
            self.start(ui, desk, wishes);
            CollapsingHeader::new("Data").default_open(true).show(ui, |ui| self.data(ui, wishes));
            CollapsingHeader::new("Losses that race").default_open(true).show(ui, |ui| self.losses(ui));
            CollapsingHeader::new("While it runs").default_open(true).show(ui, |ui| {
                self.steering.show(ui, desk, &mut self.settings);
            });
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
            if ui.button("Open run…").on_hover_text("Go on with a run that was kept, or export it.").clicked() {
                wishes.push(("runs".to_owned(), Wish::Kept));
            }
        });
        if let Some(problem) = problem {
            ui.colored_label(ui.visuals().warn_fg_color, problem);
        }
    }

    fn data(&mut self, ui: &mut Ui, wishes: &mut Vec<(String, Wish)>) {
        let (mut data, mut folder) = (self.data, self.folder.clone());
        ui.horizontal(|ui| {
            ui.radio_value(&mut data, Data::Faces, "faces")
                .on_hover_text("Portraits drawn from an age, in eight groups.");
            ui.radio_value(&mut data, Data::Digits, "digits")
                .on_hover_text("Scanned digits: classes without an order.");
            ui.radio_value(&mut data, Data::Folder, "folder")
                .on_hover_text("Your images, a folder a class; or drop one on the window.");
        });
        match data {
            Data::Faces => {
                number(ui, "training images", &mut self.faces[0], 8..=100_000, "Faces that are drawn to train on.");
                number(ui, "test images", &mut self.faces[1], 8..=100_000, "Faces that are drawn to test on.");
            }
            Data::Digits => {}
            Data::Folder => {
                ui.horizontal(|ui| {
                    let label = ui.label("folder");
                    let field = TextEdit::singleline(&mut folder).desired_width(130.0).hint_text("a folder a class");
                    ui.add(field).labelled_by(label.id);
                    if ui.button("Browse…").clicked() {
                        wishes.push((folder.clone(), Wish::Images));
                    }
                });
            }
        }
        self.choose(data, folder);
        if let Some(words) = self.said_before() {
            ui.label(words);
        }
        ui.checkbox(&mut self.settings.shuffled_ids, "shuffle class ids").on_hover_text(terms::of("shuffled ids"));
    }

    /// What was said of these data when the window was opened and stands nowhere else.
    fn said_before(&self) -> Option<String> {
        let Protocol { folds, fold, bins, share, validation } = self.protocol;
        let said = [
            folds.map(|folds| format!("{folds} folds")),
            fold.map(|fold| format!("fold {fold} to test on")),
            bins.map(|bins| format!("{bins} classes of equal frequency")),
            share.map(|share| format!("{share} of the training images")),
            validation.map(|share| format!("{share} of them to measure on")),
            self.ground.as_ref().map(|file| format!("D from {}", file.display())),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| format!("As said at the start, for these data: {}.", said.join(", ")))
    }

    fn losses(&mut self, ui: &mut Ui) {
        for loss in Loss::ALL {
            let mut races = self.settings.losses.contains(&loss);
            if ui.checkbox(&mut races, loss.name()).on_hover_text(terms::of(loss.name())).changed() {
                self.settings.losses.retain(|other| *other != loss);
                self.settings.losses.extend(races.then_some(loss));
                self.settings.losses.sort_by_key(|loss| Loss::ALL.iter().position(|other| other == loss));
                // Rates that were found for other racers are not theirs.
                self.settings.rates.clear();
            }
        }
    }

    fn network(&mut self, ui: &mut Ui) {
        number(ui, "image side", &mut self.settings.side, 8..=2048, "Pixels across and down that the network sees.");
        number(ui, "batch", &mut self.settings.batch, 1..=65_536, "Images a step.");
        number(ui, "jump start", &mut self.settings.jump_start, 0..=10_000, terms::of("jump start"));
        let hint = "Of first weights, order, augmentation and the faces.";
        number(ui, "seed", &mut self.settings.seed, 0..=u32::MAX, hint);
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
    if field(ui, "text size", &mut zoom, 0.5..=4.0, "1 is the usual one.", |field| field.speed(0.01)).changed() {
        ui.ctx().set_zoom_factor(zoom);
    }
    ComboBox::from_label("colours of matrices").selected_text(desk.choice.map.name()).show_ui(ui, |ui| {
        for map in crate::ui::theme::ColorMap::ALL {
            ui.selectable_value(&mut desk.choice.map, map, map.name());
        }
    });
}

/// A number with its name, with all its digits, so that leaving its field does not change it. It is taken when it is typed to its
/// end, and one outside the range stays as it is until then.
fn field<N: Numeric>(
    ui: &mut Ui,
    name: &str,
    value: &mut N,
    range: RangeInclusive<N>,
    hint: &str,
    refine: impl FnOnce(DragValue<'_>) -> DragValue<'_>,
) -> Response {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(hint);
        let digits = |value: f64| if N::INTEGRAL { format!("{value:.0}") } else { (value as f32).to_string() };
        let field = DragValue::new(value).range(range).clamp_existing_to_range(false).update_while_editing(false);
        ui.add(refine(field.custom_formatter(move |value, _| digits(value)))).labelled_by(label.id)
    })
    .inner
}

fn number<N: Numeric>(ui: &mut Ui, name: &str, value: &mut N, range: RangeInclusive<N>, hint: &str) {
    field(ui, name, value, range, hint, |field| field);
}

#[cfg(test)]
mod tests;
