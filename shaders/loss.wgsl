// The losses, each with softmax and the gradient of the batch's mean with respect to the logits.
//
// logits         BATCH x CLASSES;  targets  a class a row, or PADDING
// ground         CLASSES x CLASSES, the ground distance D
// rows, table    the row of a table of distributions over the classes that a sample is trained on
// probabilities  BATCH x CLASSES, p = softmax(logits)
// logit_gradient BATCH x CLASSES
// terms          BATCH x 3: the loss, its cross-entropy, its distance term without lambda
// Grid of every kernel but loss_qwk: one invocation a row.
//
// With g = dE/dp the chain rule through softmax gives dE/dz_i = p_i (g_i - sum over j of p_j g_j).
// Near certainty that difference cancels. With m the most probable class it is computed as
// (g_i - g_m) - sum over j not m of p_j (g_j - g_m), in which small terms stay small.

override BATCH: u32 = 1u;
override CLASSES: u32 = 1u;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> ground: array<f32>;
@group(0) @binding(3) var<storage, read> settings: Settings;
@group(0) @binding(4) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(5) var<storage, read_write> logit_gradient: array<f32>;
@group(0) @binding(6) var<storage, read_write> terms: array<f32>;
@group(0) @binding(7) var<storage, read> rows: array<u32>;
@group(0) @binding(8) var<storage, read> table: array<f32>;

// CLASSES, but told by a binding's length. A compiler that knows how often a loop over few classes
// turns unrolls it, and these loops take longer to compile unrolled than they ever take to run.
fn classes() -> u32 {
    return arrayLength(&logits) / BATCH;
}

// Added to a probability inside the logarithm (section 4.1).
const EPSILON: f32 = 1e-6;

// The most probable class, the first of equals.
fn most_probable(row: u32) -> u32 {
    var top = 0u;
    for (var i = 1u; i < classes(); i++) {
        if (logits[row + i] > logits[row + top]) {
            top = i;
        }
    }
    return top;
}

// Writes p and returns the most probable class, the first of equals.
fn softmax(row: u32) -> u32 {
    let top = most_probable(row);
    let largest = logits[row + top];
    var total = 0.0;
    for (var i = 0u; i < classes(); i++) {
        let e = exp(logits[row + i] - largest);
        probabilities[row + i] = e;
        total += e;
    }
    for (var i = 0u; i < classes(); i++) {
        probabilities[row + i] /= total;
    }
    return top;
}

// Turns g = dE/dp, which stands in logit_gradient, into the gradient of the batch's mean.
fn through_softmax(row: u32, top: u32) {
    let base = logit_gradient[row + top];
    var expected = 0.0;
    for (var i = 0u; i < classes(); i++) {
        if (i != top) {
            expected += probabilities[row + i] * (logit_gradient[row + i] - base);
        }
    }
    for (var i = 0u; i < classes(); i++) {
        let slope = (logit_gradient[row + i] - base) - expected;
        logit_gradient[row + i] = probabilities[row + i] * slope / f32(BATCH);
    }
}

fn write_terms(n: u32, loss: f32, cross_entropy: f32, distance: f32) {
    terms[3u * n] = loss;
    terms[3u * n + 1u] = cross_entropy;
    terms[3u * n + 2u] = distance;
}

// A row without a sample: no loss and no gradient.
fn write_nothing(n: u32) {
    for (var i = 0u; i < classes(); i++) {
        logit_gradient[n * CLASSES + i] = 0.0;
    }
    write_terms(n, 0.0, 0.0, 0.0);
}

// A row of the batch whose softmax is written: its first word among the logits, its most probable class, its label.
struct Sample {
    row: u32,
    top: u32,
    label: u32,
}

// What every loss of rows begins with. Where there is no sample its label is PADDING, and nothing is left to do.
fn begin(n: u32) -> Sample {
    if (n >= BATCH) {
        return Sample(0u, 0u, PADDING);
    }
    let row = n * CLASSES;
    let top = softmax(row);
    if (targets[n] == PADDING) {
        write_nothing(n);
    }
    return Sample(row, top, targets[n]);
}

