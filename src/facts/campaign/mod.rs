//! Campaigns as plain data: configuration, plan, records, counts.
//!
//! A [`CampaignConfig`] fixes every fault; a [`Plan`] lists them; a [`Record`] holds the outcome of each; [`Tallies`] count
//! records, and a [`Summary`] holds the rates.

mod again;
mod alarm;
mod anytime;
mod bad_image;
mod chain;
pub mod compared;
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
mod summary;
mod tallies;
mod until;
mod weighted;

pub use alarm::Guesses;
pub use anytime::Hits;
pub use bad_image::{BadImage, OnBadImage, Skipped};
pub use chain::{Chain, DAMAGED};
pub use compared::{Compared, Protected, ProtectionSummary};
pub use config::{CampaignConfig, FAULTS, MARGIN, SEED};
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
pub use scores::{ChangedScores, Criteria, CriteriaTally, Deviation, MarginChange, Scores};
pub use sequence::Sequence;
pub use shard::Shard;
pub use summary::{
    BitSummary, FaultSummary, FieldSummary, GoldenSummary, LayerSummary, RateSummary, Start, StartSummary, Summary,
};
pub use tallies::{ClassError, ClassErrors, Judgement, LayerBit, Tallies, Tally};
pub use until::{Confidence, Until};
pub use weighted::{DesignSummary, StratumSummary, Weighted};
