//! What losses are trained on besides the classes, as tables on the device.

use super::ids::Ids;
use crate::data::Dataset;
use crate::nn::Loss;
use crate::nn::loss::Table;
use crate::nn::plans::{Batches, table_slot};
use crate::plan::{Executor, ExecutorError};

/// The units in which a network learns real values: -1 is the least of the classes' values, 1 the greatest. So one
/// learning rate fits ages as well as shares, and the other losses of a race.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    centre: f64,
    half: f64,
}

impl Units {
    /// Those of some class values; where all are one, units are as large as the values'.
    #[must_use]
    pub fn of(class_values: &[f64]) -> Self {
        let low = class_values.iter().fold(f64::MAX, |low, value| low.min(*value));
        let high = class_values.iter().fold(f64::MIN, |high, value| high.max(*value));
        let half = high / 2.0 - low / 2.0;
        Self { centre: low / 2.0 + high / 2.0, half: if half > 0.0 { half } else { 1.0 } }
    }

    /// A real value in these units.
    #[must_use]
    pub fn output(self, value: f64) -> f64 {
        (value - self.centre) / self.half
    }

    /// The real value of a number in these units.
    #[must_use]
    pub fn value(self, output: f64) -> f64 {
        self.centre + self.half * output
    }
}

/// Writes the tables that these losses are trained on.
///
/// # Errors
/// When the device is lost.
pub fn write_tables(
    executor: &mut dyn Executor,
    losses: &[Loss],
    batches: &Batches,
    data: &Dataset,
    ids: &Ids,
) -> Result<(), ExecutorError> {
    let mut write = |slot: &str, numbers: &mut dyn Iterator<Item = f64>| {
        let narrow: Vec<f32> = numbers.map(|number| number as f32).collect();
        executor.write(slot, 0, bytemuck::cast_slice(&narrow))
    };
    let units = Units::of(&data.class_values);
    for &loss in losses {
        let Some(table) = loss.table(batches.votes) else { continue };
        let slot = table_slot(loss, table, batches);
        match table {
            Table::Values => {
                write(&slot, &mut data.train.values.iter().map(|&value| units.output(value)))?;
                write("class_values", &mut data.class_values.iter().map(|&value| units.output(value)))?;
            }
            Table::Votes => {
                let votes = ids.rows_by_output(data.train.votes.clone());
                write(&slot, &mut votes.into_iter().map(f64::from))?;
            }
            Table::Classes => {
                let labels = loss.class_labels(data.classes.len()).unwrap_or_default();
                write(&slot, &mut labels.into_iter())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_reach_from_the_least_class_to_the_greatest() {
        let units = Units::of(&[30.0, -10.0, 5.0]);
        assert_eq!([-10.0, 10.0, 30.0, 50.0].map(|value| units.output(value)), [-1.0, 0.0, 1.0, 2.0]);
        assert_eq!([-1.0, 0.5].map(|output| units.value(output)), [-10.0, 20.0]);
        let single = Units::of(&[7.0, 7.0]);
        assert_eq!((single.output(7.0), single.output(8.0), single.value(0.0)), (0.0, 1.0, 7.0));
        let wide = Units::of(&[-1e308, 1e308]);
        assert_eq!([-1e308, 0.0, 1e308].map(|value| wide.output(value)), [-1.0, 0.0, 1.0]);
    }
}
