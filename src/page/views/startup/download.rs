//! Fetches the file of a larger network beside everything else, and keeps it for the next visit.
//!
//! It is done here and not in the worker, which goes on answering for the network that runs. The bytes stay in the
//! browser's hands, as a blob that the worker reads when the file is there.

use gloo::net::http;
use js_sys::Array;
use protocol::FileRef;
use protocol::fetch::{stream, text};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, Blob, Cache, Response, Url};
use yew::Callback;

use crate::state::{Action, DownloadAction};

/// Where files are kept between visits.
const CACHE: &str = "faultscope-models";

/// A download under way. Dropping it ends it.
pub struct Download {
    abort: AbortController,
}

impl Download {
    /// Starts one, which reports by actions.
    pub fn start(id: String, file: FileRef, sha256: Option<String>, act: Callback<Action>) -> Result<Self, JsValue> {
        let abort = AbortController::new()?;
        let signal = abort.signal();
        spawn_local(async move {
            let progress = |received, total| {
                act.emit(Action::Download(DownloadAction::Progress { received, total }));
            };
            // Another file of the same name is another entry.
            let key = format!("{}?sha256={}", file.url, sha256.as_deref().unwrap_or_default());
            let fetched = match kept(&key).await {
                Some(blob) => Ok(blob),
                None => fetch(&file.url, &signal, &progress).await,
            };
            let url = match fetched {
                Ok(blob) => {
                    keep(&file.url, &key, &blob).await;
                    Url::create_object_url_with_blob(&blob).map_err(|error| text(&error))
                }
                Err(problem) => Err(problem),
            };
            if signal.aborted() {
                return;
            }
            act.emit(Action::Download(match url {
                Ok(url) => DownloadAction::Arrived { id, file: FileRef { name: file.name, url } },
                Err(problem) => DownloadAction::Failed { id, problem },
            }));
        });
        Ok(Self { abort })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

async fn fetch(url: &str, signal: &web_sys::AbortSignal, progress: &dyn Fn(u64, Option<u64>)) -> Result<Blob, String> {
    let chunks = Array::new();
    let request = http::Request::get(url).abort_signal(Some(signal));
    let body = stream(request, progress, |part, _| {
        chunks.push(&part);
    });
    if !body.await? {
        return Err("the server's answer is empty".to_owned());
    }
    Blob::new_with_u8_array_sequence(&chunks).map_err(|error| text(&error))
}

/// The file that an earlier visit has kept under `key`.
async fn kept(key: &str) -> Option<Blob> {
    let found = JsFuture::from(cache().await?.match_with_str(key)).await.ok()?;
    let response: Response = found.dyn_into().ok()?;
    JsFuture::from(response.blob().ok()?).await.ok()?.dyn_into().ok()
}

/// Keeps the file, in the place of other versions of it. A browser that keeps nothing fetches it again.
async fn keep(url: &str, key: &str, blob: &Blob) {
    let Some(cache) = cache().await else { return };
    // The store belongs to the origin, where the page may be in several folders.
    let page = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
    let others = Url::new_with_base(url, &page).map(|url| format!("{}?", url.href()));
    if let (Ok(kept), Ok(others)) = (JsFuture::from(cache.keys()).await, others) {
        for request in Array::from(&kept).iter().filter_map(|request| request.dyn_into::<web_sys::Request>().ok()) {
            if request.url().starts_with(&others) && !request.url().ends_with(key) {
                let _ = JsFuture::from(cache.delete_with_request(&request)).await;
            }
        }
    }
    if let Ok(response) = Response::new_with_opt_blob(Some(blob)) {
        let _ = JsFuture::from(cache.put_with_str(key, &response)).await;
    }
}

/// The browser's store, where it has one: pages of an insecure origin have none.
async fn cache() -> Option<Cache> {
    if !gloo::utils::window().is_secure_context() {
        return None;
    }
    let caches = gloo::utils::window().caches().ok()?;
    JsFuture::from(caches.open(CACHE)).await.ok()?.dyn_into().ok()
}
