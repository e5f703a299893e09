// Where conv3x3.wgsl reads its images: in uniform memory, as many as a page of 64 KiB holds. Software
// drivers load from uniforms several times as fast as from storage.

@group(0) @binding(0) var<uniform> input: array<vec4<f32>, 4096>;
@group(0) @binding(4) var<uniform> output_gradient: array<vec4<f32>, 4096>;

