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

/// Whoever computes the steps of a plan, or of a round of it: this thread, or several threads or workers.
pub trait StepMaker {
    /// The steps.
    type Steps: Work;

    /// Begins the steps of `plan`, without the faults of each image before number `first`, which were made earlier.
    fn begin(&self, plan: Arc<Plan>, first: usize) -> Self::Steps;
}

/// Computes steps on the caller's thread.
#[derive(Clone, Debug)]
pub struct Alone<L, S> {
    /// The lab.
    pub lab: L,
    /// The images.
    pub source: S,
    /// The limits of a wave.
    pub budget: Budget,
}

impl<L: Deref<Target = Lab> + Clone, S: ImageSource + Clone> StepMaker for Alone<L, S> {
    type Steps = Steps<L, S>;

    fn begin(&self, plan: Arc<Plan>, first: usize) -> Self::Steps {
        Steps::new(self.lab.clone(), self.source.clone(), plan).within(self.budget).beginning_with(first)
    }
}

/// The steps of a plan: in one pass, or in rounds until the rate is known precisely enough.
#[derive(Debug)]
pub struct Rounds<M: StepMaker> {
    maker: M,
    plan: Arc<Plan>,
    until: Option<Until>,
    /// The fault numbers of each image in the current round.
    round: Range<usize>,
    steps: M::Steps,
    faults: u64,
    sdc: u64,
    /// Images that the first round has skipped.
    skipped: usize,
}

impl<M: StepMaker> Rounds<M> {
    /// Prepares the steps of `plan`, which `maker` computes. With `until`, the plan's number of faults for each image is
    /// the maximum.
    ///
    /// # Errors
    /// If the plan gives an image no fault.
    pub fn new(maker: M, plan: Arc<Plan>, until: Option<Until>) -> Result<Self> {
        let round = 0..if until.is_some() { 1 } else { plan.config().faults.at_most() };
        let steps = Self::steps(&maker, &plan, until.map(|_| round.clone()))?;
        Ok(Self { maker, plan, until, round, steps, faults: 0, sdc: 0, skipped: 0 })
    }

    fn steps(maker: &M, plan: &Arc<Plan>, round: Option<Range<usize>>) -> Result<M::Steps> {
        let (plan, first) = match round {
            Some(round) => (Arc::new(Plan::clone(plan).with_faults(Faults::Each(round.end))?), round.start),
            None => (plan.clone(), 0),
        };
        Ok(maker.begin(plan, first))
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

impl<M: StepMaker> Work for Rounds<M> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn is_at_hand(&self) -> bool {
        self.steps.is_at_hand()
    }

    async fn advance(&mut self) -> Result<bool> {
        self.steps.advance().await
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
                        self.steps = Self::steps(&self.maker, &self.plan, Some(round.clone()))?;
                        self.round = round;
                    }
                    None => return Ok(None),
                },
            }
        }
    }
}
