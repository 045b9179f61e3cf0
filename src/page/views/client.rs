//! The page's end of the line to the worker.

use std::cell::Cell;
use std::rc::Rc;

use gloo::events::EventListener;
use protocol::{Envelope, Request, Response, VERSION, start};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, MessageEvent, Worker};
use yew::Callback;

use crate::state::Action;

/// A running worker. Dropping it ends it.
pub struct Client {
    worker: Worker,
    /// The worker has said something since the last look.
    heard: Rc<Cell<bool>>,
    /// When it had last said something, or had nothing to say.
    since: f64,
    _listeners: [EventListener; 2],
}

impl Client {
    /// Starts a worker, whose answers become actions.
    pub fn start(act: &Callback<Action>) -> Result<Self, JsValue> {
        let page = gloo::utils::document().base_uri()?.unwrap_or_default();
        let worker = start::worker(&page, &start::compiled())?;
        let hear = act.clone();
        let heard = Rc::new(Cell::new(true));
        let hears = heard.clone();
        let message = EventListener::new(&worker, "message", move |event| {
            hears.set(true);
            let data = event.unchecked_ref::<MessageEvent>().data();
            hear.emit(match serde_wasm_bindgen::from_value::<Envelope<Response>>(data) {
                Ok(envelope) if envelope.version == VERSION => Action::Worker(Box::new(envelope)),
                Ok(_) => {
                    Action::Tell("This page and its worker are of different versions; reload the page.".to_owned())
                }
                Err(error) => Action::Tell(format!("The worker's answer cannot be read ({error}); reload the page.")),
            });
        });
        let hear = act.clone();
        let error = EventListener::new(&worker, "error", move |event| {
            let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message).unwrap_or_default();
            let message = if message.is_empty() { "its program could not be loaded".to_owned() } else { message };
            hear.emit(Action::WorkerDied(message));
        });
        Ok(Self { worker, heard, since: 0.0, _listeners: [message, error] })
    }

    /// How long the worker has been silent, in milliseconds, while it `owes` an answer.
    pub fn silence(&mut self, owes: bool) -> f64 {
        let now = js_sys::Date::now();
        if self.heard.take() || !owes {
            self.since = now;
        }
        now - self.since
    }

    /// Sends a request.
    pub fn send(&self, request: &Envelope<Request>) -> Result<(), JsValue> {
        // Seeds need all 64 bits, which JavaScript's numbers do not have.
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
        self.worker.post_message(&request.serialize(&serializer)?)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}
