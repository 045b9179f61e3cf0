//! What everything else stands on.

use crate::page::Page;

/// Where this fails, the browser or its flags are to blame, not the page.
#[test]
fn the_browser_has_webgpu() {
    let Some(page) = Page::open("start", "") else { return };
    let adapter = page.eval("navigator.gpu.requestAdapter().then(adapter => adapter ? adapter.info.vendor : null)");
    assert!(adapter.is_string(), "navigator.gpu gave no adapter: {adapter}");
}
