//! Reads models, runs them and injects faults: bytes and a device in, answers out.

pub mod campaign;
pub mod exec;
pub mod gradient;
pub mod import;
pub mod kernels;
pub mod ops;
pub mod platform;
pub mod zoo;
