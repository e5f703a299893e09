// Matrix products over packed pages: the same results as linear.wgsl where the result's rows are whole quads,
// with a fraction of its loads.
//
// left   INNER x PAGE_ROWS, right  INNER x PAGE_COLUMNS: pages of pack_matrix
// result ROWS x COLUMNS, of which a dispatch computes the part of two pages
// A tile: 16 rows x 4 columns. Grid: (column tiles, row tiles).

struct Shape {
    rows: u32, // of the result
    columns: u32,
    inner: u32, // places of the page
    row: u32, // the first of this dispatch
    column: u32,
    page_rows: u32,
    page_columns: u32,
    bias: u32,
    add: u32, // to the sums of the inner places before
}

@group(0) @binding(0) var<uniform> left: array<vec4<f32>, 4096>;
@group(0) @binding(1) var<uniform> right: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<storage, read> shift: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> shape: Shape;

// Sixteen rows at four columns: a matrix four rows, a column a row.
struct Sums {
    a: mat4x4<f32>,
    b: mat4x4<f32>,
    c: mat4x4<f32>,
    d: mat4x4<f32>,
}

// The products of four columns with four rows, a column a row.
fn outer(columns: vec4<f32>, rows: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(columns * rows.x, columns * rows.y, columns * rows.z, columns * rows.w);
}

// One row's four columns.
fn write_row(r: u32, column: u32, start: vec4<f32>, sum: vec4<f32>) {
    if (r >= shape.rows) {
        return;
    }
    let at = (r * shape.columns + column) / 4u;
    if (shape.add != 0u) {
        result[at] += sum;
    } else {
        result[at] = start + sum;
    }
}

// result[r, c] = sum over k of left[k, r] right[k, c], plus shift[c], or plus what it was
@compute @workgroup_size(GROUP)
fn product_of_pages(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let c = (group.x * GROUP + lane) * 4u;
    let column = shape.column + c;
    if (c >= shape.page_columns || column >= shape.columns) {
        return;
    }
    let first = group.y * 16u;
    var at = c / 4u;
    var w = first / 4u;
    var sums = Sums();
    for (var k = 0u; k < shape.inner; k++) {
        let columns = right[at];
        sums.a += outer(columns, left[w]);
        sums.b += outer(columns, left[w + 1u]);
        sums.c += outer(columns, left[w + 2u]);
        sums.d += outer(columns, left[w + 3u]);
        at += shape.page_columns / 4u;
        w += shape.page_rows / 4u;
    }
    var start = vec4<f32>();
    if (shape.bias != 0u) {
        start = shift[column / 4u];
    }
    // Fours of rows shifted into place: written by name, each word costs a software driver's compiler
    // several milliseconds.
    for (var r = shape.row + first; r < shape.row + first + 16u; r += 4u) {
        write_row(r, column, start, sums.a[0]);
        write_row(r + 1u, column, start, sums.a[1]);
        write_row(r + 2u, column, start, sums.a[2]);
        write_row(r + 3u, column, start, sums.a[3]);
        sums = Sums(sums.b, sums.c, sums.d, sums.d);
    }
}
