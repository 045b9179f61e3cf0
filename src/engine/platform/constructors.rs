//! Code that crates want to have run before `main`.

/// Runs what crates have asked the linker to run before `main`: burn's GPU compiler registers its operations that
/// way. Natively the system has done it already. A wasm program has to, before anything else.
///
/// Where a wasm program never does it, the linker makes every single call from JavaScript do it, which costs more
/// than the call and registers everything again and again.
pub fn run_constructors() {
    #[cfg(target_family = "wasm")]
    {
        #[allow(unsafe_code, reason = "the linker makes this function, and there is no safe name for it")]
        // SAFETY: the linker defines the function with this signature, and a program calls it once.
        unsafe {
            unsafe extern "C" {
                fn __wasm_call_ctors();
            }
            __wasm_call_ctors();
        }
    }
}
