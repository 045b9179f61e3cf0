//! What differs between a native build and a browser tab: the only place in src that asks which it is.

mod device;

pub use device::{DeviceChoice, open};
