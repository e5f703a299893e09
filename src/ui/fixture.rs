//! What tests show panels: all that is known of a made-up run, told by messages as a worker would.

use super::desk::{Choice, Desk};
use super::known::Known;
use crate::data::protocol::Protocol;
use crate::data::source::Source;
use crate::nn::Loss;
use crate::plan::{Adapter, AdapterKind};
use crate::train::metrics::{Evaluation, argmax};
use crate::train::{EpochResult, EpochRow, Settings};
use crate::worker::Command;
use crate::worker::message::{Exported, Message, Picture, Scene};
use eframe::egui::{Theme, Ui};
use egui_kittest::Harness;
use std::path::Path;

/// Age groups, as the built-in faces have them.
const GROUPS: [&str; 8] = ["0-2", "4-6", "8-13", "15-20", "25-32", "38-43", "48-53", "60+"];
/// Test images of a class.
const IMAGES: usize = 12;
/// Pixels across and down of a test image.
const SIDE: usize = 12;

/// Everything that a panel is given, with an owner.
#[derive(Default)]
pub struct Table {
    /// What is known.
    pub known: Known,
    /// What is looked at.
    pub choice: Choice,
    /// What was asked for.
    pub commands: Vec<Command>,
    /// What is to be written.
    pub exports: Vec<(String, Exported)>,
}

impl Table {
    /// With this known.
    pub fn of(known: Known) -> Self {
        Self { known, ..Self::default() }
    }

    /// With a run of eight classes in which these losses raced for two epochs.
    pub fn of_losses(losses: &[Loss]) -> Self {
        let mut table = Self::default();
        race(&mut table.known, scene(8, losses, 1), 2);
        table
    }

    /// What a panel is given.
    pub fn desk(&mut self) -> Desk<'_> {
        let Self { known, choice, commands, exports } = self;
        Desk { known, choice, commands, exports }
    }

    /// The test images that were asked for, in that order.
    pub fn asked(&self) -> Vec<usize> {
        let of = |command: &Command| if let Command::Images(indices) = command { indices.clone() } else { Vec::new() };
        self.commands.iter().flat_map(of).collect()
    }

    /// Tells the test images that were asked for since so many commands.
    fn answer(&mut self, since: usize) {
        let answers: Vec<Message> = self.commands[since..]
            .iter()
            .filter_map(|command| match command {
                Command::Images(indices) => Some(Message::Images(indices.iter().copied().map(picture).collect())),
                _ => None,
            })
            .collect();
        answers.into_iter().for_each(|answer| self.known.take(answer));
    }
}

/// A panel before a table; test images that it asks for are there in the next frame.
pub fn harness<P: 'static>(
    table: Table,
    panel: P,
    theme: Theme,
    show: fn(&mut P, &mut Ui, &mut Desk<'_>),
) -> Harness<'static, (Table, P)> {
    let builder = Harness::builder().with_size([1100.0, 760.0]).with_theme(theme);
    builder.build_ui_state(
        move |ui, (table, panel): &mut (Table, P)| {
            let since = table.commands.len();
            show(panel, ui, &mut table.desk());
            table.answer(since);
        },
        (table, panel),
    )
}

/// Keeps a picture of what is shown, to be looked at.
pub fn keep<S>(harness: &mut Harness<'_, S>, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/window");
    std::fs::create_dir_all(&folder).unwrap();
    harness.render().unwrap().save(folder.join(format!("{name}.png"))).unwrap();
}

/// A disc whose colour tells its number.
fn picture(index: usize) -> Picture {
    let inside = |at: usize| (at / SIDE).abs_diff(SIDE / 2).pow(2) + (at % SIDE).abs_diff(SIDE / 2).pow(2) < 25;
    let plane = |shade: usize| (0..SIDE * SIDE).map(move |at| if inside(at) { (shade % 200 + 55) as u8 } else { 30 });
    let planes = [60 * index, 35 * index + 90, 20 * index + 170].into_iter().flat_map(plane).collect();
    Picture { index, side: SIDE, planes }
}

/// A run of eight classes in which three losses raced for so many epochs, resting.
pub fn known(epochs: usize) -> Known {
    let mut known = Known::default();
    race(&mut known, scene(8, &[Loss::Xe, Loss::Emd, Loss::Xemd2], 1), epochs);
    known
}

/// Begins a run and tells so many of its epochs.
pub fn race(known: &mut Known, scene: Scene, epochs: usize) {
    known.take(Message::Begun(Box::new(scene.clone())));
    for epoch in 1..=epochs {
        for &loss in &scene.settings.losses {
            known.take(Message::Epoch(Box::new(result(&scene, loss, epoch))));
        }
    }
    known.take(Message::Resting);
}

