//! The same fault once more, every layer's output clipped to its golden range.

use std::rc::Rc;

use protocol::{FileRef, MAX_IMAGES, ProtectRequest, Protection, Request, Response};

use super::super::State;
use super::{Ground, Heard, InjectionKey, Unwanted, Want};

/// The data that a clipped run depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectKey {
    /// The faulty run that it stands beside.
    injection: InjectionKey,
    /// The images whose golden runs give the ranges.
    images: Vec<FileRef>,
}

impl Want for ProtectKey {
    type Answer = Rc<Protection>;
    const GROUND: Ground = Ground::Golden;
    /// The worker, too, gives it up with the golden run.
    const UNWANTED: Unwanted = Unwanted::GivenUp;

    /// The faulty run comes first: the clipped run stands beside it.
    fn wanted(state: &State) -> Option<Self> {
        let injection = InjectionKey::wanted(state).filter(|_| state.link.protect)?;
        state.asked.injection.get(&injection)?;
        let own = &injection.golden.image;
        let others = state.images().into_iter().map(|(_, file, _)| file).filter(|file| file != own);
        let images = std::iter::once(own.clone()).chain(others).take(MAX_IMAGES).collect();
        Some(Self { injection, images })
    }

    fn request(&self) -> Request {
        Request::Protect(ProtectRequest { site: self.injection.site, images: self.images.clone() })
    }

    fn read(response: Response, _: Option<&mut Self::Answer>) -> Heard<Self::Answer> {
        match response {
            Response::Protecting { done, total } => Heard::Progress(done as u64, Some(total as u64)),
            Response::Protected(protection) => Heard::Answer(Rc::new(protection)),
            other => Heard::Other(other),
        }
    }
}

impl State {
    /// The clipped run of the fault that is on show, where it is there.
    pub fn protection_now(&self) -> Option<&Rc<Protection>> {
        self.now::<ProtectKey>()
    }
}
