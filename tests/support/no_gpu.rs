//! Tests on a machine without a GPU.

use std::fmt::Display;

use crate::missing::{may_be_missing, missing};

/// Prints that a test is skipped because there is no GPU, for the reason `why`.
pub fn no_gpu(why: impl Display) {
    if cfg!(target_os = "linux") {
        // `cargo xtask test` installs a software GPU.
        missing(why);
    } else {
        may_be_missing(why, "set-up installs a software GPU on Linux only");
    }
}
