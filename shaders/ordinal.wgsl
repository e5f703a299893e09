// Losses of networks whose outputs are not one a class, with the gradient of the batch's loss with
// respect to them.
//
// outputs         BATCH x outputs;  targets  a class a row, or PADDING
// rows            the row of `table` that holds what a sample is trained on
// class_values    CLASSES, what the classes stand for, in the units of `table`
// probabilities   BATCH x CLASSES, the prediction
// output_gradient BATCH x outputs
// terms           BATCH x 3: the loss, and twice 0: there is neither cross-entropy nor distance term
// Grid of every kernel: one invocation a row.

override BATCH: u32 = 1u;
override CLASSES: u32 = 1u;

@group(0) @binding(0) var<storage, read> outputs: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read> class_values: array<f32>;
@group(0) @binding(5) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(6) var<storage, read_write> output_gradient: array<f32>;
@group(0) @binding(7) var<storage, read_write> terms: array<f32>;

// CLASSES, but told by a binding's length, so that compilers do not unroll loops over few classes.
fn classes() -> u32 {
    return arrayLength(&probabilities) / BATCH;
}

fn write_loss(n: u32, loss: f32) {
    terms[3u * n] = loss;
    terms[3u * n + 1u] = 0.0;
    terms[3u * n + 2u] = 0.0;
}

// The class whose value is nearest to y, the first of equals. Beyond the outermost values the
// differences would be rounded until all are equal: y is moved onto the outermost first.
fn nearest_class(y: f32) -> u32 {
    var low = class_values[0];
    var high = class_values[0];
    for (var i = 1u; i < classes(); i++) {
        low = min(low, class_values[i]);
        high = max(high, class_values[i]);
    }
    let within = clamp(y, low, high);
    var best = 0u;
    for (var i = 1u; i < classes(); i++) {
        if (abs(within - class_values[i]) < abs(within - class_values[best])) {
            best = i;
        }
    }
    return best;
}

// REG: E = (y - v)^2 of the output y and the sample's value v; dE/dy = 2 (y - v). The prediction is
// sure of the class of the nearest value.
@compute @workgroup_size(GROUP)
fn loss_reg(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    if (n >= BATCH) {
        return;
    }
    let y = outputs[n];
    let nearest = nearest_class(y);
    for (var i = 0u; i < classes(); i++) {
        probabilities[n * CLASSES + i] = select(0.0, 1.0, i == nearest);
    }
    if (targets[n] == PADDING) {
        output_gradient[n] = 0.0;
        write_loss(n, 0.0);
        return;
    }
    let error = y - table[rows[n]];
    output_gradient[n] = 2.0 * error / f32(BATCH);
    write_loss(n, error * error);
}

// log(1 + x) for x from 0 to 1. Near 0 log may be off by 2^-21: the series keeps its digits.
fn log_1p(x: f32) -> f32 {
    let series = x * (1.0 - x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * 0.2))));
    return select(log(1.0 + x), series, x < 0.0625);
}

// Outputs of a row of CORN.
fn questions() -> u32 {
    return arrayLength(&outputs) / BATCH;
}

// The chain of conditional probabilities: p_i = P(above i - 1) P(not above i, given above i - 1).
fn write_chain(n: u32) {
    var above = 1.0;
    for (var i = 0u; i < questions(); i++) {
        let z = outputs[n * questions() + i];
        probabilities[n * CLASSES + i] = above * sigmoid(-z);
        above *= sigmoid(z);
    }
    probabilities[n * CLASSES + CLASSES - 1u] = above;
}

// How many questions the samples of the batch answer, each one more than its class where there is
// one more; and how many samples there are.
fn answered() -> vec2<u32> {
    var count = vec2<u32>(0u);
    for (var n = 0u; n < BATCH; n++) {
        if (targets[n] != PADDING) {
            count += vec2<u32>(min(targets[n] + 1u, questions()), 1u);
        }
    }
    return count;
}

// CORN: output i answers whether the class is above i, and is asked by the samples above i - 1 alone.
// E = sum over answers of log(1 + exp(-z)) for yes and log(1 + exp(z)) for no, over their number in
// the batch; a row's share of it, so that the mean of the terms is E.
@compute @workgroup_size(GROUP)
fn loss_corn(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    if (n >= BATCH) {
        return;
    }
    write_chain(n);
    let label = targets[n];
    let count = answered();
    var loss = 0.0;
    for (var i = 0u; i < questions(); i++) {
        let z = outputs[n * questions() + i];
        // The answer to be given is yes below the label, and nobody asks above it.
        let wrong = select(z, -z, i < label);
        let asked = label != PADDING && i <= label;
        let slope = select(sigmoid(wrong), -sigmoid(wrong), i < label);
        output_gradient[n * questions() + i] = select(0.0, slope / f32(max(count.x, 1u)), asked);
        loss += select(0.0, max(wrong, 0.0) + log_1p(exp(-abs(wrong))), asked);
    }
    write_loss(n, loss * f32(count.y) / f32(max(count.x, 1u)));
}
