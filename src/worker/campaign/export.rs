//! Results as files, which are those that the command line writes.

use facts::campaign::{Faults, Record, Summary};
use facts::report::{self, pack};
use facts::{Error, Result};
use protocol::Export;
use serde::Serialize;

use super::Results;

/// The file of `results` that is asked for: its name, its type and its bytes. Where the number of faults for each image was
/// not known beforehand, `rounds` is how many every image had; a directory holds so many of each.
///
/// # Errors
/// Where there is nothing to write.
pub fn export(
    results: &Results,
    what: Export,
    complete: bool,
    planned: u64,
    rounds: Option<usize>,
) -> Result<(&'static str, &'static str, Vec<u8>)> {
    let failed = |error: serde_json::Error| Error::request(format_args!("the file cannot be written: {error}"));
    Ok(match what {
        Export::Csv => {
            let report = results.report(complete, planned);
            let name = results.provenance().campaign.model.as_str();
            ("campaign.csv", "text/csv", report::csv([(name, &report)]).into_bytes())
        }
        Export::Json => {
            let report = results.report(complete, planned);
            ("campaign.json", "application/json", pretty(&report).map_err(failed)?)
        }
        Export::Records => {
            let lines = lines(results.records(&results.in_order(rounds))).map_err(failed)?;
            ("faults.jsonl", "application/jsonl", lines)
        }
        Export::Zip => ("campaign.zip", "application/zip", zip(results, complete, rounds)?),
    })
}

fn zip(results: &Results, complete: bool, rounds: Option<usize>) -> Result<Vec<u8>> {
    let failed = |error: serde_json::Error| Error::request(format_args!("the file cannot be written: {error}"));
    let mut provenance = results.provenance().clone();
    let indices = results.in_order(rounds);
    let whole: Results;
    let (results, indices) = match rounds {
        Some(faults) => {
            provenance.campaign.faults = Faults::Each(faults);
            let mut kept = Results::new(provenance.clone(), None);
            for (nth, record) in results.records(&indices).enumerate().map(|(at, record)| (at % faults, record)) {
                kept.add(nth, &record);
            }
            whole = kept;
            (&whole, (0..indices.len()).collect())
        }
        None => (results, indices),
    };
    let all = indices.len() as u64 == (provenance.images() as u64).saturating_mul(rounds.unwrap_or_default() as u64);
    let summary: Summary = results.summary(complete || rounds.is_some() && all);
    let config = pretty(&provenance).map_err(failed)?;
    let records = lines(results.records(&indices)).map_err(failed)?;
    let summary = pretty(&summary).map_err(failed)?;
    let grouping = provenance.grouping.as_ref().map(|grouping| grouping.to_toml());
    let mut files: Vec<(&str, &[u8])> =
        vec![("config.json", &config), ("faults.jsonl", &records), ("summary.json", &summary)];
    if let Some(grouping) = &grouping {
        files.push(("grouping.toml", grouping.as_bytes()));
    }
    pack(&files)
}

fn pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn lines<'a>(records: impl Iterator<Item = Record<&'a str>>) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for record in records {
        serde_json::to_writer(&mut bytes, &record)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}
