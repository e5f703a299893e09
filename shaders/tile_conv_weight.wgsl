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

// input[n, i, y STRIDE + ky - PAD, x STRIDE + kx - PAD], zero beside the image
fn right_at(k: u32, c: u32) -> f32 {
    let sy = k / OUT_WIDTH % OUT_HEIGHT * STRIDE + c / KERNEL_WIDTH % KERNEL_HEIGHT - PAD;
    let sx = k % OUT_WIDTH * STRIDE + c % KERNEL_WIDTH - PAD;
    // Beside means below zero, too, which wraps around.
    if (sy >= IN_HEIGHT || sx >= IN_WIDTH) {
        return 0.0;
    }
    let plane = k / (OUT_HEIGHT * OUT_WIDTH) * IN_CHANNELS + c / (KERNEL_HEIGHT * KERNEL_WIDTH);
    return right[(plane * IN_HEIGHT + sy) * IN_WIDTH + sx];
}

fn shift_at(o: u32, c: u32) -> f32 {
    return 0.0;
}

fn result_at(o: u32, c: u32) -> u32 {
    return o * COLUMNS + c;
}

