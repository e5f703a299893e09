//! A run that never was, for the tests of panels: six classes, 24 test images, three racers and two epochs, all numbers
//! made up by formulas.

use crate::data::source::Source;
use crate::nn::Loss;
use crate::plan::Adapter;
use crate::train::metrics::Evaluation;
use crate::train::{EpochResult, EpochRow, GroundEdit, Settings};
use crate::ui::desk::{Choice, Desk};
use crate::ui::known::Known;
use crate::worker::Command;
use crate::worker::message::{Exported, Message, Picture, Scene};
use eframe::egui::{Theme, Ui};
use egui_kittest::{Harness, HarnessBuilder};
use std::path::Path;

pub const CLASSES: [&str; 6] = ["0-2", "4-6", "8-13", "15-20", "25-32", "38-43"];
const IMAGES: usize = 24;
const SIDE: usize = 12;

/// What a test looks at: what is known, what was chosen, and all that was asked for so far.
pub struct Bench {
    pub known: Known,
    pub choice: Choice,
    pub commands: Vec<Command>,
    pub exports: Vec<(String, Exported)>,
}

impl Bench {
    /// One on which these losses have raced for two epochs.
    pub fn new(losses: &[Loss]) -> Self {
        let mut known = Known::default();
        known.take(Message::Begun(Box::new(scene(losses))));
        for epoch in 1..=2 {
            for &loss in losses {
                known.take(Message::Epoch(Box::new(result(loss, epoch))));
            }
        }
        Self { known, choice: Choice::default(), commands: Vec::new(), exports: Vec::new() }
    }

    /// A frame of a panel; test images that are asked for are there in the next.
    pub fn frame(&mut self, ui: &mut Ui, show: impl FnOnce(&mut Ui, &mut Desk<'_>)) {
        let Self { known, choice, commands, exports } = self;
        let before = commands.len();
        show(ui, &mut Desk { known, choice, commands, exports });
        for command in &self.commands[before..] {
            if let Command::Images(indices) = command {
                self.known.take(Message::Images(indices.iter().copied().map(picture).collect()));
            }
        }
    }

    /// The test images that were asked for, in that order.
    pub fn asked(&self) -> Vec<usize> {
        let of = |command: &Command| if let Command::Images(indices) = command { indices.clone() } else { Vec::new() };
        self.commands.iter().flat_map(of).collect()
    }
}

/// A panel on a bench, in a window of the usual size.
pub fn harness<P: 'static>(
    bench: Bench,
    panel: P,
    theme: Theme,
    show: fn(&mut P, &mut Ui, &mut Desk<'_>),
) -> Harness<'static, (Bench, P)> {
    let builder: HarnessBuilder<(Bench, P)> = Harness::builder().with_size([1100.0, 760.0]).with_theme(theme).wgpu();
    builder.build_ui_state(
        move |ui, (bench, panel): &mut (Bench, P)| bench.frame(ui, |ui, desk| show(panel, ui, desk)),
        (bench, panel),
    )
}

/// Keeps a picture of what is shown, to be looked at.
pub fn keep<S>(harness: &mut Harness<'_, S>, name: &str) -> image::RgbaImage {
    let image = harness.render().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/window");
    std::fs::create_dir_all(&folder).unwrap();
    image.save(folder.join(format!("{name}.png"))).unwrap();
    image
}

fn scene(losses: &[Loss]) -> Scene {
    Scene {
        place: "runs/made-up".into(),
        data: "faces".to_owned(),
        source: Source::Faces { train: 96, test: IMAGES },
        settings: Settings { losses: losses.to_vec(), epochs: 4, ..Settings::default() },
        classes: CLASSES.map(str::to_owned).to_vec(),
        class_values: vec![1.0, 5.0, 10.5, 17.5, 28.5, 40.5],
        train_images: 96,
        labels: (0..IMAGES).map(label).collect(),
        names: (0..IMAGES).map(|index| format!("faces/{index:06}")).collect(),
        parameters: 1000,
        memory: 1 << 20,
        adapter: Adapter::default(),
        why: "made up".to_owned(),
        skipped: Vec::new(),
        rows: Vec::new(),
        step: 0,
        held: GroundEdit::default(),
        batches: 3,
    }
}

pub fn label(index: usize) -> u32 {
    (index % CLASSES.len()) as u32
}

/// The true class is the most probable but for every third image, which is taken for another class.
fn row(index: usize, epoch: usize) -> Vec<f32> {
    let classes = CLASSES.len();
    let truth = index % classes;
    let peak = if index.is_multiple_of(3) { (truth + 1 + index / 3) % classes } else { truth };
    let weights = (0..classes).map(|class| f32::exp(-(class.abs_diff(peak) as f32) * epoch as f32 * 0.8));
    let total: f32 = weights.clone().sum();
    weights.map(|weight| weight / total).collect()
}

fn result(loss: Loss, epoch: usize) -> EpochResult {
    let classes = CLASSES.len();
    let outcomes: Vec<f32> = (0..IMAGES).flat_map(|index| row(index + loss as usize, epoch)).collect();
    let labels: Vec<u32> = (0..IMAGES).map(label).collect();
    let values: Vec<f64> = labels.iter().map(|&label| f64::from(label)).collect();
    let class_values: Vec<f64> = (0..classes).map(|class| class as f64).collect();
    let evaluation = Evaluation::new(&outcomes, &class_values, &labels, &values).unwrap();
    let far = |at: usize| ((at / classes).abs_diff(at % classes) as f64 / classes as f64).powf(0.7);
    let ground: Vec<f64> = (0..classes * classes).map(far).collect();
    let row = EpochRow {
        epoch,
        loss: loss.name().to_owned(),
        lambda: loss.is_self_guided().then_some(2.0),
        ..EpochRow::default()
    };
    let scores = (0..IMAGES).map(|index| index as f64).collect();
    EpochResult { row, evaluation, outcomes, scores, distances: ground.clone(), ground, absent: Vec::new() }
}

/// A disc whose colour tells its number.
fn picture(index: usize) -> Picture {
    let inside = |at: usize| (at / SIDE).abs_diff(SIDE / 2).pow(2) + (at % SIDE).abs_diff(SIDE / 2).pow(2) < 25;
    let plane = |shade: usize| (0..SIDE * SIDE).map(move |at| if inside(at) { (shade % 200 + 55) as u8 } else { 30 });
    let planes = [60 * index, 35 * index + 90, 20 * index + 170].into_iter().flat_map(plane).collect();
    Picture { index, side: SIDE, planes }
}
