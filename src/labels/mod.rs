//! Class names, and groupings that say which mistakes are safety-critical.

mod grouping;

pub use grouping::{Group, Grouping};
