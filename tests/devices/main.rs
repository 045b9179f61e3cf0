//! The CPU and the GPU side by side: operators, whole networks, waves, campaigns.
//!
//! Any wgpu adapter will do, a software one included. Without one, the tests print that and pass; on Linux with CI set, they fail.

#[path = "../support/missing.rs"]
mod missing;
mod networks;
#[path = "../support/no_gpu.rs"]
mod no_gpu;
mod operators;
#[path = "../support/shared.rs"]
mod shared;
mod waves;

use burn::tensor::Device;
use faultscope::platform::{DeviceChoice, open};

/// The GPU, or `None` with a word on why not.
fn gpu() -> Option<Device> {
    match pollster::block_on(open(DeviceChoice::Gpu)) {
        Ok(device) => Some(device),
        Err(error) => {
            no_gpu::no_gpu(error);
            None
        }
    }
}
