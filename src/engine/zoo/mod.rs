//! Known architectures, for weights-only files, and the manifests with the origin of weights.

mod applications;
mod architecture;
mod efficientnet_lite;
mod manifest;
mod random;
mod table;
#[cfg(test)]
mod tests;

pub use applications::Application;
pub use architecture::Architecture;
pub use efficientnet_lite::{EfficientNetLite, efficientnet_lite};
pub use manifest::{Archive, Checkpoint, Manifest, Origin, SampleFile, Samples, Test, Trained};
