//! Running campaigns: the lab, which injects faults, and the loop over a plan.
//!
//! A [`Runner`] takes a [`CampaignConfig`](facts::campaign::CampaignConfig) and returns [`CampaignEvent`]s one by one.
//! The command line, the page and the tests all read these events; the reader decides when to continue, pause and
//! stop. The [`Lab`] makes single trials.

mod budget;
mod calibrate;
mod first_look;
mod guard;
mod lab;
mod passes;
mod pilot;
mod profile;
mod proof;
mod rank;
mod rounds;
mod runner;
mod score;
mod steps;
mod units;
mod work;

#[cfg(test)]
mod proof_tests;

pub use crate::exec::{Observe, Settings};
pub use budget::Budget;
pub use calibrate::{Rounded, accuracy_beside, rounded};
pub use first_look::{FIRST_LOOK, first_look, look};
pub use guard::{Asked, Guards, guards, learn_clips, learn_clips_from, spread};
pub use lab::{Golden, Inference, Lab, Subject, Trial, Trials, Tried};
pub use passes::Passes;
pub use pilot::stratify;
pub use profile::{learn_ranges, learn_ranges_of};
pub use rank::{Checked, Danger, Ranked, Ranking, rank};
pub use rounds::{Alone, Rounds, StepMaker};
pub use runner::Runner;
pub use score::{Scorer, Scoring};
pub use steps::{Steps, plan};
pub use units::Units;
pub use work::{CampaignEvent, Work};
