//! Running a graph: in full, with a hook at every layer, or as many faulty inferences at once.
//!
//! The [`Executor`] runs every graph. A golden run keeps every layer's output. A [`Wave`] uses golden runs, or makes
//! them along the way, and computes only the part of each faulty inference that its changes can have reached.

mod activations;
mod alone;
mod batch;
mod check;
mod checks;
mod clip;
mod clips;
mod device;
mod executor;
mod footprint;
mod fork;
mod forms;
mod full;
mod golden;
mod gpu;
mod hook;
mod injector;
mod lane;
mod lane_run;
mod patch;
mod pool;
mod program;
mod ranges;
mod strike;
mod wave;
mod weights;

pub use crate::kernels::Bounds;
pub use activations::Activations;
pub use checks::{Checks, Checksums};
pub use clip::Clip;
pub use clips::Clips;
pub use executor::Executor;
pub use facts::TraceRow;
pub use footprint::{Footprint, SITE};
pub use fork::Stage;
pub use forms::extents;
pub use hook::{Hook, Plain};
pub use injector::{Injector, faulty_parameters};
pub use lane::{Change, Changed, Faulty, Image, Lane, MultiplyAdds, Observe, Settings, Wave};
pub use ranges::{Range, Ranges};

#[cfg(test)]
pub(crate) mod tests;
