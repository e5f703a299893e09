// Copies of weights and matrices in the order in which kernels read them, in pages: what a uniform
// binding holds.
//
// Grid of every kernel: one invocation a word, folded.

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
@group(0) @binding(1) var<storage, read_write> packed: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;

// Words of a page.
const PAGE: u32 = 16384u;

// Where a word of the packing comes from.
struct Place {
    row: u32,
    inner: u32,
    tap: u32, // 0 in matrices
    at: u32, // in the packing
}

// The place of the n-th word, pages of `taps` taps, the rows innermost and the taps within the inner places.
// Pages stand in the order of the rows, those of the same rows in the order of the inner places.
fn place(n: u32, taps: u32) -> Place {
    let size = shape.page_inner * taps * shape.page_rows;
    let page = n / size;
    let within = n - page * size;
    let inner_pages = (shape.inner + shape.page_inner - 1u) / shape.page_inner;
    let row_page = page / inner_pages;
    let tap = within / shape.page_rows;
    return Place(
        row_page * shape.page_rows + within % shape.page_rows,
        (page - row_page * inner_pages) * shape.page_inner + tap / taps,
        tap % taps,
        page * PAGE + within,
    );
}

fn is_real(p: Place) -> bool {
    return p.row < shape.rows && p.inner < shape.inner;
}

// Whether n is a word of the packing at all: the grid is rounded up.
fn is_packed(p: Place) -> bool {
    let row_pages = (shape.rows + shape.page_rows - 1u) / shape.page_rows;
    return p.row < row_pages * shape.page_rows;
}

// packed[page][i, k, o] = weight[o, i, k] of a convolution of 3x3; turned: weight[i, o, 8 - k]; zeros beyond
// the channels.
@compute @workgroup_size(GROUP)
fn pack_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let p = place(flat(id, groups), 9u);
    if (!is_packed(p)) {
        return;
    }
    var value = 0.0;
    if (is_real(p)) {
        if (shape.turned != 0u) {
            value = weight[(p.inner * shape.rows + p.row) * 9u + 8u - p.tap];
        } else {
            value = weight[(p.row * shape.inner + p.inner) * 9u + p.tap];
        }
    }
    packed[p.at] = value;
}

// packed[page][k, r] = weight[r, k]; zeros beyond the matrix.
@compute @workgroup_size(GROUP)
fn pack_matrix(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let p = place(flat(id, groups), 1u);
    if (!is_packed(p)) {
        return;
    }
    var value = 0.0;
    if (is_real(p)) {
        value = weight[p.row * shape.row_stride + p.inner * shape.inner_stride];
    }
    packed[p.at] = value;
}
