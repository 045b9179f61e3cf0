//! The model on its device.

use std::rc::Rc;

use facts::DeviceChoice;
use protocol::{Changes, DeviceInfo, FileRef, ModelInfo, Request, Response};

use super::super::{OWN, State};
use super::{Ground, Heard, Want};

/// A model that has been loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Lab {
    /// The model.
    pub model: Rc<ModelInfo>,
    /// Where it computes.
    pub device: DeviceInfo,
}

/// The data that a [`Lab`] depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct LabKey {
    /// The model file.
    pub model: FileRef,
    /// The user's statements about the model.
    pub changes: Changes,
    /// The device that was asked for.
    pub device: DeviceChoice,
}

impl Want for LabKey {
    type Answer = Lab;
    const GROUND: Ground = Ground::Worker;
    const IN_WORKER: bool = true;

    fn wanted(state: &State) -> Option<Self> {
        Some(Self { model: state.model_file()?, changes: state.changes(), device: state.device() })
    }

    fn request(&self) -> Request {
        Request::Load { model: self.model.clone(), changes: Box::new(self.changes.clone()), device: self.device }
    }

    fn read(response: Response, _: Option<&mut Lab>) -> Heard<Lab> {
        match response {
            Response::Loaded { model, device } => Heard::Answer(Lab { model: Rc::from(model), device }),
            other => Heard::Other(other),
        }
    }

    /// The worker ends the campaign when it takes another model.
    fn asked(state: &mut State) {
        state.abandon_campaign();
    }

    fn answered(state: &mut State) {
        state.asked.restart(Ground::Lab);
        state.good_model = state.model_id();
        state.campaign_meets_model();
    }

    /// Changes of the card are taken back, a file of the user's is put away, and the model before it stays. A model that leaves
    /// something open waits for what the user says.
    fn failed(state: &mut State) {
        let waits = state.question().is_some();
        if (!waits || state.has_worked()) && state.restore_card() {
            state.asked.lab.forgive();
            return;
        }
        let own = state.link.model.as_ref().and_then(|id| id.strip_prefix(OWN));
        if let Some(name) = own.filter(|_| !waits) {
            state.own_models.retain(|file| file.name != name);
            state.choose_model(state.good_model.clone());
        }
    }
}
