//! How planes are laid out for windows to slide over them: with zeros around, and split into the
//! phases of a stride, so that neighbouring windows begin at neighbouring words whatever the stride.

use super::tile::Place;

/// A copy of the planes of one sample.
///
/// Padded place (y, x) of a plane lies in phase (y mod stride, x mod stride) at row y / stride and
/// column x / stride; a plane is its phases one after the other.
#[derive(Clone, Debug)]
pub(super) struct Window {
    planes: usize,
    height: usize,
    width: usize,
    /// Zeros above and to the left of a plane.
    margin: usize,
    stride: usize,
    /// Rows and words a row of a phase.
    rows: usize,
    pitch: usize,
    lanes: usize,
}

impl Window {
    /// A copy of `planes` planes of height x width whose phases have `rows` rows that vectors of
    /// `lanes` words may read up to word `reach`.
    pub fn new(
        planes: usize,
        [height, width]: [usize; 2],
        [margin, stride]: [usize; 2],
        [rows, reach]: [usize; 2],
        lanes: usize,
    ) -> Self {
        Self { planes, height, width, margin, stride, rows, pitch: reach, lanes }
    }

    /// Words of the copy.
    pub fn len(&self) -> usize {
        self.planes * self.plane()
    }

    fn plane(&self) -> usize {
        self.stride * self.stride * self.rows * self.pitch
    }

    /// Whether the copy would be what it copies.
    pub fn is_plain(&self) -> bool {
        (self.margin, self.stride) == (0, 1) && (self.rows, self.pitch) == (self.height, self.width)
    }

    /// Where a window at (0, 0) meets padded place (y, x) of a plane.
    pub fn tap(&self, plane: usize, y: usize, x: usize) -> u32 {
        let phase = y % self.stride * self.stride + x % self.stride;
        let row = phase * self.rows + y / self.stride;
        (plane * self.plane() + row * self.pitch + x / self.stride) as u32
    }

    /// Vectors over `ys` x `xs` windows: (y, x) of the first result and where its window begins.
    pub fn vectors(&self, ys: usize, xs: usize) -> impl Iterator<Item = Vector> + '_ {
        let row = move |y| (0..xs).step_by(self.lanes).map(move |x| (y, x));
        let vector = move |(y, x)| Vector { y, x, from: y * self.pitch + x, len: self.lanes.min(xs - x) };
        (0..ys).flat_map(row).map(vector)
    }

    /// The places of such vectors in an output whose rows are `xs` long.
    pub fn places(&self, ys: usize, xs: usize) -> Vec<Place> {
        let place = |v: Vector| Place { from: v.from as u32, to: (v.y * xs + v.x) as u32, len: v.len as u32 };
        self.vectors(ys, xs).map(place).collect()
    }

    /// Makes the copy of a sample.
    pub fn fill(&self, sample: &[f32], copy: &mut [f32]) {
        copy.fill(0.0);
        let places = self.height * self.width;
        for (plane, copy) in sample.chunks_exact(places).zip(copy.chunks_exact_mut(self.plane())) {
            for (y, row) in plane.chunks_exact(self.width).enumerate() {
                self.fill_row(y + self.margin, row, copy);
            }
        }
    }

    fn fill_row(&self, y: usize, row: &[f32], copy: &mut [f32]) {
        for phase in 0..self.stride {
            // The first word of the row that lies in this phase, and its column there.
            let first = (phase + self.stride - self.margin % self.stride) % self.stride;
            let at = self.tap(0, y, first + self.margin) as usize;
            let end =
                (y % self.stride * self.stride + phase) * self.rows * self.pitch + (y / self.stride + 1) * self.pitch;
            if y / self.stride >= self.rows || at >= end {
                continue;
            }
            let copy = &mut copy[at..end];
            if self.stride == 1 {
                let len = copy.len().min(row.len());
                copy[..len].copy_from_slice(&row[..len]);
            } else {
                let words = row.iter().skip(first).step_by(self.stride);
                copy.iter_mut().zip(words).for_each(|(copy, word)| *copy = *word);
            }
        }
    }
}

/// A vector of results that neighbouring windows yield.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector {
    /// Row of the results.
    pub y: usize,
    /// Column of the first.
    pub x: usize,
    /// Where its window begins.
    pub from: usize,
    /// How many results there are.
    pub len: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_zeros_around_and_phases_apart() {
        let sample: Vec<f32> = (1..=6).map(|word| word as f32).collect();
        let window = Window::new(1, [2, 3], [1, 2], [2, 3], 2);
        let mut copy = vec![f32::NAN; window.len()];
        window.fill(&sample, &mut copy);
        for y in 0..4 {
            for x in 0..6 {
                let inside = (1..3).contains(&y) && (1..4).contains(&x);
                let want = if inside { sample[(y - 1) * 3 + x - 1] } else { 0.0 };
                assert_eq!(copy[window.tap(0, y, x) as usize], want, "{y}, {x}");
            }
        }
    }

    #[test]
    fn vectors_cover_every_result_once() {
        let window = Window::new(1, [3, 7], [0, 1], [3, 8], 4);
        let places: Vec<(u32, u32, u32)> =
            window.places(3, 7).iter().map(|place| (place.from, place.to, place.len)).collect();
        assert_eq!(places[..3], [(0, 0, 4), (4, 4, 3), (8, 7, 4)]);
        assert_eq!(places.iter().map(|place| place.2).sum::<u32>(), 21);
    }
}
