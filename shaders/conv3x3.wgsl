// Convolutions of 3x3, stride 1, padding 1 over images whose width is a multiple of 4: the same
// results as conv.wgsl with a fraction of its loads, since every load brings four words.
//
// input   IMAGES x IN_CHANNELS x HEIGHT x WIDTH, in quads along x
// output  BATCH x OUT_CHANNELS x HEIGHT x WIDTH, in quads along x; pooled, with half of the height and width
// argmax  as the pooled output
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
    bias: u32,
    add: u32, // to the sums of the channels or images before
}

@group(0) @binding(1) var<uniform> packed: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> partial: array<f32>;
@group(0) @binding(6) var<uniform> shape: Shape;
@group(0) @binding(7) var<storage, read_write> argmax: array<vec4<u32>>;

// Output channels of a tile.
const CHANNELS: u32 = 16u;
const FOURS: u32 = CHANNELS / 4u;

// Quad q of the row of quads that begins at `row`, or zeros beside the image.
fn input_quad(row: u32, q: i32, inside: bool) -> vec4<f32> {
    let real = inside & (q >= 0) & (q < i32(shape.quads));
    return select(vec4<f32>(0.0), input[row + u32(clamp(q, 0, i32(shape.quads) - 1))], vec4<bool>(real));
}

// What the three taps of a kernel row read at four places.
struct Window {
    left: vec4<f32>,
    at: vec4<f32>,
    right: vec4<f32>,
}

// The window of a quad between two others.
fn window(before: vec4<f32>, at: vec4<f32>, after: vec4<f32>) -> Window {
    return Window(vec4<f32>(before.w, at.xyz), at, vec4<f32>(at.yzw, after.x));
}

// That of quad q of the row of quads that begins at `row`.
fn window_at(row: u32, q: u32, inside: bool) -> Window {
    let before = input_quad(row, i32(q) - 1, inside);
    return window(before, input_quad(row, i32(q), inside), input_quad(row, i32(q) + 1, inside));
}

// Adds three taps to one channel's sums at four places.
fn add_taps(sum: vec4<f32>, w: Window, left: f32, at: f32, right: f32) -> vec4<f32> {
    return fma(w.right, vec4<f32>(right), fma(w.at, vec4<f32>(at), fma(w.left, vec4<f32>(left), sum)));
}

// The same for four channels, a column a channel.
fn add_channels(sums: mat4x4<f32>, w: Window, left: vec4<f32>, at: vec4<f32>, right: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        add_taps(sums[0], w, left.x, at.x, right.x),
        add_taps(sums[1], w, left.y, at.y, right.y),
        add_taps(sums[2], w, left.z, at.z, right.z),
        add_taps(sums[3], w, left.w, at.w, right.w),
    );
}

// Sixteen channels at four places: a matrix four channels.
struct Sums {
    a: mat4x4<f32>,
    b: mat4x4<f32>,
    c: mat4x4<f32>,
    d: mat4x4<f32>,
}

// The sums of a tile: of its first four places and of the next, in its upper row and in the one below.
struct TileSums {
    near: Sums,
    far: Sums,
    near_below: Sums,
    far_below: Sums,
}

// Where a tile lies: its image, the upper of its rows, and the first of its quads.
struct Tile {
    n: u32,
    y: u32,
    q: u32,
}

// Adds the three taps of a kernel row, whose weights begin at quad `left`, a tap's `step` after those of the one before.
fn add_products(sums: ptr<function, Sums>, w: Window, left: u32, step: u32) {
    let at = left + step;
    let right = at + step;
    (*sums).a = add_channels((*sums).a, w, packed[left], packed[at], packed[right]);
    (*sums).b = add_channels((*sums).b, w, packed[left + 1u], packed[at + 1u], packed[right + 1u]);
    (*sums).c = add_channels((*sums).c, w, packed[left + 2u], packed[at + 2u], packed[right + 2u]);
    (*sums).d = add_channels((*sums).d, w, packed[left + 3u], packed[at + 3u], packed[right + 3u]);
}

