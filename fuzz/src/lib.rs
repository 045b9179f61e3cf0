//! Common parts of the fuzz targets: a limit on memory, and the checks that hold for every reader.

mod memory;
#[cfg(feature = "native")]
mod model;

use std::fmt::Display;
use std::panic;

#[cfg(feature = "native")]
pub use model::check_model;

/// Runs `read` on a file of `length` bytes. The process aborts where `read` holds more than 64 times as many bytes at
/// once, and more than `base`.
///
/// Libraries allocate a few buffers of fixed size, which are part of `base`.
pub fn limited<T>(base: usize, length: usize, read: impl FnOnce() -> T) -> T {
    const FACTOR: usize = 64;
    memory::limited(base.saturating_add(length.saturating_mul(FACTOR)), read)
}

/// A mebibyte.
pub const MIB: usize = 1 << 20;

/// Checks the text of an error about the file `name`: it names the file first, and says something of it.
pub fn check_refusal(name: &str, error: &impl Display) {
    let text = error.to_string();
    let problem = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
    assert!(problem.is_some_and(|problem| !problem.is_empty()), "the error names no file: {text}");
}

/// Result of a reader, after [`check_refusal`].
pub fn accepted<T, E: Display>(name: &str, result: Result<T, E>) -> Option<T> {
    result.map_err(|error| check_refusal(name, &error)).ok()
}

/// Replaces the panic hook of libfuzzer-sys by one that prints. libFuzzer still reports every panic that leaves the
/// target; a panic that a reader catches itself is no finding.
pub fn init() {
    panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
    }));
}
