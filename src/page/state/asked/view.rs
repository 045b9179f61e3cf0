//! The planes on show.

use std::rc::Rc;

use facts::fault::Strike;
use protocol::{Request, Response, TensorView, ViewRequest};

use super::super::State;
use super::{DangerKey, GoldenKey, Ground, Heard, Want};

/// The data that a view depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewKey {
    /// The fault-free run.
    pub golden: GoldenKey,
    /// The faulty run, where its values are shown.
    pub strike: Option<Strike>,
    /// The planes.
    pub request: ViewRequest,
}

impl Want for ViewKey {
    type Answer = Rc<TensorView>;
    const GROUND: Ground = Ground::Golden;

    fn wanted(state: &State) -> Option<Self> {
        let (golden, looked) = (GoldenKey::wanted(state)?, state.looked()?);
        let first = looked.planes().sheet_of(looked.plane());
        let strike = state.fault_now();
        // The map of a tensor needs the predictions, which the worker makes for all tensors together.
        let danger = DangerKey::wanted(state).filter(|_| state.danger_now().is_some()).map(|key| key.request);
        let request = ViewRequest { tensor: looked.tensor.id, first, faulty: strike.is_some(), danger };
        Some(Self { golden, strike, request })
    }

    fn request(&self) -> Request {
        Request::View(self.request)
    }

    fn read(response: Response, _: Option<&mut Self::Answer>) -> Heard<Self::Answer> {
        match response {
            Response::View(view) => Heard::Answer(Rc::new(view)),
            other => Heard::Other(other),
        }
    }
}
