// Copies of weights and matrices in the order in which kernels read them, in pages: what a uniform
// binding holds.
//
// Grid of every kernel: one invocation a quad of rows, folded.

struct Shape {
    rows: u32, // of the matrix; output channels of the convolution
    inner: u32, // length of the sums; input channels
    row_stride: u32, // words from one row to the next, one inner place to the next
    inner_stride: u32,
    page_rows: u32, // rows of a page; output channels
    page_inner: u32, // inner places of a page
    turned: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> shape: Shape;

// Words of a page.
const PAGE: u32 = 16384u;

// Where a quad of the packing comes from.
struct Place {
    row: u32, // the first of four
    inner: u32,
    tap: u32, // 0 in matrices
    at: u32, // in the packing, in quads
}

// The place of the n-th quad, pages of `taps` taps, the rows innermost and the taps within the inner places.
// Pages stand in the order of the rows, those of the same rows in the order of the inner places.
fn place(n: u32, taps: u32) -> Place {
    let quads = shape.page_rows / 4u;
    let size = shape.page_inner * taps * quads;
    let page = n / size;
    let within = n - page * size;
    let inner_pages = (shape.inner + shape.page_inner - 1u) / shape.page_inner;
    let row_page = page / inner_pages;
    let line = within / quads;
    let inner = line / taps;
    return Place(
        row_page * shape.page_rows + (within - line * quads) * 4u,
        (page - row_page * inner_pages) * shape.page_inner + inner,
        line - inner * taps,
        page * PAGE / 4u + within,
    );
}

// Whether n is a quad of the packing at all: the grid is rounded up.
fn is_packed(p: Place) -> bool {
    let row_pages = (shape.rows + shape.page_rows - 1u) / shape.page_rows;
    return p.row < row_pages * shape.page_rows;
}

// The words of four rows of which the first is word `at`, a row `stride` after the one before; zeros beyond the matrix.
fn rows_at(p: Place, at: u32, stride: u32) -> vec4<f32> {
    let last = shape.rows - 1u;
    let row = min(p.row, last);
    let words = vec4<f32>(
        weight[at],
        weight[at + (min(p.row + 1u, last) - row) * stride],
        weight[at + (min(p.row + 2u, last) - row) * stride],
        weight[at + (min(p.row + 3u, last) - row) * stride],
    );
    let is_real = (p.row + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(shape.rows)) & vec4<bool>(p.inner < shape.inner);
    return select(vec4<f32>(), words, is_real);
}

// packed[page][i, k, o] = weight[o, i, k] of a convolution of 3x3; turned: weight[i, o, 8 - k]; zeros beyond
// the channels.
@compute @workgroup_size(GROUP)
fn pack_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let p = place(flat(id, groups), 9u);
    if (!is_packed(p)) {
        return;
    }
    let row = min(p.row, shape.rows - 1u);
    let inner = min(p.inner, shape.inner - 1u);
    let turned = shape.turned != 0u;
    let at = select((row * shape.inner + inner) * 9u + p.tap, (inner * shape.rows + row) * 9u + 8u - p.tap, turned);
    packed[p.at] = rows_at(p, at, select(shape.inner * 9u, 9u, turned));
}

// packed[page][k, r] = weight[r, k]; zeros beyond the matrix.
@compute @workgroup_size(GROUP)
fn pack_matrix(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let p = place(flat(id, groups), 1u);
    if (!is_packed(p)) {
        return;
    }
    let at = min(p.row, shape.rows - 1u) * shape.row_stride + min(p.inner, shape.inner - 1u) * shape.inner_stride;
    packed[p.at] = rows_at(p, at, shape.row_stride);
}
