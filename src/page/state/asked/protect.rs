//! The same fault once more, in the protected network.

use std::rc::Rc;

use facts::campaign::compared::Method;
use protocol::{FileRef, MAX_IMAGES, ProtectAnswer, ProtectRequest, Protection, Request, Response};

use super::super::State;
use super::{Ground, Heard, InjectionKey, Progress, Unwanted, Want};

/// The data that a run under a protection depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectKey {
    /// The faulty run that it stands beside.
    injection: InjectionKey,
    /// The protection.
    method: Method,
    /// The images whose golden runs it learns from; none where it learns nothing.
    images: Vec<FileRef>,
}

impl Want for ProtectKey {
    type Answer = Rc<ProtectAnswer>;
    const GROUND: Ground = Ground::Golden;
    /// The worker, too, gives it up with the golden run.
    const UNWANTED: Unwanted = Unwanted::GivenUp;

    /// The faulty run comes first: the run under the protection stands beside it.
    fn wanted(state: &State) -> Option<Self> {
        let injection = InjectionKey::wanted(state).filter(|_| state.link.protect)?;
        state.asked.injection.get(&injection)?;
        let method = state.link.protection();
        let own = &injection.golden.image;
        let others = state.images().into_iter().map(|(_, file, _)| file).filter(|file| file != own);
        let most = if method.is_learnt() { MAX_IMAGES } else { 0 };
        let images = std::iter::once(own.clone()).chain(others).take(most).collect();
        Some(Self { injection, method, images })
    }

    fn request(&self) -> Request {
        let Self { injection, method, images } = self;
        Request::Protect(ProtectRequest { strike: injection.strike, method: method.clone(), images: images.clone() })
    }

    fn read(response: Response, _: Option<&mut Self::Answer>) -> Heard<Self::Answer> {
        match response {
            Response::Protecting { done, total } => {
                Heard::Progress(Progress { done: done as u64, all: Some(total as u64), left: None })
            }
            Response::Protected(answer) => Heard::Answer(Rc::new(answer)),
            other => Heard::Other(other),
        }
    }
}

impl State {
    /// The fault that is on show under the protection, where that is known and the protection applies.
    pub fn protection_now(&self) -> Option<&Protection> {
        match &**self.now::<ProtectKey>()? {
            ProtectAnswer::With(protection) => Some(&**protection),
            ProtectAnswer::Unfit { .. } => None,
        }
    }

    /// The sentence that says why the protection does not apply to the fault that is on show.
    pub fn protection_unfit(&self) -> Option<&str> {
        match &**self.now::<ProtectKey>()? {
            ProtectAnswer::With(_) => None,
            ProtectAnswer::Unfit { why } => Some(why),
        }
    }
}
