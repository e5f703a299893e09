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

// An element, and for the first of its lanes the sum of its chunks; for all others there is no such element.
struct Sum {
    element: u32,
    value: f32,
}

// The sum over chunks[chunk, element], by lanes, then the lanes in pairs. Grid of both kernels: one group for GROUP / LANES
// elements, folded.
fn sum_of(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> Sum {
    let elements = max(GROUP / LANES, 1u);
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
    return Sum(select(LEN, element, lane < elements), partial[lane]);
}

// result[element] = sum over chunks[chunk, element].
@compute @workgroup_size(GROUP)
fn sum_chunks(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sum = sum_of(group, groups, lane);
    if (sum.element < LEN) {
        result[sum.element] = sum.value;
    }
}

// The same for two results that lie one after the other in every chunk.
@compute @workgroup_size(GROUP)
fn sum_chunks_of_two(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sum = sum_of(group, groups, lane);
    if (sum.element < FIRST) {
        result[sum.element] = sum.value;
    } else if (sum.element < LEN) {
        rest[sum.element - FIRST] = sum.value;
    }
}
