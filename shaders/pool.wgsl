// Pooling over the planes (batch x channels) of an image batch.
//
// input   PLANES x IN_HEIGHT x IN_WIDTH
// output  PLANES x OUT_HEIGHT x OUT_WIDTH
// Grid of every kernel: one invocation an element of what it writes, folded.

override PLANES: u32 = 1u;
override IN_HEIGHT: u32 = 1u;
override IN_WIDTH: u32 = 1u;
override OUT_HEIGHT: u32 = 1u;
override OUT_WIDTH: u32 = 1u;
override WINDOW_HEIGHT: u32 = 1u;
override WINDOW_WIDTH: u32 = 1u;
override STRIDE: u32 = 1u;
override PAD: u32 = 0u;
// Whether maxima are rectified.
override RELU: bool = false;

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<storage, read_write> argmax_out: array<u32>;
@group(0) @binding(3) var<storage, read> output_gradient: array<f32>;
@group(0) @binding(4) var<storage, read> argmax: array<u32>;
@group(0) @binding(5) var<storage, read_write> input_gradient: array<f32>;

// The first and one past the last of the windows along one axis that cover position `at`.
fn covering(at: u32, window: u32, count: u32) -> vec2<u32> {
    let padded = at + PAD;
    let first = select(0u, (padded - min(padded, window) + STRIDE) / STRIDE, padded >= window);
    return vec2<u32>(first, min(padded / STRIDE + 1u, count));
}

// The first and one past the last position along one axis that window `at` covers.
fn covered(at: u32, window: u32, count: u32) -> vec2<u32> {
    let start = at * STRIDE;
    return vec2<u32>(start - min(start, PAD), min(start + window - min(start + window, PAD), count));
}

// output = the largest of the window; argmax = its place y IN_WIDTH + x; the first of equals wins. With RELU, output = 0 and
// argmax = NOWHERE unless it is above 0.
@compute @workgroup_size(GROUP)
fn max_pool_forward(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let element = flat(id, groups);
    if (element >= PLANES * OUT_HEIGHT * OUT_WIDTH) {
        return;
    }
    let plane = element / (OUT_HEIGHT * OUT_WIDTH) * IN_HEIGHT * IN_WIDTH;
    let ys = covered(element / OUT_WIDTH % OUT_HEIGHT, WINDOW_HEIGHT, IN_HEIGHT);
    let xs = covered(element % OUT_WIDTH, WINDOW_WIDTH, IN_WIDTH);
    var place = ys.x * IN_WIDTH + xs.x;
    var largest = input[plane + place];
    for (var y = ys.x; y < ys.y; y++) {
        for (var x = xs.x; x < xs.y; x++) {
            let value = input[plane + y * IN_WIDTH + x];
            if (value > largest) {
                largest = value;
                place = y * IN_WIDTH + x;
            }
        }
    }
    let passes = !RELU || largest > 0.0;
    output[element] = select(0.0, largest, passes);
    argmax_out[element] = select(NOWHERE, place, passes);
}

// input_gradient = the sum of the gradients of those windows whose maximum lies here.
@compute @workgroup_size(GROUP)
fn max_pool_backward(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let element = flat(id, groups);
    if (element >= PLANES * IN_HEIGHT * IN_WIDTH) {
        return;
    }
    let place = element % (IN_HEIGHT * IN_WIDTH);
    let plane = element / (IN_HEIGHT * IN_WIDTH) * OUT_HEIGHT * OUT_WIDTH;
    let ys = covering(place / IN_WIDTH, WINDOW_HEIGHT, OUT_HEIGHT);
    let xs = covering(place % IN_WIDTH, WINDOW_WIDTH, OUT_WIDTH);
    var sum = 0.0;
    for (var y = ys.x; y < ys.y; y++) {
        for (var x = xs.x; x < xs.y; x++) {
            let window = plane + y * OUT_WIDTH + x;
            if (argmax[window] == place) {
                sum += output_gradient[window];
            }
        }
    }
    input_gradient[element] = sum;
}

// output = the mean of the window; padding counts as zeros.
@compute @workgroup_size(GROUP)
fn average_pool_forward(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let element = flat(id, groups);
    if (element >= PLANES * OUT_HEIGHT * OUT_WIDTH) {
        return;
    }
    let plane = element / (OUT_HEIGHT * OUT_WIDTH) * IN_HEIGHT * IN_WIDTH;
    let ys = covered(element / OUT_WIDTH % OUT_HEIGHT, WINDOW_HEIGHT, IN_HEIGHT);
    let xs = covered(element % OUT_WIDTH, WINDOW_WIDTH, IN_WIDTH);
    var sum = 0.0;
    for (var y = ys.x; y < ys.y; y++) {
        for (var x = xs.x; x < xs.y; x++) {
            sum += input[plane + y * IN_WIDTH + x];
        }
    }
    output[element] = sum / f32(WINDOW_HEIGHT * WINDOW_WIDTH);
}

// input_gradient = the sum over the windows that cover this place of their share.
@compute @workgroup_size(GROUP)
fn average_pool_backward(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let element = flat(id, groups);
    if (element >= PLANES * IN_HEIGHT * IN_WIDTH) {
        return;
    }
    let place = element % (IN_HEIGHT * IN_WIDTH);
    let plane = element / (IN_HEIGHT * IN_WIDTH) * OUT_HEIGHT * OUT_WIDTH;
    let ys = covering(place / IN_WIDTH, WINDOW_HEIGHT, OUT_HEIGHT);
    let xs = covering(place % IN_WIDTH, WINDOW_WIDTH, OUT_WIDTH);
    var sum = 0.0;
    for (var y = ys.x; y < ys.y; y++) {
        for (var x = xs.x; x < xs.y; x++) {
            sum += output_gradient[plane + y * OUT_WIDTH + x];
        }
    }
    input_gradient[element] = sum / f32(WINDOW_HEIGHT * WINDOW_WIDTH);
}
