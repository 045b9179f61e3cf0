//! Faults as values: where a fault strikes, and the change that it makes.
//!
//! A [`FaultModel`] says which faults are possible, [`sampler`] draws [`Site`]s from it, a [`Corruption`] is the change of
//! one value stored in a [`Format`], and an [`InjectedFault`] is the record of one fault.

mod bits;
mod corruption;
mod error_draw;
mod error_model;
mod every;
mod kind;
pub mod metadata;
mod model;
mod pattern;
mod rate;
mod record;
pub mod sampler;
mod site;
mod strike;
pub mod systolic;

pub use crate::format::{BitField, Code, Format};
pub use bits::Bits;
pub use corruption::{Corruption, CorruptionKind};
pub use error_model::ErrorModels;
pub use every::EveryFault;
pub use kind::FaultKind;
pub use model::{FaultModel, Mode, RECORD_BYTES, Sampling, Target};
pub use pattern::Pattern;
pub use rate::ErrorRates;
pub(crate) use rate::decimal;
pub use record::{BitErrors, InjectedFault, number, ranges};
pub use site::{Site, SiteSpace};
pub use strike::Strike;
pub use systolic::Systolic;

#[cfg(test)]
mod tests;
