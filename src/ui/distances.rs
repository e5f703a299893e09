//! The ground distance D that a racer trains with, as far as messages tell, and the cells of it that are held fast.

use super::known::Known;
use crate::train::ids::Ids;
use crate::train::{EpochResult, Ground, GroundEdit};

pub use crate::train::settings::MOST_DISTANCE as MOST;

/// What free cells are before the first epoch is over.
const UNKNOWN: f64 = 0.5;

/// Where D comes from, but for the cells that are held.
enum Base<'a> {
    /// Learned in the epoch before.
    Learned(Option<&'a [f64]>),
    /// That of ordered outputs; shuffled ids hide from the network which class an output stands for.
    Ordered(Ids),
    /// From a file.
    Given(&'a [f32]),
}

/// D of a racer in the epoch that comes after one of its results.
pub struct Distances<'a> {
    classes: usize,
    base: Base<'a>,
    held: &'a [Option<f32>],
}

impl<'a> Distances<'a> {
    /// That which follows a result (before the first there is none), with these cells held.
    pub fn after(known: &'a Known, result: Option<&'a EpochResult>, held: &'a GroundEdit) -> Self {
        let classes = known.classes().len();
        let settings = known.scene.as_ref().map(|scene| &scene.settings);
        let base = match settings.map(|settings| (&settings.ground, settings)) {
            Some((Ground::Ordered, settings)) => Base::Ordered(Ids::of(settings, classes)),
            Some((Ground::Given { matrix, .. }, _)) if matrix.len() == classes * classes => Base::Given(matrix),
            _ => Base::Learned(result.map(|result| result.ground.as_slice())),
        };
        let held = if held.cells.len() == classes * classes { held.cells.as_slice() } else { &[] };
        Self { classes, base, held }
    }

    /// The distance that is held between two classes.
    pub fn held(&self, [i, j]: [usize; 2]) -> Option<f64> {
        let cell = self.held.get(i * self.classes + j).copied().flatten();
        // Two decimals that were typed come back as they were, not as the nearest number of 32 bits.
        cell.filter(|_| i != j).map(|distance| (1e6 * f64::from(distance)).round() / 1e6)
    }

    /// The distance between two classes.
    pub fn at(&self, [i, j]: [usize; 2]) -> f64 {
        self.held([i, j]).unwrap_or_else(|| self.free([i, j]))
    }

    /// The distance between two classes where nothing is held.
    fn free(&self, [i, j]: [usize; 2]) -> f64 {
        let at = i * self.classes + j;
        match &self.base {
            _ if i == j => 0.0,
            Base::Learned(matrix) => matrix.and_then(|matrix| matrix.get(at).copied()).unwrap_or(UNKNOWN),
            Base::Ordered(ids) => ordered([ids.output(i), ids.output(j)], self.classes),
            Base::Given(matrix) => f64::from(matrix[at]),
        }
    }

    /// The distances of all classes to one.
    pub fn to(&self, class: usize) -> Vec<f64> {
        (0..self.classes).map(|from| self.at([from, class])).collect()
    }

    /// All of them, classes x classes.
    pub fn matrix(&self) -> Vec<f64> {
        (0..self.classes * self.classes).map(|at| self.at([at / self.classes, at % self.classes])).collect()
    }
}

/// `|i - j| / (classes - 1)`, the distance of ordered classes.
pub fn ordered([i, j]: [usize; 2], classes: usize) -> f64 {
    i.abs_diff(j) as f64 / classes.saturating_sub(1).max(1) as f64
}

/// An edit with a cell held at a distance, there and back, or set free. The diagonal stays as it is.
pub fn hold(edit: &GroundEdit, classes: usize, [i, j]: [usize; 2], distance: Option<f64>) -> GroundEdit {
    let mut cells = edit.cells.clone();
    if cells.len() != classes * classes {
        cells = vec![None; classes * classes];
    }
    if i != j && i < classes && j < classes {
        let distance = distance.map(|distance| distance.clamp(0.0, MOST) as f32);
        (cells[i * classes + j], cells[j * classes + i]) = (distance, distance);
    }
    let free = (0..classes * classes).all(|at| at / classes == at % classes || cells[at].is_none());
    if free { GroundEdit::default() } else { GroundEdit { cells } }
}

