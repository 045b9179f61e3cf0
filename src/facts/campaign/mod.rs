//! Campaigns as plain data: configuration, plan, records, counts.
//!
//! A [`CampaignConfig`] fixes every fault; a [`Plan`] lists them; a [`Record`] holds the outcome of each; [`Tallies`] count
//! records, and a [`Summary`] holds the rates.

mod again;
mod alarm;
mod anytime;
mod bad_image;
mod chain;
mod clusters;
pub mod compared;
mod confidence;
mod config;
mod course;
pub mod design;
mod faults;
mod goal;
mod numbers;
mod parts;
mod plan;
mod protection;
mod provenance;
mod record;
mod scores;
mod sequence;
mod shard;
#[cfg(test)]
mod simulated;
mod summary;
mod tallies;
mod weighted;

pub use alarm::Guesses;
pub use anytime::{Counted, Hits};
pub use bad_image::{BadImage, OnBadImage, Skipped};
pub use chain::{Chain, DAMAGED};
pub use clusters::{Clusters, DesignEffect};
pub use compared::{Compared, Protected, ProtectionSummary};
pub use confidence::Confidence;
pub use config::{CampaignConfig, FAULTS, SEED};
pub use course::Course;
pub use design::{DesignKind, Drawn, Stratified};
pub use faults::Faults;
pub use goal::{Aim, Goal, HalfWidth, MAX_FAULTS, Quantity};
pub use numbers::{
    Calibration, CoveredRange, Granularity, NumberFormats, RoundedAccuracy, Scaling, TensorScale, rounded_outputs,
};
pub use plan::{Images, Plan, Position};
pub use protection::{Protection, ProtectionMethod, TensorRange};
pub use provenance::{ModelSource, Provenance, SampleSource};
pub use record::{BorrowedRecord, Head, Name, Observation, Prediction, Record};
pub use scores::{ChangedScores, Criteria, CriteriaTally, Criterion, Deviation, MarginChange, Scores};
pub use sequence::Sequence;
pub use shard::Shard;
pub use summary::{
    BitSummary, FaultSummary, FieldSummary, GoldenSummary, LayerSummary, RateSummary, Start, StartSummary, Summary,
};
pub use tallies::{ClassError, ClassErrors, Judgement, LayerBit, Tallies, Tally};
pub use weighted::{DesignSummary, StratumSummary, Weighted};
