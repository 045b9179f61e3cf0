//! What differs between a native build and a browser tab: the only place in src that asks which it is.

mod constructors;
mod device;
mod threads;
mod vector;

pub use constructors::run_constructors;
pub use device::open;
pub use facts::DeviceChoice;
pub use threads::{for_each, threads};
pub use vector::{Vector, Vectorised, lanes, vectorised};
