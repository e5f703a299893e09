//! The two register tiles in which convolutions and matrix products are computed: a block of results stays in
//! vector registers while the sum runs. Written once over pulp's vectors, compiled for every
//! instruction set it knows, chosen when the program runs.

use pulp::{Arch, Simd, WithSimd};

/// Rows of results in a tile of [`Product`], at most: with two vectors each, and what is
/// multiplied, they fill the sixteen registers of AVX2.
pub(super) const PRODUCT_ROWS: usize = 6;
/// Rows of results in a tile of [`Dots`], at most.
pub(super) const DOT_ROWS: usize = 4;
/// Columns of results in a tile of [`Dots`], at most.
pub(super) const DOT_COLUMNS: usize = 3;

/// The instruction set for rows of `width` numbers: the widest whose vectors such a row fills.
pub(super) fn arch(width: usize) -> Arch {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(simd) if width < 16 => Arch::V3(*simd),
        arch => {
            let _ = width;
            arch
        }
    }
}

/// Numbers in a vector of an instruction set.
pub(super) fn lanes(arch: Arch) -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Lanes)
}

/// Runs a loop compiled for the best instruction set there is: the compiler vectorises it. Called by [`vectorised!`] alone.
#[inline(always)]
pub(super) fn dispatch<R>(work: impl FnOnce() -> R) -> R {
    struct Loop<F>(F);
    impl<R, F: FnOnce() -> R> WithSimd for Loop<F> {
        type Output = R;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> R {
            (self.0)()
        }
    }
    Arch::new().dispatch(Loop(work))
}

/// The value of an expression compiled for the best instruction set there is. It becomes a closure that has to be inlined: as a
/// function of its own it would be compiled, once for all instruction sets, for the least of them.
macro_rules! vectorised {
    ($work:expr) => {
        $crate::cpu::tile::dispatch(
            #[inline(always)]
            || $work,
        )
    };
}
pub(super) use vectorised;

/// The sum of `term(i)` for `i` below `len`: sixteen sums side by side, then their sum in order.
#[inline(always)]
pub(super) fn sum(len: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut sums = [0.0; 16];
    let whole = len / 16 * 16;
    for start in (0..whole).step_by(16) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
    }
    let rest: f32 = (whole..len).map(&term).sum();
    sums.iter().sum::<f32>() + rest
}

/// Splits `rows` into the fewest tiles of at most `most`, as equal as can be: (first, count).
pub(super) fn tiles(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(most).max(1);
    (0..count).map(move |tile| {
        let (first, end) = (tile * rows / count, (tile + 1) * rows / count);
        (first, end - first)
    })
}

/// A vector of results: where its first factor lies in the source beyond a tap, where its first
/// result goes, and how many of its results count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub from: u32,
    pub to: u32,
    pub len: u32,
}

/// A factor for each tap and row of a tile.
#[derive(Clone, Copy, Debug)]
pub(super) enum Factors<'a> {
    /// Those of a tap lie side by side, those of the next so many words further.
    ByTap(&'a [f32], usize),
    /// Those of a row lie side by side, those of the next so many words further.
    ByRow(&'a [f32], usize),
}

/// `output[row, place] = start[row] + sum over k of factors[k, row] source[taps[k] + place]` for a
/// tile of rows.
pub(super) struct Product<'a> {
    pub factors: Factors<'a>,
    /// At most [`PRODUCT_ROWS`].
    pub rows: usize,
    /// What each row's sums begin with; nothing for zeros.
    pub start: &'a [f32],
    pub source: &'a [f32],
    pub taps: &'a [u32],
    pub places: &'a [Place],
    pub output: &'a mut [f32],
    /// Distance of rows in the output.
    pub row: usize,
    /// Distance of neighbouring results in the output.
    pub step: usize,
}

impl Product<'_> {
    /// Computes the tile.
    pub fn run(self, arch: Arch) {
        match self.rows {
            1 => arch.dispatch(Tile::<1>(self)),
            2 => arch.dispatch(Tile::<2>(self)),
            3 => arch.dispatch(Tile::<3>(self)),
            4 => arch.dispatch(Tile::<4>(self)),
            5 => arch.dispatch(Tile::<5>(self)),
            PRODUCT_ROWS => arch.dispatch(Tile::<PRODUCT_ROWS>(self)),
            rows => unreachable!("a tile of {rows} rows"),
        }
    }
}

struct Tile<'a, const ROWS: usize>(Product<'a>);

impl<const ROWS: usize> WithSimd for Tile<'_, ROWS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let places = self.0.places;
        let (pairs, last) = places.as_chunks::<2>();
        for pair in pairs {
            self.vectors::<S, 2>(simd, pair);
        }
        if let [place] = last {
            self.vectors::<S, 1>(simd, &[*place]);
        }
    }
}

