//! Finding and opening an adapter.

use crate::plan::{Adapter, AdapterKind};

/// Why no device could be opened.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There is no adapter at all.
    #[error(
        "no graphics adapter was found: install a Vulkan driver for your GPU, or the software driver (Debian, Ubuntu: `apt install libvulkan1 mesa-vulkan-drivers`); --device cpu needs none"
    )]
    NoAdapter,
    /// There is none that is more than a driver on the processor.
    #[error(
        "no GPU was found; --device cpu runs without one, and a software driver can be asked for by its name (see `backhoe devices`)"
    )]
    NoGpu,
    /// No adapter matches what was asked for.
    #[error("no adapter matches `{wanted}`; there are: {there}. `backhoe devices` lists them")]
    NoMatch {
        /// The name or index asked for.
        wanted: String,
        /// The adapters there are.
        there: String,
    },
    /// The adapter would not open.
    #[error("adapter {adapter} could not be opened: {why}")]
    Open {
        /// The adapter.
        adapter: String,
        /// The driver's words.
        why: String,
    },
}

/// Which adapter to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// A real GPU before a software driver, a discrete one before an integrated one.
    #[default]
    Best,
    /// By its index in the list, or by a part of its name in any case.
    Wanted(String),
}

/// An adapter as `backhoe devices` lists it.
pub struct Found {
    /// wgpu's handle.
    pub handle: wgpu::Adapter,
    /// The same in words.
    pub adapter: Adapter,
}

/// The adapters of this machine, best first; waits for them.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn list() -> Vec<Found> {
    pollster::block_on(list_async())
}

/// The adapters of this machine, best first. A browser shows one.
pub async fn list_async() -> Vec<Found> {
    let mut found = Vec::new();
    for handle in instance().enumerate_adapters(wgpu::Backends::PRIMARY).await {
        let adapter = describe(&handle.get_info());
        #[cfg(target_arch = "wasm32")]
        let adapter = super::browser::name(adapter).await;
        found.push(Found { adapter, handle });
    }
    found.sort_by_key(|found| rank(found.handle.get_info().device_type));
    found
}

/// wgpu itself, of which a program has one: some drivers give out only so many, even where each is given back before the
/// next is asked for.
#[cfg(not(target_arch = "wasm32"))]
fn instance() -> &'static wgpu::Instance {
    static INSTANCE: std::sync::LazyLock<wgpu::Instance> =
        std::sync::LazyLock::new(|| wgpu::Instance::new(descriptor()));
    &INSTANCE
}

#[cfg(target_arch = "wasm32")]
fn instance() -> wgpu::Instance {
    wgpu::Instance::new(descriptor())
}

/// No validation layers, whatever the build: they are for debugging wgpu itself.
fn descriptor() -> wgpu::InstanceDescriptor {
    wgpu::InstanceDescriptor {
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle_from_env()
    }
}

fn rank(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// An adapter in words.
#[must_use]
pub fn describe(info: &wgpu::AdapterInfo) -> Adapter {
    Adapter {
        name: info.name.clone(),
        backend: format!("{:?}", info.backend),
        driver: [info.driver.as_str(), info.driver_info.as_str()].join(" ").trim().to_owned(),
        kind: if info.device_type == wgpu::DeviceType::Cpu { AdapterKind::Software } else { AdapterKind::Gpu },
    }
}

/// Whether the best of these adapters is more than a driver that computes on the processor.
#[must_use]
pub fn has_gpu(found: &[Found]) -> bool {
    found.first().is_some_and(|found| found.adapter.kind == AdapterKind::Gpu)
}

/// The one of these adapters that was asked for.
///
/// # Errors
/// When there is no such adapter.
pub fn choose(mut found: Vec<Found>, choice: &AdapterChoice) -> Result<Found, DeviceError> {
    let at = match choice {
        AdapterChoice::Best => (!found.is_empty()).then_some(0),
        AdapterChoice::Wanted(wanted) => position(&found, wanted),
    };
    match (at, choice) {
        (Some(at), _) => Ok(found.swap_remove(at)),
        (None, AdapterChoice::Wanted(wanted)) if !found.is_empty() => {
            let names: Vec<_> = found.iter().enumerate().map(|(i, f)| format!("{i}: {}", f.adapter.name)).collect();
            Err(DeviceError::NoMatch { wanted: wanted.clone(), there: names.join(", ") })
        }
        _ => Err(DeviceError::NoAdapter),
    }
}

fn position(found: &[Found], wanted: &str) -> Option<usize> {
    if let Ok(index) = wanted.parse::<usize>() {
        return (index < found.len()).then_some(index);
    }
    let wanted = wanted.to_lowercase();
    found.iter().position(|f| f.adapter.name.to_lowercase().contains(&wanted))
}
