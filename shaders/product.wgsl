// Matrix products over packed pages: the same results as linear.wgsl where the result's rows are whole quads,
// with a fraction of its loads.
//
// left   INNER x PAGE_ROWS, right  INNER x PAGE_COLUMNS: pages of pack_matrix
// result ROWS x COLUMNS, of which a dispatch computes the part of two pages
// A tile: 16 rows x 8 columns. Grid: (column tiles, row tiles).

struct Shape {
    rows: u32, // of the result
    columns: u32,
    inner: u32, // places of the page; where they are odd zeros follow
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

// Adds what two inner places bring to four rows at four columns.
fn add_places(sums: mat4x4<f32>, one: vec4<f32>, two: vec4<f32>, rows: vec4<f32>, next: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(two, vec4<f32>(next.x), fma(one, vec4<f32>(rows.x), sums[0])),
        fma(two, vec4<f32>(next.y), fma(one, vec4<f32>(rows.y), sums[1])),
        fma(two, vec4<f32>(next.z), fma(one, vec4<f32>(rows.z), sums[2])),
        fma(two, vec4<f32>(next.w), fma(one, vec4<f32>(rows.w), sums[3])),
    );
}

// The same for sixteen rows, whose words begin at quads w and next.
fn add_products(sums: ptr<function, Sums>, one: vec4<f32>, two: vec4<f32>, w: u32, next: u32) {
    (*sums).a = add_places((*sums).a, one, two, left[w], left[next]);
    (*sums).b = add_places((*sums).b, one, two, left[w + 1u], left[next + 1u]);
    (*sums).c = add_places((*sums).c, one, two, left[w + 2u], left[next + 2u]);
    (*sums).d = add_places((*sums).d, one, two, left[w + 3u], left[next + 3u]);
}

// One row's four columns.
fn write_quad(r: u32, column: u32, base: vec4<f32>, sum: vec4<f32>) {
    if (r >= shape.rows || column >= shape.columns) {
        return;
    }
    let at = (r * shape.columns + column) / 4u;
    var start = base;
    if (shape.add != 0u) {
        start = result[at];
    }
    result[at] = start + sum;
}

// The bias of four columns.
fn shift_at(column: u32) -> vec4<f32> {
    if (shape.bias == 0u) {
        return vec4<f32>();
    }
    return shift[min(column, shape.columns - 4u) / 4u];
}

// result[r, c] = sum over k of left[k, r] right[k, c], plus shift[c], or plus what it was
@compute @workgroup_size(VECTOR)
fn product_of_pages(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let c = (group.x * VECTOR + lane) * 8u;
    let column = shape.column + c;
    if (c >= shape.page_columns || column >= shape.columns) {
        return;
    }
    let first = group.y * 16u;
    let columns = shape.page_columns / 4u;
    let rows = shape.page_rows / 4u;
    var at = c / 4u;
    var w = first / 4u;
    var near = Sums();
    var far = Sums();
    for (var k = 0u; k < shape.inner; k += 2u) {
        add_products(&near, right[at], right[at + columns], w, w + rows);
        add_products(&far, right[at + 1u], right[at + columns + 1u], w, w + rows);
        at += 2u * columns;
        w += 2u * rows;
    }
    let near_shift = shift_at(column);
    let far_shift = shift_at(column + 4u);
    // Fours of rows shifted into place: written by name, each word costs a software driver's compiler
    // several milliseconds.
    for (var r = shape.row + first; r < shape.row + first + 16u; r += 4u) {
        write_quad(r, column, near_shift, near.a[0]);
        write_quad(r + 1u, column, near_shift, near.a[1]);
        write_quad(r + 2u, column, near_shift, near.a[2]);
        write_quad(r + 3u, column, near_shift, near.a[3]);
        write_quad(r, column + 4u, far_shift, far.a[0]);
        write_quad(r + 1u, column + 4u, far_shift, far.a[1]);
        write_quad(r + 2u, column + 4u, far_shift, far.a[2]);
        write_quad(r + 3u, column + 4u, far_shift, far.a[3]);
        near = Sums(near.b, near.c, near.d, near.d);
        far = Sums(far.b, far.c, far.d, far.d);
    }
}
