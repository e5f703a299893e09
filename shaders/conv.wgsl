// 2-D convolution (cross-correlation): forward, by data, by weight.
//
// Every kernel holds a tile of results in registers: the arithmetic of a tile grows with its area,
// its loads with its edge. Invocations of a group differ in the place, so that neighbours read
// neighbouring words; the channels of a tile belong to the whole group.

// Conditions are joined by `&`: with `&&` each would be a branch, and one driver's compiler runs out of memory over them.

override BIAS: bool = true;
override CHUNK_ROWS: u32 = 1u;

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(4) var<storage, read> output_gradient: array<f32>;
@group(0) @binding(5) var<storage, read_write> input_gradient: array<f32>;
@group(0) @binding(6) var<storage, read_write> partial: array<f32>;

// Channels of a tile.
const CHANNELS: u32 = 8u;

// One word of an input row, or the zero beside it.
fn input_at(row: u32, x: i32, inside: bool) -> f32 {
    let real = inside & (x >= 0) & (x < i32(IN_WIDTH));
    return select(0.0, input[row + u32(max(x, 0)) % IN_WIDTH], real);
}

// Four neighbouring outputs' inputs: words x, x + STRIDE, x + 2 STRIDE, x + 3 STRIDE of a row.
fn input_window(row: u32, x: i32, inside: bool) -> vec4<f32> {
    let step = i32(STRIDE);
    return vec4<f32>(
        input_at(row, x, inside),
        input_at(row, x + step, inside),
        input_at(row, x + 2 * step, inside),
        input_at(row, x + 3 * step, inside),
    );
}

// output[n, o, y, x] = bias[o] + sum over i, ky, kx of
//     input[n, i, y STRIDE + ky - PAD, x STRIDE + kx - PAD] weight[o, i, ky, kx]
// A tile: 8 channels x 4 places in a row. Grid: (places, channel tiles, fold of the places).
@compute @workgroup_size(GROUP)
fn conv_forward(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tiles = (OUT_WIDTH + 3u) / 4u;
    let place = (group.z * groups.x + group.x) * GROUP + lane;
    let x = place % tiles * 4u;
    let y = place / tiles % OUT_HEIGHT;
    let n = place / (tiles * OUT_HEIGHT);
    if (n >= BATCH) {
        return;
    }
    let first = group.y * CHANNELS;
    let taps = KERNEL_HEIGHT * KERNEL_WIDTH;
    var sums: array<vec4<f32>, CHANNELS>;
    for (var i = 0u; i < IN_CHANNELS; i++) {
        for (var ky = 0u; ky < KERNEL_HEIGHT; ky++) {
            let sy = i32(y * STRIDE + ky) - i32(PAD);
            let inside = (sy >= 0) & (sy < i32(IN_HEIGHT));
            let row = ((n * IN_CHANNELS + i) * IN_HEIGHT + u32(max(sy, 0)) % IN_HEIGHT) * IN_WIDTH;
            let left = i32(x * STRIDE) - i32(PAD);
            var window = input_window(row, left, inside);
            for (var kx = 0u; kx < KERNEL_WIDTH; kx++) {
                let tap = (i * KERNEL_HEIGHT + ky) * KERNEL_WIDTH + kx;
                for (var c = 0u; c < CHANNELS; c++) {
                    let o = min(first + c, OUT_CHANNELS - 1u);
                    sums[c] += weight[o * IN_CHANNELS * taps + tap] * window;
                }
                let next = left + i32(kx) + 1;
                if (STRIDE == 1u) {
                    window = vec4<f32>(window.yzw, input_at(row, next + 3, inside));
                } else {
                    window = input_window(row, next, inside);
                }
            }
        }
    }
    for (var c = 0u; c < CHANNELS; c++) {
        if (first + c < OUT_CHANNELS) {
            var shift = 0.0;
            if (BIAS) {
                shift = bias[first + c];
            }
            let row = ((n * OUT_CHANNELS + first + c) * OUT_HEIGHT + y) * OUT_WIDTH + x;
            for (var j = 0u; j < 4u; j++) {
                if (x + j < OUT_WIDTH) {
                    output[row + j] = sums[c][j] + shift;
                }
            }
        }
    }
}

// The output gradient that tap `kx` brings to input column x, or 0 where no output lies.
fn reaching(row: u32, x: i32, inside: bool) -> f32 {
    let at = u32(max(x, 0));
    let real = inside & (x >= 0) & (at % STRIDE == 0u) & (at / STRIDE < OUT_WIDTH);
    return select(0.0, output_gradient[row + at / STRIDE % OUT_WIDTH], real);
}

// The output gradients that reach four neighbouring inputs through one tap.
fn reaching_window(row: u32, x: i32, inside: bool) -> vec4<f32> {
    return vec4<f32>(
        reaching(row, x, inside),
        reaching(row, x + 1, inside),
        reaching(row, x + 2, inside),
        reaching(row, x + 3, inside),
    );
}

