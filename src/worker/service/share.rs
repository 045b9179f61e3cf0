//! Campaigns that several workers share: one begins them, the others compute parts.

use std::rc::Rc;
use std::sync::Arc;

use engine::campaign::{Alone, Lab, StepMaker, Work};
use facts::campaign::compared::Method;
use facts::campaign::{Faults, Plan, Position};
use facts::{DeviceChoice, Error, Result};
use protocol::{CampaignAnswer, CampaignRequest, CampaignStart, Part, Request, Response};
use serde_bytes::ByteBuf;

use super::campaign::BUDGET;
use super::preparing::Planned;
use super::team::Job;
use super::{Host, Service};
use crate::campaign::{SharedSource, told};

/// Time in milliseconds after which the rate of a campaign says how long the rest will take.
const RATE_AFTER: f64 = 250.0;
/// The same where other workers have the model already: a wrong guess costs less.
const RATE_SOON: f64 = 50.0;

/// Time in milliseconds that is worth another worker: starting it takes a part of it.
const WORTH: f64 = 1000.0;

/// Least time in milliseconds between two words of a worker that computes a part.
pub(super) const ALIVE_EVERY: f64 = 1000.0;

/// Memory for the models and waves of the workers beside this one.
const SHARED_MEMORY: usize = 1 << 30;

/// A campaign of another worker, of which this one computes parts.
pub(super) struct Share {
    here: Alone<Rc<Lab>, SharedSource>,
    plan: Arc<Plan>,
}

impl<H: Host> Service<H> {
    /// Prepares to compute parts of another worker's campaign.
    pub(super) async fn join(&mut self, start: &CampaignStart) -> Result<Response> {
        let Planned { lab, opened, plan, .. } = self.planned(start).await?;
        self.share = Some(Share { here: Alone { lab, source: opened.source, budget: BUDGET }, plan });
        Ok(Response::Campaign(CampaignAnswer::Shared))
    }

    /// Computes a part of another worker's campaign. `progress` hears now and then that this worker is alive.
    pub(super) async fn compute(&mut self, part: Part, progress: &dyn Fn(u64, Option<u64>)) -> Result<Response> {
        let Share { here, plan } = self.share.as_ref().ok_or_else(|| Error::request("no campaign was shared"))?;
        let plan = match (part.faults, part.design) {
            (None, None) => plan.clone(),
            (faults, design) => {
                let mut own = Plan::clone(plan);
                if let Some(faults) = faults {
                    own = own.with_faults(Faults::Each(faults))?;
                }
                if let Some(design) = design {
                    own = own.with_design(design)?;
                }
                Arc::new(own)
            }
        };
        let [start, end] = [part.start, part.end].map(|[nth, fault]| Position { nth, fault });
        let mut steps = here.begin(plan, part.first).between(start, end);
        let mut events = Vec::new();
        let mut told_at = self.host.now();
        while let Some(event) = steps.next().await? {
            events.push(event);
            if !steps.is_at_hand() && self.host.now() - told_at >= ALIVE_EVERY {
                told_at = self.host.now();
                progress(events.len() as u64, None);
            }
        }
        let events =
            told(&events).map_err(|error| Error::request(format_args!("events cannot be written: {error}")))?;
        Ok(Response::Campaign(CampaignAnswer::Part { events: ByteBuf::from(events) }))
    }

    /// Shares the campaign with other workers, if the rest will take some time.
    pub(super) fn share(&mut self) {
        let Some(campaign) = &mut self.campaign else { return };
        let made = campaign.results.len() as u64;
        let rest = campaign.planned.saturating_sub(made) as f64 * campaign.milliseconds / made as f64;
        // The other workers learn what this one has learnt. Before the first result the rest is infinite.
        let enough = if self.team.has_started() { RATE_SOON } else { RATE_AFTER };
        if campaign.milliseconds < enough || rest < WORTH + campaign.learning {
            return;
        }
        // A clip that changes golden runs has a network of its own, with waves of its own.
        let Some(start) = campaign.unshared.take() else { return };
        let networks = 1 + start.protections.iter().filter(|method| matches!(method, Method::Clip(_))).count();
        self.invite(Job::Campaign, networks, &[Request::Campaign(CampaignRequest::Share(start))]);
    }

    /// Asks other workers to take part in `job`, as many as memory allows for, with `networks` networks in each.
    pub(super) fn invite(&self, job: Job, networks: usize, requests: &[Request]) {
        // A GPU is shared already, and is no faster for several.
        let Some(loaded) = self.lab.as_ref().filter(|_| self.device == DeviceChoice::Cpu) else { return };
        let parameters = loaded.lab.model().graph.parameters.values().map(|tensor| tensor.data.len()).sum::<usize>();
        // The parameters, packed for the kernels, and again while they are loaded.
        let most = SHARED_MEMORY / (8 * parameters + networks * BUDGET.bytes);
        let (model, changes) = (loaded.file.clone(), Box::new(loaded.changes.clone()));
        let load = Request::Load { model, changes, device: DeviceChoice::Cpu };
        self.team.invite(most, &load, job, requests);
    }
}
