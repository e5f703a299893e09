//! Convolutions beside matrix products of the same shapes, written by hand: what share of the adapter's arithmetic peak
//! either reaches. A product is spared what makes a convolution of it: its matrices lie as it reads them, whole quads
//! side by side, and chunks of its inner places are not added up.
//!
//!     cargo bench --bench product -- --device llvmpipe --csv product.csv

mod common;

use backhoe::bench::Workload;
use backhoe::device::DeviceChoice;
use backhoe::gpu::{AdapterChoice, choose, list};
use backhoe::nn::Loss;
use backhoe::plan::executor::{settle, tune_now};
use backhoe::plan::{AdapterKind, Executor, Op, Plan, PlanHandle, Residency};
use bytemuck::cast_slice;
use clap::Parser;
use common::{Arguments, Table, number, open};
use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

/// A submission lasts at least so many seconds, so that what surrounds the work does not count.
const LONG_ENOUGH: f64 = 0.03;
/// Submissions of which the fastest counts.
const TIMES: usize = 5;
/// A variant that takes so many times as long as the best is not repeated.
const HOPELESS: f64 = 2.0;
/// Fewest chunks by invocations: cut until there are enough invocations for a few threads of vectors.
const WANTED_INVOCATIONS: usize = 64;
/// Most inner places of a chunk: Mesa's llvmpipe ends an invocation's loops after 65,535 turns, as if they were done.
const LONGEST_CHUNK: usize = 32_768;

/// result[chunk, r, c] = sum over the k of a chunk of left[k, r] right[k, c], ROWS x COLUMNS words an invocation.
const PRODUCT: &str = "
struct Shape { rows: u32, columns: u32, inner: u32, chunk: u32 }
@group(0) @binding(0) var<LEFT_MEMORY> left: array<vec4<f32>LEFT_LENGTH>;
@group(0) @binding(1) var<storage, read> right: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn product(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = (group.x * LANESu + lane) * QUADSu;
    let row = group.y * (ROWSu / 4u);
    if (column >= shape.columns) {
        return;
    }
    DECLARE
    for (var k = group.z * shape.chunk; k < min((group.z + 1u) * shape.chunk, shape.inner); k++) {
        let a = k * shape.rows + row;
        let b = k * shape.columns + column;
        SUM
    }
    let at = (group.z * shape.rows * 4u + row * 4u) * shape.columns + column;
    WRITE
}
";

/// One way to write a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Variant {
    /// Rows and quads of columns of an invocation.
    rows: usize,
    quads: usize,
    /// Invocations of a group.
    lanes: usize,
    /// Whether the left matrix lies in uniform memory.
    uniform: bool,
}

impl Variant {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (rows, quads) in [(4, 1), (8, 1), (16, 1), (4, 2), (8, 2)] {
            for lanes in [8, 64] {
                all.extend([true, false].map(|uniform| Self { rows, quads, lanes, uniform }));
            }
        }
        all
    }

    fn source(self) -> String {
        let (fours, quads) = (self.rows / 4, self.quads);
        let places = || (0..self.rows).flat_map(move |r| (0..quads).map(move |q| (r, q)));
        let each = |line: &dyn Fn(usize, usize) -> String| places().map(|(r, q)| line(r, q)).collect::<String>();
        let loads = (0..fours).map(|four| format!("let l{four} = left[a + {four}u];\n"));
        let loads: String = loads.chain((0..quads).map(|q| format!("let r{q} = right[b + {q}u];\n"))).collect();
        let sums = each(&|r, q| format!("s{r}_{q} += l{}[{}] * r{q};\n", r / 4, r % 4));
        let (memory, length) = if self.uniform { ("uniform", ", 4096") } else { ("storage, read", "") };
        let fills = [
            ("LEFT_MEMORY", memory.to_owned()),
            ("LEFT_LENGTH", length.to_owned()),
            ("LANES", self.lanes.to_string()),
            ("QUADS", quads.to_string()),
            ("ROWS", self.rows.to_string()),
            ("DECLARE", each(&|r, q| format!("var s{r}_{q} = vec4<f32>();\n"))),
            ("SUM", loads + &sums),
            ("WRITE", each(&|r, q| format!("result[at + {r}u * shape.columns + {q}u] = s{r}_{q};\n"))),
        ];
        fills.iter().fold(PRODUCT.to_owned(), |source, (name, text)| source.replace(name, text))
    }
}

/// A product's rows, columns and inner places.
#[derive(Clone, Copy, Debug)]
struct Sizes([usize; 3]);

