// Shared by all shader files: it stands before each of them.

// The label of a row that holds no sample.
const PADDING: u32 = 0xffffffffu;

// The place of a rectified maximum that is not above 0.
const NOWHERE: u32 = 0xffffffffu;

// Seed, epoch, training step and batch of the epoch.
struct Clock {
    seed: u32,
    epoch: u32,
    step: u32,
    cursor: u32,
}

// What a racer's user may change while it runs.
struct Settings {
    learning_rate: f32,
    momentum: f32,
    weight_decay: f32,
    lambda: f32,
    omega: f32,
    mu: f32,
    regulariser: f32,
    reserved: f32,
}

// Invocations of most kernels' workgroups.
const GROUP: u32 = 64u;

// The same in kernels of software drivers whose tiles fill all registers: a vector of 256 bits. Of larger groups these
// drivers would compute whole vectors that have no tile.
const VECTOR: u32 = 8u;

// The number of this invocation where a long row of groups is folded into two dimensions, since
// a dimension holds at most 65,535 groups.
fn flat(id: vec3<u32>, groups: vec3<u32>) -> u32 {
    return id.y * groups.x * GROUP + id.x;
}

// Four random words from a key of four: PCG4D (Jarzynski and Olano, JCGT 9(3), 2020).
fn pcg4d(key: vec4<u32>) -> vec4<u32> {
    var v = key * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v = v ^ (v >> vec4<u32>(16u));
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// What a draw is for (the same in src/plan/random.rs, which also has those drawn on the host).
const PURPOSE_PLACE: u32 = 1u;
const PURPOSE_SHAPE: u32 = 2u;
const PURPOSE_TINT: u32 = 3u;
// The layer's number is added.
const PURPOSE_DROPOUT: u32 = 16u;

// Four random words. The purpose stands in the same place of every key, so that no two uses of the
// generator share numbers; `time` is an epoch or step, `item` a sample or element.
fn draw(seed: u32, purpose: u32, time: u32, item: u32) -> vec4<u32> {
    return pcg4d(vec4<u32>(seed, purpose, time, item));
}

// A number in [0, 1) from the upper 24 bits.
fn unit(word: u32) -> f32 {
    return f32(word >> 8u) * (1.0 / 16777216.0);
}

// 1 / (1 + exp(-z)), of which nothing overflows.
fn sigmoid(z: f32) -> f32 {
    let e = exp(-abs(z));
    return select(e, 1.0, z >= 0.0) / (1.0 + e);
}
