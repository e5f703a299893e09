//! The transforms of F(2x2, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.1),
//! vectors of channels side by side. In one dimension, with the input d, the kernel g and the results y:
//!
//! ```text
//! y = A^T ((G g) * (B^T d))        y0 = d0 g0 + d1 g1 + d2 g2,  y1 = d1 g0 + d2 g1 + d3 g2
//!
//!       1  0 -1  0         1    0    0
//! B^T = 0  1  1  0    G = 1/2  1/2  1/2    A^T = 1  1  1  0
//!       0 -1  1  0        1/2 -1/2  1/2          0  1 -1 -1
//!       0  1  0 -1         0    0    1
//! ```
//!
//! In two dimensions each is applied to the columns and to the rows. The same three numbers in another order give the gradient
//! with respect to the kernel, g' = G^T ((A y') * (B^T d)), which is F(3x3, 2x2) of the same paper: d, g' and y' play each
//! other's part in the sum of all products d_i g_j y_(i-j).
//!
//! Every function does one row `r` of the four of transformed tiles: what belongs to it stays in a near cache.

use pulp::{Arch, Simd, WithSimd};

/// The rows of d of which a row of B^T is the sum, the second one times the sign.
const INPUT_ROWS: [(usize, usize, f32); 4] = [(0, 2, -1.0), (1, 2, 1.0), (2, 1, -1.0), (1, 3, -1.0)];
/// The rows of A.
const RESULT_ROWS: [[f32; 2]; 4] = [[1.0, 0.0], [1.0, 1.0], [1.0, -1.0], [0.0, -1.0]];
/// The rows of G.
const KERNEL_ROWS: [[f32; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

/// Tiles as rows of tiles, and channels side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub down: usize,
    pub across: usize,
    pub channels: usize,
}

/// Row `r` of `B^T d B`. The `source` is (2 down + 2) x (2 across + 2) x channels, tile (i, j) begins at place (2 i, 2 j); of the
/// `target`, word k of the row lies at `k plane`, as down x across x channels.
pub(super) fn of_input(arch: Arch, r: usize, shape: Shape, source: &[f32], target: &mut [f32], plane: usize) {
    arch.dispatch(Spread::<4, _> { shape, source, target, plane, tile: InputRow(r) });
}

/// Row `r` of `A y A^T`. The `source` is 2 down x 2 across x channels; the `target` as that of [`of_input`].
pub(super) fn of_results(arch: Arch, r: usize, shape: Shape, source: &[f32], target: &mut [f32], plane: usize) {
    arch.dispatch(Spread::<2, _> { shape, source, target, plane, tile: ResultRow(RESULT_ROWS[r]) });
}

/// A vector of channels of a tile: what lies at its places.
struct Places<'a> {
    words: &'a [f32],
    /// Words from one row to the next, and from one column to the next.
    row: usize,
    column: usize,
    /// Channels that count.
    len: usize,
}

impl Places<'_> {
    #[inline(always)]
    fn at<S: Simd>(&self, simd: S, y: usize, x: usize) -> S::f32s {
        get(simd, &self.words[y * self.row + x * self.column..][..self.len])
    }
}

/// How a row of a transformed tile comes from a tile of `SIDE` x `SIDE` places.
trait TileRow<const SIDE: usize>: Copy {
    fn of<S: Simd>(self, simd: S, tile: &Places<'_>) -> [S::f32s; 4];
}

#[derive(Clone, Copy)]
struct InputRow(usize);

impl InputRow {
    #[inline(always)]
    fn column<S: Simd>(self, simd: S, tile: &Places<'_>, x: usize) -> S::f32s {
        let (first, second, sign) = INPUT_ROWS[self.0];
        simd.mul_add_e_f32s(simd.splat_f32s(sign), tile.at(simd, second, x), tile.at(simd, first, x))
    }
}

impl TileRow<4> for InputRow {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, tile: &Places<'_>) -> [S::f32s; 4] {
        let (e0, e1) = (self.column(simd, tile, 0), self.column(simd, tile, 1));
        let (e2, e3) = (self.column(simd, tile, 2), self.column(simd, tile, 3));
        [simd.sub_f32s(e0, e2), simd.add_f32s(e1, e2), simd.sub_f32s(e2, e1), simd.sub_f32s(e1, e3)]
    }
}

#[derive(Clone, Copy)]
struct ResultRow([f32; 2]);

impl ResultRow {
    #[inline(always)]
    fn column<S: Simd>(self, simd: S, tile: &Places<'_>, x: usize) -> S::f32s {
        let [upper, lower] = self.0;
        let upper = simd.mul_f32s(simd.splat_f32s(upper), tile.at(simd, 0, x));
        simd.mul_add_e_f32s(simd.splat_f32s(lower), tile.at(simd, 1, x), upper)
    }
}

