//! Which output of a network stands for which class. Usually the first for the first; shuffled ids hide the
//! classes' order from the network, while everything that people see keeps it.

use super::settings::Settings;
use crate::plan::random::{draw, purpose};

/// The output of each class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// The output that stands for each class; nothing where it is the class's own place.
    outputs: Option<Vec<usize>>,
}

impl Ids {
    /// Those of a run with so many classes.
    #[must_use]
    pub fn of(settings: &Settings, classes: usize) -> Self {
        let key = |class: &usize| (draw(settings.seed, purpose::IDS, 0, *class as u32)[0], *class);
        let shuffled = || {
            let mut outputs: Vec<usize> = (0..classes).collect();
            outputs.sort_by_cached_key(key);
            outputs
        };
        Self { outputs: settings.shuffled_ids.then(shuffled) }
    }

    /// The output of a class.
    #[must_use]
    pub fn output(&self, class: usize) -> usize {
        self.outputs.as_ref().map_or(class, |outputs| outputs[class])
    }

    /// Rows of an entry a class, brought from the outputs' order into the classes'. Rows of another length, those of
    /// networks without an output a class, stay as they are.
    #[must_use]
    pub fn rows_by_class<T: Copy>(&self, rows: Vec<T>) -> Vec<T> {
        let Some(outputs) = &self.outputs else { return rows };
        rows.chunks(outputs.len()).flat_map(|row| outputs.iter().map(move |&output| row[output])).collect()
    }

    /// Rows of an entry a class, brought from the classes' order into the outputs'.
    #[must_use]
    pub fn rows_by_output<T: Copy + Default>(&self, rows: Vec<T>) -> Vec<T> {
        let Some(outputs) = &self.outputs else { return rows };
        let mut turned = vec![T::default(); rows.len()];
        for (row, turned) in rows.chunks(outputs.len()).zip(turned.chunks_mut(outputs.len())) {
            row.iter().zip(outputs).for_each(|(&entry, &output)| turned[output] = entry);
        }
        turned
    }

    /// A square matrix, brought from the outputs' order into the classes'.
    #[must_use]
    pub fn matrix_by_class<T: Copy>(&self, matrix: Vec<T>) -> Vec<T> {
        let Some(outputs) = &self.outputs else { return matrix };
        let at = |i: usize| outputs.iter().map(move |&j| i * outputs.len() + j);
        outputs.iter().flat_map(|&i| at(i)).map(|place| matrix[place]).collect()
    }

    /// A square matrix, brought from the classes' order into the outputs'.
    #[must_use]
    pub fn matrix_by_output<T: Copy + Default>(&self, matrix: Vec<T>) -> Vec<T> {
        let Some(outputs) = &self.outputs else { return matrix };
        let mut turned = vec![T::default(); matrix.len()];
        for (at, &entry) in matrix.iter().enumerate() {
            turned[outputs[at / outputs.len()] * outputs.len() + outputs[at % outputs.len()]] = entry;
        }
        turned
    }

    /// The tensors of a last layer, outputs x anything, brought into the classes' order.
    #[must_use]
    pub fn outputs_by_class(&self, tensor: Vec<f32>) -> Vec<f32> {
        let Some(outputs) = &self.outputs else { return tensor };
        let width = tensor.len() / outputs.len();
        outputs.iter().flat_map(|&output| tensor[output * width..(output + 1) * width].iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(seed: u32) -> Ids {
        Ids::of(&Settings { shuffled_ids: true, seed, ..Settings::default() }, 5)
    }

    #[test]
    fn usually_every_class_has_its_own_place() {
        let ids = Ids::of(&Settings::default(), 5);
        assert_eq!((0..5).map(|class| ids.output(class)).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(ids.rows_by_class(vec![7, 8, 9]), [7, 8, 9]);
    }

    #[test]
    fn shuffled_ids_are_a_permutation_that_the_seed_decides() {
        let of = |seed| (0..5).map(|class| ids(seed).output(class)).collect::<Vec<_>>();
        let mut sorted = of(1);
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
        assert_eq!(of(1), of(1));
        assert!((2..10).any(|seed| of(seed) != of(1)));
    }

    #[test]
    fn what_goes_there_comes_back() {
        let ids = ids(3);
        let rows: Vec<u32> = (0..15).collect();
        let there = ids.rows_by_output(rows.clone());
        assert_eq!(there[ids.output(2)], 2);
        assert_eq!(there[5 + ids.output(4)], 9);
        assert_eq!(ids.rows_by_class(there), rows);
        let matrix = ids.matrix_by_output((0..25).collect::<Vec<_>>());
        assert_eq!(matrix[5 * ids.output(3) + ids.output(1)], 16);
        assert_eq!(ids.matrix_by_class(matrix), (0..25).collect::<Vec<_>>());
        let mut layer = vec![0.0; 10];
        (0..10).for_each(|at| layer[2 * ids.output(at / 2) + at % 2] = at as f32);
        assert_eq!(ids.outputs_by_class(layer), (0..10).map(|at| at as f32).collect::<Vec<_>>());
    }
}
