// Convolutions of 3x3, stride 1, padding 1 over images whose width is a multiple of 4: the same
// results as conv.wgsl with a fraction of its loads, since every load brings four words.
//
// input   BATCH x IN_CHANNELS x HEIGHT x WIDTH, in quads along x
// output  BATCH x OUT_CHANNELS x HEIGHT x WIDTH, in quads along x
// packed  IN_CHANNELS x 3 x 3 x PACKED, the weight with the output channels innermost, in quads
//
// The gradient with respect to the input is the same convolution of the output's gradient with the
// kernels turned by half a turn and the channels' roles exchanged; pack_weight prepares either.

override BATCH: u32 = 1u;
override IN_CHANNELS: u32 = 1u;
override OUT_CHANNELS: u32 = 1u;
override HEIGHT: u32 = 1u;
override WIDTH: u32 = 4u;
override BIAS: bool = true;
override TURNED: bool = false;
override CHUNKS: u32 = 1u;

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> packing: array<f32>;
@group(0) @binding(6) var<storage, read> output_gradient: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> partial: array<f32>;

// Channels of a tile, and the output channels rounded up to whole tiles.
const CHANNELS: u32 = 8u;
override PACKED: u32 = (OUT_CHANNELS + CHANNELS - 1u) / CHANNELS * CHANNELS;
override QUADS: u32 = WIDTH / 4u;

// packing[i, k, o] = weight[o, i, k]; turned: weight[i, o, 8 - k]; zeros beyond OUT_CHANNELS.
// Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn pack_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= IN_CHANNELS * 9u * PACKED) {
        return;
    }
    let o = element % PACKED;
    let k = element / PACKED % 9u;
    let i = element / PACKED / 9u;
    var value = 0.0;
    if (o < OUT_CHANNELS) {
        if (TURNED) {
            value = weight[(i * OUT_CHANNELS + o) * 9u + 8u - k];
        } else {
            value = weight[(o * IN_CHANNELS + i) * 9u + k];
        }
    }
    packing[element] = value;
}

// Quad q of the row of quads that begins at `row`, or zeros beside the image.
fn input_quad(row: u32, q: i32, inside: bool) -> vec4<f32> {
    let real = inside && q >= 0 && q < i32(QUADS);
    return select(vec4<f32>(0.0), input[row + u32(clamp(q, 0, i32(QUADS) - 1))], vec4<bool>(real));
}

// The products of four places with four channels, a column a channel.
fn outer(places: vec4<f32>, channels: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(places * channels.x, places * channels.y, places * channels.z, places * channels.w);
}

// One channel's quads of a tile, with its bias.
fn write_channel(n: u32, o: u32, y: u32, q: u32, first: vec4<f32>, second: vec4<f32>) {
    if (o >= OUT_CHANNELS) {
        return;
    }
    var shift = 0.0;
    if (BIAS) {
        shift = bias[o];
    }
    let at = ((n * OUT_CHANNELS + o) * HEIGHT + y) * QUADS + q;
    output[at] = first + shift;
    if (q + 1u < QUADS) {
        output[at + 1u] = second + shift;
    }
}

// output[n, o, y, x] = bias[o] + sum over i, ky, kx of input[n, i, y + ky - 1, x + kx - 1] packed[i, ky, kx, o]
// A tile: 8 channels x 8 places in a row. Grid: (tiles of places, channel tiles, fold of the places).
@compute @workgroup_size(GROUP)
fn conv3x3(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tiles = (QUADS + 1u) / 2u;
    let place = (group.z * groups.x + group.x) * GROUP + lane;
    let q = place % tiles * 2u;
    let y = place / tiles % HEIGHT;
    let n = place / (tiles * HEIGHT);
    if (n >= BATCH) {
        return;
    }
    var a0 = mat4x4<f32>();
    var a1 = mat4x4<f32>();
    var b0 = mat4x4<f32>();
    var b1 = mat4x4<f32>();
    for (var i = 0u; i < IN_CHANNELS; i++) {
        for (var ky = 0u; ky < 3u; ky++) {
            let sy = i32(y + ky) - 1;
            let inside = sy >= 0 && sy < i32(HEIGHT);
            let row = ((n * IN_CHANNELS + i) * HEIGHT + u32(clamp(sy, 0, i32(HEIGHT) - 1))) * QUADS;
            let before = input_quad(row, i32(q) - 1, inside);
            let first = input_quad(row, i32(q), inside);
            let second = input_quad(row, i32(q) + 1, inside);
            let after = input_quad(row, i32(q) + 2, inside);
            var w = ((i * 3u + ky) * 3u * PACKED + group.y * CHANNELS) / 4u;
            let left = vec4<f32>(before.w, first.xyz);
            let middle = vec4<f32>(first.w, second.xyz);
            let right = vec4<f32>(first.yzw, second.x);
            let beyond = vec4<f32>(second.yzw, after.x);
            a0 += outer(left, packed[w]);
            a1 += outer(left, packed[w + 1u]);
            b0 += outer(middle, packed[w]);
            b1 += outer(middle, packed[w + 1u]);
            w += PACKED / 4u;
            a0 += outer(first, packed[w]);
            a1 += outer(first, packed[w + 1u]);
            b0 += outer(second, packed[w]);
            b1 += outer(second, packed[w + 1u]);
            w += PACKED / 4u;
            a0 += outer(right, packed[w]);
            a1 += outer(right, packed[w + 1u]);
            b0 += outer(beyond, packed[w]);
            b1 += outer(beyond, packed[w + 1u]);
        }
    }
    let o = group.y * CHANNELS;
    write_channel(n, o, y, q, a0[0], b0[0]);
    write_channel(n, o + 1u, y, q, a0[1], b0[1]);
    write_channel(n, o + 2u, y, q, a0[2], b0[2]);
    write_channel(n, o + 3u, y, q, a0[3], b0[3]);
    write_channel(n, o + 4u, y, q, a1[0], b1[0]);
    write_channel(n, o + 5u, y, q, a1[1], b1[1]);
    write_channel(n, o + 6u, y, q, a1[2], b1[2]);
    write_channel(n, o + 7u, y, q, a1[3], b1[3]);
}

