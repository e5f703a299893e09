// Where conv3x3.wgsl reads its images: in storage memory, the whole batch.

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradient: array<vec4<f32>>;

