//! A campaign with a goal: round after round over the same images, until its records say that it knows enough.

use std::sync::Arc;

use facts::Result;
use facts::campaign::{Course, Faults, Plan};

use super::{CampaignEvent, StepMaker, Work};

/// The steps of a campaign with a goal.
#[derive(Debug)]
pub struct Passes<M: StepMaker> {
    maker: M,
    plan: Arc<Plan>,
    course: Course,
    /// The steps of the present round; `None` before they are begun.
    steps: Option<M::Steps>,
}

impl<M: StepMaker> Passes<M> {
    /// Prepares the steps of `plan` from the record after those that `course` has counted. `steps` are the remaining ones of the
    /// present round, if it has begun; `maker` computes the later rounds.
    pub fn new(maker: M, plan: Arc<Plan>, course: Course, steps: Option<M::Steps>) -> Self {
        Self { maker, plan, course, steps }
    }

    /// Returns the plan of the present round of `course`; `None` at the end. Only the faults after the round before are made.
    ///
    /// # Errors
    /// If the numbers of the design do not fit.
    pub fn plan_of(plan: &Plan, course: &Course) -> Result<Option<(Arc<Plan>, usize)>> {
        let Some(round) = course.round() else { return Ok(None) };
        let mut plan = plan.clone().with_faults(Faults::Each(round.end))?;
        if let Some(design) = course.design() {
            plan = plan.with_design(design)?;
        }
        Ok(Some((Arc::new(plan), round.start)))
    }
}

impl<M: StepMaker> Work for Passes<M> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn is_at_hand(&self) -> bool {
        self.steps.as_ref().is_some_and(Work::is_at_hand)
    }

    async fn advance(&mut self) -> Result<bool> {
        match &mut self.steps {
            Some(steps) => steps.advance().await,
            None => Ok(true),
        }
    }

    /// Returns the next event. Only the first round reports golden runs.
    async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        loop {
            if self.steps.is_none() {
                let Some((plan, first)) = Self::plan_of(&self.plan, &self.course)? else { return Ok(None) };
                self.steps = Some(self.maker.begin(plan, first));
            }
            let Some(steps) = &mut self.steps else { return Ok(None) };
            match steps.next().await? {
                Some(event) => {
                    match &event {
                        CampaignEvent::Injection(record) => self.course.add(record),
                        CampaignEvent::Skipped(_) => self.course.skip(),
                        _ => {}
                    }
                    return Ok(Some(event));
                }
                None => {
                    self.steps = None;
                    self.course.end_round();
                }
            }
        }
    }
}
