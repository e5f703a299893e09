//! What the losses and the distance matrix cost beside the network (section 4.2).

use super::claim::{Judgement, Verdict};
use super::document::Section;
use super::{Method, ReproduceError, Results, Setup, Study};
use crate::bench::{BenchError, Workload, kinds, pace};
use crate::nn::Loss;
use crate::nn::plans::distances;
use crate::plan::Executor;
use crate::report::Block;
use crate::train::run::{RunError, write_whole};
use crate::train::statistics::Spread;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// What the study and its measurement are called.
pub const NAME: &str = "overhead";
/// The study.
pub const STUDY: Study = Study { name: NAME, place: "section 4.2", methods: Vec::<Method>::new, measure };

/// Where the measurement is kept.
pub const FILE: &str = "overhead.json";

/// The paper's bound: less than ten percent of a step.
const PAPER: f64 = 10.0;
/// Steps of an epoch over which the distance matrix is spread: those of 1,600 images in batches of 64.
const STEPS: f64 = 25.0;
/// Rounds in which the losses take turns, so that a machine that slows down slows all of them.
const ROUNDS: usize = 5;
/// Time of a loss in a round.
const SPAN: Duration = Duration::from_millis(400);

/// What one loss costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Its name.
    pub loss: String,
    /// Milliseconds of a training step, mean over rounds.
    pub step_ms: f64,
    /// Standard deviation over rounds.
    pub step_deviation: f64,
    /// Milliseconds in a step of the loss, its sums and the features' class sums.
    pub method_ms: f64,
    /// Milliseconds of the distance matrix, once an epoch.
    pub distances_ms: f64,
}

impl Cost {
    /// Percent of a step for which the method accounts.
    fn percent(&self) -> f64 {
        100.0 * (self.method_ms + self.distances_ms / STEPS) / self.step_ms
    }
}

/// Whether a kind of step is the method's rather than any classifier's.
fn is_of_the_method(op: &str) -> bool {
    op.starts_with("loss") || ["tally", "class_sums"].contains(&op)
}

/// What every loss costs, and where that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Version of this program.
    pub version: String,
    /// The device.
    pub device: String,
    /// A loss each.
    pub losses: Vec<Cost>,
}

impl Costs {
    /// Measures every loss on the workload R1; `open` opens a device for one.
    ///
    /// # Errors
    /// When a device does not open or fails.
    pub fn measure<E: From<BenchError>>(open: &mut dyn FnMut() -> Result<Box<dyn Executor>, E>) -> Result<Self, E> {
        let device = open()?.adapter().to_string();
        Ok(Self { version: env!("CARGO_PKG_VERSION").to_owned(), device, losses: costs(open)? })
    }

    /// Whether they were measured on this device by this version.
    #[must_use]
    pub fn is_of(&self, device: &str) -> bool {
        self.device == device && self.version == env!("CARGO_PKG_VERSION")
    }

    /// Reads what [`Costs::write`] wrote.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let refused = |error: &dyn std::fmt::Display| RunError::File { path: path.to_owned(), why: error.to_string() };
        let json = std::fs::read(path).map_err(|error| refused(&error))?;
        serde_json::from_slice(&json).map_err(|error| refused(&error))
    }

    /// Keeps them in a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let refused = |error: serde_json::Error| RunError::File { path: path.to_owned(), why: error.to_string() };
        write_whole(path, &serde_json::to_vec_pretty(self).map_err(refused)?)
    }
}

