//! Running campaigns: the lab, which injects faults, and the loop over a plan.
//!
//! A [`Runner`] takes a [`CampaignConfig`](facts::campaign::CampaignConfig) and returns [`CampaignEvent`]s one by one.
//! The command line, the page and the tests all read these events; the reader decides when to continue, pause and
//! stop. The [`Lab`] makes single trials.

mod accuracy;
mod budget;
mod calibrate;
mod first_look;
mod guard;
mod lab;
mod maker;
mod passes;
mod pilot;
mod profile;
mod proof;
mod rank;
mod runner;
mod score;
mod steps;
mod units;
mod work;

#[cfg(test)]
mod proof_tests;
#[cfg(test)]
mod rounding_tests;
#[cfg(test)]
mod score_tests;

pub use crate::exec::{Observe, Settings};
pub use accuracy::{AccuracyBeside, accuracy_beside};
pub use budget::Budget;
pub use calibrate::{Rounded, Rounding, rounded};
pub use first_look::{FIRST_LOOK, first_look, look};
pub use guard::{
    Against, Asked, Bounded, ClipLearning, Guards, Learner, Preparation, ProtectedFile, Unprotected, check_editable,
    guards, images_of_file, learn_clips, learn_clips_from, measure_times, protected_file, spread,
};
pub use lab::{Golden, Inference, Lab, Subject, Trial, Trials, Tried, Under};
pub use maker::{Alone, StepMaker};
pub use passes::Passes;
pub use pilot::{Piloting, stratify};
pub use profile::{learn_ranges, learn_ranges_of};
pub use rank::{Checked, Danger, Ranked, Ranking, rank};
pub use runner::Runner;
pub use score::{Foresight, Scorer, Scoring};
pub use steps::{Steps, plan};
pub use units::Units;
pub use work::{CampaignEvent, Work};
