//! Work that belongs to the next frame.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// Does `work` before the browser draws the next frame. A page that nobody sees has no frames: the work waits until somebody
/// does.
pub fn next_frame(work: impl FnOnce() + 'static) {
    let work = Closure::once_into_js(work);
    // A window without frames draws nothing, so nothing is missed.
    let _ = gloo::utils::window().request_animation_frame(work.unchecked_ref());
}