fn costs<E: From<BenchError>>(open: &mut dyn FnMut() -> Result<Box<dyn Executor>, E>) -> Result<Vec<Cost>, E> {
    let workload = Workload::named("R1")?;
    let mut runners = Vec::new();
    for loss in Setup::losses() {
        let mut executor = open()?;
        let started = workload.start(&mut *executor, &[loss]).map_err(BenchError::from)?;
        runners.push((loss, executor, started, Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (_, executor, started, times) in &mut runners {
            let pace = pace(&mut **executor, started.handle, "train", SPAN).map_err(BenchError::from)?;
            times.push(1e3 * pace.step_s);
        }
    }
    let mut costs = Vec::new();
    for (loss, mut executor, started, times) in runners {
        let plan = executor.prepare(&distances(&workload.model, &[loss], false)).map_err(BenchError::from)?;
        let distances = pace(&mut *executor, plan, "train", SPAN).map_err(BenchError::from)?;
        let (kinds, _) = kinds(&mut *executor, &started.plan, None).map_err(BenchError::from)?;
        let spread = Spread::of(&times);
        costs.push(Cost {
            loss: loss.to_string(),
            step_ms: spread.map_or(f64::NAN, |spread| spread.mean),
            step_deviation: spread.and_then(|spread| spread.deviation).unwrap_or(f64::NAN),
            method_ms: kinds.iter().filter(|kind| is_of_the_method(kind.op)).map(|kind| kind.ms).sum(),
            distances_ms: 1e3 * distances.step_s,
        });
    }
    Ok(costs)
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let Costs { device, losses: costs, .. } = results.costs()?;
    let mut section =
        Section::new("Overhead: the losses and the distance matrix against the step, on random images".to_owned());
    section.blocks.push(Block::Text(format!(
        "Batch 64 of 3x32x32, the default network, on {device}. The method’s share is the time of the loss, its sums and the features’ class \
         sums, each timed by itself, and of the distance matrix spread over {STEPS} steps. The times of whole steps (mean ± \
         standard deviation of {ROUNDS} rounds, taken in turns) show what is left of it beside a machine’s own noise."
    )));
    let row = |cost: &Cost| {
        vec![
            cost.loss.clone(),
            format!("{:.2} ± {:.2}", cost.step_ms, cost.step_deviation),
            format!("{:.3}", cost.method_ms),
            format!("{:.3}", cost.distances_ms),
            format!("{:.2}", cost.percent()),
        ]
    };
    let header = ["loss", "ms a step", "of them the method’s", "ms of distances, once an epoch", "share of a step, %"];
    section.blocks.push(Block::table(&header, costs.iter().map(row).collect()));
    section.verdicts = costs.iter().filter(|cost| cost.loss != Loss::Xe.name()).map(verdict).collect();
    Ok(section)
}

fn verdict(cost: &Cost) -> Verdict {
    let percent = cost.percent();
    // Of its rivals the paper says nothing.
    let counted = ["emd", "xemd1", "xemd2"].contains(&cost.loss.as_str());
    let judgement = match percent {
        small if small < PAPER => Judgement::Holds,
        large if large >= PAPER => Judgement::DoesNot,
        _ => Judgement::CannotTell,
    };
    let claim = format!("{} adds less than {PAPER} % to the time of a step", cost.loss);
    Verdict::open(claim, "less than 10 %", counted).found((format!("{percent:.2} %"), judgement))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;

    #[test]
    fn a_share_counts_the_distances_once_an_epoch() {
        let cost = Cost { loss: "emd".into(), step_ms: 10.0, step_deviation: 0.1, method_ms: 0.4, distances_ms: 2.5 };
        assert!((cost.percent() - 5.0).abs() <= 1e-12);
        assert_eq!(verdict(&cost).judgement, Judgement::Holds);
        assert_eq!(verdict(&Cost { method_ms: 1.0, ..cost.clone() }).judgement, Judgement::DoesNot);
        assert_eq!(verdict(&Cost { step_ms: f64::NAN, ..cost }).judgement, Judgement::CannotTell);
    }

    /// Each loss has a kernel of its own among the kinds that count, or its share would be too small.
    #[test]
    fn every_loss_has_kinds_of_its_own() {
        let workload = Workload::plain(2, 8, &[2], 3, 4).unwrap();
        for loss in Loss::ALL {
            let plan = workload.training(&[loss]);
            let own = plan.steps.iter().filter(|step| is_of_the_method(step.op.name())).count();
            assert!(own >= 3, "{loss}: {own}");
        }
        assert!(!is_of_the_method("conv_forward") && Cpu::open(Some(1)).in_flight() == 0);
    }
}
