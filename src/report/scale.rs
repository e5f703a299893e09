//! Ranges of values with round steps, for axes and colour bars.

/// A range of values and the step of its grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
    pub step: f64,
}

impl Scale {
    /// A range as it is, with at most `ticks` round steps; `high` above `low`.
    pub fn new(low: f64, high: f64, ticks: usize) -> Self {
        let step = nice_step((high - low) / ticks as f64);
        Self { low, high, step }
    }

    /// Epochs: whole steps, from the first to the last.
    pub fn of_epochs(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        let scale = Self::new(low, high.max(low + 1.0), 8);
        let step = scale.step.max(1.0);
        Self { step, ..scale }
    }

    /// Percentages: whole grid steps around the values, within 0 and 100.
    pub fn of_percent(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 100.0));
        let room = (0.04 * (high - low)).max(0.5);
        let (low, high) = ((low - room).max(0.0), (high + room).min(100.0));
        let step = Self::new(low, high, 6).step;
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { low, high, step }
    }

    /// Whole grid steps around the values.
    pub fn of_values(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        let room = (0.04 * (high - low)).max(1e-3 * high.abs()).max(1e-6);
        let step = Self::new(low - room, high + room, 6).step;
        let (low, high) = (((low - room) / step).floor() * step, ((high + room) / step).ceil() * step);
        Self { low, high, step }
    }

    /// The values of the grid.
    pub fn ticks(&self) -> Vec<f64> {
        // A thousandth of a step forgives rounding in the quotients.
        let first = (self.low / self.step - 1e-3).ceil() as i64;
        let last = (self.high / self.step + 1e-3).floor() as i64;
        (first..=last).map(|tick| tick as f64 * self.step).collect()
    }

    /// Where a value lies between low (0) and high (1).
    pub fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// A value of the grid with as many decimals as the step has.
    pub fn label(&self, value: f64) -> String {
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        if decimals > 4 || value.abs() >= 1e5 {
            return format!("{value:.1e}");
        }
        format!("{value:.decimals$}")
    }
}

/// The least and the largest value; nothing of nothing.
fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((f64::min(low, value), f64::max(high, value)))
    })
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below the given step.
fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let fits = |factor: &&f64| **factor * power >= least * (1.0 - 1e-9);
    [1.0, 2.0, 5.0].iter().find(fits).unwrap_or(&10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let steps = [0.7, 1.0, 1.1, 3.0, 7.0, 0.02].map(nice_step);
        assert_eq!(steps, [1.0, 1.0, 2.0, 5.0, 10.0, 0.02]);
    }

    #[test]
    fn percentages_are_framed_by_grid_lines() {
        let scale = Scale::of_percent([41.0, 93.0].into_iter());
        let expected = Scale { low: 30.0, high: 100.0, step: 10.0 };
        assert_eq!(scale, expected);
        assert_eq!(scale.ticks(), [30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0]);
        let same = Scale::of_percent([100.0, 100.0].into_iter());
        assert_eq!((same.high, same.share(100.0)), (100.0, 1.0));
    }

    #[test]
    fn values_are_framed_by_grid_lines() {
        let ticks = |values: &[f64]| {
            let scale = Scale::of_values(values.iter().copied());
            scale.ticks().iter().map(|&tick| scale.label(tick)).collect::<Vec<_>>()
        };
        assert_eq!(ticks(&[0.2, 0.4]), ["0.15", "0.20", "0.25", "0.30", "0.35", "0.40", "0.45"]);
        assert_eq!(ticks(&[2.0])[..2], ["1.998", "1.999"]);
        assert!(ticks(&[0.0, 0.0]).len() > 1 && ticks(&[-3.0, 1e9]).len() > 1);
    }

    #[test]
    fn epochs_are_whole() {
        let epochs = |values: &[f64]| Scale::of_epochs(values.iter().copied()).ticks();
        assert_eq!(epochs(&[1.0, 30.0]), [5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(epochs(&[1.0]), [1.0, 2.0]);
        assert_eq!(epochs(&[]), [0.0, 1.0]);
    }

    #[test]
    fn labels_have_the_decimals_of_the_step() {
        let labels = |scale: Scale| -> Vec<String> { scale.ticks().iter().map(|&tick| scale.label(tick)).collect() };
        assert_eq!(labels(Scale::new(0.0, 0.94, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(labels(Scale::new(0.0, 2e-7, 2)), ["0.0e0", "1.0e-7", "2.0e-7"]);
        assert_eq!(labels(Scale::new(-5.0, 5.0, 2)), ["-5", "0", "5"]);
    }
}
