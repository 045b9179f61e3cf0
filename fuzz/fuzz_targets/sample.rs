//! Samples of a data set.

#![no_main]

use facts::data::Sample;
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.json";

fuzz_target!(init: init(), |bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Some(sample) = limited(MIB, bytes.len(), || accepted(NAME, Sample::from_json(NAME, text))) else { return };
    assert_eq!(sample.indices.len(), sample.count);
    assert!(sample.indices.iter().all(|&index| index < sample.of));
    let json = serde_json::to_string(&sample).expect("plain data");
    assert_eq!(Sample::from_json(NAME, &json).expect("what was written is read"), sample);
});
