//! Code that other crates run before `main`.

/// Runs the functions that crates have registered with the linker to run before `main`, once. burn's GPU compiler
/// registers its operations in such functions, and only it needs them. Natively the system runs them at the start. A wasm
/// program must run them before it opens a GPU; on the CPU it starts faster without them.
///
/// If a wasm program contains no call of them, the linker adds them to every call from JavaScript. This costs more than the
/// call itself and repeats the registration each time.
pub(super) fn run_constructors() {
    #[cfg(target_family = "wasm")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        #[allow(unsafe_code, reason = "the linker makes this function, and there is no safe name for it")]
        // SAFETY: the linker defines the function with this signature, and a program calls it once.
        ONCE.call_once(|| unsafe {
            unsafe extern "C" {
                fn __wasm_call_ctors();
            }
            __wasm_call_ctors();
        });
    }
}
