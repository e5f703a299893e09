//! The shapes of operations. All tensors are row-major; images are batch x channel x height x width.

/// A 2-D convolution (cross-correlation, as in PyTorch) of square stride and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Images in a batch.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Height of the input.
    pub in_height: usize,
    /// Width of the input.
    pub in_width: usize,
    /// Height of the kernel.
    pub kernel_height: usize,
    /// Width of the kernel.
    pub kernel_width: usize,
    /// Step between windows, at least 1.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// Whether a bias is added to every output channel.
    pub bias: bool,
}

impl Conv {
    /// Height of the output.
    #[must_use]
    pub fn out_height(&self) -> usize {
        windows(self.in_height, self.kernel_height, self.stride, self.padding)
    }

    /// Width of the output.
    #[must_use]
    pub fn out_width(&self) -> usize {
        windows(self.in_width, self.kernel_width, self.stride, self.padding)
    }

    /// Words of the input.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.in_height * self.in_width
    }

    /// Words of the output.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height() * self.out_width()
    }

    /// Words of the weight, out x in x kernel height x kernel width.
    #[must_use]
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.in_channels * self.kernel_height * self.kernel_width
    }
}

/// How many windows of `size` fit into `length` with `padding` zeros on both sides.
#[must_use]
pub fn windows(length: usize, size: usize, stride: usize, padding: usize) -> usize {
    (length + 2 * padding).checked_sub(size).map_or(0, |rest| rest / stride + 1)
}

/// A fully connected layer: `outputs = inputs * weight^T + bias`, weight outputs x inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Linear {
    /// Rows of the input.
    pub batch: usize,
    /// Columns of the input.
    pub inputs: usize,
    /// Columns of the output.
    pub outputs: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

/// A square pooling window over each plane. Padding adds minus infinity for the maximum and
/// zeros, which count, for the average: PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    /// Batch times channels.
    pub planes: usize,
    /// Height of the input.
    pub in_height: usize,
    /// Width of the input.
    pub in_width: usize,
    /// Height of the window.
    pub window_height: usize,
    /// Width of the window.
    pub window_width: usize,
    /// Step between windows, at least 1.
    pub stride: usize,
    /// Padding, at most half of the window.
    pub padding: usize,
}

impl Pool {
    /// Height of the output.
    #[must_use]
    pub fn out_height(&self) -> usize {
        windows(self.in_height, self.window_height, self.stride, self.padding)
    }

    /// Width of the output.
    #[must_use]
    pub fn out_width(&self) -> usize {
        windows(self.in_width, self.window_width, self.stride, self.padding)
    }

    /// Words of the input.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.planes * self.in_height * self.in_width
    }

    /// Words of the output.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.planes * self.out_height() * self.out_width()
    }
}

/// Batch normalisation over batch and plane of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Images in a batch.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Height times width.
    pub plane: usize,
    /// Added to the variance, 1e-5 by custom.
    pub epsilon: f32,
    /// Share of the batch's statistics in the running ones, 0.1 by custom.
    pub momentum: f32,
}

impl BatchNorm {
    /// Words of the input.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch * self.channels * self.plane
    }

    /// Whether there is nothing to normalise.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Dropout: an element survives with probability `1 - rate` and is divided by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Elements.
    pub len: usize,
    /// Probability that an element becomes zero, in [0, 1).
    pub rate: f32,
    /// Distinguishes the layers of a network in the generator's key.
    pub layer: u32,
}

/// What a loss works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LossShape {
    /// Samples in a batch; the loss is their mean.
    pub batch: usize,
    /// Classes.
    pub classes: usize,
}

/// Which random changes training images undergo (section 4.1). A switch that is off leaves the
/// centre crop as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Augmentation {
    /// A crop at a random place, else the centre.
    pub crop: bool,
    /// A horizontal flip with probability one half.
    pub flip: bool,
    /// A rotation within 20 degrees either way.
    pub rotation: bool,
    /// Width against height changed by up to 10 %.
    pub aspect: bool,
    /// Red, green and blue shifted by up to 5 % of the range each.
    pub colour: bool,
}

/// Batches cut out of a data set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crops {
    /// Samples in a batch.
    pub batch: usize,
    /// Samples in the data set.
    pub samples: usize,
    /// Entries of the order: batches an epoch times batch.
    pub order: usize,
    /// Width and height of the stored images.
    pub stored_side: usize,
    /// Width and height of the crop, at most `stored_side`.
    pub side: usize,
    /// Whether `pixels` holds the whole data set, indexed by sample; else it holds the present
    /// batch only, indexed by row.
    pub resident: bool,
}

impl Crops {
    /// Words of the `pixels` slot: bytes, four to a word.
    #[must_use]
    pub fn pixel_words(&self) -> usize {
        let images = if self.resident { self.samples } else { self.batch };
        (images * 3 * self.stored_side * self.stored_side).div_ceil(4)
    }

    /// Words of one batch of crops.
    #[must_use]
    pub fn crop_len(&self) -> usize {
        self.batch * 3 * self.side * self.side
    }
}
