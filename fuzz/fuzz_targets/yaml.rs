//! Files of arguments for `faultscope campaign --config`.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use faultscope::cli::doors::config;
use faultscope_fuzz::{MIB, init, limited};
use libfuzzer_sys::fuzz_target;

static PATH: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("faultscope-fuzz-{}.yaml", std::process::id())));

fuzz_target!(init: init(), |bytes: &[u8]| {
    fs::write(&*PATH, bytes).expect("the folder for temporary files can be written");
    let read = limited(16 * MIB, bytes.len(), || config(&PATH));
    if let Err(problem) = read {
        assert!(problem.contains("faultscope-fuzz-"), "the error names no file: {problem}");
    }
});
