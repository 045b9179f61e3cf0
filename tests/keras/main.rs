//! Keras models against what Keras computes.

mod common;
#[path = "../support/shared.rs"]
mod files;
mod fixtures;
mod hostile;
#[path = "../support/missing.rs"]
mod missing;
mod real;
mod shared;
#[path = "../support/wheel.rs"]
mod wheels;
