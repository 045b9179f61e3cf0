//! The choice of a compute device.

use crate::named::{Name, Named};
use serde::{Deserialize, Serialize};

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The CPU, native or WebAssembly.
    #[default]
    Cpu,
    /// wgpu: Vulkan, Metal or DirectX natively, WebGPU in a browser.
    Gpu,
}

impl Named for DeviceChoice {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Cpu, Name::new("cpu", "CPU", "the processor")),
        (Self::Gpu, Name::new("gpu", "GPU", "Vulkan, Metal or DirectX 12")),
    ];
}
