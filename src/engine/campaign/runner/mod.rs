//! The loop of a campaign, turned inside out: whoever wants the next result asks for it.

use std::ops::Deref;
use std::sync::Arc;

use facts::Result;
use facts::campaign::{CampaignConfig, Images, Plan, Summary, Tallies};
use facts::data::ImageSource;

use super::steps::{self, Steps};
use super::{Budget, CampaignEvent, Lab, Work};

/// A campaign in progress.
///
/// [`Runner::next`] hands on one piece of work, a golden run or a trial, and counts it; more may be at hand. The caller owns pace, pause
/// and stop: a campaign is stopped by not asking again.
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
    /// A campaign over all images of `source`, each wave of it, within `budget`, made when it is asked for. The grouping
    /// is the lab's: its name replaces the one in `config`.
    ///
    /// # Errors
    /// Where the configuration does not fit the model or the images, or a label is no class of the model.
    pub fn new(lab: L, config: CampaignConfig, source: S, budget: Budget) -> Result<Self> {
        let plan = steps::plan(&lab, config, &source, Images::All(source.len()))?;
        let tallies = Tallies::new(plan.config().clone(), plan.layers(), lab.grouping().cloned());
        Ok(Self::over(Steps::new(lab, source, Arc::new(plan)).within(budget), tallies))
    }
}

impl<W: Work> Runner<W> {
    /// A campaign whose steps `work` makes. `tallies` have counted what was done before; nothing, where it begins.
    pub fn over(work: W, tallies: Tallies) -> Self {
        Self { work, tallies, state: State::Fresh }
    }

    /// Whoever makes the steps.
    pub fn work(&self) -> &W {
        &self.work
    }

    /// What is to be done.
    pub fn plan(&self) -> &Plan {
        self.work.plan()
    }

    /// The rates so far.
    pub fn summary(&self) -> Summary {
        self.tallies.summary(self.state == State::Finished)
    }

    /// Does the next piece of work; `None` after [`CampaignEvent::Finished`].
    ///
    /// # Errors
    /// Where an image cannot be read, a golden run fails, or the device does.
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
            Some(CampaignEvent::Golden { label, class, .. }) => self.tallies.add_golden(*label, *class),
            Some(CampaignEvent::Injection(record)) => self.tallies.add(record),
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
