//! The explorer's worker: the engine in a thread of its own, so that the page never waits for it.

mod campaign;
mod images;
#[cfg(target_family = "wasm")]
mod serve;
mod service;
#[cfg(test)]
mod tests;

#[cfg(target_family = "wasm")]
pub use serve::serve;
pub use service::{Host, Service};

/// Readers of private modules, for the fuzz targets in `fuzz/`. Not part of the interface.
#[doc(hidden)]
pub mod doors {
    pub use crate::campaign::import;
    pub use crate::service::class_names;
}
