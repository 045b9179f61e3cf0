//! Light or dark: the user's choice, else the system's preference.

use web_sys::MediaQueryList;

const KEY: &str = "faultscope-theme";

/// The user's choice, if any.
pub fn chosen() -> Option<bool> {
    match storage()?.get_item(KEY).ok()??.as_str() {
        "dark" => Some(true),
        "light" => Some(false),
        _ => None,
    }
}

/// Remembers the choice and puts it on the page.
pub fn choose(dark: bool) {
    let name = if dark { "dark" } else { "light" };
    // Where the browser keeps nothing, the choice lasts as long as the page.
    if let Some(storage) = storage() {
        let _ = storage.set_item(KEY, name);
    }
    apply(name);
}

/// Puts an earlier choice on the page.
pub fn restore() {
    if let Some(dark) = chosen() {
        apply(if dark { "dark" } else { "light" });
    }
}

/// The system's preference.
pub fn preference() -> Option<MediaQueryList> {
    gloo::utils::window().match_media("(prefers-color-scheme: dark)").ok()?
}

/// Whether the page is dark now.
pub fn is_dark() -> bool {
    chosen().unwrap_or_else(|| preference().is_some_and(|query| query.matches()))
}

fn apply(name: &str) {
    if let Some(root) = gloo::utils::document().document_element() {
        let _ = root.set_attribute("data-theme", name);
    }
}

fn storage() -> Option<web_sys::Storage> {
    gloo::utils::window().local_storage().ok()?
}
