// Feature centroids and the ground distance learned from them (section 3.1).
//
// features    BATCH x FEATURES, the second-to-last layer's outputs
// row_norms, norms_taken  BATCH, their L1 norms
// class_sums  CLASSES x FEATURES, sums of L1-normalised features;  class_counts  samples a class
// centroids   CLASSES x FEATURES;  distances, ground  CLASSES x CLASSES

override BATCH: u32 = 1u;
override FEATURES: u32 = 1u;
override CLASSES: u32 = 1u;

@group(0) @binding(0) var<storage, read> features: array<f32>;
@group(0) @binding(1) var<storage, read_write> row_norms: array<f32>;
@group(0) @binding(2) var<storage, read> norms_taken: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> class_sums: array<f32>;
@group(0) @binding(5) var<storage, read_write> class_counts: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read> sums: array<f32>;
@group(0) @binding(7) var<storage, read> counts: array<u32>;
@group(0) @binding(8) var<storage, read_write> centroids: array<f32>;
@group(0) @binding(9) var<storage, read> class_centroids: array<f32>;
@group(0) @binding(10) var<storage, read_write> distances: array<f32>;
@group(0) @binding(11) var<storage, read> raw_distances: array<f32>;
@group(0) @binding(12) var<storage, read_write> ground: array<f32>;

// row_norms[n] = sum over f of |features[n, f]|. Grid: one group a row, folded.
@compute @workgroup_size(GROUP)
fn norms_of_rows(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = group.y * groups.x + group.x;
    var sum = 0.0;
    for (var f = lane; n < BATCH && f < FEATURES; f += GROUP) {
        sum += abs(features[n * FEATURES + f]);
    }
    let norm = group_sum_of_one(lane, sum);
    if (lane == 0u && n < BATCH) {
        row_norms[n] = norm;
    }
}

// Labels and norms of GROUP rows. Rows that add nothing, padding and those beyond the last, are of class 0 and have norm 0.
var<workgroup> labels: array<u32, GROUP>;
var<workgroup> norms: array<f32, GROUP>;

// A feature of row first + j, divided by the row's norm; 0 where that is 0. Without a branch: eight of these in a loop
// between barriers cost a software driver's compiler gigabytes where each has some.
fn part(first: u32, j: u32, f: u32) -> f32 {
    return select(0.0, features[min(first + j, BATCH - 1u) * FEATURES + f] / norms[j], norms[j] > 0.0);
}

fn four_parts(first: u32, j: u32, f: u32) -> vec4<f32> {
    return vec4<f32>(part(first, j, f), part(first, j + 1u, f), part(first, j + 2u, f), part(first, j + 3u, f));
}

fn add_four(j: u32, f: u32, values: vec4<f32>) {
    class_sums[labels[j] * FEATURES + f] += values.x;
    class_sums[labels[j + 1u] * FEATURES + f] += values.y;
    class_sums[labels[j + 2u] * FEATURES + f] += values.z;
    class_sums[labels[j + 3u] * FEATURES + f] += values.w;
}

// class_sums[k] += features[n] / (their norm) for every row n of class k, rows in order; an all-zero row counts with zeros.
// Grid: one invocation a feature, which owns its column of the sums; the first group counts.
@compute @workgroup_size(GROUP)
fn class_sums_of_rows(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let f = id.x;
    for (var first = 0u; first < BATCH; first += GROUP) {
        let n = min(first + lane, BATCH - 1u);
        let label = select(PADDING, targets[n], first + lane < BATCH);
        labels[lane] = select(label, 0u, label == PADDING);
        norms[lane] = select(norms_taken[n], 0.0, label == PADDING);
        if (f < GROUP && label != PADDING) {
            atomicAdd(&class_counts[label], 1u);
        }
        workgroupBarrier();
        // Eight loads are on their way at a time: they need not wait for the sums before them.
        for (var j = 0u; f < FEATURES && j < GROUP && first + j < BATCH; j += 8u) {
            let near = four_parts(first, j, f);
            let far = four_parts(first, j + 4u, f);
            add_four(j, f, near);
            add_four(j + 4u, f, far);
        }
        workgroupBarrier();
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

// Entries of a row that one invocation ranks at a time: the row is read once for all of them.
const RANKED: u32 = 16u;

// Four entries of the row that begins at `row`, `apart` columns from one to the next; those beyond its end are its last.
fn four_entries(row: u32, column: u32, apart: u32) -> vec4<f32> {
    let last = CLASSES - 1u;
    return vec4<f32>(
        raw_distances[row + min(column, last)],
        raw_distances[row + min(column + apart, last)],
        raw_distances[row + min(column + 2u * apart, last)],
        raw_distances[row + min(column + 3u * apart, last)],
    );
}

fn put_rank(row: u32, column: u32, rank: u32) {
    if (column < CLASSES) {
        ground[row + column] = f32(rank);
    }
}

fn put_four_ranks(row: u32, column: u32, apart: u32, ranks: vec4<u32>) {
    put_rank(row, column, ranks.x);
    put_rank(row, column + apart, ranks.y);
    put_rank(row, column + 2u * apart, ranks.z);
    put_rank(row, column + 3u * apart, ranks.w);
}

// Equation 12, in classes: ground[i, j] = how many entries of row i are smaller than its entry j.
// Grid: one invocation RANKED entries of a row, evenly spread over it; folded.
@compute @workgroup_size(GROUP)
fn distance_ranks(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let apart = (CLASSES + RANKED - 1u) / RANKED;
    let block = flat(id, groups);
    if (block >= CLASSES * apart) {
        return;
    }
    let row = block / apart * CLASSES;
    let column = block % apart;
    let a = four_entries(row, column, apart);
    let b = four_entries(row, column + 4u * apart, apart);
    let c = four_entries(row, column + 8u * apart, apart);
    let d = four_entries(row, column + 12u * apart, apart);
    var smaller_a = vec4<u32>();
    var smaller_b = vec4<u32>();
    var smaller_c = vec4<u32>();
    var smaller_d = vec4<u32>();
    for (var k = 0u; k < CLASSES; k++) {
        let entry = vec4<f32>(raw_distances[row + k]);
        smaller_a += vec4<u32>(entry < a);
        smaller_b += vec4<u32>(entry < b);
        smaller_c += vec4<u32>(entry < c);
        smaller_d += vec4<u32>(entry < d);
    }
    put_four_ranks(row, column, apart, smaller_a);
    put_four_ranks(row, column + 4u * apart, apart, smaller_b);
    put_four_ranks(row, column + 8u * apart, apart, smaller_c);
    put_four_ranks(row, column + 12u * apart, apart, smaller_d);
}

// Equation 13: ranks become shares of the classes, each averaged with that of the opposite entry. In place: one
// invocation reads and writes both of a pair. Grid: one invocation an element, of which the upper half return; folded.
@compute @workgroup_size(GROUP)
fn mean_of_ranks(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    let i = element / CLASSES;
    let j = element % CLASSES;
    if (i >= CLASSES || j > i) {
        return;
    }
    let opposite = j * CLASSES + i;
    let mean = (ground[element] + ground[opposite]) / f32(2u * CLASSES);
    ground[element] = mean;
    ground[opposite] = mean;
}
