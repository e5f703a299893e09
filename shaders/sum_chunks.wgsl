// What groups summed apart, added.

// Elements of a chunk, and those of them that belong to the first result.
override LEN: u32 = 1u;
override FIRST: u32 = 1u;
// Lanes that share an element's chunks, a power of two: their loads wait beside each other and not one after another.
override LANES: u32 = 1u;

@group(0) @binding(0) var<storage, read> chunks: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(2) var<storage, read_write> rest: array<f32>;

var<workgroup> partial: array<f32, GROUP>;

// The element that a lane works on.
fn element_of(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> u32 {
    let elements = GROUP / LANES;
    return (group.y * groups.x + group.x) * elements + lane % elements;
}

// The sum over chunks[chunk, element], by lanes, then the lanes in pairs: for the first lane of each element.
fn sum_of(element: u32, lane: u32) -> f32 {
    let elements = GROUP / LANES;
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
    return partial[lane];
}

// result[element] = sum over chunks[chunk, element]. Grid: one group for GROUP / LANES elements, folded.
@compute @workgroup_size(GROUP)
fn sum_chunks(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let element = element_of(group, groups, lane);
    let sum = sum_of(element, lane);
    if (lane < GROUP / LANES && element < LEN) {
        result[element] = sum;
    }
}

// The same for two results that lie one after the other in every chunk.
@compute @workgroup_size(GROUP)
fn sum_chunks_of_two(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let element = element_of(group, groups, lane);
    let sum = sum_of(element, lane);
    if (lane < GROUP / LANES && element < LEN) {
        if (element < FIRST) {
            result[element] = sum;
        } else {
            rest[element - FIRST] = sum;
        }
    }
}
