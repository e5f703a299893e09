//! Curves by epoch: smoothed, and as mean and band over runs that differ in their seed alone.

use super::known::{Known, Past};
use super::metric::Metric;
use crate::train::statistics::Spread;
use crate::train::{EpochRow, Settings};
use std::collections::BTreeMap;

/// Values by epoch, epochs ascending.
pub type Points = Vec<[f64; 2]>;

/// A curve with its spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    /// Mean by epoch.
    pub mean: Points,
    /// Standard deviation of the sample in each epoch; 0 where there is one run alone.
    pub deviation: Vec<f64>,
}

/// A metric of one loss by epoch.
pub fn points(rows: &[EpochRow], loss: &str, metric: Metric) -> Points {
    let own = rows.iter().filter(|row| row.loss == loss);
    let mut points: Points = own.filter_map(|row| Some([row.epoch as f64, metric.of(row)?])).collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    points
}

/// An exponential mean that forgets: each point keeps a share of what came before, `s = keep s + (1 - keep) y`, divided
/// by `1 - keep^n` after n points, so that the first ones are not drawn towards zero.
pub fn smoothed(points: &[[f64; 2]], keep: f64) -> Points {
    let (mut sum, mut weight) = (0.0, 0.0);
    let smooth = |&[epoch, value]: &[f64; 2]| {
        sum = keep * sum + (1.0 - keep) * value;
        weight = keep * weight + (1.0 - keep);
        [epoch, sum / weight]
    };
    points.iter().map(smooth).collect()
}

/// Mean and standard deviation, in each epoch over those runs that have it.
pub fn over_runs(runs: &[Points]) -> Band {
    let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for &[epoch, value] in runs.iter().flatten() {
        by_epoch.entry(epoch as usize).or_default().push(value);
    }
    let mut band = Band::default();
    for (epoch, values) in by_epoch {
        let Some(spread) = Spread::of(&values) else { continue };
        band.mean.push([epoch as f64, spread.mean]);
        band.deviation.push(spread.deviation.unwrap_or(0.0));
    }
    band
}

/// Rows of the present run and of the earlier ones that differ from it in the seed alone, one run a seed, the latest.
pub fn sisters(known: &Known) -> Vec<&[EpochRow]> {
    let Some(scene) = &known.scene else { return Vec::new() };
    let present = &scene.settings;
    let is_sister = |past: &&Past| {
        let settings = Settings { seed: present.seed, ..past.settings.clone() };
        (&past.source, &past.protocol, &settings) == (&scene.source, &scene.protocol, present)
    };
    let mut seeds = vec![present.seed];
    let mut runs = vec![known.rows.as_slice()];
    for past in known.past.iter().rev().filter(is_sister) {
        if !seeds.contains(&past.settings.seed) {
            seeds.push(past.settings.seed);
            runs.push(&past.rows);
        }
    }
    runs
}

#[cfg(test)]
mod tests;
