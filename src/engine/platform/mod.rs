//! The differences between native builds and browser tabs. No other module in src depends on the target.

mod constructors;
mod device;
mod dots;
mod threads;
mod vector;

pub use device::open;
pub use dots::{COLUMNS, QUAD, Quads, Sums, add_dots, has_dots};
pub use facts::DeviceChoice;
pub use threads::{for_each, threads};
pub use vector::{Vector, Vectorised, lanes, vectorised};
