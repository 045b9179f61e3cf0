//! Faultscope's own model files: safetensors.

#![no_main]

use engine::import::safetensors::read;
use faultscope_fuzz::{MIB, accepted, check_model, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.model";

fuzz_target!(init: init(), |bytes: &[u8]| {
    let model = || accepted(NAME, read(NAME, bytes));
    if let Some(model) = limited(4 * MIB, bytes.len(), model) {
        check_model(&model);
    }
});
