// Fully connected layers: three matrix products over one kernel.
//
// result[r, c] = shift[c] + sum over k of left[r LEFT_ROW + k LEFT_INNER] right[k RIGHT_INNER + c RIGHT_COLUMN]
//
// forward       rows batch,   columns outputs, inner inputs:  left input,           right weight transposed
// by data       rows batch,   columns inputs,  inner outputs: left output_gradient, right weight
// by weight     rows outputs, columns inputs,  inner batch:   left output_gradient transposed, right input

// Rows of a tile.
const TILE: u32 = 8u;

// A tile: 8 rows x 4 columns, GROUP columns apart so that neighbours read neighbouring words.
// Grid: (column tiles, row tiles).
@compute @workgroup_size(GROUP)
fn matrix_product(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let column = (group.x * GROUP + lane) * 4u;
    let first = group.y * TILE;
    if (column >= COLUMNS) {
        return;
    }
    let columns = min(vec4<u32>(column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(COLUMNS - 1u)) * RIGHT_COLUMN;
    var sums: array<vec4<f32>, TILE>;
    for (var k = 0u; k < INNER; k++) {
        let at = columns + k * RIGHT_INNER;
        let values = vec4<f32>(right[at.x], right[at.y], right[at.z], right[at.w]);
        for (var r = 0u; r < TILE; r++) {
            sums[r] += left[min(first + r, ROWS - 1u) * LEFT_ROW + k * LEFT_INNER] * values;
        }
    }
    for (var r = 0u; r < TILE; r++) {
        for (var j = 0u; j < 4u; j++) {
            if (first + r < ROWS && column + j < COLUMNS) {
                var sum = sums[r][j];
                if (BIAS) {
                    sum += shift[column + j];
                }
                result[(first + r) * COLUMNS + column + j] = sum;
            }
        }
    }
}
