//! MAT-files of ImageNet's development kit.

#![no_main]

use faultscope::cli::doors::mat;
use faultscope_fuzz::{MIB, init, limited};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: init(), |bytes: &[u8]| {
    // The reader unpacks up to 64 MiB.
    let Some(pairs) = limited(256 * MIB, bytes.len(), || mat(bytes)) else { return };
    assert!(pairs.len() * 16 <= 64 * MIB, "every structure takes bytes");
});
