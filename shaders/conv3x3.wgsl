// Convolutions of 3x3, stride 1, padding 1 over images whose width is a multiple of 4: the same
// results as conv.wgsl with a fraction of its loads, since every load brings four words.
//
// input   BATCH x IN_CHANNELS x HEIGHT x WIDTH, in quads along x
// output  BATCH x OUT_CHANNELS x HEIGHT x WIDTH, in quads along x
// packed  IN_CHANNELS x 3 x 3 x BLOCK, the weight of BLOCK output channels from FIRST on with the
//         output channels innermost, in quads; blocks begin UNIFORM words apart
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
@group(0) @binding(1) var<uniform> packed: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> packing: array<f32>;
@group(0) @binding(6) var<storage, read> output_gradient: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> partial: array<f32>;

override FIRST: u32 = 0u;
override BLOCK: u32 = 16u;
override QUADS: u32 = WIDTH / 4u;

// Output channels of a tile.
const CHANNELS: u32 = 16u;
// Words of a uniform binding.
const UNIFORM: u32 = 16384u;

// packing[block][i, k, o] = weight[block BLOCK + o, i, k]; turned: weight[i, block BLOCK + o, 8 - k];
// zeros beyond OUT_CHANNELS. Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn pack_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    let size = IN_CHANNELS * 9u * BLOCK;
    let block = element / size;
    if (block * BLOCK >= OUT_CHANNELS) {
        return;
    }
    let o = block * BLOCK + element % BLOCK;
    let k = element % size / BLOCK % 9u;
    let i = element % size / BLOCK / 9u;
    var value = 0.0;
    if (o < OUT_CHANNELS) {
        if (TURNED) {
            value = weight[(i * OUT_CHANNELS + o) * 9u + 8u - k];
        } else {
            value = weight[(o * IN_CHANNELS + i) * 9u + k];
        }
    }
    packing[block * UNIFORM + element % size] = value;
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

// Sixteen channels at four places: a matrix four channels, a column a channel.
struct Sums {
    a: mat4x4<f32>,
    b: mat4x4<f32>,
    c: mat4x4<f32>,
    d: mat4x4<f32>,
}

// The products of four places with sixteen channels, whose weights begin at quad w.
fn products(places: vec4<f32>, w: u32) -> Sums {
    return Sums(
        outer(places, packed[w]),
        outer(places, packed[w + 1u]),
        outer(places, packed[w + 2u]),
        outer(places, packed[w + 3u]),
    );
}

fn add(sums: ptr<function, Sums>, more: Sums) {
    (*sums).a += more.a;
    (*sums).b += more.b;
    (*sums).c += more.c;
    (*sums).d += more.d;
}

fn write_four(n: u32, o: u32, y: u32, q: u32, first: mat4x4<f32>, second: mat4x4<f32>) {
    write_channel(n, o, y, q, first[0], second[0]);
    write_channel(n, o + 1u, y, q, first[1], second[1]);
    write_channel(n, o + 2u, y, q, first[2], second[2]);
    write_channel(n, o + 3u, y, q, first[3], second[3]);
}

// output[n, o, y, x] = bias[o] + sum over i, ky, kx of input[n, i, y + ky - 1, x + kx - 1] packed[i, ky, kx, o]
// A tile: 16 channels x 8 places in a row. Grid: (tiles of places, channel tiles, fold of the places).
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
    var near = Sums();
    var far = Sums();
    for (var i = 0u; i < IN_CHANNELS; i++) {
        for (var ky = 0u; ky < 3u; ky++) {
            let sy = i32(y + ky) - 1;
            let inside = sy >= 0 && sy < i32(HEIGHT);
            let row = ((n * IN_CHANNELS + i) * HEIGHT + u32(clamp(sy, 0, i32(HEIGHT) - 1))) * QUADS;
            let before = input_quad(row, i32(q) - 1, inside);
            let first = input_quad(row, i32(q), inside);
            let second = input_quad(row, i32(q) + 1, inside);
            let after = input_quad(row, i32(q) + 2, inside);
            let w = ((i * 3u + ky) * 3u * BLOCK + group.y * CHANNELS) / 4u;
            add(&near, products(vec4<f32>(before.w, first.xyz), w));
            add(&far, products(vec4<f32>(first.w, second.xyz), w));
            add(&near, products(first, w + BLOCK / 4u));
            add(&far, products(second, w + BLOCK / 4u));
            add(&near, products(vec4<f32>(first.yzw, second.x), w + BLOCK / 2u));
            add(&far, products(vec4<f32>(second.yzw, after.x), w + BLOCK / 2u));
        }
    }
    let o = FIRST + group.y * CHANNELS;
    write_four(n, o, y, q, near.a, far.a);
    write_four(n, o + 4u, y, q, near.b, far.b);
    write_four(n, o + 8u, y, q, near.c, far.c);
    write_four(n, o + 12u, y, q, near.d, far.d);
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

// Nine taps for four channels: a matrix a kernel row, a column a tap.
struct Taps {
    upper: mat3x4<f32>,
    middle: mat3x4<f32>,
    lower: mat3x4<f32>,
}

