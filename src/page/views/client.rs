//! The page's end of the line to the worker.

use gloo::events::EventListener;
use js_sys::Array;
use protocol::{Envelope, PAGE, Request, Response, VERSION};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, ErrorEvent, MessageEvent, Url, Worker, WorkerOptions, WorkerType};
use yew::Callback;

use crate::state::Action;

/// The worker's program, made by trunk.
const PROGRAM: &str = "./worker.js";

/// The address of a script that starts the worker's program.
///
/// The script is a blob of the page's and no file of the server's: a worker whose script is a file obeys the policy that
/// the server sends with it, and most servers send none. A worker whose script is a blob obeys the page's policy. The script
/// tells the worker where the page is, because addresses relative to a blob lead nowhere.
fn script() -> Result<String, JsValue> {
    let page = gloo::utils::document().base_uri()?.unwrap_or_default();
    let program = Url::new_with_base(PROGRAM, &page)?.href();
    // A JSON string is a JavaScript string.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let text = format!("self.{PAGE} = {};\nimport init from {};\nawait init();\n", quoted(&page), quoted(&program));
    let parts = Array::of1(&text.into());
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    Url::create_object_url_with_blob(&Blob::new_with_str_sequence_and_options(&parts, &options)?)
}

/// A running worker. Dropping it ends it.
pub struct Client {
    worker: Worker,
    _listeners: [EventListener; 2],
}

impl Client {
    /// Starts a worker, whose answers become actions.
    pub fn start(act: &Callback<Action>) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let script = script()?;
        let worker = Worker::new_with_options(&script, &options);
        // The worker holds on to its script.
        Url::revoke_object_url(&script)?;
        let worker = worker?;
        let hear = act.clone();
        let message = EventListener::new(&worker, "message", move |event| {
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
        Ok(Self { worker, _listeners: [message, error] })
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
