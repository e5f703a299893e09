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

// input[n, i, y STRIDE + ky - PAD, x STRIDE + kx - PAD], zero beside the image
fn right_at(k: u32, c: u32) -> f32 {
    let sy = c / OUT_WIDTH % OUT_HEIGHT * STRIDE + k / KERNEL_WIDTH % KERNEL_HEIGHT - PAD;
    let sx = c % OUT_WIDTH * STRIDE + k % KERNEL_WIDTH - PAD;
    // Beside means below zero, too, which wraps around.
    if (sy >= IN_HEIGHT || sx >= IN_WIDTH) {
        return 0.0;
    }
    let plane = c / (OUT_HEIGHT * OUT_WIDTH) * IN_CHANNELS + k / (KERNEL_HEIGHT * KERNEL_WIDTH);
    return right[(plane * IN_HEIGHT + sy) * IN_WIDTH + sx];
}

fn shift_at(o: u32, c: u32) -> f32 {
    return shift[o];
}

fn result_at(o: u32, c: u32) -> u32 {
    return (c / (OUT_HEIGHT * OUT_WIDTH) * OUT_CHANNELS + o) * (OUT_HEIGHT * OUT_WIDTH) + c % (OUT_HEIGHT * OUT_WIDTH);
}

