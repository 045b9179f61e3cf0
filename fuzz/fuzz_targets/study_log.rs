//! Logs of the study's own scripts.

#![no_main]

use facts::labels::Grouping;
use facts::report::{Block, LogCheck, LogLine, LogOrigin, Options, Origin, Reader, StudySample};
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.log";

fuzz_target!(init: init(), |bytes: &[u8]| {
    let Some(check) = limited(MIB, bytes.len(), || checked(bytes)) else { return };
    let log = check.head();
    let origin = LogOrigin { faultscope: String::new(), log, files: Vec::new(), grouping: None, labels: Vec::new() };
    let origin = Origin::Log(origin);
    for grouping in [None, Grouping::builtin("cifar10").ok()] {
        let study_sample = Some(StudySample { count: 3, seed: 1 });
        let mut reader = Reader::new(&origin, NAME, Options { grouping, study_sample });
        let Some(counted) = accepted(NAME, reader.count(Block { lines: bytes, before: 0 })) else { continue };
        reader.add(counted).expect("a log has no order that counting checks");
        let report = reader.finish();
        assert_eq!((report.records, report.summary.complete), (report.planned, true));
        assert_eq!(report.summary.faults.injections, report.records);
    }
});

/// What is known of the log, where it is whole.
fn checked(bytes: &[u8]) -> Option<LogCheck> {
    let mut check = LogCheck::default();
    check.begin(NAME);
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        let parsed = LogLine::parse(line).map_err(|problem| assert!(!problem.is_empty())).ok()?;
        let written = parsed.to_string();
        assert_eq!(LogLine::parse(written.as_bytes()), Ok(parsed), "{written}");
        accepted(NAME, check.take(number, &parsed))?;
    }
    accepted(NAME, check.end())?;
    let _ = check.low();
    Some(check)
}
