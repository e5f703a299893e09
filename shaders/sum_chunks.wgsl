// What groups summed apart, added.

override LEN: u32 = 1u;
// Lanes that share an element's chunks, a power of two: their loads wait beside each other and not one after another.
override LANES: u32 = 1u;

@group(0) @binding(0) var<storage, read> chunks: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

var<workgroup> partial: array<f32, GROUP>;

// result[element] = sum over chunks[chunk, element], by lanes, then the lanes in pairs.
// Grid: one group for GROUP / LANES elements, folded.
@compute @workgroup_size(GROUP)
fn sum_chunks(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let elements = GROUP / LANES;
    let element = (group.y * groups.x + group.x) * elements + lane % elements;
    // Told by the binding's length, so that compilers do not unroll the loop.
    let count = arrayLength(&chunks) / LEN;
    var sum = 0.0;
    if (element < LEN) {
        for (var chunk = lane / elements; chunk < count; chunk += LANES) {
            sum += chunks[chunk * LEN + element];
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    for (var width = GROUP / 2u; width >= elements; width /= 2u) {
        if (lane < width) {
            partial[lane] += partial[lane + width];
        }
        workgroupBarrier();
    }
    if (lane < elements && element < LEN) {
        result[element] = partial[lane];
    }
}
