//! Faults: what can go wrong, where, and making it happen.
//!
//! A [`FaultModel`] says which faults are possible, [`sampler`] draws [`Site`]s from it, [`Injector`] is the
//! hook that applies them, and an [`InjectedFault`] is the record of one.

mod bits;
mod injector;
mod model;
mod record;
pub mod sampler;
mod site;

pub use bits::{BIT_COUNT, BitField, Bits, bit_field, flip};
pub use injector::{Injector, faulty_parameters};
pub use model::{FaultKind, FaultModel, Mode, Sampling, Target};
pub use record::{InjectedFault, number};
pub use site::{Corruption, Site, SiteSpace};

#[cfg(test)]
mod tests;
