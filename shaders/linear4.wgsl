// Matrix products over operands in quads: the same results as linear.wgsl where rows and inner
// lengths are multiples of 4, with a fraction of its loads.
//
// result is ROWS x COLUMNS. A tile: 8 rows x 4 columns. Grid: (column tiles, row tiles).

// As a uniform and not as constants: one pipeline does for all layers.
struct Shape {
    rows: u32,
    columns: u32,
    inner: u32,
    bias: u32,
}

@group(0) @binding(0) var<storage, read> left: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> right: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> shift: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> shape: Shape;

// One row's four columns.
fn write_row(r: u32, column: u32, sum: vec4<f32>) {
    if (r < shape.rows) {
        result[(r * shape.columns + column) / 4u] = sum;
    }
}

fn write_rows(first: u32, column: u32, sums: mat4x4<f32>) {
    write_row(first, column, sums[0]);
    write_row(first + 1u, column, sums[1]);
    write_row(first + 2u, column, sums[2]);
    write_row(first + 3u, column, sums[3]);
}

// Quad k of four rows of the left operand, ROWS x INNER.
fn left_rows(first: u32, k: u32) -> mat4x4<f32> {
    let at = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(shape.rows - 1u)) * (shape.inner / 4u) + k;
    return mat4x4<f32>(left[at.x], left[at.y], left[at.z], left[at.w]);
}

// result = left right^T + shift; left ROWS x INNER, right COLUMNS x INNER: a layer forward.
@compute @workgroup_size(GROUP)
fn product_transposed_right(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = (group.x * GROUP + lane) * 4u;
    if (column >= shape.columns) {
        return;
    }
    let first = group.y * 8u;
    var upper = mat4x4<f32>();
    var lower = mat4x4<f32>();
    for (var k = 0u; k < shape.inner / 4u; k++) {
        let at = column * (shape.inner / 4u) + k;
        let columns = mat4x4<f32>(
            right[at],
            right[at + shape.inner / 4u],
            right[at + 2u * (shape.inner / 4u)],
            right[at + 3u * (shape.inner / 4u)],
        );
        let rows = left_rows(first, k);
        let more = left_rows(first + 4u, k);
        upper += mat4x4<f32>(rows[0] * columns, rows[1] * columns, rows[2] * columns, rows[3] * columns);
        lower += mat4x4<f32>(more[0] * columns, more[1] * columns, more[2] * columns, more[3] * columns);
    }
    if (shape.bias != 0u) {
        let s = shift[column / 4u];
        upper += mat4x4<f32>(s, s, s, s);
        lower += mat4x4<f32>(s, s, s, s);
    }
    write_rows(first, column, upper);
    write_rows(first + 4u, column, lower);
}

// result = left right; left ROWS x INNER, right INNER x COLUMNS: a layer backward by data.
@compute @workgroup_size(GROUP)
fn product_plain(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = (group.x * GROUP + lane) * 4u;
    if (column >= shape.columns) {
        return;
    }
    let first = group.y * 8u;
    var upper = mat4x4<f32>();
    var lower = mat4x4<f32>();
    for (var k = 0u; k < shape.inner / 4u; k++) {
        let at = (4u * k * shape.columns + column) / 4u;
        let quads = shape.columns / 4u;
        let inner = mat4x4<f32>(right[at], right[at + quads], right[at + 2u * quads], right[at + 3u * quads]);
        upper += inner * left_rows(first, k);
        lower += inner * left_rows(first + 4u, k);
    }
    write_rows(first, column, upper);
    write_rows(first + 4u, column, lower);
}

// The products of four rows with four columns, a column of the result a row.
fn outer(rows: vec4<f32>, columns: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

// result = left^T right; left INNER x ROWS, right INNER x COLUMNS: a layer backward by weight.
@compute @workgroup_size(GROUP)
fn product_transposed_left(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = (group.x * GROUP + lane) * 4u;
    if (column >= shape.columns) {
        return;
    }
    let first = group.y * 8u;
    let second = min(first + 4u, shape.rows - 4u);
    var upper = mat4x4<f32>();
    var lower = mat4x4<f32>();
    for (var k = 0u; k < shape.inner; k++) {
        let columns = right[(k * shape.columns + column) / 4u];
        upper += outer(left[(k * shape.rows + first) / 4u], columns);
        lower += outer(left[(k * shape.rows + second) / 4u], columns);
    }
    write_rows(first, column, upper);
    write_rows(second, column, lower);
}
