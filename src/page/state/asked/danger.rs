//! The places where the present corruption changes the answer, predicted for the whole network.

use std::rc::Rc;

use protocol::{Danger, DangerRequest, Request, Response};

use super::super::State;
use super::{GoldenKey, Ground, Heard, JudgeKey, Progress, Unwanted, Want};

/// The data that the prediction depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct DangerKey {
    golden: GoldenKey,
    /// The grouping that verdicts are by.
    judge: JudgeKey,
    /// The corruption, and the side of the layers.
    pub request: DangerRequest,
}

impl Want for DangerKey {
    type Answer = Rc<Danger>;
    const GROUND: Ground = Ground::Golden;
    const UNWANTED: Unwanted = Unwanted::Ended(Request::EndDanger);

    fn wanted(state: &State) -> Option<Self> {
        let site = state.site().filter(|_| state.link.danger)?;
        let request = DangerRequest { target: site.target, corruption: site.corruption };
        Some(Self { golden: GoldenKey::wanted(state)?, judge: JudgeKey::wanted(state)?, request })
    }

    fn request(&self) -> Request {
        Request::Danger(self.request)
    }

    fn read(response: Response, _: Option<&mut Self::Answer>) -> Heard<Self::Answer> {
        match response {
            Response::Predicting { done, total, left } => {
                Heard::Progress(Progress { done: done as u64, all: Some(total as u64), left })
            }
            Response::Danger(Some(danger)) => Heard::Answer(Rc::new(danger)),
            other => Heard::Other(other),
        }
    }
}

impl State {
    /// The prediction for the present corruption, where it is wanted and there.
    pub fn danger_now(&self) -> Option<&Rc<Danger>> {
        self.now::<DangerKey>()
    }
}
