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
// Fours of rows and of columns of an invocation, 1 or 2.
override QUADS: u32 = 1u;
// Invocations of a group along its tile's rows, 4 or 8: with 8 a tile is square, with 4 it suits products of few rows.
override DOWN: u32 = 8u;
// 1 where a column of ones stands beside the right matrix, and sums the rows of the left one: what is summed then lies
// behind the other results of a chunk.
override ONES: u32 = 0u;

// Inner places of a tile.
const DEPTH: u32 = 16u;
override ACROSS: u32 = GROUP / DOWN;
// Quads of rows and of columns of a tile. Quad q has the rows (columns) q, q + ROW_QUADS, and so on: four.
override ROW_QUADS: u32 = DOWN * QUADS;
override COLUMN_QUADS: u32 = ACROSS * QUADS;
// Vectors of either tile that an invocation fetches, at most MOST_LEFT and MOST_RIGHT.
override LEFT_VECTORS: u32 = DEPTH * ROW_QUADS / GROUP;
override RIGHT_VECTORS: u32 = DEPTH * COLUMN_QUADS / GROUP;
const MOST_LEFT: u32 = 4u;
const MOST_RIGHT: u32 = 8u;

// The tiles, the left one first. A vector of them is written as a whole, by one invocation: WGSL lets the write of a component
// touch the others. Which four words it has depends on what lies side by side in memory, and is fetched by neighbouring invocations:
// inner places  a quad of lines (rows or columns) at one of them; at place * (quads + 1) + quad, so that banks differ
// lines         one of them at four inner places; at place * quads + line, places being multiples of 4
override RIGHT_TILE: u32 = DEPTH * (ROW_QUADS + 1u);
var<workgroup> tiles: array<vec4<f32>, RIGHT_TILE + DEPTH * (COLUMN_QUADS + 1u)>;

// What an invocation has fetched of the tiles that come next: it is on its way while those before are multiplied.
struct Fetched {
    left: array<vec4<f32>, MOST_LEFT>,
    right: array<vec4<f32>, MOST_RIGHT>,
}

// A vector of a tile: its first word, how far it is to the next, and where it lies in the tile.
struct Vector {
    place: u32,
    line: u32,
    places: u32,
    lines: u32,
    at: u32,
}

fn vector(number: u32, along: bool, quads: u32) -> Vector {
    if (along) {
        let place = number % DEPTH;
        let quad = number / DEPTH;
        return Vector(place, quad, 0u, quads, place * (quads + 1u) + quad);
    }
    return Vector(number / (4u * quads) * 4u, number % (4u * quads), 1u, 0u, number);
}

fn left_vector(number: u32) -> Vector {
    return vector(number, LEFT_ALONG, ROW_QUADS);
}

fn right_vector(number: u32) -> Vector {
    return vector(number, RIGHT_ALONG, COLUMN_QUADS);
}

// A word of the left matrix; zero beyond it.
fn left_word(r: u32, k: u32) -> f32 {
    if (r < ROWS && k < INNER) {
        return left_at(r, k);
    }
    return 0.0;
}

// A word of the right matrix; beyond it the column of ones, and zeros.
fn right_word(k: u32, c: u32) -> f32 {
    if (c < COLUMNS && k < INNER) {
        return right_at(k, c);
    }
    return select(0.0, 1.0, c < COLUMNS + ONES && k < INNER);
}

fn word(of_left: bool, line: u32, k: u32) -> f32 {
    if (of_left) {
        return left_word(line, k);
    }
    return right_word(k, line);
}

// The words of a vector of the tile whose first inner place is k.
fn words(of_left: bool, v: Vector, first_line: u32, k: u32) -> vec4<f32> {
    let line = first_line + v.line;
    let place = k + v.place;
    return vec4<f32>(
        word(of_left, line, place),
        word(of_left, line + v.lines, place + v.places),
        word(of_left, line + 2u * v.lines, place + 2u * v.places),
        word(of_left, line + 3u * v.lines, place + 3u * v.places),
    );
}

// Fetches an invocation's vectors of the tiles of the inner places from k on.
fn fetch(fetched: ptr<function, Fetched>, lane: u32, k: u32, first_row: u32, first_column: u32) {
    for (var i = 0u; i < LEFT_VECTORS; i++) {
        (*fetched).left[i] = words(true, left_vector(lane + GROUP * i), first_row, k);
    }
    for (var i = 0u; i < RIGHT_VECTORS; i++) {
        (*fetched).right[i] = words(false, right_vector(lane + GROUP * i), first_column, k);
    }
}

// Puts them into the tiles.
fn store(fetched: ptr<function, Fetched>, lane: u32) {
    for (var i = 0u; i < LEFT_VECTORS; i++) {
        tiles[left_vector(lane + GROUP * i).at] = (*fetched).left[i];
    }
    for (var i = 0u; i < RIGHT_VECTORS; i++) {
        tiles[RIGHT_TILE + right_vector(lane + GROUP * i).at] = (*fetched).right[i];
    }
}

