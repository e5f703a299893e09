// The input's windows, as the right matrix of a convolution's product: one for each place (n, y, x) of the output, a word
// for each tap (i, ky, kx).

// input[n, i, y STRIDE + ky - PAD, x STRIDE + kx - PAD], zero beside the image
fn window_at(place: u32, tap: u32) -> f32 {
    let sy = place / OUT_WIDTH % OUT_HEIGHT * STRIDE + tap / KERNEL_WIDTH % KERNEL_HEIGHT - PAD;
    let sx = place % OUT_WIDTH * STRIDE + tap % KERNEL_WIDTH - PAD;
    // Beside means below zero, too, which wraps around.
    if (sy >= IN_HEIGHT || sx >= IN_WIDTH) {
        return 0.0;
    }
    let plane = place / (OUT_HEIGHT * OUT_WIDTH) * IN_CHANNELS + tap / (KERNEL_HEIGHT * KERNEL_WIDTH);
    return right[(plane * IN_HEIGHT + sy) * IN_WIDTH + sx];
}

