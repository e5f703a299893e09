// Feature centroids and the ground distance learned from them (section 3.1).
//
// features    BATCH x FEATURES, the second-to-last layer's outputs
// class_sums  CLASSES x FEATURES, sums of L1-normalised features;  class_counts  samples a class
// centroids   CLASSES x FEATURES;  distances, ground  CLASSES x CLASSES

override BATCH: u32 = 1u;
override FEATURES: u32 = 1u;
override CLASSES: u32 = 1u;

@group(0) @binding(0) var<storage, read> features: array<f32>;
@group(0) @binding(1) var<storage, read_write> norms_out: array<f32>;
@group(0) @binding(2) var<storage, read> norms: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> class_sums: array<f32>;
@group(0) @binding(5) var<storage, read_write> class_counts: array<u32>;
@group(0) @binding(6) var<storage, read> sums: array<f32>;
@group(0) @binding(7) var<storage, read> counts: array<u32>;
@group(0) @binding(8) var<storage, read_write> centroids: array<f32>;
@group(0) @binding(9) var<storage, read> class_centroids: array<f32>;
@group(0) @binding(10) var<storage, read_write> distances: array<f32>;
@group(0) @binding(11) var<storage, read> raw_distances: array<f32>;
@group(0) @binding(12) var<storage, read_write> ground: array<f32>;

// norms[n] = sum over f of |features[n, f]|. Grid: one invocation a row.
@compute @workgroup_size(GROUP)
fn feature_norms(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= BATCH) {
        return;
    }
    var sum = 0.0;
    for (var f = 0u; f < FEATURES; f++) {
        sum += abs(features[id.x * FEATURES + f]);
    }
    norms_out[id.x] = sum;
}

// class_sums[k] += features[n] / norms[n] for every row n of class k, rows in order; an all-zero
// row counts with zeros. Grid: one invocation a feature, which owns its column of the sums.
@compute @workgroup_size(GROUP)
fn class_sums_of_rows(@builtin(global_invocation_id) id: vec3<u32>) {
    let f = id.x;
    if (f >= FEATURES) {
        return;
    }
    for (var n = 0u; n < BATCH; n++) {
        let k = targets[n];
        if (k != PADDING) {
            if (norms[n] > 0.0) {
                class_sums[k * FEATURES + f] += features[n * FEATURES + f] / norms[n];
            }
            if (f == 0u) {
                class_counts[k] += 1u;
            }
        }
    }
}

// centroids[k] = sums[k] / counts[k]; a class without samples keeps its last centroid.
// Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn mean_centroids(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= CLASSES * FEATURES) {
        return;
    }
    let count = counts[element / FEATURES];
    if (count > 0u) {
        centroids[element] = sums[element] / f32(count);
    }
}

// Equation 2 with l = 2: distances[i, j] = |centroid_i - centroid_j|. Each of a pair is computed
// from the same differences squared in the same order, so that the matrix is exactly symmetric.
// Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn pairwise_distances(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= CLASSES * CLASSES) {
        return;
    }
    let i = element / CLASSES;
    let j = element % CLASSES;
    var sum = 0.0;
    for (var f = 0u; f < FEATURES; f++) {
        let off = class_centroids[i * FEATURES + f] - class_centroids[j * FEATURES + f];
        sum += off * off;
    }
    distances[element] = sqrt(sum);
}

// Equations 12 and 13: the share of the entries of row i that are smaller than entry j, averaged
// with the share of row j that is smaller than entry i. Grid: one invocation an element, folded.
@compute @workgroup_size(GROUP)
fn ground_distance(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= CLASSES * CLASSES) {
        return;
    }
    let i = element / CLASSES;
    let j = element % CLASSES;
    let across = raw_distances[i * CLASSES + j];
    let back = raw_distances[j * CLASSES + i];
    var smaller = 0u;
    for (var k = 0u; k < CLASSES; k++) {
        smaller += u32(raw_distances[i * CLASSES + k] < across);
        smaller += u32(raw_distances[j * CLASSES + k] < back);
    }
    ground[element] = f32(smaller) / f32(2u * CLASSES);
}
