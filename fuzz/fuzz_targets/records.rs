//! Results of a campaign: `config.json` and, after a zero byte, `faults.jsonl`.

#![no_main]

use facts::campaign::{Provenance, Record};
use facts::report::{Block, Blocks, Extent, Options, Origin, Reader, Report, csv, tables};
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "faults.jsonl";
const CONFIG: &str = "config.json";
/// The configuration where the input has none that is valid: then the records still go through the reader.
const USUAL: &[u8] = include_bytes!("../../tests/fixtures/report/campaign/config.json");

fuzz_target!(init: init(), |bytes: &[u8]| {
    let at = bytes.iter().position(|&byte| byte == 0);
    let (config, records) = at.map_or((&b""[..], bytes), |at| (&bytes[..at], &bytes[at + 1..]));
    let origin = limited(8 * MIB, bytes.len(), || accepted(CONFIG, Origin::from_json(CONFIG, config)));
    match &origin {
        Some(Origin::Campaign(provenance)) => same::<Provenance>(&serde_json::to_string(provenance).expect("plain data")),
        Some(Origin::Log(log)) => same::<facts::report::LogOrigin>(&serde_json::to_string(log).expect("plain data")),
        None => {}
    }
    let origin = origin.unwrap_or_else(|| Origin::from_json(CONFIG, USUAL).expect("the fixture is valid"));
    for line in records.split(|&byte| byte == b'\n') {
        if let Ok(record) = serde_json::from_slice::<Record>(line) {
            same::<Record>(&serde_json::to_string(&record).expect("plain data"));
            for fault in record.all_faults() {
                let _ = (fault.struck(), fault.corruption().kind());
            }
        }
    }
    let Some(whole) = limited(16 * MIB, bytes.len(), || accepted(NAME, report(&origin, &[records]))) else { return };
    assert!(whole.summary.faults.injections == whole.records);
    let _ = (csv([("name", &whole)]).len(), tables(&origin, &whole, Extent::All).len());
    // The cut into blocks changes nothing.
    let middle = records.len() / 2;
    let cut = records[..middle].iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let parts = report(&origin, &[&records[..cut], &records[cut..]]).expect("the whole was read");
    assert_eq!(json(&parts), json(&whole));
    let streamed: Vec<u8> = Blocks::new(NAME, records, usize::MAX).flat_map(|block| block.expect("memory").view().lines.to_vec()).collect();
    assert_eq!(streamed, records);
});

fn report(origin: &Origin, parts: &[&[u8]]) -> facts::Result<Report> {
    let mut reader = Reader::new(origin, NAME, Options::default());
    let mut before = 0;
    for lines in parts {
        reader.add(reader.count(Block { lines, before })?)?;
        before += lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
    }
    Ok(reader.finish())
}

fn json(report: &Report) -> String {
    serde_json::to_string(report).expect("plain data")
}

/// Checks that the JSON of a value is read as a value with the same JSON.
fn same<T: serde::Serialize + serde::de::DeserializeOwned>(text: &str) {
    let value: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(serde_json::to_string(&value).expect("plain data"), text);
}
