//! Starting a worker: the page's, and those that it has beside it.

use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, Url, Worker, WorkerOptions, WorkerType};

use crate::PAGE;

/// The worker's program, made by trunk.
const PROGRAM: &str = "./worker.js";

/// Starts a worker for the page at `page`.
///
/// The worker's script is a blob and no file of the server's: a worker whose script is a file obeys the policy that the
/// server sends with it, and most servers send none. A worker whose script is a blob obeys the page's policy. The script
/// tells the worker where the page is, because addresses relative to a blob lead nowhere.
///
/// # Errors
/// If the browser refuses.
pub fn worker(page: &str) -> Result<Worker, JsValue> {
    let program = Url::new_with_base(PROGRAM, page)?.href();
    // A string of JSON, in which these characters have no other meaning, is a JavaScript string.
    let quoted = |text: &str| js_sys::JSON::stringify(&JsValue::from_str(text)).map(String::from);
    let text = format!("self.{PAGE} = {};\nimport init from {};\nawait init();\n", quoted(page)?, quoted(&program)?);
    let parts = Array::of1(&text.into());
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let script = Url::create_object_url_with_blob(&Blob::new_with_str_sequence_and_options(&parts, &options)?)?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    // The address stays valid: a worker that starts another one fetches the script later, and not at once as a page does.
    Worker::new_with_options(&script, &options)
}