impl Sizes {
    /// The product that a convolution comes to.
    fn of(op: &Op) -> Option<Self> {
        let taps = |c: &backhoe::plan::Conv| c.kernel_height * c.kernel_width;
        Some(Self(match op {
            Op::ConvForward(c) => [c.out_channels, c.batch * c.out_height() * c.out_width(), c.in_channels * taps(c)],
            Op::ConvBackwardData(c) => [c.in_channels, c.batch * c.in_height * c.in_width, c.out_channels * taps(c)],
            Op::ConvBackwardWeight(c) => {
                [c.out_channels, c.in_channels * taps(c), c.batch * c.out_height() * c.out_width()]
            }
            _ => return None,
        }))
    }

    fn gflop(self) -> f64 {
        2.0 * self.0.iter().product::<usize>() as f64 / 1e9
    }
}

/// A device for products, with what was compiled on it.
struct Bare {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: HashMap<Variant, wgpu::ComputePipeline>,
}

impl Bare {
    fn open(choice: &AdapterChoice) -> Result<Self, Box<dyn Error>> {
        let adapter = choose(list(), choice)?.handle;
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
        Ok(Self { device, queue, pipelines: HashMap::new() })
    }

    fn buffer(&self, contents: &[f32]) -> wgpu::Buffer {
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::UNIFORM
            | wgpu::BufferUsages::COPY_SRC
            | wgpu::BufferUsages::COPY_DST;
        let size = 4 * contents.len() as u64;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let buffer = self.device.create_buffer(&descriptor);
        self.queue.write_buffer(&buffer, 0, cast_slice(contents));
        buffer
    }

    fn pipeline(&mut self, variant: Variant) -> wgpu::ComputePipeline {
        let device = &self.device;
        let compile = || {
            let source = wgpu::ShaderSource::Wgsl(variant.source().into());
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: None,
                module: &module,
                entry_point: Some("product"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        };
        self.pipelines.entry(variant).or_insert_with(compile).clone()
    }

    /// Seconds of so many dispatches in one submission.
    fn seconds(&self, work: &Work, times: usize) -> Result<f64, Box<dyn Error>> {
        let began = Instant::now();
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for _ in 0..times {
            pass.set_pipeline(&work.pipeline);
            pass.set_bind_group(0, &work.bindings, &[]);
            pass.dispatch_workgroups(work.grid[0], work.grid[1], work.grid[2]);
        }
        drop(pass);
        self.queue.submit([encoder.finish()]);
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// The first words of a buffer.
    fn read(&self, buffer: &wgpu::Buffer, words: usize) -> Result<Vec<f32>, Box<dyn Error>> {
        let (size, usage) = (4 * words as u64, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let staging = self.device.create_buffer(&descriptor);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, size);
        self.queue.submit([encoder.finish()]);
        // Whether it was mapped, the next lines find out.
        staging.map_async(wgpu::MapMode::Read, .., |_| ());
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok(bytemuck::pod_collect_to_vec(&staging.get_mapped_range(..)?))
    }
}

/// A dispatch with everything bound.
struct Work {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    grid: [u32; 3],
    result: wgpu::Buffer,
    chunks: usize,
}

/// Matrices of random numbers, rows padded to 16 and columns to 8.
struct Matrices {
    padded: [usize; 2],
    inner: usize,
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Matrices {
    fn new(Sizes([rows, columns, inner]): Sizes) -> Self {
        let padded = [rows.next_multiple_of(16), columns.next_multiple_of(8)];
        let random = |words: usize, seed: f32| (0..words).map(|word| (word as f32 * seed).sin()).collect();
        Self { padded, inner, left: random(inner * padded[0], 0.7), right: random(inner * padded[1], 0.3) }
    }

    fn work(&self, bare: &mut Bare, variant: Variant) -> Option<Work> {
        let [rows, columns] = self.padded;
        if variant.uniform && self.left.len() > 4 * 4096 {
            return None;
        }
        let invocations = columns / 4 / variant.quads * (rows / variant.rows);
        let chunks = WANTED_INVOCATIONS.div_ceil(invocations).max(self.inner.div_ceil(LONGEST_CHUNK));
        let chunk = self.inner.div_ceil(chunks);
        let chunks = self.inner.div_ceil(chunk);
        let mut left = self.left.clone();
        left.resize(if variant.uniform { 4 * 4096 } else { left.len() }, 0.0);
        let shape = [rows / 4, columns / 4, self.inner, chunk].map(|size| f32::from_bits(size as u32));
        let result = bare.buffer(&vec![f32::NAN; chunks * rows * columns]);
        let buffers = [bare.buffer(&left), bare.buffer(&self.right), result.clone(), bare.buffer(&shape)];
        let pipeline = bare.pipeline(variant);
        let entries: Vec<_> = (0..).zip(&buffers).map(|(binding, buffer)| entry(binding, buffer)).collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let bindings =
            bare.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
        let groups = (columns / 4 / variant.quads).div_ceil(variant.lanes);
        let grid = [groups, rows / variant.rows, chunks].map(|groups| groups as u32);
        Some(Work { pipeline, bindings, grid, result, chunks })
    }

    /// Whether the first row is right.
    fn agree(&self, got: &[f32], chunks: usize) -> bool {
        let [rows, columns] = self.padded;
        (0..columns.min(64)).all(|c| {
            let products = (0..self.inner).map(|k| self.left[k * rows] * self.right[k * columns + c]);
            let wanted: f64 = products.map(f64::from).sum();
            let sum: f64 = (0..chunks).map(|chunk| f64::from(got[chunk * rows * columns + c])).sum();
            (sum - wanted).abs() <= 1e-3 * (self.inner as f64).sqrt()
        })
    }
}

fn entry(binding: u32, buffer: &wgpu::Buffer) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() }
}

/// Seconds of the fastest variant, and which it is.
fn by_hand(bare: &mut Bare, sizes: Sizes) -> Result<(f64, Variant), Box<dyn Error>> {
    let matrices = Matrices::new(sizes);
    let mut best: Option<(f64, Variant)> = None;
    for variant in Variant::all() {
        let Some(work) = matrices.work(bare, variant) else { continue };
        bare.seconds(&work, 1)?;
        let got = bare.read(&work.result, work.chunks * matrices.padded.iter().product::<usize>())?;
        if !matrices.agree(&got, work.chunks) {
            return Err(format!("{variant:?} of {sizes:?} is wrong").into());
        }
        let once = bare.seconds(&work, 1)?;
        if best.is_some_and(|(seconds, _)| once > HOPELESS * seconds) {
            continue;
        }
        let times = (LONG_ENOUGH / once).ceil() as usize;
        for _ in 0..TIMES {
            let seconds = bare.seconds(&work, times)? / times as f64;
            if best.is_none_or(|(least, _)| seconds < least) {
                best = Some((seconds, variant));
            }
        }
    }
    best.ok_or_else(|| "there is no variant".into())
}

/// Seconds of an operation of a plan, on random operands.
fn ours(executor: &mut dyn Executor, op: &Op) -> Result<f64, Box<dyn Error>> {
    let mut plan = Plan::default();
    let mut views = Vec::new();
    for operand in op.operands() {
        let name = format!("{op:?} {}", operand.name);
        views.push(plan.kept(&name, operand.element, operand.len, Residency::Data));
    }
    plan.push(*op, &views);
    executor.announce(&plan);
    tune_now(executor);
    let once = executor.prepare(&plan)?;
    for slot in &plan.slots {
        let words: Vec<f32> = (0..slot.len).map(|word| (word as f32 * 0.7).sin()).collect();
        executor.write(&slot.name, 0, cast_slice(&words))?;
    }
    timed(executor, once)?;
    let times = (LONG_ENOUGH / timed(executor, once)?).ceil() as usize;
    let steps = std::iter::repeat_n(&plan.steps, times).flatten().cloned().collect();
    let repeated = executor.prepare(&Plan { slots: plan.slots.clone(), steps })?;
    let all = (0..TIMES).map(|_| timed(executor, repeated)).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().fold(f64::INFINITY, f64::min) / times as f64)
}

