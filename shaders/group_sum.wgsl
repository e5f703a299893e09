// Sums over the lanes of a group.

var<workgroup> partial: array<vec4<f32>, GROUP>;

// The sum of every lane's values, halves of the lanes at a time, for all lanes.
fn group_sum(lane: u32, values: vec4<f32>) -> vec4<f32> {
    partial[lane] = values;
    workgroupBarrier();
    for (var width = GROUP / 2u; width > 0u; width /= 2u) {
        if (lane < width) {
            partial[lane] += partial[lane + width];
        }
        workgroupBarrier();
    }
    let total = partial[0];
    workgroupBarrier();
    return total;
}

// The same of one value a lane.
fn group_sum_of_one(lane: u32, value: f32) -> f32 {
    return group_sum(lane, vec4<f32>(value, 0.0, 0.0, 0.0)).x;
}
