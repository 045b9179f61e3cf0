//! Keras models in HDF5 files.

#![no_main]

use engine::import::keras::{Weights, import};
use faultscope_fuzz::{MIB, accepted, check_model, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.h5";

fuzz_target!(init: init(), |bytes: &[u8]| {
    // A file may unpack to 64 times its size, and is then converted.
    let read = || accepted(NAME, import(NAME, bytes.to_vec()));
    if let Some(model) = limited(16 * MIB, 4 * bytes.len(), read) {
        check_model(&model);
    }
    let layers = || accepted(NAME, Weights::open(NAME, bytes.to_vec()).and_then(|weights| weights.layers()));
    limited(16 * MIB, bytes.len(), layers);
});
