// A convolution as a product for tile.wgsl: left the weight, right the input's windows.
//
// rows o, inner places (i, ky, kx), columns (n, y, x) of the output

override ROWS: u32 = OUT_CHANNELS;
override COLUMNS: u32 = BATCH * OUT_HEIGHT * OUT_WIDTH;
override INNER: u32 = IN_CHANNELS * KERNEL_HEIGHT * KERNEL_WIDTH;

const LEFT_ALONG: bool = true;
const RIGHT_ALONG: bool = false;

fn left_at(o: u32, k: u32) -> f32 {
    return left[o * INNER + k];
}

fn right_at(k: u32, c: u32) -> f32 {
    return window_at(c, k);
}

fn shift_at(o: u32, c: u32) -> f32 {
    return shift[o];
}

fn result_at(o: u32, c: u32) -> u32 {
    return (c / (OUT_HEIGHT * OUT_WIDTH) * OUT_CHANNELS + o) * (OUT_HEIGHT * OUT_WIDTH) + c % (OUT_HEIGHT * OUT_WIDTH);
}

