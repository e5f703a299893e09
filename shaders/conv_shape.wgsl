// The shape of a convolution.
//
// input   BATCH x IN_CHANNELS x IN_HEIGHT x IN_WIDTH
// weight  OUT_CHANNELS x IN_CHANNELS x KERNEL_HEIGHT x KERNEL_WIDTH
// output  BATCH x OUT_CHANNELS x OUT_HEIGHT x OUT_WIDTH

override BATCH: u32 = 1u;
override IN_CHANNELS: u32 = 1u;
override OUT_CHANNELS: u32 = 1u;
override IN_HEIGHT: u32 = 1u;
override IN_WIDTH: u32 = 1u;
override OUT_HEIGHT: u32 = 1u;
override OUT_WIDTH: u32 = 1u;
override KERNEL_HEIGHT: u32 = 1u;
override KERNEL_WIDTH: u32 = 1u;
override STRIDE: u32 = 1u;
override PAD: u32 = 0u;

