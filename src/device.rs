//! Which device runs: a GPU where there is one, else the processor. A graphics driver that computes
//! on the processor is a detour there, and only taken when it is asked for by name.

mod remembered;

#[cfg(target_arch = "wasm32")]
pub use remembered::CHOICES;

use crate::cpu::Cpu;
use crate::gpu::{AdapterChoice, DeviceError, Gpu, choose, has_gpu, list_async};
use crate::plan::{AdapterKind, Executor};

/// Which device to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU where there is one, else the processor.
    #[default]
    Auto,
    /// A GPU.
    Gpu,
    /// The processor.
    Cpu,
    /// A graphics adapter, software drivers among them, by its index or by a part of its name.
    Named(String),
}

impl std::str::FromStr for DeviceChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.to_lowercase().as_str() {
            "auto" => Self::Auto,
            "gpu" => Self::Gpu,
            "cpu" => Self::Cpu,
            _ => Self::Named(text.to_owned()),
        })
    }
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Named(name) => name,
        })
    }
}

/// How a device computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Threads of the processor, or one a core.
    pub threads: Option<usize>,
    /// Whether graphics adapters time kernels for the shapes that they meet first in plans announced to them
    /// ([`Executor::announce`]), and keep to the fastest; where nothing is said, GPUs do. Software drivers have little to choose
    /// (docs/rejected.md). No result depends on it.
    pub tune: Option<bool>,
}

impl Opening {
    /// Gives an adapter a tuner where it shall have one.
    fn equip(self, gpu: &mut Gpu) {
        if self.tune.unwrap_or(gpu.adapter().kind == AdapterKind::Gpu) {
            gpu.set_tuner(remembered::tuner());
        }
    }
}

/// An open device, and why it is this one.
pub struct Opened {
    /// What runs plans.
    pub executor: Box<dyn Executor>,
    /// Why it was chosen, in words.
    pub why: &'static str,
}

/// Opens a device and waits for it.
///
/// # Errors
/// When there is no such graphics adapter or it does not open.
#[cfg(not(target_arch = "wasm32"))]
pub fn open(choice: &DeviceChoice, opening: Opening) -> Result<Opened, DeviceError> {
    pollster::block_on(open_async(choice, opening))
}

/// Opens a device.
///
/// # Errors
/// When there is no such graphics adapter or it does not open.
pub async fn open_async(choice: &DeviceChoice, opening: Opening) -> Result<Opened, DeviceError> {
    let processor = |why| Ok(Opened { executor: Box::new(Cpu::open(opening.threads)), why });
    if *choice == DeviceChoice::Cpu {
        return processor("as asked");
    }
    let found = list_async().await;
    let (wanted, why) = match choice {
        DeviceChoice::Named(name) => (AdapterChoice::Wanted(name.clone()), "as asked"),
        DeviceChoice::Gpu if has_gpu(&found) => (AdapterChoice::Best, "as asked"),
        DeviceChoice::Gpu => return Err(DeviceError::NoGpu),
        DeviceChoice::Auto if has_gpu(&found) => (AdapterChoice::Best, "the best GPU here"),
        DeviceChoice::Auto | DeviceChoice::Cpu => return processor("no GPU was found"),
    };
    let mut gpu = Gpu::open_found(choose(found, &wanted)?).await?;
    opening.equip(&mut gpu);
    Ok(Opened { executor: Box::new(gpu), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_in_any_case() {
        for (text, want) in [("auto", DeviceChoice::Auto), ("GPU", DeviceChoice::Gpu), ("cpu", DeviceChoice::Cpu)] {
            assert_eq!(text.parse(), Ok(want));
        }
        assert_eq!("llvmpipe".parse(), Ok(DeviceChoice::Named("llvmpipe".to_owned())));
    }

    #[test]
    fn the_processor_needs_no_driver() {
        let opened = open(&DeviceChoice::Cpu, Opening { threads: Some(2), tune: None })
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.executor.adapter().kind, AdapterKind::Processor);
        assert!(opened.executor.adapter().backend.contains("2 threads"));
    }
}
