// A convolution's gradient by its weight as a product for tile.wgsl: left the output's gradient, right the input's windows.
//
// rows o, inner places (n, y, x) of the output, columns (i, ky, kx)

override ROWS: u32 = OUT_CHANNELS;
override COLUMNS: u32 = IN_CHANNELS * KERNEL_HEIGHT * KERNEL_WIDTH;
override INNER: u32 = BATCH * OUT_HEIGHT * OUT_WIDTH;

const LEFT_ALONG: bool = true;
const RIGHT_ALONG: bool = true;

fn left_at(o: u32, k: u32) -> f32 {
    return left[(k / (OUT_HEIGHT * OUT_WIDTH) * OUT_CHANNELS + o) * (OUT_HEIGHT * OUT_WIDTH) + k % (OUT_HEIGHT * OUT_WIDTH)];
}

fn right_at(k: u32, c: u32) -> f32 {
    return window_at(k, c);
}

fn shift_at(o: u32, c: u32) -> f32 {
    return 0.0;
}

fn result_at(o: u32, c: u32) -> u32 {
    return o * COLUMNS + c;
}