// E = -log(p_k + EPSILON) (section 2.1); g_k = -1 / (p_k + EPSILON), else 0 (equation 1).
// Near certainty the sum is rounded to 1, and log may be off by 2^-21 there: with x the mass that
// is missing from 1, the series of -log(1 - x) keeps its digits.
fn cross_entropy(row: u32, label: u32) -> f32 {
    var missing = -EPSILON;
    for (var i = 0u; i < classes(); i++) {
        logit_gradient[row + i] = 0.0;
        missing += select(probabilities[row + i], 0.0, i == label);
    }
    let p = probabilities[row + label] + EPSILON;
    logit_gradient[row + label] = -1.0 / p;
    let series = missing * (1.0 + missing * (0.5 + missing * (1.0 / 3.0 + missing * 0.25)));
    return select(-log(p), series, missing < 0.0625);
}

@compute @workgroup_size(GROUP)
fn loss_xe(@builtin(global_invocation_id) id: vec3<u32>) {
    let s = begin(id.x);
    if (s.label == PADDING) {
        return;
    }
    let loss = cross_entropy(s.row, s.label);
    through_softmax(s.row, s.top);
    write_terms(id.x, loss, loss, 0.0);
}

// A sum in two parts, (whole units, a rest of at most half a unit): terms of both signs that cancel in the end leave no
// roundings of the large sums in between. Units are powers of 2, and sums below half of one are as exact as they are alone.
fn plus(sum: vec2<f32>, term: f32, unit: f32) -> vec2<f32> {
    let rest = sum.y + term;
    let carried = round(rest / unit) * unit;
    return vec2<f32>(sum.x + carried, rest - carried);
}

// Units of sums of probabilities, which are at most 1, and of sums of such sums.
const OF_MASS: f32 = 0.0009765625;
const OF_SUMS: f32 = 1.0;

// Turns the differences of equation 10, which stand in logit_gradient, into g_i - g_m: their sums
// from class m outwards, so that small ones are not lost beside large ones.
fn relative_to(row: u32, m: u32) {
    var g = vec2<f32>();
    for (var i = m; i > 0u; i--) {
        g = plus(g, 2.0 * logit_gradient[row + i - 1u], OF_SUMS);
        logit_gradient[row + i - 1u] = g.x + g.y;
    }
    g = vec2<f32>();
    var difference = logit_gradient[row + m];
    logit_gradient[row + m] = 0.0;
    for (var i = m + 1u; i < classes(); i++) {
        g = plus(g, -2.0 * difference, OF_SUMS);
        difference = logit_gradient[row + i];
        logit_gradient[row + i] = g.x + g.y;
    }
}

// Equation 10: E = sum over i of (CDF_i(p) - CDF_i(t))^2. Below the label k the difference is the
// mass up to i, from k on it is minus the mass above i; both sums only grow, so nothing cancels.
// Equation 11: g_i = 2 sum over n from i of (CDF_n(p) - CDF_n(t)), here less g_m of the most
// probable class m, which softmax takes away again.
@compute @workgroup_size(GROUP)
fn loss_emd(@builtin(global_invocation_id) id: vec3<u32>) {
    let s = begin(id.x);
    if (s.label == PADDING) {
        return;
    }
    var loss = 0.0;
    var below = 0.0;
    for (var i = 0u; i < s.label; i++) {
        below += probabilities[s.row + i];
        logit_gradient[s.row + i] = below;
        loss += below * below;
    }
    var above = 0.0;
    for (var i = classes(); i > s.label; i--) {
        logit_gradient[s.row + i - 1u] = -above;
        loss += above * above;
        above += probabilities[s.row + i - 1u];
    }
    relative_to(s.row, s.top);
    through_softmax(s.row, s.top);
    write_terms(id.x, loss, 0.0, loss);
}

// Equation 14: E = sum over i of p_i D_ik; g_i = D_ik (equation 15).
@compute @workgroup_size(GROUP)
fn loss_emd_linear(@builtin(global_invocation_id) id: vec3<u32>) {
    let s = begin(id.x);
    if (s.label == PADDING) {
        return;
    }
    var loss = 0.0;
    for (var i = 0u; i < classes(); i++) {
        let d = ground[i * CLASSES + s.label];
        logit_gradient[s.row + i] = d;
        loss += probabilities[s.row + i] * d;
    }
    through_softmax(s.row, s.top);
    write_terms(id.x, loss, 0.0, loss);
}

