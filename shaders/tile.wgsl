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
override TILE_ROWS: u32 = 4u * DOWN * QUADS;
override TILE_COLUMNS: u32 = 4u * ACROSS * QUADS;
// Quads from one inner place of a tile to the next: one more than it holds, so that lanes write to banks of their own.
override LEFT_LINE: u32 = DOWN * QUADS + 1u;
override RIGHT_LINE: u32 = ACROSS * QUADS + 1u;
// Words of either tile that an invocation fetches, at most MOST_LEFT and MOST_RIGHT.
override LEFT_WORDS: u32 = DEPTH * TILE_ROWS / GROUP;
override RIGHT_WORDS: u32 = DEPTH * TILE_COLUMNS / GROUP;
const MOST_LEFT: u32 = 16u;
const MOST_RIGHT: u32 = 32u;

var<workgroup> left_tile: array<vec4<f32>, DEPTH * LEFT_LINE>;
var<workgroup> right_tile: array<vec4<f32>, DEPTH * RIGHT_LINE>;

// What an invocation has fetched of the tiles that come next: it is on its way while those before are multiplied.
struct Fetched {
    left: array<f32, MOST_LEFT>,
    right: array<f32, MOST_RIGHT>,
}

// (inner place, row or column) of a tile's word: neighbouring words are those that lie side by side in memory, and all that an
// invocation fetches lies in one column, or at one inner place.
fn word_of(number: u32, along: bool, lines: u32) -> vec2<u32> {
    if (along) {
        return vec2<u32>(number % DEPTH, number / DEPTH);
    }
    return vec2<u32>(number / lines, number % lines);
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

// Fetches an invocation's words of the tiles of the inner places from k on.
fn fetch(fetched: ptr<function, Fetched>, lane: u32, k: u32, first_row: u32, first_column: u32) {
    for (var word = 0u; word < LEFT_WORDS; word++) {
        let at = word_of(lane + GROUP * word, LEFT_ALONG, TILE_ROWS);
        (*fetched).left[word] = left_word(first_row + at.y, k + at.x);
    }
    for (var word = 0u; word < RIGHT_WORDS; word++) {
        let at = word_of(lane + GROUP * word, RIGHT_ALONG, TILE_COLUMNS);
        (*fetched).right[word] = right_word(k + at.x, first_column + at.y);
    }
}

// Puts them into the tiles.
fn store(fetched: ptr<function, Fetched>, lane: u32) {
    for (var word = 0u; word < LEFT_WORDS; word++) {
        let at = word_of(lane + GROUP * word, LEFT_ALONG, TILE_ROWS);
        left_tile[at.x * LEFT_LINE + at.y / 4u][at.y % 4u] = (*fetched).left[word];
    }
    for (var word = 0u; word < RIGHT_WORDS; word++) {
        let at = word_of(lane + GROUP * word, RIGHT_ALONG, TILE_COLUMNS);
        right_tile[at.x * RIGHT_LINE + at.y / 4u][at.y % 4u] = (*fetched).right[word];
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

// An invocation: the rows of quads `down` and `down + DOWN` of the tile, the columns of quads `across` and
// `across + ACROSS`, where QUADS is 2. Grid: (column tiles, fold of them, row tiles x chunks).
@compute @workgroup_size(GROUP)
fn product_by_tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row_tiles = (ROWS + TILE_ROWS - 1u) / TILE_ROWS;
    let chunk = group.z / row_tiles;
    let first_row = group.z % row_tiles * TILE_ROWS;
    let first_column = (group.y * groups.x + group.x) * TILE_COLUMNS;
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
        for (var d = 0u; d < DEPTH; d++) {
            let upper = left_tile[d * LEFT_LINE + down];
            let near = right_tile[d * RIGHT_LINE + across];
            upper_near += outer(upper, near);
            if (QUADS == 2u) {
                let lower = left_tile[d * LEFT_LINE + down + DOWN];
                let far = right_tile[d * RIGHT_LINE + across + ACROSS];
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
        write_block(chunk, r, c + 4u * ACROSS, upper_far);
        write_block(chunk, r + 4u * DOWN, c, lower_near);
        write_block(chunk, r + 4u * DOWN, c + 4u * ACROSS, lower_far);
    }
}
