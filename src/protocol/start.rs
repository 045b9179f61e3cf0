//! Starting a worker: the page's, and those that it has beside it.

use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, Url, Worker, WorkerOptions, WorkerType};

use crate::PAGE;

/// The script of the worker's program, made by trunk.
const SCRIPT: &str = "./worker.js";
/// The name under which the page's script (www/start.js) keeps the promise of the compiled program.
const COMPILED: &str = "faultscopeEngine";

/// Starts a worker for the page at `page`. `program` is the compiled program, a promise of it, or nothing: the worker then
/// compiles the program itself.
///
/// The worker's script is a blob and no file of the server's: a worker whose script is a file obeys the policy that the
/// server sends with it, and most servers send none. A worker whose script is a blob obeys the page's policy. The script
/// tells the worker where the page is, because addresses relative to a blob lead nowhere.
///
/// # Errors
/// If the browser refuses.
pub fn worker(page: &str, program: &JsValue) -> Result<Worker, JsValue> {
    let script_of_program = Url::new_with_base(SCRIPT, page)?.href();
    // A string of JSON, in which these characters have no other meaning, is a JavaScript string.
    let quoted = |text: &str| js_sys::JSON::stringify(&JsValue::from_str(text)).map(String::from);
    let text = format!(
        "self.{PAGE} = {};
import init from {};
const given = new Promise(done => addEventListener('message', ({{ data }}) => done(data), {{ once: true }}));
await init({{ module_or_path: await given }});
",
        quoted(page)?,
        quoted(&script_of_program)?
    );
    let parts = Array::of1(&text.into());
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let script = Url::create_object_url_with_blob(&Blob::new_with_str_sequence_and_options(&parts, &options)?)?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    // The address stays valid: a worker that starts another one fetches the script later, and not at once as a page does.
    let worker = Worker::new_with_options(&script, &options)?;
    let (given, to) = (Promise::resolve(program), worker.clone());
    spawn_local(async move {
        let program = JsFuture::from(given).await.unwrap_or(JsValue::UNDEFINED);
        // A program that cannot be sent is compiled by the worker.
        if to.post_message(&program).is_err() {
            let _ = to.post_message(&JsValue::UNDEFINED);
        }
    });
    Ok(worker)
}

/// Returns the promise of the workers' program that the page's script began to compile, or undefined.
pub fn compiled() -> JsValue {
    Reflect::get(&js_sys::global(), &JsValue::from_str(COMPILED)).unwrap_or(JsValue::UNDEFINED)
}
