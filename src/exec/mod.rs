//! Running a graph, with a hook at every layer.
//!
//! There is one [`Executor`]. A golden run, an activation trace and an injection differ only in the [`Hook`];
//! a faulty run starts from the golden activations and computes only what lies downstream of the change.

mod activations;
mod executor;
mod hook;
mod trace;

pub use activations::Activations;
pub use executor::Executor;
pub use hook::{Both, Hook, Plain};
pub use trace::{Trace, TraceRow};

#[cfg(test)]
mod tests;