// Quad q of the output gradient's four channels from o on, a column a channel.
fn gradient_quads(n: u32, o: u32, y: u32, q: u32) -> mat4x4<f32> {
    let plane = HEIGHT * QUADS;
    let at = n * OUT_CHANNELS * plane + y * QUADS + q;
    let last = OUT_CHANNELS - 1u;
    return mat4x4<f32>(
        output_gradient[at + min(o, last) * plane],
        output_gradient[at + min(o + 1u, last) * plane],
        output_gradient[at + min(o + 2u, last) * plane],
        output_gradient[at + min(o + 3u, last) * plane],
    );
}

// Three rows of taps for four channels: a column a tap of one kernel row.
struct Taps {
    upper: mat3x4<f32>,
    middle: mat3x4<f32>,
    lower: mat3x4<f32>,
}

// The three neighbouring windows of a quad, each times four channels' gradients.
fn row_taps(before: vec4<f32>, at: vec4<f32>, after: vec4<f32>, gradients: mat4x4<f32>) -> mat3x4<f32> {
    return mat3x4<f32>(
        vec4<f32>(before.w, at.xyz) * gradients,
        at * gradients,
        vec4<f32>(at.yzw, after.x) * gradients,
    );
}

fn write_taps(chunk: u32, o: u32, i: u32, taps: Taps, c: u32) {
    if (o + c >= OUT_CHANNELS) {
        return;
    }
    let at = ((chunk * OUT_CHANNELS + o + c) * IN_CHANNELS + i) * 9u;
    for (var kx = 0u; kx < 3u; kx++) {
        partial[at + kx] = taps.upper[kx][c];
        partial[at + 3u + kx] = taps.middle[kx][c];
        partial[at + 6u + kx] = taps.lower[kx][c];
    }
}

// partial[chunk, o, i, ky, kx] = sum over the images n of a chunk, y, x of
//     input[n, i, y + ky - 1, x + kx - 1] output_gradient[n, o, y, x]
// A tile: 4 output channels x 9 taps. Grid: (input channels x chunks, channel tiles).
@compute @workgroup_size(GROUP)
fn conv3x3_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * GROUP + lane;
    let i = place % IN_CHANNELS;
    let chunk = place / IN_CHANNELS;
    if (chunk >= CHUNKS) {
        return;
    }
    let o = group.y * 4u;
    let images = (BATCH + CHUNKS - 1u) / CHUNKS;
    var taps = Taps();
    for (var n = chunk * images; n < min((chunk + 1u) * images, BATCH); n++) {
        let plane = (n * IN_CHANNELS + i) * HEIGHT * QUADS;
        for (var y = 0u; y < HEIGHT; y++) {
            let has_upper = y > 0u;
            let has_lower = y + 1u < HEIGHT;
            let middle = plane + y * QUADS;
            let upper = select(middle, middle - QUADS, has_upper);
            let lower = select(middle, middle + QUADS, has_lower);
            var before = mat3x4<f32>();
            var at = mat3x4<f32>(
                input_quad(upper, 0, has_upper),
                input_quad(middle, 0, true),
                input_quad(lower, 0, has_lower),
            );
            for (var q = 0u; q < QUADS; q++) {
                let after = mat3x4<f32>(
                    input_quad(upper, i32(q) + 1, has_upper),
                    input_quad(middle, i32(q) + 1, true),
                    input_quad(lower, i32(q) + 1, has_lower),
                );
                let gradients = gradient_quads(n, o, y, q);
                taps.upper += row_taps(before[0], at[0], after[0], gradients);
                taps.middle += row_taps(before[1], at[1], after[1], gradients);
                taps.lower += row_taps(before[2], at[2], after[2], gradients);
                before = at;
                at = after;
            }
        }
    }
    write_taps(chunk, o, i, taps, 0u);
    write_taps(chunk, o, i, taps, 1u);
    write_taps(chunk, o, i, taps, 2u);
    write_taps(chunk, o, i, taps, 3u);
}
