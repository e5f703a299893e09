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

// packed[page][i, k, o] = weight[page PAGE_ROWS + o, i, k] of a convolution of 3x3; turned:
// weight[i, page PAGE_ROWS + o, 8 - k]; zeros beyond the channels.
@compute @workgroup_size(GROUP)
fn pack_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    let size = shape.inner * 9u * shape.page_rows;
    let page = element / size;
    if (page * shape.page_rows >= shape.rows) {
        return;
    }
    let o = page * shape.page_rows + element % shape.page_rows;
    let k = element % size / shape.page_rows % 9u;
    let i = element % size / shape.page_rows / 9u;
    var value = 0.0;
    if (o < shape.rows) {
        if (shape.turned != 0u) {
            value = weight[(i * shape.rows + o) * 9u + 8u - k];
        } else {
            value = weight[(o * shape.inner + i) * 9u + k];
        }
    }
    packed[page * PAGE + element % size] = value;
}

// packed[row page, inner page][k, r] = weight[row, inner place], the row r-th of its page, the inner place
// k-th of its page; zeros beyond the matrix.
@compute @workgroup_size(GROUP)
fn pack_matrix(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    let size = shape.page_rows * shape.page_inner;
    let page = element / size;
    let inner_pages = (shape.inner + shape.page_inner - 1u) / shape.page_inner;
    let row_page = page / inner_pages;
    if (row_page * shape.page_rows >= shape.rows) {
        return;
    }
    let within = element - page * size;
    let row = row_page * shape.page_rows + within % shape.page_rows;
    let k = (page - row_page * inner_pages) * shape.page_inner + within / shape.page_rows;
    var value = 0.0;
    if (row < shape.rows && k < shape.inner) {
        value = weight[row * shape.row_stride + k * shape.inner_stride];
    }
    packed[page * PAGE + within] = value;
}
