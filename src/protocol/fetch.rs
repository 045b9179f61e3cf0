//! Files from the server, part by part, for the page and for the worker.

use gloo::net::http::RequestBuilder;
use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Least time between two reports, in milliseconds.
const REPORT_EVERY: f64 = 50.0;

/// Sends `request` and hands each part of the answer to `take`, with the number of bytes that the server has announced.
/// `progress` gets the bytes received and the bytes announced. Returns whether the answer had a body.
///
/// # Errors
/// The problem, in words that continue a sentence.
pub async fn stream(
    request: RequestBuilder,
    progress: &dyn Fn(u64, Option<u64>),
    mut take: impl FnMut(Uint8Array, Option<u64>),
) -> Result<bool, String> {
    let response = request.send().await.map_err(|error| error.to_string())?;
    if !response.ok() {
        return Err(format!("the server answered {} {}", response.status(), response.status_text()));
    }
    let total = response.headers().get("content-length").and_then(|length| length.parse().ok());
    let Some(body) = response.body() else { return Ok(false) };
    let reader = body.get_reader();
    let read: Function = get(&reader, "read").unchecked_into();
    let (mut received, mut told) = (0, 0.0);
    loop {
        let promise: Promise = read.call0(&reader).map_err(|error| text(&error))?.unchecked_into();
        let chunk = JsFuture::from(promise).await.map_err(|error| text(&error))?;
        let Ok(part) = get(&chunk, "value").dyn_into::<Uint8Array>() else { return Ok(true) };
        received += u64::from(part.length());
        take(part, total);
        let now = js_sys::Date::now();
        if now - told > REPORT_EVERY {
            told = now;
            progress(received, total);
        }
    }
}

/// The property `key` of `object`; undefined where it has none.
pub fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap_or_default()
}

/// The message of an exception.
pub fn text(error: &JsValue) -> String {
    get(error, "message").as_string().unwrap_or_else(|| "an unknown problem".to_owned())
}
