//! Campaigns, a wave at a time, so that requests are answered in between.

use std::rc::Rc;

use super::{Engine, Host};
use crate::Result;
use crate::campaign::{Budget, CampaignConfig, CampaignEvent, Faults, Lab, Runner, Steps};
use crate::web::protocol::{CampaignRequest, CampaignUpdate, RequestId, Response};
use crate::web::worker::images::Encoded;

/// Least time between two reports of a campaign, in milliseconds.
const REPORT_EVERY: f64 = 200.0;

/// Waves of a campaign: small ones, so that requests are answered and rates are seen to grow.
const BUDGET: Budget = Budget { bytes: 1 << 28, multiply_adds: 1 << 34, runs: 64 };

/// A campaign under way.
pub(super) struct Running {
    id: RequestId,
    runner: Runner<Steps<Rc<Lab>, Encoded>>,
    /// Every fault so far, one line of JSON each.
    records: String,
    started: f64,
    reported: f64,
}

impl<H: Host> Engine<H> {
    /// The request number of the campaign that is under way.
    pub fn campaign(&self) -> Option<RequestId> {
        self.campaign.as_ref().map(|running| running.id)
    }

    /// Does the campaign's next wave; tells how it stands where it is time to.
    pub async fn step(&mut self) -> Option<Response> {
        let running = self.campaign.as_mut()?;
        let over = loop {
            match running.runner.next().await {
                Ok(Some(CampaignEvent::Injection(record))) => {
                    running.records += &serde_json::to_string(&record).expect("a record is plain data");
                    running.records.push('\n');
                }
                Ok(None | Some(CampaignEvent::Finished(_))) => break true,
                Ok(Some(_)) => {}
                Err(error) => {
                    self.campaign = None;
                    return Some(Response::Failed { message: format!("The campaign has stopped: {error}.") });
                }
            }
            if !running.runner.work().is_at_hand() {
                break false;
            }
        };
        let now = self.host.now();
        if !over && now - running.reported < REPORT_EVERY {
            return None;
        }
        running.reported = now;
        let update = running.update(now, over);
        if over {
            self.campaign = None;
        }
        Some(Response::Campaign(Box::new(update)))
    }

    pub(super) fn stop(&mut self) -> Response {
        match self.campaign.take() {
            Some(mut running) => Response::Campaign(Box::new(running.update(self.host.now(), true))),
            None => Response::Failed { message: "There is no campaign to stop.".to_owned() },
        }
    }

    pub(super) async fn start(&mut self, id: RequestId, request: CampaignRequest) -> Result<Response> {
        let lab = self.lab()?;
        let mut images = Encoded::new(lab.model().classes());
        for file in &request.images {
            let bytes = self.host.fetch(file, &|_, _| ()).await?;
            images.push(file.name.clone(), bytes);
        }
        let config = CampaignConfig {
            model: lab.model().card.name.clone(),
            seed: request.seed,
            images: None,
            faults: Faults::Each(request.faults),
            fault_model: request.fault_model,
            grouping: None,
        };
        let now = self.host.now();
        let runner = Runner::new(lab, config, images, BUDGET)?;
        let mut running = Running { id, runner, records: String::new(), started: now, reported: now };
        let update = running.update(now, false);
        self.campaign = Some(running);
        Ok(Response::Campaign(Box::new(update)))
    }
}

impl Running {
    fn update(&mut self, now: f64, over: bool) -> CampaignUpdate {
        let records = over.then(|| std::mem::take(&mut self.records));
        CampaignUpdate::new(self.runner.summary(), self.runner.plan().trials(), now - self.started, records)
    }
}
