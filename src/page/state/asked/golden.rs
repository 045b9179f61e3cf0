//! The golden run.

use std::rc::Rc;

use protocol::{FileRef, GoldenInfo, Request, Response};

use super::super::{OWN, State};
use super::{Ground, Heard, LabKey, Want};

/// The data that a golden run depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenKey {
    /// The model on its device.
    pub lab: LabKey,
    /// The image.
    pub image: FileRef,
}

impl Want for GoldenKey {
    type Answer = Rc<GoldenInfo>;
    const GROUND: Ground = Ground::Lab;
    const IN_WORKER: bool = true;

    fn wanted(state: &State) -> Option<Self> {
        Some(Self { lab: LabKey::wanted(state)?, image: state.image()?.1 })
    }

    fn request(&self) -> Request {
        Request::Golden { image: self.image.clone() }
    }

    fn read(response: Response, _: Option<&mut Self::Answer>) -> Heard<Self::Answer> {
        match response {
            Response::Golden(golden) => Heard::Answer(Rc::new(golden)),
            other => Heard::Other(other),
        }
    }

    fn answered(state: &mut State) {
        state.asked.restart(Ground::Golden);
        state.note_speed();
        state.good_card = state.link.card.clone();
        state.good_image = state.image().map(|(id, _)| id);
    }

    /// Changes of the card are taken back, an image of the user's is put away, and the image before it stays.
    fn failed(state: &mut State) {
        if state.restore_card() {
            state.asked.golden.forgive();
        } else if let Some(name) = state.link.image.as_ref().and_then(|id| id.strip_prefix(OWN)) {
            state.own_images.retain(|file| file.name != name);
            state.link.image = state.good_image.clone();
        }
    }
}