impl<const ROWS: usize> Tile<'_, ROWS> {
    /// All rows of `N` vectors of results.
    #[inline(always)]
    fn vectors<S: Simd, const N: usize>(&mut self, simd: S, places: &[Place; N]) {
        let from = places.map(|place| place.from as usize);
        let start = |row: usize| simd.splat_f32s(self.0.start.get(row).copied().unwrap_or(0.0));
        let mut sums: [[S::f32s; N]; ROWS] = std::array::from_fn(|row| [start(row); N]);
        let (source, taps) = (self.0.source, self.0.taps);
        match self.0.factors {
            Factors::ByTap(factors, pitch) => {
                for (factors, tap) in factors.chunks(pitch).zip(taps) {
                    let vectors: [S::f32s; N] = std::array::from_fn(|n| load::<S>(source, *tap as usize + from[n]));
                    for (sums, factor) in sums.iter_mut().zip(&factors[..ROWS]) {
                        add_products(simd, sums, *factor, vectors);
                    }
                }
            }
            Factors::ByRow(factors, pitch) => {
                let rows: [&[f32]; ROWS] = std::array::from_fn(|row| &factors[row * pitch..][..taps.len()]);
                for (k, tap) in taps.iter().enumerate() {
                    let vectors: [S::f32s; N] = std::array::from_fn(|n| load::<S>(source, *tap as usize + from[n]));
                    for (sums, row) in sums.iter_mut().zip(&rows) {
                        add_products(simd, sums, row[k], vectors);
                    }
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (place, sum) in places.iter().zip(sums) {
                store::<S>(simd, &mut self.0.output[row * self.0.row..], place, self.0.step, sum);
            }
        }
    }
}

/// Adds a factor's products with vectors.
#[inline(always)]
fn add_products<S: Simd, const N: usize>(simd: S, sums: &mut [S::f32s; N], factor: f32, vectors: [S::f32s; N]) {
    let factor = simd.splat_f32s(factor);
    for (sum, vector) in sums.iter_mut().zip(vectors) {
        *sum = simd.mul_add_e_f32s(factor, vector, *sum);
    }
}

#[inline(always)]
fn load<S: Simd>(source: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&source[at..at + S::F32_LANES]).0[0]
}

/// Puts the results of a place where they go.
#[inline(always)]
fn store<S: Simd>(simd: S, output: &mut [f32], place: &Place, step: usize, vector: S::f32s) {
    let (to, len) = (place.to as usize, place.len as usize);
    if (step, len) == (1, S::F32_LANES) {
        S::as_mut_simd_f32s(&mut output[to..to + len]).0[0] = vector;
        return;
    }
    if step == 1 {
        simd.partial_store_f32s(&mut output[to..to + len], vector);
        return;
    }
    let vector = [vector];
    let numbers: &[f32] = bytemuck::cast_slice(&vector);
    for (index, number) in numbers[..len].iter().enumerate() {
        output[to + index * step] = *number;
    }
}

/// For rows r and columns c of a tile, the sums over samples s and vectors v of
/// `left[s left_sample + r left_row + v] right[s right_sample + taps[c] + places[v]]`; the vectors of
/// `left` follow each other.
pub(super) struct Dots<'a> {
    pub samples: usize,
    pub left: &'a [f32],
    pub left_sample: usize,
    pub left_row: usize,
    pub right: &'a [f32],
    pub right_sample: usize,
    /// At most [`DOT_COLUMNS`].
    pub taps: &'a [u32],
    /// Where the vectors begin in `right`, beyond a tap.
    pub places: &'a [u32],
    /// How many numbers of `left` count: all vectors, or fewer in the last.
    pub len: usize,
}

/// The sums of a tile, row by row.
pub(super) type DotSums = [[f32; DOT_COLUMNS]; DOT_ROWS];

impl Dots<'_> {
    /// Computes `rows` rows of the tile.
    pub fn run(self, arch: Arch, rows: usize) -> DotSums {
        match rows {
            1 => self.columns::<1>(arch),
            2 => self.columns::<2>(arch),
            3 => self.columns::<3>(arch),
            _ => self.columns::<DOT_ROWS>(arch),
        }
    }

    fn columns<const ROWS: usize>(self, arch: Arch) -> DotSums {
        match self.taps.len() {
            1 => arch.dispatch(DotTile::<ROWS, 1>(self)),
            2 => arch.dispatch(DotTile::<ROWS, 2>(self)),
            _ => arch.dispatch(DotTile::<ROWS, DOT_COLUMNS>(self)),
        }
    }
}

struct DotTile<'a, const ROWS: usize, const COLUMNS: usize>(Dots<'a>);

impl<const ROWS: usize, const COLUMNS: usize> WithSimd for DotTile<'_, ROWS, COLUMNS> {
    type Output = DotSums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> DotSums {
        let d = self.0;
        let whole = d.len / S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; ROWS];
        for sample in 0..d.samples {
            let left: [&[f32]; ROWS] =
                std::array::from_fn(|row| &d.left[sample * d.left_sample + row * d.left_row..][..d.len]);
            let vectors = left.map(|left| &S::as_simd_f32s(left).0[..whole]);
            let right: [&[f32]; COLUMNS] =
                std::array::from_fn(|column| &d.right[sample * d.right_sample + d.taps[column] as usize..]);
            for (v, place) in d.places[..whole].iter().enumerate() {
                let right = right.map(|right| load::<S>(right, *place as usize));
                multiply_add(simd, &mut sums, vectors.map(|vectors| vectors[v]), right);
            }
            if let Some(place) = d.places.get(whole) {
                let tail = whole * S::F32_LANES..;
                let rest = d.len - tail.start;
                let right = right.map(|right| simd.partial_load_f32s(&right[*place as usize..][..rest]));
                let left = left.map(|left| simd.partial_load_f32s(&left[tail.clone()]));
                multiply_add(simd, &mut sums, left, right);
            }
        }
        let mut results = DotSums::default();
        for (results, sums) in results.iter_mut().zip(sums) {
            for (result, sum) in results.iter_mut().zip(sums) {
                *result = simd.reduce_sum_f32s(sum);
            }
        }
        results
    }
}

/// Adds the products of every left with every right vector.
#[inline(always)]
fn multiply_add<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    simd: S,
    sums: &mut [[S::f32s; COLUMNS]; ROWS],
    left: [S::f32s; ROWS],
    right: [S::f32s; COLUMNS],
) {
    for (sums, left) in sums.iter_mut().zip(left) {
        for (sum, right) in sums.iter_mut().zip(right) {
            *sum = simd.mul_add_e_f32s(left, right, *sum);
        }
    }
}
