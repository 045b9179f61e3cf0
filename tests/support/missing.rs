//! What a test does if something that it needs is missing.

use std::{env, fmt::Display};

/// Prints that a test is skipped because `what` is missing. With CI set, this is a failure: nobody reads the line.
#[allow(dead_code, reason = "not every test program needs both functions")]
pub fn missing(what: impl Display) {
    assert!(env::var_os("CI").is_none(), "{what}");
    eprintln!("skipped: {what}");
}

/// Prints that a test is skipped because `what` is missing, with CI set, too: `reason` says why it may be missing.
#[allow(dead_code, reason = "not every test program needs both functions")]
pub fn may_be_missing(what: impl Display, reason: &str) {
    eprintln!("skipped: {what} ({reason})");
}
