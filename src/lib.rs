//! Faultscope: what happens to a neural network's answer when one bit of it flips.

pub mod campaign;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod error;
pub mod exec;
pub mod fault;
pub mod graph;
pub mod import;
pub mod kernels;
pub mod labels;
pub mod model;
pub mod ops;
pub mod outcome;
pub mod platform;
pub mod report;
#[cfg(any(feature = "web", test))]
pub mod web;
pub mod zoo;

pub use error::{Error, Result};
