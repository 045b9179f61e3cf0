//! The choice of a compute device.

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
