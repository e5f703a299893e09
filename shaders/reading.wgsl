// What an epoch is judged by: sums of loss terms, the confusion matrix, averaged predictions.

override BATCH: u32 = 1u;
override CLASSES: u32 = 1u;
override OUTCOMES: u32 = 1u;

@group(0) @binding(0) var<storage, read> terms: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> clock: Clock;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> fault: array<u32>;
@group(0) @binding(5) var<storage, read> probabilities: array<f32>;
@group(0) @binding(6) var<storage, read_write> confusion: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> logits: array<f32>;
@group(0) @binding(8) var<storage, read_write> averages: array<f32>;
@group(0) @binding(9) var<storage, read_write> outcomes: array<f32>;
@group(0) @binding(10) var<storage, read_write> ticking: Clock;

// Not a number or infinite, told by the exponent's bits: comparisons may assume neither exists.
fn not_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
}

// The most probable class of a row; the first of equals.
fn most_probable(n: u32) -> u32 {
    var top = 0u;
    for (var i = 1u; i < arrayLength(&probabilities) / BATCH; i++) {
        if (probabilities[n * CLASSES + i] > probabilities[n * CLASSES + top]) {
            top = i;
        }
    }
    return top;
}

// sums += (loss, cross-entropy, |distance term|, samples) of the batch; fault = (1 + the first step
// whose loss was not finite, how many such steps); confusion[label, most probable class] += 1. Grid: one group.
@compute @workgroup_size(GROUP)
fn tally(@builtin(local_invocation_index) lane: u32) {
    var sum = vec4<f32>(0.0);
    var faulty = 0u;
    for (var n = lane; n < BATCH; n += GROUP) {
        if (targets[n] != PADDING) {
            sum += vec4<f32>(terms[3u * n], terms[3u * n + 1u], abs(terms[3u * n + 2u]), 1.0);
            faulty |= u32(not_finite(terms[3u * n]));
            atomicAdd(&confusion[targets[n] * CLASSES + most_probable(n)], 1u);
        }
    }
    let total = group_sum(lane, sum);
    let faults = group_sum_of_one(lane, f32(faulty));
    if (lane == 0u) {
        for (var term = 0u; term < 4u; term++) {
            sums[term] += total[term];
        }
        if (faults > 0.0) {
            if (fault[0] == 0u) {
                fault[0] = clock.step + 1u;
            }
            fault[1] += 1u;
        }
    }
}

// CLASSES, but told by a binding's length, so that compilers do not unroll loops over few classes.
fn classes() -> u32 {
    return arrayLength(&logits) / (2u * BATCH);
}

// The factor that makes exp(logit - largest) a probability, and the largest.
fn normaliser(row: u32) -> vec2<f32> {
    var largest = logits[row];
    for (var i = 1u; i < classes(); i++) {
        largest = max(largest, logits[row + i]);
    }
    var total = 0.0;
    for (var i = 0u; i < classes(); i++) {
        total += exp(logits[row + i] - largest);
    }
    return vec2<f32>(largest, total);
}

// averages[n] = (softmax(logits[n]) + softmax(logits[BATCH + n])) / 2: centre crop and mirror image
// (section 4.1), also kept in row (cursor BATCH + n) % OUTCOMES of outcomes. Grid: one invocation a row.
@compute @workgroup_size(GROUP)
fn average_predictions(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    if (n >= BATCH) {
        return;
    }
    let plain = n * CLASSES;
    let mirrored = (BATCH + n) * CLASSES;
    let a = normaliser(plain);
    let b = normaliser(mirrored);
    let kept = (clock.cursor * BATCH + n) % OUTCOMES * CLASSES;
    for (var i = 0u; i < classes(); i++) {
        let p = exp(logits[plain + i] - a.x) / a.y;
        let q = exp(logits[mirrored + i] - b.x) / b.y;
        averages[plain + i] = 0.5 * (p + q);
        outcomes[kept + i] = 0.5 * (p + q);
    }
}

// averages[n] = (logits[n] + logits[BATCH + n]) / 2 of networks with one output, kept likewise.
// Grid: one invocation a row.
@compute @workgroup_size(GROUP)
fn average_outputs(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    if (n >= BATCH) {
        return;
    }
    let average = 0.5 * (logits[n] + logits[BATCH + n]);
    averages[n] = average;
    outcomes[(clock.cursor * BATCH + n) % OUTCOMES] = average;
}

// averages[n] = the mean of the distributions of both chains of conditional probabilities
// (ordinal.wgsl), kept likewise. Grid: one invocation a row.
@compute @workgroup_size(GROUP)
fn average_conditionals(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    if (n >= BATCH) {
        return;
    }
    let questions = arrayLength(&logits) / (2u * BATCH);
    let kept = (clock.cursor * BATCH + n) % OUTCOMES * CLASSES;
    var above = vec2<f32>(1.0);
    for (var i = 0u; i < questions; i++) {
        let a = logits[n * questions + i];
        let b = logits[(BATCH + n) * questions + i];
        let both = above * vec2<f32>(sigmoid(-a), sigmoid(-b));
        averages[n * CLASSES + i] = 0.5 * (both.x + both.y);
        outcomes[kept + i] = 0.5 * (both.x + both.y);
        above *= vec2<f32>(sigmoid(a), sigmoid(b));
    }
    averages[n * CLASSES + questions] = 0.5 * (above.x + above.y);
    outcomes[kept + questions] = 0.5 * (above.x + above.y);
}

// One step, one batch further. Grid: one group, of which one invocation works.
@compute @workgroup_size(GROUP)
fn tick(@builtin(local_invocation_index) lane: u32) {
    if (lane == 0u) {
        ticking.step += 1u;
        ticking.cursor += 1u;
    }
}
