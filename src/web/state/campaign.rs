//! The campaign panel's part of the state.

use std::rc::Rc;

use super::{Effect, State};
use crate::fault::FaultModel;
use crate::web::protocol::{CampaignRequest, CampaignUpdate, Request, RequestId};

/// Faults in each image where nothing else was chosen.
const FAULTS: usize = 10;

/// Many faults: what is asked for and what has come of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Campaign {
    /// Which faults are drawn.
    pub fault_model: FaultModel,
    /// The last news.
    pub update: Option<Rc<CampaignUpdate>>,
    /// The user has asked it to stop.
    pub stopping: bool,
    running: Option<RequestId>,
}

impl Campaign {
    /// Whether one is under way.
    pub fn running(&self) -> bool {
        self.running.is_some()
    }

    /// The rest of the time it will take, in milliseconds, judged by the time so far.
    pub fn time_left(&self) -> Option<f64> {
        let update = self.update.as_ref().filter(|_| self.running())?;
        let done = update.faults.injections;
        (done > 0).then(|| update.milliseconds / done as f64 * update.planned.saturating_sub(done) as f64)
    }

    pub(super) fn hear(&mut self, id: RequestId, update: CampaignUpdate) {
        if self.running == Some(id) {
            if update.over() {
                self.abandon();
            }
            self.update = Some(Rc::new(update));
        }
    }

    pub(super) fn fail(&mut self, id: RequestId) -> bool {
        let mine = self.running == Some(id);
        if mine {
            self.abandon();
        }
        mine
    }

    pub(super) fn abandon(&mut self) {
        self.running = None;
        self.stopping = false;
    }
}

impl State {
    /// Seed of the campaign.
    pub fn seed(&self) -> u64 {
        self.link.seed.unwrap_or(1)
    }

    /// Faults in each image of the campaign.
    pub fn faults(&self) -> usize {
        self.link.faults.unwrap_or(FAULTS)
    }

    /// Whether a campaign could start now.
    pub fn can_start(&self) -> bool {
        self.model().is_some() && !self.images().is_empty() && !self.campaign.running()
    }

    pub(super) fn start_campaign(&mut self, effects: &mut Vec<Effect>) {
        if !self.can_start() {
            return;
        }
        // The link has to say what was run, defaults included.
        self.link.seed = Some(self.seed());
        self.link.faults = Some(self.faults());
        let request = CampaignRequest {
            images: self.images().into_iter().map(|(_, file, _)| file).collect(),
            faults: self.faults(),
            seed: self.seed(),
            fault_model: self.campaign.fault_model.clone(),
        };
        let id = self.send(Request::Campaign(request), effects);
        self.campaign.running = Some(id);
        self.campaign.stopping = false;
        self.campaign.update = None;
    }
}
