// Operations on each element by itself. Grid of every kernel: one invocation an element, folded.

override LEN: u32 = 1u;
override RATE: f32 = 0.0;
override LAYER: u32 = 0u;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<storage, read> clock: Clock;

// result = max(a, 0)
@compute @workgroup_size(GROUP)
fn relu_forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element < LEN) {
        result[element] = max(a[element], 0.0);
    }
}

// result = b where the layer's output a is above 0, else 0
@compute @workgroup_size(GROUP)
fn relu_backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element < LEN) {
        result[element] = select(0.0, b[element], a[element] > 0.0);
    }
}

// result = a / (1 - RATE) for elements that the generator keeps, else 0
@compute @workgroup_size(GROUP)
fn dropout(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element < LEN) {
        let chance = unit(draw(clock.seed, PURPOSE_DROPOUT + LAYER, clock.step, element).x);
        result[element] = select(0.0, a[element] / (1.0 - RATE), chance >= RATE);
    }
}

// result = a + b
@compute @workgroup_size(GROUP)
fn add(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element < LEN) {
        result[element] = a[element] + b[element];
    }
}
