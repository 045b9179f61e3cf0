//! The events of a campaign, and the trait of their sources.

use facts::Result;
use facts::campaign::{Plan, Protected, Record, Skipped, Summary};
use serde::{Deserialize, Serialize};

/// An event of a campaign. The order is `Started`; for each image one `Golden` and then its `Injection`s,
/// or one `Skipped`; `Finished`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CampaignEvent {
    /// Before the first image.
    Started {
        /// Images of the whole campaign.
        images: usize,
        /// Trials of the whole campaign; the maximum if the number depends on the golden runs.
        faults: u64,
    },
    /// A golden run is complete.
    Golden {
        /// Index of the image.
        image: usize,
        /// Its true class, if known.
        label: Option<usize>,
        /// The golden prediction.
        class: usize,
        /// Whether the prediction is correct, if the true class is known.
        correct: Option<bool>,
        /// The golden prediction under each protection that is compared.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        protected: Vec<Protected>,
    },
    /// A trial is complete.
    Injection(Box<Record>),
    /// An image cannot be read, and the configuration says to go on without it.
    Skipped(Skipped),
    /// All trials are complete.
    Finished(Box<Summary>),
}

/// A source of golden runs and trials in the order of a plan: [`Steps`](super::Steps), which computes on request, or
/// several threads.
#[allow(async_fn_in_trait, reason = "work is awaited where it is made; nothing here needs Send")]
pub trait Work {
    /// Returns the plan.
    fn plan(&self) -> &Plan;

    /// Returns whether the next event is already computed.
    fn is_at_hand(&self) -> bool;

    /// Does a piece of work, if others compute the next event and have not finished it. Returns whether
    /// [`Work::next`] need not wait for them.
    ///
    /// # Errors
    /// As [`Work::next`].
    async fn advance(&mut self) -> Result<bool> {
        Ok(true)
    }

    /// Returns the next [`CampaignEvent::Golden`], [`CampaignEvent::Injection`] or [`CampaignEvent::Skipped`]; `None` after
    /// the last.
    ///
    /// # Errors
    /// If an image cannot be read, a golden run fails, or the device fails.
    async fn next(&mut self) -> Result<Option<CampaignEvent>>;
}
