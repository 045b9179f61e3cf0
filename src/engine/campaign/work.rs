//! The events of a campaign, and their makers.

use facts::Result;
use facts::campaign::{Plan, Record, Summary};
use serde::{Deserialize, Serialize};

/// What a campaign tells while it runs, in order: `Started`; for each image one `Golden` and then its
/// `Injection`s; `Finished`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CampaignEvent {
    /// Before the first image.
    Started {
        /// Images of the whole campaign.
        images: usize,
        /// Trials of the whole campaign, or the most there can be where that depends on the golden runs.
        faults: u64,
    },
    /// A golden run was made.
    Golden {
        /// Index of the image.
        image: usize,
        /// Its true class, where known.
        label: Option<usize>,
        /// The golden prediction.
        class: usize,
        /// Whether that is right, where the true class is known.
        correct: Option<bool>,
    },
    /// A trial was made.
    Injection(Box<Record>),
    /// Every trial was made.
    Finished(Box<Summary>),
}

/// A maker of the golden runs and trials of a plan, in its order: [`Steps`](super::Steps) when it is asked, or several
/// threads.
#[allow(async_fn_in_trait, reason = "work is awaited where it is made; nothing here needs Send")]
pub trait Work {
    /// What is to be done.
    fn plan(&self) -> &Plan;

    /// The next [`CampaignEvent::Golden`] or [`CampaignEvent::Injection`]; `None` after the last.
    ///
    /// # Errors
    /// Where an image cannot be read, a golden run fails, or the device does.
    async fn next(&mut self) -> Result<Option<CampaignEvent>>;
}
