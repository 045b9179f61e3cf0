//! Class names, and groupings that say which mistakes are safety-critical.

mod builtin;
mod grouping;
#[cfg(test)]
mod tests;

pub use builtin::{builtin, names_of_classes, wordnet_ids};
pub use grouping::{Group, Grouping};
