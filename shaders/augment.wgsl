// Batches cut out of a data set of bytes.
//
// pixels   images x 3 x STORED x STORED bytes, four to a word
// labels   a class a sample;  order  samples in the order of the epoch's batches
// rows     the sample of each row of a batch, or PADDING
// output   rows x 3 x SIDE x SIDE in -1 .. 1;  targets  a class a row, or PADDING

override BATCH: u32 = 1u;
override STORED: u32 = 1u;
override SIDE: u32 = 1u;
override RESIDENT: bool = true;
override CROP: bool = false;
override FLIP: bool = false;
override ROTATION: bool = false;
override ASPECT: bool = false;
override COLOUR: bool = false;

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> clock: Clock;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
@group(0) @binding(5) var<storage, read_write> targets: array<u32>;
@group(0) @binding(6) var<storage, read_write> rows: array<u32>;

// 20 degrees.
const LARGEST_ANGLE: f32 = 0.3490658503988659;

// A whole number below n, n at most 65,536.
fn below(word: u32, n: u32) -> u32 {
    return ((word >> 16u) * n) >> 16u;
}

// A number in [-1, 1).
fn signed_unit(word: u32) -> f32 {
    return 2.0 * unit(word) - 1.0;
}

fn byte_at(image: u32, channel: u32, y: u32, x: u32) -> f32 {
    let k = ((image * 3u + channel) * STORED + y) * STORED + x;
    return f32((pixels[k / 4u] >> (8u * (k % 4u))) & 255u);
}

// The value between the four pixels around `at`, which lies within the image.
fn bilinear(image: u32, channel: u32, at: vec2<f32>) -> f32 {
    let low = vec2<u32>(at);
    let high = min(low + 1u, vec2<u32>(STORED - 1u));
    let part = at - vec2<f32>(low);
    let top = mix(byte_at(image, channel, low.y, low.x), byte_at(image, channel, low.y, high.x), part.x);
    let bottom = mix(byte_at(image, channel, high.y, low.x), byte_at(image, channel, high.y, high.x), part.x);
    return mix(top, bottom, part.y);
}

// (cos, sin) of an angle within 20 degrees by their series, exact to 1e-8: the built-in functions
// may be off by 2^-11.
fn direction(angle: f32) -> vec2<f32> {
    let s = angle * angle;
    let sine = angle * (1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0)));
    let cosine = 1.0 - s / 2.0 * (1.0 - s / 12.0 * (1.0 - s / 30.0 * (1.0 - s / 56.0)));
    return vec2<f32>(cosine, sine);
}

// Section 4.1: crop, flip, rotation within 20 degrees, aspect within 10 %, colours within 5 %.
// One draw of each an image and epoch. Grid: one invocation a pixel of the output, folded.
@compute @workgroup_size(GROUP)
fn augment(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    let row = element / (SIDE * SIDE);
    if (row >= BATCH) {
        return;
    }
    let sample = order[clock.cursor * BATCH + row];
    let pixel = element % (SIDE * SIDE);
    if (sample == PADDING) {
        write_pixel(row, pixel, vec3<f32>(0.0), PADDING);
        return;
    }
    let place = draw(clock.seed, PURPOSE_PLACE, clock.epoch, sample);
    let shape = draw(clock.seed, PURPOSE_SHAPE, clock.epoch, sample);
    let tint = draw(clock.seed, PURPOSE_TINT, clock.epoch, sample);
    let margin = STORED - SIDE;
    var corner = vec2<u32>(margin / 2u);
    if (CROP) {
        corner = vec2<u32>(below(place.x, margin + 1u), below(place.y, margin + 1u));
    }
    let centre = f32(SIDE - 1u) / 2.0;
    var offset = vec2<f32>(f32(pixel % SIDE), f32(pixel / SIDE)) - centre;
    if (FLIP && place.z >> 31u == 1u) {
        offset.x = -offset.x;
    }
    if (ASPECT) {
        offset.x *= 1.0 + 0.1 * signed_unit(shape.y);
    }
    if (ROTATION) {
        let turn = direction(LARGEST_ANGLE * signed_unit(shape.x));
        offset = vec2<f32>(turn.x * offset.x - turn.y * offset.y, turn.y * offset.x + turn.x * offset.y);
    }
    let at = clamp(vec2<f32>(corner) + centre + offset, vec2<f32>(0.0), vec2<f32>(f32(STORED - 1u)));
    var shift = vec3<f32>(0.0);
    if (COLOUR) {
        shift = 0.05 * vec3<f32>(signed_unit(tint.x), signed_unit(tint.y), signed_unit(tint.z));
    }
    let image = select(row, sample, RESIDENT);
    let bytes = vec3<f32>(bilinear(image, 0u, at), bilinear(image, 1u, at), bilinear(image, 2u, at));
    write_pixel(row, pixel, 2.0 * (bytes / 255.0 + shift) - 1.0, labels[sample]);
}

// The three channels of a pixel; the first pixel of a row also gives its label.
fn write_pixel(row: u32, pixel: u32, colour: vec3<f32>, label: u32) {
    for (var channel = 0u; channel < 3u; channel++) {
        output[(row * 3u + channel) * SIDE * SIDE + pixel] = colour[channel];
    }
    if (pixel == 0u && row < BATCH) {
        targets[row] = label;
    }
}

// rows[n] = the sample in row n of the batch. Grid: one invocation a row.
@compute @workgroup_size(GROUP)
fn batch_rows(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < BATCH) {
        rows[id.x] = order[clock.cursor * BATCH + id.x];
    }
}

// Rows 0 .. BATCH: centre crops; rows BATCH .. 2 BATCH: their mirror images.
// Grid: one invocation a pixel of the output, folded.
@compute @workgroup_size(GROUP)
fn centre_crops(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    let row = element / (SIDE * SIDE);
    if (row >= 2u * BATCH) {
        return;
    }
    let sample = order[clock.cursor * BATCH + row % BATCH];
    let pixel = element % (SIDE * SIDE);
    if (sample == PADDING) {
        write_pixel(row, pixel, vec3<f32>(0.0), PADDING);
        return;
    }
    let corner = (STORED - SIDE) / 2u;
    let x = pixel % SIDE;
    let from_x = corner + select(x, SIDE - 1u - x, row >= BATCH);
    let from_y = corner + pixel / SIDE;
    let image = select(row % BATCH, sample, RESIDENT);
    let bytes = vec3<f32>(
        byte_at(image, 0u, from_y, from_x),
        byte_at(image, 1u, from_y, from_x),
        byte_at(image, 2u, from_y, from_x),
    );
    write_pixel(row, pixel, 2.0 * bytes / 255.0 - 1.0, labels[sample]);
}
