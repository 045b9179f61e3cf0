//! The passes of a campaign over its images: one, or with a goal round after round, until its records say that it knows enough.

use std::sync::Arc;

use facts::Result;
use facts::campaign::{Course, Faults, Plan};

use super::{CampaignEvent, StepMaker, Work};

/// The steps of a campaign, pass after pass.
#[derive(Debug)]
pub struct Passes<M: StepMaker> {
    maker: M,
    plan: Arc<Plan>,
    /// The rounds; `None` without a goal.
    course: Option<Course>,
    /// The steps of the present pass; `None` before they are begun, and after the last.
    steps: Option<M::Steps>,
    /// Images that were skipped.
    skipped: u64,
}

impl<M: StepMaker> Passes<M> {
    /// Prepares all steps of `plan`.
    pub fn of(maker: M, plan: Arc<Plan>) -> Self {
        let course = Course::new(plan.config(), plan.images());
        let steps = course.is_none().then(|| maker.begin(plan.clone(), 0));
        Self { maker, plan, course, steps, skipped: 0 }
    }

    /// Estimates the number of faults of the whole campaign.
    pub fn expected(&self) -> u64 {
        let images = (self.plan.images() as u64).saturating_sub(self.skipped);
        let most = images.saturating_mul(self.plan.config().faults.at_most() as u64);
        self.course.as_ref().map_or(most, Course::expected)
    }

    /// Prepares the steps of a `plan` with a goal from the record after those that `course` has counted. `steps` are the remaining ones of the
    /// present round, if it has begun; `maker` computes the later rounds.
    pub fn new(maker: M, plan: Arc<Plan>, course: Course, steps: Option<M::Steps>) -> Self {
        Self { maker, plan, course: Some(course), steps, skipped: 0 }
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
                let Some(course) = &self.course else { return Ok(None) };
                let Some((plan, first)) = Self::plan_of(&self.plan, course)? else { return Ok(None) };
                self.steps = Some(self.maker.begin(plan, first));
            }
            let Some(steps) = &mut self.steps else { return Ok(None) };
            match steps.next().await? {
                Some(event) => {
                    self.skipped += u64::from(matches!(event, CampaignEvent::Skipped(_)));
                    match (&mut self.course, &event) {
                        (Some(course), CampaignEvent::Injection(record)) => course.add(record),
                        (Some(course), CampaignEvent::Skipped(_)) => course.skip(),
                        _ => {}
                    }
                    return Ok(Some(event));
                }
                None => {
                    self.steps = None;
                    self.course.iter_mut().for_each(Course::end_round);
                }
            }
        }
    }
}
