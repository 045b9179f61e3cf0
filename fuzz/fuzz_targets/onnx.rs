//! ONNX models.

#![no_main]

use engine::import::onnx::import;
use faultscope_fuzz::{MIB, check_model, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.onnx";

fuzz_target!(init: init(), |bytes: &[u8]| {
    // The importer may compute constants of 2^22 elements, and fill weights of 2^28 with single values.
    let read = || import(NAME, bytes);
    match limited(1280 * MIB, bytes.len(), read) {
        Ok(model) => check_model(&model),
        // An error about a layer names the layer, and not the file.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