// D^omega, without pow where the paper's powers are meant: pow(x, y) may be exp2(y log2 x).
fn powered(d: f32) -> f32 {
    if (settings.omega == 1.0) {
        return d;
    }
    if (settings.omega == 2.0) {
        return d * d;
    }
    return select(0.0, pow(d, settings.omega), d > 0.0);
}

// Equation 16: E = cross-entropy + lambda sum over i of p_i^2 (D_ik^omega + mu).
@compute @workgroup_size(GROUP)
fn loss_xemd(@builtin(global_invocation_id) id: vec3<u32>) {
    let s = begin(id.x);
    if (s.label == PADDING) {
        return;
    }
    let xe = cross_entropy(s.row, s.label);
    var distance = 0.0;
    for (var i = 0u; i < classes(); i++) {
        let p = probabilities[s.row + i];
        let cost = powered(ground[i * CLASSES + s.label]) + settings.mu;
        distance += p * p * cost;
        logit_gradient[s.row + i] += settings.lambda * 2.0 * p * cost;
    }
    through_softmax(s.row, s.top);
    write_terms(id.x, xe + settings.lambda * distance, xe, distance);
}

// -log p of the most probable class; near certainty by the series of -log(1 - x), x what the others have.
fn least_surprise(row: u32, top: u32) -> f32 {
    var others = 0.0;
    for (var i = 0u; i < classes(); i++) {
        others += select(probabilities[row + i], 0.0, i == top);
    }
    let series = others * (1.0 + others * (0.5 + others * (1.0 / 3.0 + others * 0.25)));
    return select(-log(probabilities[row + top]), series, others < 0.0625);
}

// A-EMD (Frogner et al.): the transport F from p to the label that makes <F, D> + r sum of F log F
// least, r the regulariser. Matrix scaling finds it: log u_i = log p_i - log sum over j of exp(log v_j
// - D_ij / r), and v likewise from u. All mass goes to the label, of whose class alone v is not 0, so
// that the first iteration is the last: r log u_i = D_ik + r log p_i but for a constant. That is the
// dual potential, the gradient with respect to p; from the logits, nothing in it overflows.
@compute @workgroup_size(GROUP)
fn loss_a_emd(@builtin(global_invocation_id) id: vec3<u32>) {
    let s = begin(id.x);
    if (s.label == PADDING) {
        return;
    }
    let least = least_surprise(s.row, s.top);
    var distance = 0.0;
    var entropy = 0.0;
    for (var i = 0u; i < classes(); i++) {
        let d = ground[i * CLASSES + s.label];
        let from_top = logits[s.row + i] - logits[s.row + s.top];
        distance += probabilities[s.row + i] * d;
        entropy += probabilities[s.row + i] * (least - from_top);
        logit_gradient[s.row + i] = d + settings.regulariser * from_top;
    }
    through_softmax(s.row, s.top);
    write_terms(id.x, distance - settings.regulariser * entropy, 0.0, distance);
}

// Against a distribution t: E = -sum over i of t_i log p_i, dE/dz_i = p_i - t_i. The logarithm comes
// from the logits, so that nothing need be added to p. The slopes add up to 0, by which that of the
// most probable class is found without the difference of two numbers near 1.
@compute @workgroup_size(GROUP)
fn loss_soft_xe(@builtin(global_invocation_id) id: vec3<u32>) {
    let s = begin(id.x);
    if (s.label == PADDING) {
        return;
    }
    let least = least_surprise(s.row, s.top);
    var loss = 0.0;
    var others = 0.0;
    for (var i = 0u; i < classes(); i++) {
        let t = table[rows[id.x] * CLASSES + i];
        loss += t * ((logits[s.row + s.top] - logits[s.row + i]) + least);
        let slope = select(probabilities[s.row + i] - t, 0.0, i == s.top);
        others += slope;
        logit_gradient[s.row + i] = slope / f32(BATCH);
    }
    logit_gradient[s.row + s.top] = -others / f32(BATCH);
    write_terms(id.x, loss, loss, 0.0);
}

