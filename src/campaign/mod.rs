//! Many faults, counted: configuration, the lab where single trials are made, and the runner.

mod lab;

pub use lab::{Golden, Lab, Observe, Trial};
