// Batch normalisation, and sums over the places of a channel.
//
// input     BATCH x CHANNELS x PLANE
// per channel: mean, inverse_deviation = 1 / sqrt(variance + EPSILON), weight, bias

override BATCH: u32 = 1u;
override CHANNELS: u32 = 1u;
override PLANE: u32 = 1u;
override EPSILON: f32 = 1e-5;
override MOMENTUM: f32 = 0.1;
// Places of a channel, over batch and plane, that a group sums.
override CHUNK: u32 = 1u;

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
@group(0) @binding(9) var<storage, read_write> sums: array<f32>;
@group(0) @binding(10) var<storage, read_write> chunk_moments: array<vec2<f32>>;
@group(0) @binding(11) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(12) var<storage, read_write> running_variance: array<f32>;
@group(0) @binding(13) var<storage, read> moments: array<vec2<f32>>;
@group(0) @binding(14) var<storage, read_write> batch_mean: array<f32>;
@group(0) @binding(15) var<storage, read_write> batch_spread: array<f32>;

// The word of the k-th place of a channel, places running over batch and plane.
fn place(channel: u32, k: u32) -> u32 {
    return (k / PLANE * CHANNELS + channel) * PLANE + k % PLANE;
}

// A group's channel and the places of its chunk. Channels change first, so that chunks lie as their results do.
struct Chunk {
    number: u32,
    channel: u32,
    first: u32,
    end: u32,
}

fn chunk_of(group: vec3<u32>, groups: vec3<u32>) -> Chunk {
    let flat = group.y * groups.x + group.x;
    let number = flat / CHANNELS;
    return Chunk(number, flat % CHANNELS, number * CHUNK, min((number + 1u) * CHUNK, BATCH * PLANE));
}

// The sum of the chunk's places of input, for all lanes.
fn sum_of(chunk: Chunk, lane: u32) -> f32 {
    var sum = 0.0;
    for (var k = chunk.first + lane; k < chunk.end; k += GROUP) {
        sum += input[place(chunk.channel, k)];
    }
    return group_sum_of_one(lane, sum);
}

// sums[chunk, channel] = sum over the chunk's places of input. Grid: one group a channel and chunk, folded.
@compute @workgroup_size(GROUP)
fn channel_sum(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let chunk = chunk_of(group, groups);
    if (chunk.first >= chunk.end) {
        return;
    }
    let total = sum_of(chunk, lane);
    if (lane == 0u) {
        sums[chunk.number * CHANNELS + chunk.channel] = total;
    }
}

// chunk_moments[chunk, channel] = the mean of the chunk's places, and the sum of the squares of what they are off it: two
// passes over them, since a difference of squares would cancel. Grid: one group a channel and chunk, folded.
@compute @workgroup_size(GROUP)
fn batch_norm_moments(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let chunk = chunk_of(group, groups);
    if (chunk.first >= chunk.end) {
        return;
    }
    let centre = sum_of(chunk, lane) / f32(chunk.end - chunk.first);
    var squares = 0.0;
    for (var k = chunk.first + lane; k < chunk.end; k += GROUP) {
        let off = input[place(chunk.channel, k)] - centre;
        squares += off * off;
    }
    let total = group_sum_of_one(lane, squares);
    if (lane == 0u) {
        chunk_moments[chunk.number * CHANNELS + chunk.channel] = vec2<f32>(centre, total);
    }
}

// Places of a chunk.
fn places(chunk: u32) -> f32 {
    return f32(min((chunk + 1u) * CHUNK, BATCH * PLANE) - chunk * CHUNK);
}

// mean, inverse deviation (biased variance) and running statistics (unbiased variance) of the chunks' moments together:
// the squares of a union are those of its parts, and those of what the parts' means are off that of all, each as often as it
// has places. Grid: one group a channel, folded.
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
    let chunks = (count + CHUNK - 1u) / CHUNK;
    var sum = 0.0;
    for (var chunk = lane; chunk < chunks; chunk += GROUP) {
        sum += places(chunk) * moments[chunk * CHANNELS + c].x;
    }
    let centre = group_sum_of_one(lane, sum) / f32(count);
    var squares = 0.0;
    for (var chunk = lane; chunk < chunks; chunk += GROUP) {
        let part = moments[chunk * CHANNELS + c];
        squares += part.y + places(chunk) * (part.x - centre) * (part.x - centre);
    }
    let total = group_sum_of_one(lane, squares);
    if (lane == 0u) {
        batch_mean[c] = centre;
        batch_spread[c] = 1.0 / sqrt(total / f32(count) + EPSILON);
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

// With h = (input - mean) spread, over the chunk's places: sums[chunk, 0, channel] = sum of h output_gradient, the weight's
// gradient; sums[chunk, 1, channel] = sum of output_gradient, the bias's. Grid: one group a channel and chunk, folded.
@compute @workgroup_size(GROUP)
fn batch_norm_backward_weight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let chunk = chunk_of(group, groups);
    if (chunk.first >= chunk.end) {
        return;
    }
    let c = chunk.channel;
    var gradients = vec2<f32>(0.0);
    for (var k = chunk.first + lane; k < chunk.end; k += GROUP) {
        let at = place(c, k);
        let gradient = output_gradient[at];
        gradients += vec2<f32>((input[at] - mean[c]) * spread[c] * gradient, gradient);
    }
    let total = group_sum(lane, vec4<f32>(gradients, 0.0, 0.0));
    if (lane == 0u) {
        sums[2u * chunk.number * CHANNELS + c] = total.x;
        sums[(2u * chunk.number + 1u) * CHANNELS + c] = total.y;
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
