//! Keeps the page for when there is no network.

use wasm_bindgen_futures::JsFuture;

/// The script that does it: browsers take it from a file only.
const SCRIPT: &str = "sw.js";

/// Has the browser keep the page's files, once there is nothing more urgent to fetch. A browser that keeps nothing, or
/// a page of an insecure origin, works as well as long as there is a network.
pub async fn keep_page() {
    let window = gloo::utils::window();
    if window.is_secure_context() {
        let registered = window.navigator().service_worker().register(SCRIPT);
        let _ = JsFuture::from(registered).await;
    }
}
