// The matrices of fully connected layers for tile.wgsl, told as for linear.wgsl.

override LEFT_ALONG: bool = LEFT_INNER == 1u;
override RIGHT_ALONG: bool = RIGHT_INNER == 1u;

fn left_at(r: u32, k: u32) -> f32 {
    return left[r * LEFT_ROW + k * LEFT_INNER];
}

fn right_at(k: u32, c: u32) -> f32 {
    return right[k * RIGHT_INNER + c * RIGHT_COLUMN];
}

fn shift_at(r: u32, c: u32) -> f32 {
    return shift[c];
}

fn result_at(r: u32, c: u32) -> u32 {
    return r * COLUMNS + c;
}

