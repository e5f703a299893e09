// Convolutions of 3x3, stride 1, padding 1 over images whose width is a multiple of 4: the same
// results as conv.wgsl with a fraction of its loads, since every load brings four words.
//
// input   IMAGES x IN_CHANNELS x HEIGHT x WIDTH, in quads along x
// output  BATCH x OUT_CHANNELS x HEIGHT x WIDTH, in quads along x
// packed  INNER x 3 x 3 x BLOCK, the weight of BLOCK output channels from FIRST on with the output channels
//         innermost, in quads (pack.wgsl); for INNER input channels, the first of which `origin` tells
//
// The gradient with respect to the input is the same convolution of the output's gradient with the
// kernels turned by half a turn and the channels' roles exchanged; pack_weight prepares either.
//
// `input` and `output_gradient` are declared in conv3x3_storage.wgsl, where a dispatch does the whole
// batch, and in conv3x3_pages.wgsl, where it does the images of one page.

// The shape comes as a uniform and not as constants: these kernels are the longest to compile, and so
// one pipeline does for all layers.
struct Shape {
    images: u32, // of this dispatch
    image: u32, // of the batch, the first of them
    in_channels: u32,
    inner: u32, // input channels of this dispatch
    out_channels: u32,
    height: u32,
    quads: u32, // of a row
    first: u32, // output channel of the block
    block: u32, // output channels of the block
    origin: u32, // of what is read of the images within `input`, in quads
    gradient_origin: u32, // of the block's gradients within `output_gradient`, in quads
    chunk_rows: u32, // rows of the images, one after another, that are summed together
    lanes: u32, // of a group that have a tile
    bias: u32,
    add: u32, // to the sums of the channels or images before
}

@group(0) @binding(1) var<uniform> packed: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> partial: array<f32>;
@group(0) @binding(6) var<uniform> shape: Shape;

// Output channels of a tile.
const CHANNELS: u32 = 16u;

// Quad q of the row of quads that begins at `row`, or zeros beside the image.
fn input_quad(row: u32, q: i32, inside: bool) -> vec4<f32> {
    let real = inside && q >= 0 && q < i32(shape.quads);
    return select(vec4<f32>(0.0), input[row + u32(clamp(q, 0, i32(shape.quads) - 1))], vec4<bool>(real));
}

// What four places, their left and their right neighbours add to four channels, a column a channel.
fn three_taps(left: vec4<f32>, at: vec4<f32>, right: vec4<f32>, wl: vec4<f32>, wa: vec4<f32>, wr: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        left * wl.x + at * wa.x + right * wr.x,
        left * wl.y + at * wa.y + right * wr.y,
        left * wl.z + at * wa.z + right * wr.z,
        left * wl.w + at * wa.w + right * wr.w,
    );
}

// Sixteen channels at four places: a matrix four channels, a column a channel.
struct Sums {
    a: mat4x4<f32>,
    b: mat4x4<f32>,
    c: mat4x4<f32>,
    d: mat4x4<f32>,
}

// Adds what three_taps comes to for sixteen channels, whose weights begin at quad w, a tap's `step` after those of the one before.
fn add_products(sums: ptr<function, Sums>, left: vec4<f32>, at: vec4<f32>, right: vec4<f32>, w: u32, step: u32) {
    let wa = w + step;
    let wr = wa + step;
    (*sums).a += three_taps(left, at, right, packed[w], packed[wa], packed[wr]);
    (*sums).b += three_taps(left, at, right, packed[w + 1u], packed[wa + 1u], packed[wr + 1u]);
    (*sums).c += three_taps(left, at, right, packed[w + 2u], packed[wa + 2u], packed[wr + 2u]);
    (*sums).d += three_taps(left, at, right, packed[w + 3u], packed[wa + 3u], packed[wr + 3u]);
}

fn write_quad(at: u32, shift: f32, sum: vec4<f32>) {
    if (shape.add != 0u) {
        output[at] += sum;
    } else {
        output[at] = sum + shift;
    }
}

// One channel's quads of a tile, with its bias.
fn write_channel(n: u32, o: u32, y: u32, q: u32, near: vec4<f32>, far: vec4<f32>) {
    if (o >= shape.out_channels) {
        return;
    }
    var shift = 0.0;
    if (shape.bias != 0u) {
        shift = bias[o];
    }
    let at = ((n * shape.out_channels + o) * shape.height + y) * shape.quads + q;
    write_quad(at, shift, near);
    if (q + 1u < shape.quads) {
        write_quad(at + 1u, shift, far);
    }
}