impl TileRow<2> for ResultRow {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, tile: &Places<'_>) -> [S::f32s; 4] {
        let (e0, e1) = (self.column(simd, tile, 0), self.column(simd, tile, 1));
        [e0, simd.add_f32s(e0, e1), simd.sub_f32s(e0, e1), simd.neg_f32s(e1)]
    }
}

/// A row of every transformed tile.
struct Spread<'a, const SIDE: usize, T> {
    shape: Shape,
    source: &'a [f32],
    target: &'a mut [f32],
    plane: usize,
    tile: T,
}

impl<const SIDE: usize, T: TileRow<SIDE>> WithSimd for Spread<'_, SIDE, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Shape { down, across, channels } = self.shape;
        let row = (2 * across + SIDE - 2) * channels;
        for tile in 0..down * across {
            let from = 2 * (tile / across) * row + 2 * (tile % across) * channels;
            for at in (0..channels).step_by(S::F32_LANES) {
                let len = S::F32_LANES.min(channels - at);
                let places = Places { words: &self.source[from + at..], row, column: channels, len };
                let words = self.tile.of(simd, &places);
                for (k, word) in words.iter().enumerate() {
                    put(simd, &mut self.target[k * self.plane + tile * channels + at..][..len], *word);
                }
            }
        }
    }
}

/// Adds row `r`'s part of `A^T m A` to the results. Word k of the row of all `m` lies at k times a quarter of `products`, as
/// down x across x channels; `results` are 2 down x 2 across x channels.
pub(super) fn to_results(arch: Arch, r: usize, shape: Shape, products: &[f32], results: &mut [f32]) {
    arch.dispatch(ToResults { parts: RESULT_ROWS[r], shape, products, results });
}

struct ToResults<'a> {
    parts: [f32; 2],
    shape: Shape,
    products: &'a [f32],
    results: &'a mut [f32],
}

impl WithSimd for ToResults<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Shape { down, across, channels } = self.shape;
        for tile in 0..down * across {
            let to = (4 * (tile / across) * across + 2 * (tile % across)) * channels;
            for at in (0..channels).step_by(S::F32_LANES) {
                let len = S::F32_LANES.min(channels - at);
                let m = quarters(simd, self.products, tile * channels + at, len);
                let (sum, difference) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
                let row = [simd.add_f32s(m[0], sum), simd.sub_f32s(difference, m[3])];
                for (y, part) in self.parts.iter().enumerate() {
                    for (x, word) in row.iter().enumerate() {
                        let at = to + (2 * y * across + x) * channels + at;
                        add(simd, *part, *word, &mut self.results[at..][..len]);
                    }
                }
            }
        }
    }
}

/// Adds row `r`'s part of `G^T m G` to a kernel's gradient. Word k of the row of all `m` lies at k times a quarter of
/// `products`; the gradient's 3 x 3 parts have the same words.
pub(super) fn to_kernel(arch: Arch, r: usize, products: &[f32], kernel: &mut [f32]) {
    arch.dispatch(ToKernel { parts: KERNEL_ROWS[r], products, kernel });
}

struct ToKernel<'a> {
    parts: [f32; 3],
    products: &'a [f32],
    kernel: &'a mut [f32],
}

impl WithSimd for ToKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let plane = self.products.len() / 4;
        let half = simd.splat_f32s(0.5);
        for at in (0..plane).step_by(S::F32_LANES) {
            let len = S::F32_LANES.min(plane - at);
            let m = quarters(simd, self.products, at, len);
            let (sum, difference) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
            let row = [
                simd.mul_add_e_f32s(half, sum, m[0]),
                simd.mul_f32s(half, difference),
                simd.mul_add_e_f32s(half, sum, m[3]),
            ];
            for (y, part) in self.parts.iter().enumerate() {
                for (x, word) in row.iter().enumerate() {
                    add(simd, *part, *word, &mut self.kernel[(3 * y + x) * plane + at..][..len]);
                }
            }
        }
    }
}

/// `G g G^T` of a kernel, both row by row.
#[inline(always)]
pub(super) fn of_kernel(g: [f32; 9]) -> [f32; 16] {
    let across = |row: [f32; 3]| {
        let outer = row[0] + row[2];
        [row[0], 0.5 * (outer + row[1]), 0.5 * (outer - row[1]), row[2]]
    };
    let columns: [[f32; 4]; 3] = std::array::from_fn(|x| across([g[x], g[3 + x], g[6 + x]]));
    let rows: [[f32; 4]; 4] = std::array::from_fn(|y| across([columns[0][y], columns[1][y], columns[2][y]]));
    std::array::from_fn(|k| rows[k / 4][k % 4])
}

