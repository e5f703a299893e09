//! Shader modules, layouts and pipelines, each made once.

use super::kernels::{Binding, Family, Kernel, Kind};
use super::lower::Dispatch;
use std::collections::HashMap;

/// A pipeline's identity: its entry point, the file it stands in, and the bits of its constants.
type Key = (Family, &'static str, Vec<(&'static str, u64)>);

/// Everything compiled on one device.
#[derive(Default)]
pub(super) struct Pipelines {
    modules: HashMap<Family, wgpu::ShaderModule>,
    layouts: HashMap<(Family, &'static str), wgpu::BindGroupLayout>,
    pipelines: HashMap<Key, wgpu::ComputePipeline>,
}

impl Pipelines {
    /// The pipeline of a dispatch, compiled on first use and shared by equal shapes.
    pub fn get(&mut self, device: &wgpu::Device, dispatch: &Dispatch) -> wgpu::ComputePipeline {
        let constants = dispatch.constants.iter().map(|(name, value)| (*name, value.to_bits())).collect();
        let key = (dispatch.kernel.family, dispatch.kernel.entry, constants);
        if let Some(pipeline) = self.pipelines.get(&key) {
            return pipeline.clone();
        }
        let pipeline = self.compile(device, dispatch);
        self.pipelines.insert(key, pipeline.clone());
        pipeline
    }

    /// The layout of a kernel's row.
    pub fn layout(&mut self, device: &wgpu::Device, kernel: &Kernel) -> wgpu::BindGroupLayout {
        self.layouts.entry((kernel.family, kernel.entry)).or_insert_with(|| layout(device, kernel)).clone()
    }

    fn compile(&mut self, device: &wgpu::Device, dispatch: &Dispatch) -> wgpu::ComputePipeline {
        let layout = self.layout(device, dispatch.kernel);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(dispatch.kernel.entry),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let family = dispatch.kernel.family;
        let module = self.modules.entry(family).or_insert_with(|| module(device, family));
        device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(dispatch.kernel.entry),
            layout: Some(&pipeline_layout),
            module,
            entry_point: Some(dispatch.kernel.entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &dispatch.constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }
}

fn module(device: &wgpu::Device, family: Family) -> wgpu::ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some("backhoe"),
        source: wgpu::ShaderSource::Wgsl(family.source().into()),
    };
    // Counters that end endless loops keep drivers from unrolling: they double the time of products on GPUs.
    let checks = wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };
    // SAFETY: without these counters no shader may loop for ever. Ours stand in the program, and loop only by counting up or
    // down to a bound that the loop leaves alone, which a test holds them to; all other checks stay.
    unsafe { device.create_shader_module_trusted(descriptor, checks) }
}

fn layout(device: &wgpu::Device, kernel: &Kernel) -> wgpu::BindGroupLayout {
    let entry = |binding: &Binding| wgpu::BindGroupLayoutEntry {
        binding: binding.number,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: buffer_type(binding.kind),
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let entries: Vec<_> = kernel.bindings.iter().map(entry).collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(kernel.entry), entries: &entries })
}

fn buffer_type(kind: Kind) -> wgpu::BufferBindingType {
    match kind {
        Kind::Read => wgpu::BufferBindingType::Storage { read_only: true },
        Kind::Write => wgpu::BufferBindingType::Storage { read_only: false },
        Kind::Page | Kind::Shape => wgpu::BufferBindingType::Uniform,
    }
}
