//! A campaign that ends when its SDC rate is known precisely enough.
//!
//! The campaign visits all images in rounds, with a few more faults for each image in each round. It may end after any
//! round, because every image has then had the same number of faults. The records equal those of a campaign with that
//! fixed number of faults.

use std::ops::{Deref, Range};
use std::sync::Arc;

use facts::Result;
use facts::campaign::{Faults, Plan, Until};
use facts::data::ImageSource;
use facts::outcome::Outcome;

use super::{Budget, CampaignEvent, Lab, Steps, Work};

/// The steps of a plan: in one pass, or in rounds until the rate is known precisely enough.
#[derive(Debug)]
pub struct Rounds<L, S> {
    lab: L,
    source: S,
    plan: Arc<Plan>,
    budget: Budget,
    until: Option<Until>,
    /// The fault numbers of each image in the current round.
    round: Range<usize>,
    steps: Steps<L, S>,
    faults: u64,
    sdc: u64,
    /// Images that the first round has skipped.
    skipped: usize,
}

impl<L: Deref<Target = Lab> + Clone, S: ImageSource + Clone> Rounds<L, S> {
    /// Prepares the steps of `plan`. With `until`, the plan's number of faults for each image is the maximum.
    ///
    /// # Errors
    /// If the plan gives an image no fault.
    pub fn new(lab: L, source: S, plan: Arc<Plan>, until: Option<Until>, budget: Budget) -> Result<Self> {
        let round = 0..if until.is_some() { 1 } else { plan.config().faults.at_most() };
        let steps = Self::steps(&lab, &source, &plan, until.map(|_| round.clone()), budget)?;
        Ok(Self { lab, source, plan, budget, until, round, steps, faults: 0, sdc: 0, skipped: 0 })
    }

    fn steps(
        lab: &L,
        source: &S,
        plan: &Arc<Plan>,
        round: Option<Range<usize>>,
        budget: Budget,
    ) -> Result<Steps<L, S>> {
        let (plan, first) = match round {
            Some(round) => (Arc::new(Plan::clone(plan).with_faults(Faults::Each(round.end))?), round.start),
            None => (plan.clone(), 0),
        };
        Ok(Steps::new(lab.clone(), source.clone(), plan).within(budget).beginning_with(first))
    }

    /// Returns whether the next event is already computed.
    pub fn is_at_hand(&self) -> bool {
        self.steps.is_at_hand()
    }

    /// Returns the fault numbers of each image in the round of the last event.
    pub fn round(&self) -> Range<usize> {
        self.round.clone()
    }

    /// Returns the number of faults that each image has had, at the end of a round. Returns `None` within a round, and
    /// in a campaign with a fixed number of faults.
    pub fn rounds_done(&self) -> Option<usize> {
        let ended = self.faults == (self.images() as u64).saturating_mul(self.round.end as u64);
        (self.until.is_some() && ended).then_some(self.round.end)
    }

    /// Images that can be read, as far as it is known.
    fn images(&self) -> usize {
        self.plan.images() - self.skipped
    }

    /// Estimates the total number of faults.
    pub fn expected(&self) -> u64 {
        let most = (self.images() as u64).saturating_mul(self.plan.config().faults.at_most() as u64);
        match self.until {
            Some(until) => until.needed(self.sdc, self.faults).max(self.faults).min(most),
            None => most,
        }
    }

    /// Returns the fault numbers of each image in the next round, or `None` if the rate is known precisely enough. A
    /// round at most doubles the number of faults: the estimate of the missing faults uses the rate, which is
    /// imprecise at first.
    fn following(&self) -> Option<Range<usize>> {
        let (until, done) = (self.until?, self.round.end);
        let most = self.plan.config().faults.at_most();
        if until.reached(self.sdc, self.faults) || done >= most {
            return None;
        }
        let missing = until.needed(self.sdc, self.faults).div_ceil(self.images().max(1) as u64);
        let end = usize::try_from(missing).unwrap_or(usize::MAX).clamp(done + 1, 2 * done);
        Some(done..end.min(most))
    }
}

impl<L: Deref<Target = Lab> + Clone, S: ImageSource + Clone> Work for Rounds<L, S> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the next event. Only the first round reports golden runs.
    async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        loop {
            match self.steps.next().await? {
                Some(event) => {
                    match &event {
                        CampaignEvent::Injection(record) => {
                            self.faults += 1;
                            self.sdc += u64::from(record.outcome == Outcome::Sdc);
                        }
                        CampaignEvent::Skipped(_) => self.skipped += 1,
                        _ => {}
                    }
                    return Ok(Some(event));
                }
                None => match self.following() {
                    Some(round) => {
                        self.steps =
                            Self::steps(&self.lab, &self.source, &self.plan, Some(round.clone()), self.budget)?;
                        self.round = round;
                    }
                    None => return Ok(None),
                },
            }
        }
    }
}
