//! Campaigns under way: the lab, in which faults are injected, and the loop over a plan.
//!
//! A [`CampaignConfig`](facts::campaign::CampaignConfig) goes in, a stream of [`CampaignEvent`]s comes out of a [`Runner`].
//! The command line, the page and the tests all consume that stream; whoever pulls it sets the pace, pauses and stops.
//! Single trials are made in the [`Lab`].

mod budget;
mod first_look;
mod lab;
mod profile;
mod rounds;
mod runner;
mod steps;
mod work;

pub use crate::exec::{Observe, Settings};
pub use budget::Budget;
pub use first_look::{FIRST_LOOK, first_look};
pub use lab::{Golden, Inference, Lab, Subject, Trial, Trials, Tried};
pub use profile::learn_ranges;
pub use rounds::Rounds;
pub use runner::Runner;
pub use steps::{Steps, plan};
pub use work::{CampaignEvent, Work};
