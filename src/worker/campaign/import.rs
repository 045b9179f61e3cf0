//! Reading a campaign that was made elsewhere, with the readers of `faultscope report`.

use std::io::Cursor;

use facts::campaign::{Chain, Provenance};
use facts::report::{Archive, Blocks, Entry, Options, Origin, Reader};
use facts::{Error, Result};
use protocol::FileRef;

use super::Results;

/// Most records: beyond this a tab may have too little memory.
const MOST: usize = 2_000_000;

/// A campaign that was read.
pub struct Imported {
    /// Its results.
    pub results: Results,
    /// Faults in all.
    pub planned: u64,
    /// Whether all are there.
    pub complete: bool,
}

/// Reads the campaign in `files`, whose contents are `bytes`: `config.json` and `faults.jsonl`, or one zip.
///
/// # Errors
/// Where they are no campaign's, are damaged or contradict each other; the sentence names file and line.
pub fn import(files: &[FileRef], bytes: Vec<Vec<u8>>) -> Result<Imported> {
    let (name, Archive { config, records }) = archive(files, bytes)?;
    let origin = Origin::from_json("config.json", &config)?;
    let Origin::Campaign(provenance) = &origin else {
        return Err(Error::input(
            name,
            "this is an imported log, which does not say what faults were injected; `faultscope report` shows its tables",
        ));
    };
    let mut reader = Reader::new(&origin, "faults.jsonl", Options::default());
    let mut results = Results::new(Provenance::clone(provenance), Some(name.clone()));
    for block in Blocks::new("faults.jsonl", Cursor::new(records), origin.most_line_bytes()) {
        let block = block?;
        reader.add(reader.count(block.view())?)?;
        for entry in reader.entries(block.view(), &mut Chain::middle()) {
            let record = match entry? {
                Entry::Record(record) => record,
                Entry::Skipped(skipped) => {
                    results.skip(skipped);
                    continue;
                }
                _ => continue,
            };
            if record.errors.is_some() || record.pixels.is_some() || !record.elements.is_empty() {
                return Err(Error::input(
                    name,
                    "the records of this campaign hold more than the page keeps (bit errors, large patterns or struck \
                     images), and it would lose that; `faultscope report` shows all of it",
                ));
            }
            results.add(&record);
            if results.len() > MOST {
                return Err(Error::input(
                    "faults.jsonl",
                    format_args!(
                        "there are more than {MOST} faults, which is too much for a page; use `faultscope report`"
                    ),
                ));
            }
        }
    }
    let report = reader.finish();
    Ok(Imported { results, planned: report.planned, complete: report.summary.complete })
}

fn archive(files: &[FileRef], bytes: Vec<Vec<u8>>) -> Result<(String, Archive)> {
    let mut zips = files.iter().zip(&bytes).filter(|(file, _)| file.name.to_lowercase().ends_with(".zip"));
    if let Some((file, bytes)) = zips.next() {
        return Ok((file.name.clone(), Archive::open(&file.name, bytes)?));
    }
    let (mut config, mut records) = (None, None);
    for (file, bytes) in files.iter().zip(bytes) {
        match file.name.rsplit('/').next() {
            Some("config.json") => config = Some(bytes),
            Some("faults.jsonl") => records = Some(bytes),
            _ => {}
        }
    }
    let missing = |file: &str| {
        Error::request(format_args!(
            "a campaign is config.json and faults.jsonl together, or a zip of them; {file} is missing"
        ))
    };
    let archive = Archive {
        config: config.ok_or_else(|| missing("config.json"))?,
        records: records.ok_or_else(|| missing("faults.jsonl"))?,
    };
    Ok(("config.json and faults.jsonl".to_owned(), archive))
}