/// At most one vector's numbers.
#[inline(always)]
fn get<S: Simd>(simd: S, words: &[f32]) -> S::f32s {
    match S::as_simd_f32s(words).0 {
        [vector] => *vector,
        _ => simd.partial_load_f32s(words),
    }
}

#[inline(always)]
fn put<S: Simd>(simd: S, words: &mut [f32], vector: S::f32s) {
    if words.len() == S::F32_LANES {
        S::as_mut_simd_f32s(words).0[0] = vector;
    } else {
        simd.partial_store_f32s(words, vector);
    }
}

/// The vectors at the same place of each quarter.
#[inline(always)]
fn quarters<S: Simd>(simd: S, words: &[f32], at: usize, len: usize) -> [S::f32s; 4] {
    let quarter = words.len() / 4;
    let mut vectors = [simd.splat_f32s(0.0); 4];
    for (k, vector) in vectors.iter_mut().enumerate() {
        *vector = get(simd, &words[k * quarter + at..][..len]);
    }
    vectors
}

/// Adds so many times a vector.
#[inline(always)]
fn add<S: Simd>(simd: S, factor: f32, vector: S::f32s, sums: &mut [f32]) {
    if factor == 0.0 {
        return;
    }
    let sum = simd.mul_add_e_f32s(simd.splat_f32s(factor), vector, get(simd, sums));
    put(simd, sums, sum);
}

/// Side of the blocks that a matrix is turned by.
const BLOCK: usize = 4;

/// A matrix whose rows lie so many words apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pitched {
    pub rows: usize,
    pub columns: usize,
    pub pitch: usize,
}

/// `target[c, r] = source[r, c]`, the target's rows `pitch` words apart.
pub(super) fn turn(m: Pitched, source: &[f32], target: &mut [f32], pitch: usize) {
    Arch::new().dispatch(Turn { m, source, target, pitch });
}

struct Turn<'a> {
    m: Pitched,
    source: &'a [f32],
    target: &'a mut [f32],
    pitch: usize,
}

impl WithSimd for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let [rows, columns] = [self.m.rows, self.m.columns].map(|len| len / BLOCK * BLOCK);
        // What lies farther apart is done one after the other.
        if self.m.pitch > self.pitch {
            for r in (0..rows).step_by(BLOCK) {
                for c in (0..columns).step_by(BLOCK) {
                    self.block(r, c);
                }
            }
        } else {
            for c in (0..columns).step_by(BLOCK) {
                for r in (0..rows).step_by(BLOCK) {
                    self.block(r, c);
                }
            }
        }
        for r in 0..self.m.rows {
            let first = if r < rows { columns } else { 0 };
            for c in first..self.m.columns {
                self.target[c * self.pitch + r] = self.source[r * self.m.pitch + c];
            }
        }
    }
}

impl Turn<'_> {
    #[inline(always)]
    fn block(&mut self, r: usize, c: usize) {
        let mut block = [[0.0; BLOCK]; BLOCK];
        for (k, row) in block.iter_mut().enumerate() {
            row.copy_from_slice(&self.source[(r + k) * self.m.pitch + c..][..BLOCK]);
        }
        for (k, column) in transposed(block).iter().enumerate() {
            self.target[(c + k) * self.pitch + r..][..BLOCK].copy_from_slice(column);
        }
    }
}

/// By four pairs of shuffles, which the compiler does not find by itself.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transposed(rows: [[f32; BLOCK]; BLOCK]) -> [[f32; BLOCK]; BLOCK] {
    use std::arch::x86_64::{__m128, _mm_movehl_ps, _mm_movelh_ps, _mm_unpackhi_ps, _mm_unpacklo_ps};
    let [a, b, c, d]: [__m128; BLOCK] = bytemuck::cast(rows);
    // SAFETY: every x86-64 has SSE.
    let columns = unsafe {
        let low = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
        let high = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
        [
            _mm_movelh_ps(low.0, low.1),
            _mm_movehl_ps(low.1, low.0),
            _mm_movelh_ps(high.0, high.1),
            _mm_movehl_ps(high.1, high.0),
        ]
    };
    bytemuck::cast(columns)
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn transposed([a, b, c, d]: [[f32; BLOCK]; BLOCK]) -> [[f32; BLOCK]; BLOCK] {
    [[a[0], b[0], c[0], d[0]], [a[1], b[1], c[1], d[1]], [a[2], b[2], c[2], d[2]], [a[3], b[3], c[3], d[3]]]
}
