// The optimiser over flat arenas of all parameters.

override LEN: u32 = 1u;

@group(0) @binding(0) var<storage, read> gradients: array<f32>;
@group(0) @binding(1) var<storage, read> settings: Settings;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> momenta: array<f32>;

// PyTorch's SGD: v = momentum v + gradient + weight_decay w; w -= learning_rate v.
// Grid: one invocation a parameter, folded.
@compute @workgroup_size(GROUP)
fn sgd(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= LEN) {
        return;
    }
    let w = weights[element];
    let v = settings.momentum * momenta[element] + gradients[element] + settings.weight_decay * w;
    momenta[element] = v;
    weights[element] = w - settings.learning_rate * v;
}
