//! Zip archives of campaigns, as the page saves them.

#![no_main]

use facts::report::{Archive, pack};
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.zip";

fuzz_target!(init: init(), |bytes: &[u8]| {
    let read = || accepted(NAME, Archive::open(NAME, bytes));
    let Some(archive) = limited(4 * MIB, bytes.len(), read) else { return };
    let files = [("config.json", archive.config.as_slice()), ("faults.jsonl", archive.records.as_slice())];
    let again = pack(&files).expect("what was read can be written");
    assert_eq!(Archive::open(NAME, &again).expect("what was written is read"), archive);
});
