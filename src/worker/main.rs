//! The explorer's worker. It runs in a browser; a native build has nothing to do.

fn main() {
    #[cfg(target_family = "wasm")]
    faultscope_worker::serve();
}
