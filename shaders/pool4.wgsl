// Max pooling of 2x2, stride 2, over planes of even height whose width is a multiple of 8: the same results
// as pool.wgsl, four windows at once.
//
// input   PLANES x HEIGHT x WIDTH, in quads along x
// output  PLANES x HEIGHT / 2 x WIDTH / 2, in quads along x
// Grid of every kernel: one invocation a quad of the output, folded.

override PLANES: u32 = 1u;
override HEIGHT: u32 = 1u;
override QUADS: u32 = 2u; // of a row of the input
// Whether maxima are rectified.
override RELU: bool = false;

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> argmax_out: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> output_gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> argmax: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> input_gradient: array<vec4<f32>>;

// Where a quad's windows lie: the quad of the input at their upper left, and that word's place in its plane.
struct Corner {
    quad: u32,
    place: u32,
}

fn corner(element: u32) -> Corner {
    let row = element / (QUADS / 2u);
    let q = (element - row * (QUADS / 2u)) * 2u;
    let plane = row / (HEIGHT / 2u);
    let y = (row - plane * (HEIGHT / 2u)) * 2u;
    return Corner((plane * HEIGHT + y) * QUADS + q, y * QUADS * 4u + q * 4u);
}

// output = the largest of the window; argmax = its place y WIDTH + x. With RELU, output = 0 and argmax = NOWHERE unless it is
// above 0.
@compute @workgroup_size(GROUP)
fn max_pool4_forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= PLANES * (HEIGHT / 2u) * (QUADS / 2u)) {
        return;
    }
    let at = corner(element);
    let upper = input[at.quad];
    let upper_right = input[at.quad + 1u];
    let lower = input[at.quad + QUADS];
    let lower_right = input[at.quad + QUADS + 1u];
    let found = largest(upper, upper_right, lower, lower_right, at.place, 4u * QUADS);
    let result = rectified(found, RELU);
    output[element] = result.value;
    argmax_out[element] = result.place;
}

// input_gradient = the gradient of the window where its maximum lies, else zero.
@compute @workgroup_size(GROUP)
fn max_pool4_backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let element = flat(id, groups);
    if (element >= PLANES * (HEIGHT / 2u) * (QUADS / 2u)) {
        return;
    }
    let at = corner(element);
    let chosen = argmax[element] - (vec4<u32>(at.place) + vec4<u32>(0u, 2u, 4u, 6u));
    let gradient = output_gradient[element];
    let a = select(vec4<f32>(), gradient, chosen == vec4<u32>(0u));
    let b = select(vec4<f32>(), gradient, chosen == vec4<u32>(1u));
    let c = select(vec4<f32>(), gradient, chosen == vec4<u32>(4u * QUADS));
    let d = select(vec4<f32>(), gradient, chosen == vec4<u32>(4u * QUADS + 1u));
    input_gradient[at.quad] = vec4<f32>(a.x, b.x, a.y, b.y);
    input_gradient[at.quad + 1u] = vec4<f32>(a.z, b.z, a.w, b.w);
    input_gradient[at.quad + QUADS] = vec4<f32>(c.x, d.x, c.y, d.y);
    input_gradient[at.quad + QUADS + 1u] = vec4<f32>(c.z, d.z, c.w, d.w);
}
