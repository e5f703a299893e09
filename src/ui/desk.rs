//! What every panel is given: what is known, what the user looks at, and where wishes go.

use super::known::Known;
use super::picture::Pictures;
use super::theme::ColorMap;
use crate::nn::Loss;
use crate::train::EpochResult;
use crate::worker::Command;
use crate::worker::message::Exported;
use eframe::egui;
use std::collections::BTreeSet;

/// What the user looks at, throughout the window.
#[derive(Default)]
pub struct Choice {
    /// The run that epoch and image belong to.
    run: usize,
    /// The epoch that is replayed; the newest where none is.
    pub epoch: Option<usize>,
    /// The racer whose matrices are shown; the last of the race where none was chosen.
    pub loss: Option<Loss>,
    /// Racers that the legend has put out.
    pub hidden: BTreeSet<String>,
    /// The test image whose predictions are shown.
    pub image: usize,
    /// The colours of matrices.
    pub map: ColorMap,
    /// Whether it was read what the browser lacks.
    pub read_lack: bool,
    /// Test images that were shown.
    pub pictures: Pictures,
}

impl Choice {
    /// Forgets what was chosen of another run.
    pub fn keep_up(&mut self, known: &Known) {
        if self.run != known.run {
            (self.run, self.epoch, self.image) = (known.run, None, 0);
        }
    }
}

/// What every panel is given.
pub struct Desk<'a> {
    /// What the worker has told.
    pub known: &'a Known,
    /// What the user looks at.
    pub choice: &'a mut Choice,
    /// What the worker shall do.
    pub commands: &'a mut Vec<Command>,
    /// What shall be written, with a name for its file; where to is asked for then.
    pub exports: &'a mut Vec<(String, Exported)>,
}

impl<'a> Desk<'a> {
    /// The epoch that is shown: the replayed one, else the newest with results.
    pub fn epoch(&self) -> Option<usize> {
        let newest = self.known.epochs.keys().next_back().copied();
        self.choice.epoch.filter(|epoch| self.known.epochs.contains_key(epoch)).or(newest)
    }

    /// The results of all racers in the epoch that is shown.
    pub fn results(&self) -> &'a [EpochResult] {
        self.epoch().and_then(|epoch| self.known.epochs.get(&epoch)).map_or(&[], Vec::as_slice)
    }

    /// The racer whose matrices are shown.
    pub fn loss(&self) -> Option<Loss> {
        let racing = self.known.losses_racing();
        self.choice.loss.filter(|loss| racing.contains(loss)).or_else(|| racing.last().copied())
    }

    /// The result of that racer in the epoch that is shown.
    pub fn result(&self) -> Option<&'a EpochResult> {
        let loss = self.loss()?;
        self.results().iter().find(|result| result.row.loss == loss.name())
    }

    /// Shows an epoch; the run is followed where it is the newest.
    pub fn show_epoch(&mut self, epoch: usize) {
        let newest = self.known.epochs.keys().next_back();
        self.choice.epoch = newest.is_some_and(|&newest| epoch < newest).then_some(epoch);
    }

    /// Hands a command to the worker.
    pub fn ask(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// Has something written to a place that the user is asked for.
    pub fn export(&mut self, name: &str, what: Exported) {
        self.exports.push((name.to_owned(), what));
    }

    /// A choice of the racer whose matrices are shown.
    pub fn choose_loss(&mut self, ui: &mut egui::Ui, label: &str) {
        let shown = self.loss();
        let name = shown.map_or("", |loss| loss.name());
        egui::ComboBox::from_label(label).selected_text(name).show_ui(ui, |ui| {
            for &loss in self.known.losses_racing() {
                ui.selectable_value(&mut self.choice.loss, Some(loss), loss.name());
            }
        });
    }
}

/// A menu of the formats of a figure; the ending of the one that was clicked.
pub fn formats(ui: &mut egui::Ui) -> Option<&'static str> {
    let formats = [("PNG", "png"), ("SVG", "svg"), ("CSV", "csv")];
    let (_, ending) = formats.into_iter().find(|(name, _)| ui.button(*name).clicked())?;
    ui.close();
    Some(ending)
}
