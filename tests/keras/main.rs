//! Keras models against what Keras computes.

mod common;
#[path = "../support/shared.rs"]
mod files;
mod fixtures;
mod hostile;
#[cfg(feature = "cli")]
mod real;
mod shared;
#[cfg(feature = "cli")]
#[path = "../support/wheel.rs"]
mod wheels;