/// All cells held at what a function tells of them.
pub fn hold_all(classes: usize, distance: impl Fn([usize; 2]) -> f64) -> GroundEdit {
    let cell = |at: usize| {
        let (i, j) = (at / classes, at % classes);
        if i == j { 0.0 } else { distance([i.min(j), i.max(j)]).clamp(0.0, MOST) as f32 }
    };
    GroundEdit { cells: (0..classes * classes).map(|at| Some(cell(at))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;
    use crate::ui::fixture::Table;

    #[test]
    fn cells_are_held_there_and_back_and_the_diagonal_stays() {
        assert_eq!(hold(&GroundEdit::default(), 3, [2, 0], Some(2e6)).cells[2], Some(1e6), "no farther than this");
        let edit = hold(&GroundEdit::default(), 3, [2, 0], Some(1.0));
        assert_eq!(edit.cells.iter().flatten().collect::<Vec<_>>(), [&1.0, &1.0]);
        assert_eq!((edit.cells[2], edit.cells[6]), (Some(1.0), Some(1.0)));
        assert_eq!(edit.check(3), Ok(()));
        let edit = hold(&edit, 3, [1, 1], Some(0.3));
        assert_eq!(edit.cells[4], None);
        assert_eq!(hold(&edit, 3, [0, 2], None), GroundEdit::default(), "nothing is held again");
        assert_eq!(hold(&edit, 3, [0, 7], Some(0.5)), edit, "there is no such class");
    }

    #[test]
    fn ordered_classes_are_held_by_their_place() {
        let edit = hold_all(3, |cell| ordered(cell, 3));
        assert_eq!(edit.cells, [0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0, 0.5, 0.0].map(Some));
        assert_eq!(edit.check(3), Ok(()));
    }

    #[test]
    fn held_cells_cover_what_was_learned() {
        let known = Table::of_losses(&[Loss::Xemd2]).known;
        let result = &known.epochs[&2][0];
        let held = hold(&GroundEdit::default(), 8, [1, 4], Some(0.21));
        let distances = Distances::after(&known, Some(result), &held);
        assert_eq!((distances.at([4, 1]), distances.held([1, 4]), distances.held([1, 5])), (0.21, Some(0.21), None));
        assert_eq!(distances.at([1, 5]), result.ground[13]);
        assert_eq!(distances.to(4), (0..8).map(|i| distances.at([i, 4])).collect::<Vec<_>>());
        assert_eq!(distances.matrix()[12], 0.21);
        let before = Distances::after(&known, None, &held);
        assert_eq!((before.at([0, 1]), before.at([3, 3])), (0.5, 0.0));
    }

    #[test]
    fn what_is_given_is_not_learned() {
        let mut known = Table::of_losses(&[Loss::Xemd2]).known;
        let settings = &mut known.scene.as_mut().unwrap().settings;
        (settings.ground, settings.shuffled_ids) = (Ground::Ordered, true);
        let ids = Ids::of(settings, 8);
        let free = GroundEdit::default();
        let distances = Distances::after(&known, known.epochs[&2].first(), &free);
        assert_eq!(distances.at([0, 3]), ids.output(0).abs_diff(ids.output(3)) as f64 / 7.0);
        let matrix = (0..64).map(|at| if at / 8 == at % 8 { 0.0 } else { 0.25 }).collect();
        known.scene.as_mut().unwrap().settings.ground = Ground::Given { file: "file".to_owned(), matrix };
        assert_eq!(Distances::after(&known, known.epochs[&2].first(), &free).at([0, 3]), 0.25);
    }
}