// A quad of lines at four inner places from d on, a place a column of the matrix, out of the tile that begins at `tile`.
fn lines_at(tile: u32, along: bool, quads: u32, d: u32, quad: u32) -> mat4x4<f32> {
    let next = quads + u32(along);
    let at = tile + d * next + quad;
    let four = mat4x4<f32>(tiles[at], tiles[at + next], tiles[at + 2u * next], tiles[at + 3u * next]);
    if (along) {
        return four;
    }
    return transpose(four);
}

fn rows_at(d: u32, quad: u32) -> mat4x4<f32> {
    return lines_at(0u, LEFT_ALONG, ROW_QUADS, d, quad);
}

fn columns_at(d: u32, quad: u32) -> mat4x4<f32> {
    return lines_at(RIGHT_TILE, RIGHT_ALONG, COLUMN_QUADS, d, quad);
}

// The products of four rows with four columns, a column a row.
fn outer(rows: vec4<f32>, columns: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

// Sums and the products of four places, one place after the other.
fn plus_products(sums: mat4x4<f32>, rows: mat4x4<f32>, columns: mat4x4<f32>) -> mat4x4<f32> {
    let two = (sums + outer(rows[0], columns[0])) + outer(rows[1], columns[1]);
    return (two + outer(rows[2], columns[2])) + outer(rows[3], columns[3]);
}

fn write_row(chunk: u32, r: u32, first_column: u32, sum: vec4<f32>) {
    let first = chunk * ROWS * (COLUMNS + ONES);
    for (var j = 0u; j < 4u; j++) {
        let c = first_column + j * COLUMN_QUADS;
        if (r < ROWS && c < COLUMNS) {
            var start = 0.0;
            if (BIAS && chunk == 0u) {
                start = shift_at(r, c);
            }
            result[first + result_at(r, c)] = start + sum[j];
        } else if (r < ROWS && c < COLUMNS + ONES) {
            result[first + ROWS * COLUMNS + r] = sum[j];
        }
    }
}

fn write_block(chunk: u32, r: u32, c: u32, sums: mat4x4<f32>) {
    write_row(chunk, r, c, sums[0]);
    write_row(chunk, r + ROW_QUADS, c, sums[1]);
    write_row(chunk, r + 2u * ROW_QUADS, c, sums[2]);
    write_row(chunk, r + 3u * ROW_QUADS, c, sums[3]);
}

// An invocation: the quads `down` and `down + DOWN` of the tile's rows, `across` and `across + ACROSS` of its columns, where QUADS
// is 2. Grid: (column tiles, fold of them, row tiles x chunks).
@compute @workgroup_size(GROUP)
fn product_by_tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row_tiles = (ROWS + 4u * ROW_QUADS - 1u) / (4u * ROW_QUADS);
    let chunk = group.z / row_tiles;
    let first_row = group.z % row_tiles * 4u * ROW_QUADS;
    let first_column = (group.y * groups.x + group.x) * 4u * COLUMN_QUADS;
    let down = lane / ACROSS;
    let across = lane % ACROSS;
    // Upper and lower rows, near and far columns.
    var upper_near = mat4x4<f32>();
    var upper_far = mat4x4<f32>();
    var lower_near = mat4x4<f32>();
    var lower_far = mat4x4<f32>();
    let begin = chunk * CHUNK;
    let end = min(begin + CHUNK, INNER);
    var fetched: Fetched;
    fetch(&fetched, lane, begin, first_row, first_column);
    for (var k = begin; k < end; k += DEPTH) {
        store(&fetched, lane);
        workgroupBarrier();
        if (k + DEPTH < end) {
            fetch(&fetched, lane, k + DEPTH, first_row, first_column);
        }
        for (var d = 0u; d < DEPTH; d += 4u) {
            let upper = rows_at(d, down);
            let near = columns_at(d, across);
            upper_near = plus_products(upper_near, upper, near);
            if (QUADS == 2u) {
                let lower = rows_at(d, down + DOWN);
                let far = columns_at(d, across + ACROSS);
                upper_far = plus_products(upper_far, upper, far);
                lower_near = plus_products(lower_near, lower, near);
                lower_far = plus_products(lower_far, lower, far);
            }
        }
        workgroupBarrier();
    }
    let r = first_row + down;
    let c = first_column + across;
    write_block(chunk, r, c, upper_near);
    if (QUADS == 2u) {
        write_block(chunk, r, c + ACROSS, upper_far);
        write_block(chunk, r + DOWN, c, lower_near);
        write_block(chunk, r + DOWN, c + ACROSS, lower_far);
    }
}
