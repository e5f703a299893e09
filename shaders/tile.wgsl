// Matrix products by tiles in workgroup memory, for GPUs: a word of an operand is fetched once for a whole tile, by
// neighbouring invocations, and read from there by many.
//
// result[r, c] = shift + sum over k of left[r, k] right[k, c];  ROWS x COLUMNS, INNER places summed
//
// What the matrices are is said by the file before this one:
// left_at(r, k), right_at(k, c)  a word of either; asked for within the matrix alone
// LEFT_ALONG, RIGHT_ALONG        whether neighbouring inner places lie side by side in memory, rather than rows or columns
// shift_at(r, c)                 what is added once
// result_at(r, c)                where a word of the result lies

// Inner places that a group sums, a multiple of DEPTH: all, or a chunk of them, to be added by sum_chunks.
override CHUNK: u32 = 16u;
// Fours of rows and of columns of an invocation, 1 or 2: a tile has 32 rows and 32 columns, or 64 and 64.
override QUADS: u32 = 1u;
// 1 where a column of ones stands beside the right matrix, and sums the rows of the left one: what is summed then lies
// behind the other results of a chunk.
override ONES: u32 = 0u;

// Inner places of a tile.
const DEPTH: u32 = 16u;
// Invocations of a group along either side of its tile.
const EDGE: u32 = 8u;
// Quads from one inner place of a tile to the next: one more than it holds, so that lanes write to banks of their own.
override LINE: u32 = EDGE * QUADS + 1u;

var<workgroup> left_tile: array<vec4<f32>, DEPTH * LINE>;
var<workgroup> right_tile: array<vec4<f32>, DEPTH * LINE>;

// left[r .. r + 4, k]; zeros beyond the matrix.
fn left_quad(r: u32, k: u32) -> vec4<f32> {
    var quad = vec4<f32>();
    if (k < INNER) {
        for (var j = 0u; j < 4u; j++) {
            if (r + j < ROWS) {
                quad[j] = left_at(r + j, k);
            }
        }
    }
    return quad;
}

// right[k, c .. c + 4]; beyond the matrix the column of ones, and zeros.
fn right_quad(k: u32, c: u32) -> vec4<f32> {
    var quad = vec4<f32>();
    if (k < INNER) {
        for (var j = 0u; j < 4u; j++) {
            if (c + j < COLUMNS) {
                quad[j] = right_at(k, c + j);
            } else if (c + j < COLUMNS + ONES) {
                quad[j] = 1.0;
            }
        }
    }
    return quad;
}

// (inner place, quad) of a tile's slot: neighbouring slots are those that lie side by side in memory.
fn slot(number: u32, along: bool) -> vec2<u32> {
    if (along) {
        return vec2<u32>(number % DEPTH, number / DEPTH);
    }
    return vec2<u32>(number / (EDGE * QUADS), number % (EDGE * QUADS));
}

// Fetches the tile of the inner places from k on.
fn fetch(lane: u32, k: u32, first_row: u32, first_column: u32) {
    for (var number = lane; number < DEPTH * EDGE * QUADS; number += GROUP) {
        let a = slot(number, LEFT_ALONG);
        left_tile[a.x * LINE + a.y] = left_quad(first_row + 4u * a.y, k + a.x);
        let b = slot(number, RIGHT_ALONG);
        right_tile[b.x * LINE + b.y] = right_quad(k + b.x, first_column + 4u * b.y);
    }
}

// The products of four rows with four columns, a column a row.
fn outer(rows: vec4<f32>, columns: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

fn write_row(chunk: u32, r: u32, c: u32, sum: vec4<f32>) {
    let first = chunk * ROWS * (COLUMNS + ONES);
    for (var j = 0u; j < 4u; j++) {
        if (r < ROWS && c + j < COLUMNS) {
            var start = 0.0;
            if (BIAS && chunk == 0u) {
                start = shift_at(r, c + j);
            }
            result[first + result_at(r, c + j)] = start + sum[j];
        } else if (r < ROWS && c + j < COLUMNS + ONES) {
            result[first + ROWS * COLUMNS + r] = sum[j];
        }
    }
}

fn write_block(chunk: u32, r: u32, c: u32, sums: mat4x4<f32>) {
    write_row(chunk, r, c, sums[0]);
    write_row(chunk, r + 1u, c, sums[1]);
    write_row(chunk, r + 2u, c, sums[2]);
    write_row(chunk, r + 3u, c, sums[3]);
}

// An invocation: the rows of quads `down` and `down + EDGE` of the tile, the columns of quads `across` and
// `across + EDGE`, where QUADS is 2. Grid: (column tiles, fold of them, row tiles x chunks).
@compute @workgroup_size(GROUP)
fn product_by_tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row_tiles = (ROWS + 4u * EDGE * QUADS - 1u) / (4u * EDGE * QUADS);
    let chunk = group.z / row_tiles;
    let first_row = group.z % row_tiles * (4u * EDGE * QUADS);
    let first_column = (group.y * groups.x + group.x) * (4u * EDGE * QUADS);
    let down = lane / EDGE;
    let across = lane % EDGE;
    // Upper and lower rows, near and far columns.
    var upper_near = mat4x4<f32>();
    var upper_far = mat4x4<f32>();
    var lower_near = mat4x4<f32>();
    var lower_far = mat4x4<f32>();
    for (var k = chunk * CHUNK; k < min((chunk + 1u) * CHUNK, INNER); k += DEPTH) {
        fetch(lane, k, first_row, first_column);
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d++) {
            let upper = left_tile[d * LINE + down];
            let near = right_tile[d * LINE + across];
            upper_near += outer(upper, near);
            if (QUADS == 2u) {
                let lower = left_tile[d * LINE + down + EDGE];
                let far = right_tile[d * LINE + across + EDGE];
                upper_far += outer(upper, far);
                lower_near += outer(lower, near);
                lower_far += outer(lower, far);
            }
        }
        workgroupBarrier();
    }
    let r = first_row + 4u * down;
    let c = first_column + 4u * across;
    write_block(chunk, r, c, upper_near);
    if (QUADS == 2u) {
        write_block(chunk, r, c + 4u * EDGE, upper_far);
        write_block(chunk, r + 4u * EDGE, c, lower_near);
        write_block(chunk, r + 4u * EDGE, c + 4u * EDGE, lower_far);
    }
}