// Adds a kernel row, which lies on row y of a plane, to the sums of the eight places from quad q on.
fn add_kernel_row(near: ptr<function, Sums>, far: ptr<function, Sums>, plane: u32, y: i32, q: u32, left: u32, step: u32) {
    let last = i32(shape.height) - 1;
    let inside = (y >= 0) & (y <= last);
    let row = plane + u32(clamp(y, 0, last)) * shape.quads;
    let before = input_quad(row, i32(q) - 1, inside);
    let first = input_quad(row, i32(q), inside);
    let second = input_quad(row, i32(q) + 1, inside);
    let after = input_quad(row, i32(q) + 2, inside);
    add_products(near, window(before, first, second), left, step);
    add_products(far, window(first, second, after), left, step);
}

// The bias of an output channel, where there is one.
fn shift_of(o: u32) -> f32 {
    var shift = 0.0;
    if (shape.bias != 0u) {
        shift = bias[o];
    }
    return shift;
}

fn write_quad(at: u32, shift: f32, sum: vec4<f32>) {
    var start = vec4<f32>(shift);
    if (shape.add != 0u) {
        start = output[at];
    }
    output[at] = start + sum;
}

// One channel's quads of a tile, with its bias.
fn write_channel(n: u32, o: u32, y: u32, q: u32, near: vec4<f32>, far: vec4<f32>) {
    if (o >= shape.out_channels) {
        return;
    }
    let shift = shift_of(o);
    let at = ((n * shape.out_channels + o) * shape.height + y) * shape.quads + q;
    write_quad(at, shift, near);
    if (q + 1u < shape.quads) {
        write_quad(at + 1u, shift, far);
    }
}

// A tile's results from channel `first` on, in a loop over both rows' fours of channels that shifts the next four into place:
// each word written by name costs a software driver's compiler several milliseconds.
fn write_tile(tile: Tile, first: u32, sums: TileSums) {
    let n = shape.image + tile.n;
    var a = sums.near;
    var b = sums.far;
    var a_below = sums.near_below;
    var b_below = sums.far_below;
    for (var turn = 0u; turn < 2u * FOURS; turn++) {
        let o = first + turn % FOURS * 4u;
        let row = tile.y + turn / FOURS;
        if (row < shape.height) {
            write_channel(n, o, row, tile.q, a.a[0], b.a[0]);
            write_channel(n, o + 1u, row, tile.q, a.a[1], b.a[1]);
            write_channel(n, o + 2u, row, tile.q, a.a[2], b.a[2]);
            write_channel(n, o + 3u, row, tile.q, a.a[3], b.a[3]);
        }
        a = Sums(a.b, a.c, a.d, a_below.a);
        b = Sums(b.b, b.c, b.d, b_below.a);
        a_below = Sums(a_below.b, a_below.c, a_below.d, a_below.d);
        b_below = Sums(b_below.b, b_below.c, b_below.d, b_below.d);
    }
}

// The pooled quad of one channel's windows, with its bias.
fn write_windows(n: u32, o: u32, y: u32, q: u32, near: vec4<f32>, far: vec4<f32>, near_below: vec4<f32>, far_below: vec4<f32>) {
    if (o >= shape.out_channels) {
        return;
    }
    let shift = vec4<f32>(shift_of(o));
    let place = (y * shape.quads + q) * 4u;
    let found = largest(shift + near, shift + far, shift + near_below, shift + far_below, place, 4u * shape.quads);
    let result = rectified(found, true);
    let at = (((n * shape.out_channels + o) * shape.height + y) / 2u * shape.quads + q) / 2u;
    output[at] = result.value;
    argmax[at] = result.place;
}

