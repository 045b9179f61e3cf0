//! Faultscope: what happens to a neural network's answer when one bit of it flips.

pub mod cli;

pub use engine::{exec, import, kernels, ops, platform, zoo};
pub use facts::{Error, Result, catalogue, data, error, fault, graph, labels, model, outcome, report};

/// Many faults, counted.
pub mod campaign {
    pub use engine::campaign::*;
    pub use facts::campaign::*;
}