fn timed(executor: &mut dyn Executor, handle: PlanHandle) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    executor.submit(handle)?;
    settle(executor)?;
    Ok(began.elapsed().as_secs_f64())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let choice = match &arguments.device {
        DeviceChoice::Named(name) => AdapterChoice::Wanted(name.clone()),
        _ => AdapterChoice::Best,
    };
    let mut executor = open(&arguments)?;
    if executor.adapter().kind == AdapterKind::Processor {
        return Err("products are written for graphics adapters: name one with --device".into());
    }
    let mut bare = Bare::open(&choice)?;
    let headings =
        ["what", "rows", "columns", "inner", "GFLOP/s", "of peak", "product", "of peak", "ours by it", "variant"];
    let mut table = Table::new(executor.adapter(), &headings);
    for workload in ["R1", "R2"] {
        for step in Workload::named(workload)?.training(&[Loss::Emd]).steps {
            let Some(sizes) = Sizes::of(&step.op) else { continue };
            let peak = executor.peaks()?.map_or(f64::NAN, |peaks| peaks.gflops);
            let (seconds, (product, variant)) = (ours(&mut *executor, &step.op)?, by_hand(&mut bare, sizes)?);
            let rates = [seconds, product].map(|seconds| sizes.gflop() / seconds);
            let mut cells = vec![format!("{workload} {}", step.op.name())];
            cells.extend(sizes.0.map(|size| size.to_string()));
            cells.extend([rates[0], rates[0] / peak, rates[1], rates[1] / peak, rates[0] / rates[1]].map(number));
            let Variant { rows, quads, lanes, uniform } = variant;
            cells.push(format!("{rows}x{}, {lanes}{}", 4 * quads, if uniform { ", uniform" } else { "" }));
            table.row(cells);
        }
    }
    table.finish(&arguments)
}