/// A run of so many classes.
pub fn scene(classes: usize, losses: &[Loss], seed: u32) -> Scene {
    let class = |class: usize| if classes == 8 { GROUPS[class].to_owned() } else { format!("class {class}") };
    let labels: Vec<u32> = (0..classes * IMAGES).map(|image| (image % classes) as u32).collect();
    Scene {
        place: format!("runs/{seed}").into(),
        data: "faces".to_owned(),
        source: Source::Faces { train: 1600, test: labels.len() },
        protocol: Protocol::default(),
        settings: Settings { losses: losses.to_vec(), seed, ..Settings::default() },
        classes: (0..classes).map(class).collect(),
        class_values: (0..classes).map(|class| class as f64).collect(),
        train_images: 1600,
        names: (0..labels.len()).map(|image| format!("face {image}")).collect(),
        labels,
        parameters: 30_000,
        memory: 80 << 20,
        adapter: Adapter { name: "a processor".to_owned(), kind: AdapterKind::Processor, ..Adapter::default() },
        why: "there is no other".to_owned(),
        skipped: Vec::new(),
        rows: Vec::new(),
        step: 0,
        held: Default::default(),
        batches: 50,
    }
}

/// An epoch of a racer: the later, the surer its predictions and the straighter its distances; `emd` is ahead.
pub fn result(scene: &Scene, loss: Loss, epoch: usize) -> EpochResult {
    let classes = scene.classes.len();
    let place = scene.settings.losses.iter().position(|&other| other == loss).unwrap_or(0);
    let mut random = random(1000 * u64::from(scene.settings.seed) + 10 * epoch as u64 + place as u64);
    let ahead = if loss == Loss::Emd { 1.5 } else { 1.0 };
    let width = 2.0 + 6.0 / (1.0 + ahead * epoch as f64);
    let outcomes = predictions(&scene.labels, classes, width, &mut random);
    let evaluation = Evaluation::new(&outcomes, &scene.class_values, &scene.labels, &values(&scene.labels)).unwrap();
    let distances = distances(classes, 0.6 / epoch as f64, &mut random);
    EpochResult {
        row: row(scene, loss, epoch, &evaluation),
        scores: outcomes.chunks_exact(classes).map(|row| argmax(row) as f64).collect(),
        evaluation,
        outcomes,
        ground: ground(&distances, classes),
        distances,
        absent: Vec::new(),
    }
}

fn row(scene: &Scene, loss: Loss, epoch: usize, evaluation: &Evaluation) -> EpochRow {
    let lambda = loss.is_self_guided().then_some(4.2);
    EpochRow {
        epoch,
        loss: loss.name().to_owned(),
        train_loss: 2.1 / (epoch as f64).sqrt(),
        aem: 100.0 * evaluation.aem,
        aeo: 100.0 * evaluation.aeo,
        mae: evaluation.mae,
        spearman: evaluation.spearman,
        lambda,
        sdd: Some(0.03),
        seconds: f64::from(scene.settings.seed) + 3.0 * epoch as f64,
        train_aem: 105.0 * evaluation.aem,
        qwk: evaluation.qwk,
        amae: evaluation.amae,
        rps: evaluation.rps,
        ece: evaluation.ece,
        top5_error: evaluation.top5_error,
    }
}

fn values(labels: &[u32]) -> Vec<f64> {
    labels.iter().map(|&label| f64::from(label)).collect()
}

/// Probabilities that fall off from a class near the true one.
fn predictions(labels: &[u32], classes: usize, width: f64, random: &mut impl FnMut() -> f64) -> Vec<f32> {
    let mut all = Vec::new();
    for &label in labels {
        let middle = f64::from(label) + width * (random() + random() - 1.0);
        let raw: Vec<f64> = (0..classes).map(|class| (-((class as f64 - middle) / width).powi(2)).exp()).collect();
        let sum: f64 = raw.iter().sum();
        all.extend(raw.iter().map(|value| (value / sum) as f32));
    }
    all
}

/// Distances of ordered classes that level off, with noise; symmetric.
fn distances(classes: usize, noise: f64, random: &mut impl FnMut() -> f64) -> Vec<f64> {
    let mut all = vec![0.0; classes * classes];
    for i in 0..classes {
        for j in 0..i {
            let apart = (i - j) as f64 / classes as f64;
            let distance = 0.3 * (1.0 - (-2.0 * apart).exp()) * (1.0 + noise * (random() - 0.5));
            (all[i * classes + j], all[j * classes + i]) = (distance, distance);
        }
    }
    all
}

/// D by equations 12 and 13, in plain loops.
fn ground(distances: &[f64], classes: usize) -> Vec<f64> {
    let rank = |i: usize, j: usize| {
        let row = &distances[i * classes..(i + 1) * classes];
        row.iter().filter(|&&other| other < row[j]).count() as f64 / classes as f64
    };
    (0..classes * classes)
        .map(|at| (rank(at / classes, at % classes) + rank(at % classes, at / classes)) / 2.0)
        .collect()
}

/// Uniform in [0, 1), by a linear congruential generator.
pub fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}