// Three rows of an input channel around one quad.
struct Window {
    before: mat3x4<f32>,
    at: mat3x4<f32>,
    after: mat3x4<f32>,
}

// The three neighbouring windows of a quad, each times four channels' gradients.
fn row_taps(before: vec4<f32>, at: vec4<f32>, after: vec4<f32>, gradients: mat4x4<f32>) -> mat3x4<f32> {
    return mat3x4<f32>(
        vec4<f32>(before.w, at.xyz) * gradients,
        at * gradients,
        vec4<f32>(at.yzw, after.x) * gradients,
    );
}

fn add_taps(taps: ptr<function, Taps>, w: Window, gradients: mat4x4<f32>) {
    (*taps).upper += row_taps(w.before[0], w.at[0], w.after[0], gradients);
    (*taps).middle += row_taps(w.before[1], w.at[1], w.after[1], gradients);
    (*taps).lower += row_taps(w.before[2], w.at[2], w.after[2], gradients);
}

// Quad q of the rows above, at and below row y of a plane; zeros outside the image.
fn three_rows(plane: u32, y: u32, q: u32) -> mat3x4<f32> {
    let row = plane + y * QUADS;
    let upper = select(row, row - QUADS, y > 0u);
    let lower = select(row, row + QUADS, y + 1u < HEIGHT);
    return mat3x4<f32>(
        input_quad(upper, i32(q), y > 0u),
        input_quad(row, i32(q), true),
        input_quad(lower, i32(q), y + 1u < HEIGHT),
    );
}

// The window one quad further.
fn slide(w: ptr<function, Window>, plane: u32, y: u32, q: u32) {
    (*w).before = (*w).at;
    (*w).at = (*w).after;
    (*w).after = three_rows(plane, y, q + 1u);
}

// The window before the first quad of a row.
fn row_start(plane: u32, y: u32) -> Window {
    return Window(mat3x4<f32>(), mat3x4<f32>(), three_rows(plane, y, 0u));
}

fn write_channel_taps(chunk: u32, o: u32, i: u32, upper: vec3<f32>, middle: vec3<f32>, lower: vec3<f32>) {
    if (o >= OUT_CHANNELS || i >= IN_CHANNELS) {
        return;
    }
    let at = ((chunk * OUT_CHANNELS + o) * IN_CHANNELS + i) * 9u;
    for (var kx = 0u; kx < 3u; kx++) {
        partial[at + kx] = upper[kx];
        partial[at + 3u + kx] = middle[kx];
        partial[at + 6u + kx] = lower[kx];
    }
}

fn write_taps(chunk: u32, o: u32, i: u32, taps: Taps) {
    let upper = transpose(taps.upper);
    let middle = transpose(taps.middle);
    let lower = transpose(taps.lower);
    write_channel_taps(chunk, o, i, upper[0], middle[0], lower[0]);
    write_channel_taps(chunk, o + 1u, i, upper[1], middle[1], lower[1]);
    write_channel_taps(chunk, o + 2u, i, upper[2], middle[2], lower[2]);
    write_channel_taps(chunk, o + 3u, i, upper[3], middle[3], lower[3]);
}

// partial[chunk, o, i, ky, kx] = sum over the images n of a chunk, y, x of
//     input[n, i, y + ky - 1, x + kx - 1] output_gradient[n, o, y, x]
// A tile: 2 input channels x 8 output channels x 9 taps.
// Grid: (pairs of input channels x chunks, channel tiles).
@compute @workgroup_size(GROUP)
fn conv3x3_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * GROUP + lane;
    let pairs = (IN_CHANNELS + 1u) / 2u;
    let i = place % pairs * 2u;
    let chunk = place / pairs;
    if (chunk >= CHUNKS) {
        return;
    }
    let o = group.y * 8u;
    let images = (BATCH + CHUNKS - 1u) / CHUNKS;
    var a0 = Taps();
    var a1 = Taps();
    var b0 = Taps();
    var b1 = Taps();
    for (var n = chunk * images; n < min((chunk + 1u) * images, BATCH); n++) {
        let first = (n * IN_CHANNELS + i) * HEIGHT * QUADS;
        let second = (n * IN_CHANNELS + min(i + 1u, IN_CHANNELS - 1u)) * HEIGHT * QUADS;
        for (var y = 0u; y < HEIGHT; y++) {
            var a = row_start(first, y);
            var b = row_start(second, y);
            for (var q = 0u; q < QUADS; q++) {
                slide(&a, first, y, q);
                slide(&b, second, y, q);
                let gradients = gradient_quads(n, o, y, q);
                let more = gradient_quads(n, o + 4u, y, q);
                add_taps(&a0, a, gradients);
                add_taps(&a1, a, more);
                add_taps(&b0, b, gradients);
                add_taps(&b1, b, more);
            }
        }
    }
    write_taps(chunk, o, i, a0);
    write_taps(chunk, o + 4u, i, a1);
    write_taps(chunk, o, i + 1u, b0);
    write_taps(chunk, o + 4u, i + 1u, b1);
}
