//! The CPU and the GPU side by side: operators, whole networks, waves, campaigns.
//!
//! Any wgpu adapter will do, a software one included. Where there is none, the tests say so and pass.

mod networks;
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
            println!("skipped: {error}");
            None
        }
    }
}
