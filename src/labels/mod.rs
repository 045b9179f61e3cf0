//! Class names, and groupings that say which mistakes are safety-critical.

mod builtin;
mod grouping;
#[cfg(test)]
mod tests;

pub use builtin::builtin;
pub use grouping::{Group, Grouping};
