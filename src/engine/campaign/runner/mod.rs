//! The loop of a campaign. The caller requests each result.

use std::ops::Deref;
use std::sync::Arc;

use facts::Result;
use facts::campaign::{CampaignConfig, Images, Plan, Summary, Tallies};
use facts::data::ImageSource;

use super::steps::{self, Steps};
use super::{Budget, CampaignEvent, Lab, Work};

/// A campaign in progress.
///
/// [`Runner::next`] returns and counts one event, a golden run or a trial; more events may be ready. The caller
/// decides when to continue and pauses or stops a campaign by not calling again.
#[derive(Debug)]
pub struct Runner<W> {
    work: W,
    tallies: Tallies,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Running,
    Finished,
}

impl<L: Deref<Target = Lab>, S: ImageSource> Runner<Steps<L, S>> {
    /// Starts a campaign over all images of `source`. The runner computes a wave within `budget` when its first result
    /// is requested. The lab's grouping replaces the one in `config`.
    ///
    /// # Errors
    /// If the configuration does not fit the model or the images, or a label is not a class of the model.
    pub fn new(lab: L, config: CampaignConfig, source: S, budget: Budget) -> Result<Self> {
        let plan = steps::plan(&lab, config, &source, Images::All(source.len()))?;
        let tallies = Tallies::new(plan.config().clone(), plan.layers(), lab.grouping().cloned());
        Ok(Self::over(Steps::new(lab, source, Arc::new(plan)).within(budget), tallies))
    }
}

impl<W: Work> Runner<W> {
    /// Makes a runner for the steps of `work`. `tallies` hold the counts of earlier steps; they are empty for a new
    /// campaign.
    pub fn over(work: W, tallies: Tallies) -> Self {
        Self { work, tallies, state: State::Fresh }
    }

    /// Returns the source of the steps.
    pub fn work(&self) -> &W {
        &self.work
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        self.work.plan()
    }

    /// Returns the rates so far.
    pub fn summary(&self) -> Summary {
        self.tallies.summary(self.state == State::Finished)
    }

    /// Returns the next event; `None` after [`CampaignEvent::Finished`].
    ///
    /// # Errors
    /// If an image cannot be read, a golden run fails, or the device fails.
    pub async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        match self.state {
            State::Finished => return Ok(None),
            State::Fresh => {
                self.state = State::Running;
                let plan = self.plan();
                return Ok(Some(CampaignEvent::Started { images: plan.images(), faults: plan.trials() }));
            }
            State::Running => {}
        }
        let event = self.work.next().await?;
        match &event {
            Some(CampaignEvent::Golden { label, class, protected, .. }) => {
                self.tallies.add_golden(*label, *class);
                self.tallies.add_golden_protected(*label, *class, protected);
            }
            Some(CampaignEvent::Injection(record)) => self.tallies.add(record),
            Some(CampaignEvent::Skipped(_)) => self.tallies.skip(),
            _ => {
                self.state = State::Finished;
                return Ok(Some(CampaignEvent::Finished(Box::new(self.summary()))));
            }
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests;
