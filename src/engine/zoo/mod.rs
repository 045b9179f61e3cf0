//! Known architectures, for weights that come without a graph, and the manifests that say where weights come from.

mod architecture;
mod efficientnet_lite;
mod manifest;
mod random;
mod table;
#[cfg(test)]
mod tests;

pub use architecture::Architecture;
pub use efficientnet_lite::{EfficientNetLite, efficientnet_lite};
pub use manifest::{Archive, Checkpoint, Manifest, Origin, SampleFile, Samples, Test, Trained};
