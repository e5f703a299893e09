// The matrices of fully connected layers for tile.wgsl, told by the distances of neighbours as in linear.wgsl.

override ROWS: u32 = 1u;
override COLUMNS: u32 = 1u;
override INNER: u32 = 1u;
override LEFT_ROW: u32 = 1u;
override LEFT_INNER: u32 = 1u;
override RIGHT_INNER: u32 = 1u;
override RIGHT_COLUMN: u32 = 1u;

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