// A tile's results, in a loop over fours of channels that shifts the next four into place: each word
// written by name costs a software driver's compiler several milliseconds.
fn write_tile(n: u32, first: u32, y: u32, q: u32, near: Sums, far: Sums) {
    var a = near;
    var b = far;
    let last = min(first + CHANNELS, shape.out_channels);
    for (var o = first; o < last; o += 4u) {
        write_channel(n, o, y, q, a.a[0], b.a[0]);
        write_channel(n, o + 1u, y, q, a.a[1], b.a[1]);
        write_channel(n, o + 2u, y, q, a.a[2], b.a[2]);
        write_channel(n, o + 3u, y, q, a.a[3], b.a[3]);
        a = Sums(a.b, a.c, a.d, a.d);
        b = Sums(b.b, b.c, b.d, b.d);
    }
}

// Adds a row of the kernel, whose weights begin at quad w, to the sums of the eight places from quad q on; it lies on row sy of a plane.
fn add_kernel_row(near: ptr<function, Sums>, far: ptr<function, Sums>, plane: u32, sy: i32, q: u32, w: u32, step: u32) {
    let last = i32(shape.height) - 1;
    let inside = sy >= 0 && sy <= last;
    let row = plane + u32(clamp(sy, 0, last)) * shape.quads;
    let before = input_quad(row, i32(q) - 1, inside);
    let first = input_quad(row, i32(q), inside);
    let second = input_quad(row, i32(q) + 1, inside);
    let after = input_quad(row, i32(q) + 2, inside);
    let between = vec4<f32>(first.yzw, second.x);
    add_products(near, vec4<f32>(before.w, first.xyz), first, between, w, step);
    add_products(far, vec4<f32>(first.w, second.xyz), second, vec4<f32>(second.yzw, after.x), w, step);
}

// output[n, o, y, x] = bias[o], or what it was, + sum over i, ky, kx of input[n, i, y + ky - 1, x + kx - 1] packed[i, ky, kx, o]
// A tile: 16 channels x 8 places in a row. Grid: (tiles of places, channel tiles, fold of the places).
@compute @workgroup_size(GROUP)
fn conv3x3(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tiles = (shape.quads + 1u) / 2u;
    let place = (group.z * groups.x + group.x) * shape.lanes + lane;
    // Two divisions instead of four remainders and quotients: drivers divide vectors word by word.
    let rows = place / tiles;
    let q = (place - rows * tiles) * 2u;
    let n = rows / shape.height;
    let y = rows - n * shape.height;
    if (lane >= shape.lanes || n >= shape.images) {
        return;
    }
    let step = shape.block / 4u;
    let image_plane = shape.height * shape.quads;
    var plane = shape.origin + n * shape.in_channels * image_plane;
    var w = group.y * CHANNELS / 4u;
    var near = Sums();
    var far = Sums();
    var ky = 0u;
    // Rows of all kernels in one loop: what it carries, all sums, costs a software driver as much as the products of a row.
    for (var row = 0u; row < 3u * shape.inner; row++) {
        add_kernel_row(&near, &far, plane, i32(y + ky) - 1, q, w, step);
        w += 3u * step;
        let done = ky == 2u;
        plane += select(0u, image_plane, done);
        ky = select(ky + 1u, 0u, done);
    }
    write_tile(shape.image + n, shape.first + group.y * CHANNELS, y, q, near, far);
}