// input_gradient[n, i, y, x] = sum over o, ky, kx with y + PAD - ky and x + PAD - kx divisible by STRIDE of
//     output_gradient[n, o, (y + PAD - ky) / STRIDE, (x + PAD - kx) / STRIDE] weight[o, i, ky, kx]
// A tile: 8 input channels x 4 places in a row. Grid: (places, channel tiles, fold of the places).
@compute @workgroup_size(GROUP)
fn conv_backward_data(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tiles = (IN_WIDTH + 3u) / 4u;
    let place = (group.z * groups.x + group.x) * GROUP + lane;
    let x = place % tiles * 4u;
    let y = place / tiles % IN_HEIGHT;
    let n = place / (tiles * IN_HEIGHT);
    if (n >= BATCH) {
        return;
    }
    let first = group.y * CHANNELS;
    let taps = KERNEL_HEIGHT * KERNEL_WIDTH;
    var sums: array<vec4<f32>, CHANNELS>;
    for (var o = 0u; o < OUT_CHANNELS; o++) {
        for (var ky = 0u; ky < KERNEL_HEIGHT; ky++) {
            let reach = i32(y + PAD) - i32(ky);
            let at = u32(max(reach, 0));
            let inside = (reach >= 0) & (at % STRIDE == 0u) & (at / STRIDE < OUT_HEIGHT);
            let row = ((n * OUT_CHANNELS + o) * OUT_HEIGHT + at / STRIDE % OUT_HEIGHT) * OUT_WIDTH;
            let right = i32(x + PAD);
            var window = reaching_window(row, right, inside);
            for (var kx = 0u; kx < KERNEL_WIDTH; kx++) {
                let tap = ky * KERNEL_WIDTH + kx;
                for (var c = 0u; c < CHANNELS; c++) {
                    let i = min(first + c, IN_CHANNELS - 1u);
                    sums[c] += weight[(o * IN_CHANNELS + i) * taps + tap] * window;
                }
                let next = right - i32(kx) - 1;
                if (STRIDE == 1u) {
                    window = vec4<f32>(reaching(row, next, inside), window.xyz);
                } else {
                    window = reaching_window(row, next, inside);
                }
            }
        }
    }
    for (var c = 0u; c < CHANNELS; c++) {
        if (first + c < IN_CHANNELS) {
            let row = ((n * IN_CHANNELS + first + c) * IN_HEIGHT + y) * IN_WIDTH + x;
            for (var j = 0u; j < 4u; j++) {
                if (x + j < IN_WIDTH) {
                    input_gradient[row + j] = sums[c][j];
                }
            }
        }
    }
}

// partial[chunk, o, i, ky, kx] = sum over the rows (n, y) of a chunk and x of
//     input[n, i, y STRIDE + ky - PAD, x STRIDE + kx - PAD] output_gradient[n, o, y, x]
// A tile: 8 output channels x 4 taps of a kernel row. Grid: (rows of taps, channel tiles, chunks).
@compute @workgroup_size(GROUP)
fn conv_backward_weight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tiles = (KERNEL_WIDTH + 3u) / 4u;
    let place = group.x * GROUP + lane;
    let kx = place % tiles * 4u;
    let ky = place / tiles % KERNEL_HEIGHT;
    let i = place / (tiles * KERNEL_HEIGHT);
    if (i >= IN_CHANNELS) {
        return;
    }
    let first = group.y * CHANNELS;
    let end = min((group.z + 1u) * CHUNK_ROWS, BATCH * OUT_HEIGHT);
    var sums: array<vec4<f32>, CHANNELS>;
    for (var line = group.z * CHUNK_ROWS; line < end; line++) {
        let n = line / OUT_HEIGHT;
        let y = line % OUT_HEIGHT;
        let sy = i32(y * STRIDE + ky) - i32(PAD);
        let inside = (sy >= 0) & (sy < i32(IN_HEIGHT));
        let row = ((n * IN_CHANNELS + i) * IN_HEIGHT + u32(max(sy, 0)) % IN_HEIGHT) * IN_WIDTH;
        let left = i32(kx) - i32(PAD);
        var window = taps_window(row, left, inside);
        for (var x = 0u; x < OUT_WIDTH; x++) {
            for (var c = 0u; c < CHANNELS; c++) {
                let o = min(first + c, OUT_CHANNELS - 1u);
                sums[c] += output_gradient[((n * OUT_CHANNELS + o) * OUT_HEIGHT + y) * OUT_WIDTH + x] * window;
            }
            let next = left + i32((x + 1u) * STRIDE);
            if (STRIDE == 1u) {
                window = vec4<f32>(window.yzw, input_at(row, next + 3, inside));
            } else {
                window = taps_window(row, next, inside);
            }
        }
    }
    for (var c = 0u; c < CHANNELS; c++) {
        if (first + c < OUT_CHANNELS) {
            let row = (((group.z * OUT_CHANNELS + first + c) * IN_CHANNELS + i) * KERNEL_HEIGHT + ky) * KERNEL_WIDTH;
            for (var j = 0u; j < 4u; j++) {
                if (kx + j < KERNEL_WIDTH) {
                    partial[row + kx + j] = sums[c][j];
                }
            }
        }
    }
}

// Words x .. x + 3 of an input row.
fn taps_window(row: u32, x: i32, inside: bool) -> vec4<f32> {
    return vec4<f32>(
        input_at(row, x, inside),
        input_at(row, x + 1, inside),
        input_at(row, x + 2, inside),
        input_at(row, x + 3, inside),
    );
}
