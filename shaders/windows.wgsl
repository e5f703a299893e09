// The maxima of four windows of 2x2 side by side.

// The largest so far of four windows, and its places.
struct Best {
    value: vec4<f32>,
    place: vec4<u32>,
}

// The first of equals wins.
fn better(best: Best, value: vec4<f32>, place: vec4<u32>) -> Best {
    let larger = value > best.value;
    return Best(select(best.value, value, larger), select(best.place, place, larger));
}

// The maxima over two quads of a row and the two below them, the first of which lies at `place` in its plane; what is below a
// place is `row` further.
fn largest(
    upper: vec4<f32>,
    upper_right: vec4<f32>,
    lower: vec4<f32>,
    lower_right: vec4<f32>,
    place: u32,
    row: u32,
) -> Best {
    let places = vec4<u32>(place) + vec4<u32>(0u, 2u, 4u, 6u);
    var best = Best(vec4<f32>(upper.xz, upper_right.xz), places);
    best = better(best, vec4<f32>(upper.yw, upper_right.yw), places + 1u);
    best = better(best, vec4<f32>(lower.xz, lower_right.xz), places + row);
    return better(best, vec4<f32>(lower.yw, lower_right.yw), places + row + 1u);
}

// Where that is wanted, what is not above 0 becomes 0 and lies nowhere.
fn rectified(best: Best, relu: bool) -> Best {
    let passes = vec4<bool>(!relu) | (best.value > vec4<f32>());
    return Best(select(vec4<f32>(), best.value, passes), select(vec4<u32>(NOWHERE), best.place, passes));
}

