// What an adapter reaches when nothing stands in its way: `backhoe bench` holds every other kernel against these two.
// Grid of both: one invocation an element of result, folded.

override LEN: u32 = 1u;

@group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;

// x = x * factor + summand, 8 times.
fn eight(start: vec4<f32>, factor: vec4<f32>, summand: vec4<f32>) -> vec4<f32> {
    var x = fma(start, factor, summand);
    x = fma(x, factor, summand);
    x = fma(x, factor, summand);
    x = fma(x, factor, summand);
    x = fma(x, factor, summand);
    x = fma(x, factor, summand);
    x = fma(x, factor, summand);
    return fma(x, factor, summand);
}

// Twelve chains of multiply-adds that do not wait for each other: enough to hide their latency, few enough for 16
// registers. source = factor, summand, and the number of turns, of 96 multiply-adds each.
@compute @workgroup_size(GROUP)
fn multiply_add_chains(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    let factor = source[0];
    let summand = source[1];
    let turns = u32(source[2].x);
    var x = vec4<f32>(f32(element));
    var y = x + summand;
    var z = y + summand;
    for (var turn = 0u; turn < turns; turn++) {
        x = eight(x, factor, summand);
        y = eight(y, factor, summand);
        z = eight(z, factor, summand);
    }
    if (element < LEN) {
        result[element] = x + y + z;
    }
}

// result = source
@compute @workgroup_size(GROUP)
fn copy(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element < LEN) {
        result[element] = source[element];
    }
}
