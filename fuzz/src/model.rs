//! Checks of a model that was read.

use engine::import::{Format, load};
use facts::model::Model;

/// Checks that `model` is valid, and that it is the same after it was written and read in each format.
pub fn check_model(model: &Model) {
    model.graph.validate().expect("a model that was read is valid");
    assert_eq!((model.input_shape().len(), model.input_shape()[0]), (4, 1));
    assert!(model.classes() > 0, "a classifier has a class");
    for (format, name) in [(Format::Burnpack, "again.bpk"), (Format::Safetensors, "again.safetensors")] {
        // JSON holds no infinite attributes; the writer refuses those that it would change.
        let Ok(bytes) = format.write(model) else { continue };
        let again = load(name, bytes.clone()).expect("what was written is read");
        // Bytes, because a NaN differs from itself.
        assert!(
            format.write(&again).expect("it was written before") == bytes,
            "{name} differs when it is written again"
        );
    }
}
