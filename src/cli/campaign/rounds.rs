//! The work of a campaign with a goal: rounds on several threads, or on a GPU.

use std::sync::Arc;

use super::Campaign;
use crate::campaign::{Budget, CampaignEvent, Course, Lab, Passes, Plan, Position, StepMaker, Steps, Work};
use crate::cli::crew::{Crew, SharedSource};
use crate::platform::DeviceChoice;
use crate::{Error, Result};

/// Begins rounds on threads, or on the GPU.
pub struct Rounds {
    lab: Arc<Lab>,
    source: SharedSource,
    device: DeviceChoice,
    jobs: usize,
    budget: Budget,
}

/// A round under way.
pub enum Round {
    Crew(Crew),
    Steps(Box<Steps<Arc<Lab>, SharedSource>>),
    /// The threads could not be started; `None` once this was reported.
    Failed(Arc<Plan>, Option<Error>),
}

/// Returns the steps of `campaign` from `next` on, where `course` has counted the records before.
pub fn passes(campaign: &Campaign, next: Position, course: Course) -> Result<Passes<Rounds>> {
    let (device, jobs, budget) = (campaign.device, campaign.jobs, campaign.budget);
    let maker = Rounds { lab: campaign.lab.clone(), source: campaign.source.clone(), device, jobs, budget };
    let steps = match Passes::<Rounds>::plan_of(&campaign.plan, &course)? {
        Some((plan, first)) => Some(maker.from(plan, next, first)?),
        None => None,
    };
    Ok(Passes::new(maker, campaign.plan.clone(), course, steps))
}

impl Rounds {
    fn from(&self, plan: Arc<Plan>, next: Position, first: usize) -> Result<Round> {
        match self.device {
            DeviceChoice::Cpu => {
                let size = (self.jobs, self.budget);
                Crew::beginning_with(&self.lab, &self.source, plan, next, first, size).map(Round::Crew)
            }
            DeviceChoice::Gpu => {
                let end = Position { nth: plan.images(), fault: 0 };
                let steps = Steps::new(self.lab.clone(), self.source.clone(), plan).within(self.budget);
                Ok(Round::Steps(Box::new(steps.beginning_with(first).between(next, end))))
            }
        }
    }
}

impl StepMaker for Rounds {
    type Steps = Round;

    fn begin(&self, plan: Arc<Plan>, first: usize) -> Round {
        let start = Position { nth: 0, fault: first };
        self.from(plan.clone(), start, first).unwrap_or_else(|error| Round::Failed(plan, Some(error)))
    }
}

impl Work for Round {
    fn plan(&self) -> &Plan {
        match self {
            Self::Crew(crew) => crew.plan(),
            Self::Steps(steps) => steps.plan(),
            Self::Failed(plan, _) => plan,
        }
    }

    fn is_at_hand(&self) -> bool {
        match self {
            Self::Crew(crew) => crew.is_at_hand(),
            Self::Steps(steps) => steps.is_at_hand(),
            Self::Failed(..) => true,
        }
    }

    async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        match self {
            Self::Crew(crew) => crew.next().await,
            Self::Steps(steps) => steps.next().await,
            Self::Failed(_, error) => {
                Err(error.take().unwrap_or_else(|| Error::request("the threads of this round could not be started")))
            }
        }
    }
}
