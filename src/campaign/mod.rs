//! Many faults, counted.
//!
//! A [`CampaignConfig`] goes in, a stream of [`CampaignEvent`]s comes out of a [`Runner`]. The command line, the
//! page and the tests all consume that stream; whoever pulls it sets the pace, pauses and stops. Single trials
//! are made in the [`Lab`].

mod budget;
mod config;
mod faults;
mod lab;
mod plan;
mod protect;
mod provenance;
mod record;
mod rounds;
mod runner;
mod sequence;
mod shard;
mod steps;
mod summary;
mod tallies;
mod until;

pub use crate::exec::Observe;
pub use budget::Budget;
pub use config::CampaignConfig;
pub use faults::Faults;
pub use lab::{Golden, Lab, Subject, Trial, Trials, Tried};
pub use plan::{Images, Plan, Position};
pub use protect::Protected;
pub use provenance::{ModelSource, Provenance, SampleSource};
pub use record::{BorrowedRecord, Head, Name, Observation, Prediction, Record};
pub use rounds::Rounds;
pub use runner::{CampaignEvent, Runner};
pub use sequence::Sequence;
pub use shard::Shard;
pub use steps::{Steps, Work, plan};
pub use summary::{BitSummary, FaultSummary, FieldSummary, GoldenSummary, LayerSummary, Start, StartSummary, Summary};
pub use tallies::{ClassError, ClassErrors, Judgement, LayerBit, Tallies, Tally};
pub use until::{Confidence, Until};
