//! The workloads R1 and R2 of `backhoe bench` in Burn, on the processor (flex) or a graphics adapter (wgpu), as `pytorch.py` beside it has them.
//!
//! A step is: 64 images of 3x32x32 bytes, gathered from memory and made floats in -1..1, forward, softmax and squared
//! earth mover's distance, backward, SGD with momentum 0.9 and weight decay 5e-4. No augmentation. Prints one JSON
//! object with the keys of `backhoe bench --json` that both have.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d, Relu};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::prelude::*;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
use burn::tensor::activation::softmax;
use std::time::{Duration, Instant};

const BATCH: usize = 64;
const SIDE: usize = 32;
const CLASSES: usize = 8;
const SAMPLES: usize = 256;
const BURST: usize = 10;
const IMAGE: usize = 3 * SIDE * SIDE;

#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    relu: Relu,
    hidden: Linear,
    classifier: Linear,
}

impl Network {
    fn new(channels: [usize; 3], hidden: usize, device: &Device) -> Self {
        let inputs = [3, channels[0], channels[1]];
        let convolution = |(inputs, outputs): (usize, usize)| {
            let config = Conv2dConfig::new([inputs, outputs], [3, 3]);
            config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
        };
        let plane = (SIDE / 8) * (SIDE / 8);
        Self {
            convolutions: inputs.into_iter().zip(channels).map(convolution).collect(),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            relu: Relu::new(),
            hidden: LinearConfig::new(channels[2] * plane, hidden).init(device),
            classifier: LinearConfig::new(hidden, CLASSES).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = images;
        for convolution in &self.convolutions {
            x = self.pool.forward(self.relu.forward(convolution.forward(x)));
        }
        let x = self.relu.forward(self.hidden.forward(x.flatten::<2>(1, 3)));
        self.classifier.forward(x)
    }
}

/// The mean over the batch of the squared differences of the cumulated sums (equation 10).
fn squared_emd(logits: Tensor<2>, wanted: Tensor<2>) -> Tensor<1> {
    let difference = softmax(logits, 1).cumsum(1) - wanted;
    difference.square().sum_dim(1).mean()
}

/// Byte images with labels in memory, and where the next batch begins.
struct Data {
    pixels: Vec<u8>,
    labels: Vec<usize>,
    order: Vec<usize>,
    at: usize,
}

impl Data {
    fn new() -> Self {
        // Any fixed bytes do: the time does not depend on them.
        let mut state = 1u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        Self {
            pixels: (0..SAMPLES * IMAGE).map(|_| draw() as u8).collect(),
            labels: (0..SAMPLES).map(|_| draw() as usize % CLASSES).collect(),
            order: (0..SAMPLES).map(|i| i * 37 % SAMPLES).collect(),
            at: 0,
        }
    }

    /// The next batch: images, and the cumulated sums of their labels.
    fn next(&mut self, device: &Device) -> (Tensor<4>, Tensor<2>) {
        let rows = &self.order[self.at..self.at + BATCH];
        self.at = (self.at + BATCH) % SAMPLES;
        let image = |&row: &usize| self.pixels[row * IMAGE..(row + 1) * IMAGE].iter();
        let images: Vec<f32> = rows.iter().flat_map(image).map(|&byte| f32::from(byte) / 127.5 - 1.0).collect();
        let cumulated = |&row: &usize| (0..CLASSES).map(move |class| (class, row));
        let wanted: Vec<f32> = rows
            .iter()
            .flat_map(cumulated)
            .map(|(class, row)| f32::from(u8::from(class >= self.labels[row])))
            .collect();
        (
            Tensor::from_data(TensorData::new(images, [BATCH, 3, SIDE, SIDE]), device),
            Tensor::from_data(TensorData::new(wanted, [BATCH, CLASSES]), device),
        )
    }
}

/// Images a second by the median of bursts of steps over several seconds, after a warm-up. What the last step of a burst
/// gave is read, so that an adapter is waited for then, and not after every step.
fn median_rate(mut step: impl FnMut() -> Option<Tensor<1>>, span: Duration) -> f64 {
    let mut burst = || {
        let last = (0..BURST).filter_map(|_| step()).last();
        std::hint::black_box(last.map(Tensor::into_data));
    };
    burst();
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < span {
        let start = Instant::now();
        burst();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    (BURST * BATCH) as f64 / times[times.len() / 2]
}

/// The device of a name: `wgpu` where it was built in, else the processor.
fn device(name: &str) -> Option<Device> {
    match name {
        "flex" => Some(Device::flex()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(Device::wgpu(DeviceKind::DefaultDevice)),
        _ => None,
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let workload = arguments.next().unwrap_or_else(|| "R1".to_owned());
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let (channels, hidden) = match workload.as_str() {
        "R1" => ([16, 32, 64], 128),
        "R2" => ([32, 64, 128], 256),
        other => {
            eprintln!("there is no workload `{other}`; there are R1 and R2 (usage: peer-burn WORKLOAD [SECONDS [DEVICE]])");
            std::process::exit(2);
        }
    };
    let name = arguments.next().unwrap_or_else(|| "flex".to_owned());
    let Some(plain) = device(&name) else {
        eprintln!("there is no device `{name}`; there are flex and, built with --features wgpu, wgpu");
        std::process::exit(2);
    };
    let device = plain.clone().autodiff();
    let mut network = Some(Network::new(channels, hidden, &device));
    // PyTorch's rule has no dampening.
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let decay = WeightDecayConfig::new(5e-4);
    let mut optimiser = SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(Some(decay)).init();
    let mut data = Data::new();
    let train = median_rate(
        || {
            // The optimiser takes the network and gives it back.
            let current = network.take()?;
            let (images, wanted) = data.next(&device);
            let loss = squared_emd(current.forward(images), wanted);
            let gradients = GradientsParams::from_grads(loss.backward(), &current);
            network = Some(optimiser.step(0.01, current, gradients));
            Some(loss)
        },
        Duration::from_secs_f64(seconds),
    );
    let Some(trained) = network.map(|network| network.valid()) else { return };
    let infer = median_rate(
        || {
            let (images, _) = data.next(&plain);
            let both = Tensor::cat(vec![images.clone(), images.flip([3])], 0);
            Some(softmax(trained.forward(both), 1).flatten::<1>(0, 1))
        },
        Duration::from_secs_f64(seconds / 2.0),
    );
    let measured = serde_json::json!({
        "workload": workload,
        "adapter": format!("Burn 0.22.1, {name}"),
        "train_images_per_s": train,
        "infer_images_per_s": infer,
    });
    println!("{measured}");
}