// The same of a tile, in a loop as in write_tile.
fn write_pooled(tile: Tile, first: u32, sums: TileSums) {
    let n = shape.image + tile.n;
    var a = sums.near;
    var b = sums.far;
    var c = sums.near_below;
    var d = sums.far_below;
    for (var o = first; o < first + CHANNELS; o += 4u) {
        write_windows(n, o, tile.y, tile.q, a.a[0], b.a[0], c.a[0], d.a[0]);
        write_windows(n, o + 1u, tile.y, tile.q, a.a[1], b.a[1], c.a[1], d.a[1]);
        write_windows(n, o + 2u, tile.y, tile.q, a.a[2], b.a[2], c.a[2], d.a[2]);
        write_windows(n, o + 3u, tile.y, tile.q, a.a[3], b.a[3], c.a[3], d.a[3]);
        a = Sums(a.b, a.c, a.d, a.d);
        b = Sums(b.b, b.c, b.d, b.d);
        c = Sums(c.b, c.c, c.d, c.d);
        d = Sums(d.b, d.c, d.d, d.d);
    }
}

// The tile of an invocation.
fn tile_of(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> Tile {
    let number = (group.z * groups.x + group.x) * VECTOR + lane;
    // Two divisions instead of four remainders and quotients: drivers divide vectors word by word.
    let tiles = (shape.quads + 1u) / 2u;
    let line = number / tiles;
    let lines = (shape.height + 1u) / 2u;
    let n = line / lines;
    return Tile(n, (line - n * lines) * 2u, (number - line * tiles) * 2u);
}

// A tile's channels, `group` being the number of the sixteen, summed over all input channels.
fn tile_sums(tile: Tile, group: u32) -> TileSums {
    var near = Sums();
    var far = Sums();
    var near_below = Sums();
    var far_below = Sums();
    let step = shape.block / 4u;
    let image_plane = shape.height * shape.quads;
    var plane = shape.origin + tile.n * shape.in_channels * image_plane;
    var left = group * FOURS;
    var ky = 0u;
    // Rows of all kernels in one loop: what it carries, all sums, costs a software driver as much as the products of a row.
    for (var row = 0u; row < 3u * shape.inner; row++) {
        add_kernel_row(&near, &far, plane, i32(tile.y + ky) - 1, tile.q, left, step);
        add_kernel_row(&near_below, &far_below, plane, i32(tile.y + ky), tile.q, left, step);
        left += 3u * step;
        let done = ky == 2u;
        plane += select(0u, image_plane, done);
        ky = select(ky + 1u, 0u, done);
    }
    return TileSums(near, far, near_below, far_below);
}

// output[n, o, y, x] = bias[o], or what it was, + sum over i, ky, kx of input[n, i, y + ky - 1, x + kx - 1] packed[i, ky, kx, o]
// A tile: 16 channels x 8 places of two rows. Grid: (tiles of places, channel tiles, fold of the places).
@compute @workgroup_size(VECTOR)
fn conv3x3(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = tile_of(group, groups, lane);
    if (tile.n < shape.images) {
        write_tile(tile, shape.first + group.y * CHANNELS, tile_sums(tile, group.y));
    }
}

// output, argmax = those of max pooling (pool4.wgsl, windows of 2x2) of the ReLU of what conv3x3 computes. The height is even, the
// width a multiple of 8, and all input channels are summed in one dispatch. Tiles and grid as those of conv3x3.
@compute @workgroup_size(VECTOR)
fn conv3x3_pooled(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = tile_of(group, groups, lane);
    if (tile.n < shape.images) {
        write_pooled(tile, shape.first + group.y * CHANNELS, tile_sums(tile, group.y));
    }
}

// Quad q of the output gradient's four channels from the block's o-th on, a column a place.
fn gradient_quads(n: u32, o: u32, y: u32, q: u32) -> mat4x4<f32> {
    let plane = shape.height * shape.quads;
    let at = shape.gradient_origin + n * shape.block * plane + y * shape.quads + q;
    let last = shape.block - 1u;
    return transpose(mat4x4<f32>(
        output_gradient[at + min(o, last) * plane],
        output_gradient[at + min(o + 1u, last) * plane],
        output_gradient[at + min(o + 2u, last) * plane],
        output_gradient[at + min(o + 3u, last) * plane],
    ));
}

// Nine taps of four channels: a matrix a kernel row, a column a tap.
struct Taps {
    upper: mat3x4<f32>,
    middle: mat3x4<f32>,
    lower: mat3x4<f32>,
}

// Adds what four places bring to one tap of four channels.
fn add_places(tap: vec4<f32>, places: vec4<f32>, gradients: mat4x4<f32>) -> vec4<f32> {
    let two = fma(gradients[1], vec4<f32>(places.y), fma(gradients[0], vec4<f32>(places.x), tap));
    return fma(gradients[3], vec4<f32>(places.w), fma(gradients[2], vec4<f32>(places.z), two));
}

// The same for the three taps of a kernel row.
fn add_row(taps: mat3x4<f32>, w: Window, gradients: mat4x4<f32>) -> mat3x4<f32> {
    return mat3x4<f32>(
        add_places(taps[0], w.left, gradients),
        add_places(taps[1], w.at, gradients),
        add_places(taps[2], w.right, gradients),
    );
}

// Adds what quad q of row y of a plane brings to the taps of eight channels.
fn add_quad(
    taps: ptr<function, Taps>,
    more_taps: ptr<function, Taps>,
    plane: u32,
    y: u32,
    q: u32,
    gradients: mat4x4<f32>,
    more: mat4x4<f32>,
) {
    let row = plane + y * shape.quads;
    let first = y == 0u;
    let last = y + 1u == shape.height;
    let upper = window_at(select(row - shape.quads, row, first), q, !first);
    let middle = window_at(row, q, true);
    let lower = window_at(select(row + shape.quads, row, last), q, !last);
    (*taps).upper = add_row((*taps).upper, upper, gradients);
    (*taps).middle = add_row((*taps).middle, middle, gradients);
    (*taps).lower = add_row((*taps).lower, lower, gradients);
    (*more_taps).upper = add_row((*more_taps).upper, upper, more);
    (*more_taps).middle = add_row((*more_taps).middle, middle, more);
    (*more_taps).lower = add_row((*more_taps).lower, lower, more);
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
// Grid: (pairs of input channels x chunks, channel tiles, fold of the pairs and chunks).
@compute @workgroup_size(VECTOR)
fn conv3x3_weight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let place = (group.z * groups.x + group.x) * VECTOR + lane;
    let pairs = (shape.in_channels + 1u) / 2u;
    let chunk = place / pairs;
    let i = (place - chunk * pairs) * 2u;
    let rows = shape.images * shape.height;
    if (chunk * shape.chunk_rows >= rows) {
        return;
    }
    let o = group.y * 8u;
    let plane = shape.height * shape.quads;
    let further = select(0u, plane, i + 1u < shape.in_channels);
    let start = chunk * shape.chunk_rows;
    let count = (min(start + shape.chunk_rows, rows) - start) * shape.quads;
    var a0 = Taps();
    var a1 = Taps();
    var b0 = Taps();
    var b1 = Taps();
    var sums0 = vec4<f32>();
    var sums1 = vec4<f32>();
    var n = start / shape.height;
    var y = start - n * shape.height;
    var q = 0u;
    // Quads of all rows in one loop, as in conv3x3.
    for (var quad = 0u; quad < count; quad++) {
        let channel = shape.origin + (n * shape.in_channels + i) * plane;
        let gradients = gradient_quads(n, o, y, q);
        let more = gradient_quads(n, o + 4u, y, q);
        add_quad(&a0, &a1, channel, y, q, gradients, more);
        add_quad(&b0, &b1, channel + further, y, q, gradients, more);
        sums0 += gradients * vec4<f32>(1.0);
        sums1 += more * vec4<f32>(1.0);
        q = select(q + 1u, 0u, q + 1u == shape.quads);
        y += select(0u, 1u, q == 0u);
        n += select(0u, 1u, y == shape.height);
        y = select(y, 0u, y == shape.height);
    }
    write_taps(chunk, o, i, a0);
    write_taps(chunk, o + 4u, i, a1);
    write_taps(chunk, o, i + 1u, b0);
    write_taps(chunk, o + 4u, i + 1u, b1);
    write_sums(chunk, o, i, sums0);
    write_sums(chunk, o + 4u, i, sums1);
}
