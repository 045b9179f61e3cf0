//! Known architectures as graph builders, and the manifests that say where their weights come from.

mod efficientnet_lite;
mod manifest;
#[cfg(test)]
mod tests;

pub use efficientnet_lite::{EfficientNetLite, efficientnet_lite};
pub use manifest::{
    Archive, Catalogue, CatalogueEntry, CatalogueSample, Checkpoint, Manifest, Origin, SampleFile, Samples, Test,
    Trained,
};
