//! What differs between a native build and a browser tab: the only place in src that asks which it is.

mod constructors;
mod device;

pub use constructors::run_constructors;
pub use device::{DeviceChoice, open};
