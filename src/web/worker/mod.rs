//! The worker: the core in a thread of its own, so that the page never waits for it.

mod campaign;
mod engine;
mod images;
#[cfg(feature = "web")]
mod serve;
#[cfg(test)]
mod tests;

pub use engine::{Engine, Host};
#[cfg(feature = "web")]
pub use serve::serve;
