//! The largest finite absolute value of all layers' golden outputs.

use protocol::{Request, Response};

use super::super::State;
use super::{GoldenKey, Ground, Heard, Want};
use crate::link::Scale;

/// The golden run.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleKey(pub GoldenKey);

impl Want for ScaleKey {
    type Answer = f32;
    const GROUND: Ground = Ground::Golden;

    fn wanted(state: &State) -> Option<Self> {
        let golden = GoldenKey::wanted(state)?;
        (state.link.scale == Scale::Network).then_some(Self(golden))
    }

    fn request(&self) -> Request {
        Request::Scale
    }

    fn read(response: Response, _: Option<&mut f32>) -> Heard<f32> {
        match response {
            Response::Scale { max_abs } => Heard::Answer(max_abs),
            other => Heard::Other(other),
        }
    }
}