// Equation 10 against a distribution t. Below the most probable class the difference of the CDFs is
// what p has more than t up to i, from there on minus what it has more above i.
@compute @workgroup_size(GROUP)
fn loss_soft_emd(@builtin(global_invocation_id) id: vec3<u32>) {
    let s = begin(id.x);
    if (s.label == PADDING) {
        return;
    }
    let wanted = rows[id.x] * CLASSES;
    var loss = 0.0;
    var below = vec2<f32>();
    for (var i = 0u; i < s.top; i++) {
        below = plus(below, probabilities[s.row + i] - table[wanted + i], OF_MASS);
        let difference = below.x + below.y;
        logit_gradient[s.row + i] = difference;
        loss += difference * difference;
    }
    var above = vec2<f32>();
    for (var i = classes(); i > s.top; i--) {
        let difference = above.x + above.y;
        logit_gradient[s.row + i - 1u] = -difference;
        loss += difference * difference;
        above = plus(above, probabilities[s.row + i - 1u] - table[wanted + i - 1u], OF_MASS);
    }
    relative_to(s.row, s.top);
    through_softmax(s.row, s.top);
    write_terms(id.x, loss, 0.0, loss);
}

// The whole batch's errors against those expected of chance; of the whole group, then of each lane.
var<workgroup> errors: array<vec2<f32>, GROUP>;

// Added to the errors expected of chance, which are none where all is of one class and predicted so.
const CHANCE: f32 = 1e-10;

// Number, mean and variance of the batch's labels. Every lane computes the same in the same order.
fn labels_of_batch() -> vec3<f32> {
    var count = 0u;
    var sum = 0u;
    for (var n = 0u; n < BATCH; n++) {
        if (targets[n] != PADDING) {
            count += 1u;
            sum += targets[n];
        }
    }
    let samples = f32(max(count, 1u));
    let mean = f32(sum) / samples;
    var squares = 0.0;
    for (var n = 0u; n < BATCH; n++) {
        if (targets[n] != PADDING) {
            squares += (f32(targets[n]) - mean) * (f32(targets[n]) - mean);
        }
    }
    return vec3<f32>(samples, mean, squares / samples);
}

// The weights of class i for a label, (i - label)^2, and for all labels of the batch in the mean,
// which is their variance and the squared distance of i from their mean; both over (CLASSES - 1)^2.
fn weights(i: u32, label: u32, labels: vec3<f32>) -> vec2<f32> {
    let off = f32(i) - f32(label);
    let from_mean = f32(i) - labels.y;
    let widest = f32(CLASSES - 1u);
    return vec2<f32>(off * off, labels.z + from_mean * from_mean) / (widest * widest);
}

// The weighted kappa of a batch: E = N / (D + CHANCE), N = sum over rows and classes of p_i w_i with
// the weights of the row's label, D the same with those of all labels in the mean; a row's share of
// N, so that the mean of the terms is E. With respect to p, E has the gradient (w_i - E e_i) / D.
// Grid: one group.
@compute @workgroup_size(GROUP)
fn loss_qwk(@builtin(local_invocation_index) lane: u32) {
    let labels = labels_of_batch();
    var sum = vec2<f32>(0.0);
    for (var n = lane; n < BATCH; n += GROUP) {
        let row = n * CLASSES;
        softmax(row);
        var own = vec2<f32>(0.0);
        if (targets[n] != PADDING) {
            for (var i = 0u; i < classes(); i++) {
                own += probabilities[row + i] * weights(i, targets[n], labels);
            }
        }
        // Until all are known.
        write_terms(n, own.x, 0.0, own.x);
        sum += own;
    }
    errors[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
        for (var other = 1u; other < GROUP; other++) {
            sum += errors[other];
        }
        errors[0] = sum;
    }
    workgroupBarrier();
    let chance = errors[0].y + CHANCE;
    let kappa_loss = errors[0].x / chance;
    for (var n = lane; n < BATCH; n += GROUP) {
        let row = n * CLASSES;
        if (targets[n] == PADDING) {
            write_nothing(n);
            continue;
        }
        for (var i = 0u; i < classes(); i++) {
            let w = weights(i, targets[n], labels);
            // Of the batch's loss: through_softmax divides by BATCH.
            logit_gradient[row + i] = f32(BATCH) * (w.x - kappa_loss * w.y) / chance;
        }
        through_softmax(row, most_probable(row));
        let share = terms[3u * n] * labels.x / chance;
        write_terms(n, share, 0.0, share);
    }
}
