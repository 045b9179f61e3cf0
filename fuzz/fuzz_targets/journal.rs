//! Records of a campaign that is resumed, and of a campaign that is opened in the page: `config.json` and, after a zero
//! byte, `faults.jsonl`.

#![no_main]

use facts::campaign::Faults;
use faultscope::cli::doors::journal;
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;
use protocol::FileRef;
use worker::doors::import;

const NAME: &str = "faults.jsonl";
const USUAL: &[u8] = include_bytes!("../../tests/fixtures/report/campaign/config.json");

fuzz_target!(init: init(), |bytes: &[u8]| {
    let at = bytes.iter().position(|&byte| byte == 0);
    let (config, records) = at.map_or((USUAL, bytes), |at| (&bytes[..at], &bytes[at + 1..]));
    let read = || accepted(NAME, journal(NAME, records, Faults::STUDY, 26));
    if let Some((count, whole)) = limited(MIB, bytes.len(), read) {
        // The part that was read is read again, with nothing left over.
        let whole = &records[..usize::try_from(whole).expect("part of a slice")];
        assert_eq!(journal(NAME, whole, Faults::STUDY, 26).expect("it was read"), (count, whole.len() as u64));
        assert_eq!(whole.iter().filter(|&&byte| byte == b'\n').count() as u64, count);
    }
    for config in [config, USUAL] {
        let file = |name: &str| FileRef { name: name.to_owned(), url: String::new() };
        let files = [file("config.json"), file(NAME)];
        let read = || import(&files, vec![config.to_vec(), records.to_vec()]);
        match limited(16 * MIB, bytes.len(), read) {
            Ok(imported) => {
                let summary = imported.results.summary(imported.complete);
                assert_eq!(summary.faults.injections, imported.results.len() as u64);
                let order = imported.results.in_order(None);
                assert_eq!(order.len(), imported.results.len());
                let _ = imported.results.profile(summary);
                let mut judged = imported.results;
                judged.judge(None);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
