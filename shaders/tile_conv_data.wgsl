// A convolution's gradient by its input as a product for tile.wgsl: left the weight, right the output's gradient.
//
// rows i, inner places (o, ky, kx), columns (n, y, x) of the input

override ROWS: u32 = IN_CHANNELS;
override COLUMNS: u32 = BATCH * IN_HEIGHT * IN_WIDTH;
override INNER: u32 = OUT_CHANNELS * KERNEL_HEIGHT * KERNEL_WIDTH;

const LEFT_ALONG: bool = true;
const RIGHT_ALONG: bool = false;

fn left_at(i: u32, k: u32) -> f32 {
    let taps = KERNEL_HEIGHT * KERNEL_WIDTH;
    return left[(k / taps * IN_CHANNELS + i) * taps + k % taps];
}

// output_gradient[n, o, (y + PAD - ky) / STRIDE, (x + PAD - kx) / STRIDE], zero where no output lies
fn right_at(k: u32, c: u32) -> f32 {
    let sy = c / IN_WIDTH % IN_HEIGHT + PAD - k / KERNEL_WIDTH % KERNEL_HEIGHT;
    let sx = c % IN_WIDTH + PAD - k % KERNEL_WIDTH;
    // Below zero wraps around, and lies beyond the output.
    if (sy >= OUT_HEIGHT * STRIDE || sx >= OUT_WIDTH * STRIDE || sy % STRIDE != 0u || sx % STRIDE != 0u) {
        return 0.0;
    }
    let plane = c / (IN_HEIGHT * IN_WIDTH) * OUT_CHANNELS + k / (KERNEL_HEIGHT * KERNEL_WIDTH);
    return right[(plane * OUT_HEIGHT + sy / STRIDE) * OUT_WIDTH + sx / STRIDE];
}

fn shift_at(i: u32, c: u32) -> f32 {
    return 0.0;
}

fn result_at(i: u32, c: u32) -> u32 {
    return (c / (IN_HEIGHT * IN_WIDTH) * IN_CHANNELS + i) * (IN_HEIGHT * IN_WIDTH) + c % (IN_HEIGHT * IN_WIDTH);
}

