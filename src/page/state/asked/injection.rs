//! The faulty run.

use std::rc::Rc;

use facts::fault::Strike;
use protocol::{Injection, Request, Response};

use super::super::State;
use super::{GoldenKey, Ground, Heard, JudgeKey, Want};

/// The data that a faulty run depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct InjectionKey {
    /// The fault-free run.
    pub golden: GoldenKey,
    /// The fault.
    pub strike: Strike,
    /// The grouping that its verdict is by.
    pub judge: JudgeKey,
}

impl Want for InjectionKey {
    type Answer = Rc<Injection>;
    const GROUND: Ground = Ground::Golden;
    const IN_WORKER: bool = true;

    fn wanted(state: &State) -> Option<Self> {
        let key = Self { golden: GoldenKey::wanted(state)?, strike: state.fault()?, judge: JudgeKey::wanted(state)? };
        state.link.run.then_some(key)
    }

    fn request(&self) -> Request {
        Request::Inject { strike: self.strike }
    }

    fn read(response: Response, _: Option<&mut Self::Answer>) -> Heard<Self::Answer> {
        match response {
            Response::Injected(injection) => Heard::Answer(Rc::new(injection)),
            other => Heard::Other(other),
        }
    }
}