// Quad q of the output gradient's four channels from the block's o-th on, a column a channel.
fn gradient_quads(n: u32, o: u32, y: u32, q: u32) -> mat4x4<f32> {
    let plane = shape.height * shape.quads;
    let at = shape.gradient_origin + n * shape.block * plane + y * shape.quads + q;
    let last = shape.block - 1u;
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
    let row = plane + y * shape.quads;
    let upper = select(row, row - shape.quads, y > 0u);
    let lower = select(row, row + shape.quads, y + 1u < shape.height);
    return mat3x4<f32>(
        input_quad(upper, i32(q), y > 0u),
        input_quad(row, i32(q), true),
        input_quad(lower, i32(q), y + 1u < shape.height),
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

// Word c of a vector, told by comparisons: a word by a number known only at run time would put the
// vector into memory.
fn word(v: vec4<f32>, c: u32) -> f32 {
    let pair = select(v.xy, v.zw, vec2<bool>(c >= 2u));
    return select(pair.x, pair.y, (c & 1u) == 1u);
}

fn add_three(at: u32, taps: mat3x4<f32>, c: u32) {
    let before = vec3<f32>(partial[at], partial[at + 1u], partial[at + 2u]);
    let sums = vec3<f32>(word(taps[0], c), word(taps[1], c), word(taps[2], c));
    let total = select(sums, before + sums, vec3<bool>(shape.add != 0u));
    partial[at] = total.x;
    partial[at + 1u] = total.y;
    partial[at + 2u] = total.z;
}

// Where a chunk begins: the gradients of the weight, and behind them those of the bias.
fn chunk_start(chunk: u32) -> u32 {
    return chunk * shape.out_channels * (shape.in_channels * 9u + shape.bias);
}

fn write_taps(chunk: u32, o: u32, i: u32, taps: Taps) {
    if (i >= shape.in_channels || o >= shape.block) {
        return;
    }
    for (var c = 0u; c < min(4u, shape.block - o); c++) {
        let at = chunk_start(chunk) + ((shape.first + o + c) * shape.in_channels + i) * 9u;
        add_three(at, taps.upper, c);
        add_three(at + 3u, taps.middle, c);
        add_three(at + 6u, taps.lower, c);
    }
}

// The gradients' sums of four channels, by those who have the first input channel.
fn write_sums(chunk: u32, o: u32, i: u32, sums: vec4<f32>) {
    if (i > 0u || o >= shape.block || shape.bias == 0u) {
        return;
    }
    let first = chunk_start(chunk) + shape.out_channels * shape.in_channels * 9u + shape.first + o;
    for (var c = 0u; c < min(4u, shape.block - o); c++) {
        let before = partial[first + c];
        partial[first + c] = select(0.0, before, shape.add != 0u) + word(sums, c);
    }
}

// partial[chunk, o, i, ky, kx] = sum over the rows (n, y) of a chunk and x of
//     input[n, i, y + ky - 1, x + kx - 1] output_gradient[n, o, y, x]
// and behind a chunk's, where there is a bias, the sums of output_gradient[n, o, y, x] alone
// A tile: 2 input channels x 8 output channels x 9 taps.
// Grid: (pairs of input channels x chunks, channel tiles).
@compute @workgroup_size(GROUP)
fn conv3x3_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * GROUP + lane;
    let pairs = (shape.in_channels + 1u) / 2u;
    let chunk = place / pairs;
    let i = (place - chunk * pairs) * 2u;
    let rows = shape.images * shape.height;
    if (chunk * shape.chunk_rows >= rows) {
        return;
    }
    let o = group.y * 8u;
    let plane = shape.height * shape.quads;
    var a0 = Taps();
    var a1 = Taps();
    var b0 = Taps();
    var b1 = Taps();
    var sums0 = vec4<f32>();
    var sums1 = vec4<f32>();
    var row = chunk * shape.chunk_rows;
    let count = (min(row + shape.chunk_rows, rows) - row) * shape.quads;
    var a = Window();
    var b = Window();
    var first = 0u;
    var second = 0u;
    var n = 0u;
    var y = 0u;
    var q = 0u;
    // Quads of all rows in one loop, as in conv3x3.
    for (var quad = 0u; quad < count; quad++) {
        if (q == 0u) {
            n = row / shape.height;
            y = row - n * shape.height;
            first = shape.origin + (n * shape.in_channels + i) * plane;
            second = shape.origin + (n * shape.in_channels + min(i + 1u, shape.in_channels - 1u)) * plane;
            a = row_start(first, y);
            b = row_start(second, y);
            row += 1u;
        }
        slide(&a, first, y, q);
        slide(&b, second, y, q);
        let gradients = gradient_quads(n, o, y, q);
        let more = gradient_quads(n, o + 4u, y, q);
        add_taps(&a0, a, gradients);
        add_taps(&a1, a, more);
        add_taps(&b0, b, gradients);
        add_taps(&b1, b, more);
        sums0 += vec4<f32>(1.0) * gradients;
        sums1 += vec4<f32>(1.0) * more;
        q = select(q + 1u, 0u, q + 1u == shape.quads);
    }
    write_taps(chunk, o, i, a0);
    write_taps(chunk, o + 4u, i, a1);
    write_taps(chunk, o, i + 1u, b0);
    write_taps(chunk, o + 4u, i + 1u, b1);
    write_sums(chunk, o, i, sums0);
    write_sums(chunk, o + 4u, i, sums1);
}
