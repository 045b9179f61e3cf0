//! The grouping by which the worker judges results and single faults.

use std::rc::Rc;

use facts::labels::Grouping;
use protocol::{CampaignAnswer, CampaignRequest, Request, Response};

use super::super::State;
use super::{Ground, Heard, Want};

/// The grouping as the user has edited it; none for the own groupings of model and campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgeKey(pub Option<Rc<Grouping>>);

impl Want for JudgeKey {
    type Answer = ();
    const GROUND: Ground = Ground::Lab;
    const IN_WORKER: bool = true;

    fn wanted(state: &State) -> Option<Self> {
        Some(Self(state.link.campaign.groups.clone()))
    }

    fn request(&self) -> Request {
        Request::Campaign(CampaignRequest::Judge { edited: self.0.as_deref().cloned() })
    }

    fn read(response: Response, _: Option<&mut ()>) -> Heard<()> {
        match response {
            Response::Campaign(CampaignAnswer::Judged) => Heard::Answer(()),
            // With results, the worker sends the rates by the new grouping.
            Response::Campaign(_) => Heard::Shared((), response),
            other => Heard::Other(other),
        }
    }
}
