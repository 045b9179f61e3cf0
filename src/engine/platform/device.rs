//! Opening a compute device.

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuInitError;
use facts::{DeviceChoice, Error, Result};
use futures_util::lock::Mutex;

use super::constructors::run_constructors;

/// The GPU after setup: burn allows one setup for each process.
static GPU: Mutex<Option<Device>> = Mutex::new(None);

/// Opens `choice`. The GPU is set up once for each process; later calls return the same GPU.
///
/// # Errors
/// If there is no usable GPU.
pub async fn open(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::flex()),
        DeviceChoice::Gpu => {
            let mut gpu = GPU.lock().await;
            if let Some(device) = &*gpu {
                return Ok(device.clone());
            }
            run_constructors();
            let device = Device::wgpu_options().init_async().await.map_err(|error| match error {
                WgpuInitError::AdapterUnavailable { message, .. } => {
                    Error::device("gpu", format_args!("no GPU was found that can be used: {message}"))
                }
                other => Error::device("gpu", other),
            })?;
            Ok(gpu.insert(device).clone())
        }
    }
}
