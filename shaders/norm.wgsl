// Batch normalisation, and sums over the places of a channel.
//
// input     BATCH x CHANNELS x PLANE
// per channel: mean, inverse_deviation = 1 / sqrt(variance + EPSILON), weight, bias

override BATCH: u32 = 1u;
override CHANNELS: u32 = 1u;
override PLANE: u32 = 1u;
override EPSILON: f32 = 1e-5;
override MOMENTUM: f32 = 0.1;

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
// 1 / sqrt(variance + EPSILON) in training, the variance itself in batch_norm_inference.
@group(0) @binding(2) var<storage, read> spread: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
@group(0) @binding(6) var<storage, read> output_gradient: array<f32>;
@group(0) @binding(7) var<storage, read> weight_gradient: array<f32>;
@group(0) @binding(8) var<storage, read> bias_gradient: array<f32>;
@group(0) @binding(9) var<storage, read_write> first_result: array<f32>;
@group(0) @binding(10) var<storage, read_write> second_result: array<f32>;
@group(0) @binding(11) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(12) var<storage, read_write> running_variance: array<f32>;

var<workgroup> partial: array<vec2<f32>, GROUP>;

// The sum of every lane's values, in the order of the lanes, for all lanes.
fn group_sum(lane: u32, values: vec2<f32>) -> vec2<f32> {
    partial[lane] = values;
    workgroupBarrier();
    var width = GROUP / 2u;
    while (width > 0u) {
        if (lane < width) {
            partial[lane] += partial[lane + width];
        }
        workgroupBarrier();
        width /= 2u;
    }
    let total = partial[0];
    workgroupBarrier();
    return total;
}

// The word of the k-th place of a channel, places running over batch and plane.
fn place(channel: u32, k: u32) -> u32 {
    return (k / PLANE * CHANNELS + channel) * PLANE + k % PLANE;
}

// first_result[channel] = sum over batch and plane of input. Grid: one group a channel, folded.
@compute @workgroup_size(GROUP)
fn channel_sum(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = group.y * groups.x + group.x;
    if (c >= CHANNELS) {
        return;
    }
    var sum = 0.0;
    for (var k = lane; k < BATCH * PLANE; k += GROUP) {
        sum += input[place(c, k)];
    }
    let total = group_sum(lane, vec2<f32>(sum, 0.0)).x;
    if (lane == 0u) {
        first_result[c] = total;
    }
}

// mean, inverse deviation (biased variance) and running statistics (unbiased variance), in two
// passes over the input, since a difference of squares would cancel. Grid: one group a channel, folded.
@compute @workgroup_size(GROUP)
fn batch_norm_statistics(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = group.y * groups.x + group.x;
    if (c >= CHANNELS) {
        return;
    }
    let count = BATCH * PLANE;
    var sum = 0.0;
    for (var k = lane; k < count; k += GROUP) {
        sum += input[place(c, k)];
    }
    let centre = group_sum(lane, vec2<f32>(sum, 0.0)).x / f32(count);
    var squares = 0.0;
    for (var k = lane; k < count; k += GROUP) {
        let off = input[place(c, k)] - centre;
        squares += off * off;
    }
    let total = group_sum(lane, vec2<f32>(squares, 0.0)).x;
    if (lane == 0u) {
        first_result[c] = centre;
        second_result[c] = 1.0 / sqrt(total / f32(count) + EPSILON);
        let unbiased = total / f32(max(count, 2u) - 1u);
        running_mean[c] = (1.0 - MOMENTUM) * running_mean[c] + MOMENTUM * centre;
        running_variance[c] = (1.0 - MOMENTUM) * running_variance[c] + MOMENTUM * unbiased;
    }
}

// output = (input - mean) spread weight + bias. Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn batch_norm_forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= BATCH * CHANNELS * PLANE) {
        return;
    }
    let c = element / PLANE % CHANNELS;
    output[element] = (input[element] - mean[c]) * spread[c] * weight[c] + bias[c];
}

// output = (input - mean) / sqrt(spread + EPSILON) weight + bias. Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn batch_norm_inference(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= BATCH * CHANNELS * PLANE) {
        return;
    }
    let c = element / PLANE % CHANNELS;
    output[element] = (input[element] - mean[c]) / sqrt(spread[c] + EPSILON) * weight[c] + bias[c];
}

// With h = (input - mean) spread: first_result = sum of h output_gradient, the weight's gradient;
// second_result = sum of output_gradient, the bias's. Grid: one group a channel, folded.
@compute @workgroup_size(GROUP)
fn batch_norm_backward_weight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = group.y * groups.x + group.x;
    if (c >= CHANNELS) {
        return;
    }
    var sums = vec2<f32>(0.0);
    for (var k = lane; k < BATCH * PLANE; k += GROUP) {
        let at = place(c, k);
        let gradient = output_gradient[at];
        sums += vec2<f32>((input[at] - mean[c]) * spread[c] * gradient, gradient);
    }
    let total = group_sum(lane, sums);
    if (lane == 0u) {
        first_result[c] = total.x;
        second_result[c] = total.y;
    }
}

// With m = BATCH PLANE and h as above: output (here the input's gradient) =
//     weight spread (output_gradient - bias_gradient / m - h weight_gradient / m).
// Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn batch_norm_backward_data(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= BATCH * CHANNELS * PLANE) {
        return;
    }
    let c = element / PLANE % CHANNELS;
    let m = f32(BATCH * PLANE);
    let h = (input[element] - mean[c]) * spread[c];
    let centred = output_gradient[element] - bias_gradient[c] / m - h * weight_gradient[c] / m;
    output[element] = weight[c] * spread[c] * centred;
}
