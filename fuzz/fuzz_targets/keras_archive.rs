//! Keras models in `.keras` archives: a zip, or else `config.json` and, after a zero byte, the file of weights. The
//! checksums of a zip keep most changes away from what is in it.

#![no_main]

use engine::import::keras::{import, is_archive};
use facts::report::pack;
use faultscope_fuzz::{MIB, accepted, check_model, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.keras";

fuzz_target!(init: init(), |bytes: &[u8]| {
    let bytes = if is_archive(bytes) {
        bytes.to_vec()
    } else {
        let Some(at) = bytes.iter().position(|&byte| byte == 0) else { return };
        let files = [("config.json", &bytes[..at]), ("model.weights.h5", &bytes[at + 1..])];
        pack(&files).expect("a small zip")
    };
    // A file may unpack to 64 times the archive's size, and the weights in it again to 64 times theirs.
    let length = bytes.len();
    let read = || accepted(NAME, import(NAME, bytes));
    if let Some(model) = limited(64 * MIB, 64 * length, read) {
        check_model(&model);
    }
});
