//! The explorer's page. It runs in a browser; a native build has nothing to do.

fn main() {
    #[cfg(target_family = "wasm")]
    {
        console_error_panic_hook::set_once();
        faultscope_page::start();
    }
}
