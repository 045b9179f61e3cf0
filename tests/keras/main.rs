//! Keras models against what Keras computes.

mod common;
#[path = "../support/shared.rs"]
mod files;
mod shared;
