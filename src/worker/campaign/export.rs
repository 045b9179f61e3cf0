//! Results as files, which are those that the command line writes.

use facts::campaign::{Chain, Faults, Summary};
use facts::data::{ImageSource as _, UsedImage};
use facts::report::{self, Report, pack};
use facts::{Error, Result};
use protocol::Export;
use serde::Serialize;

use super::Results;
use crate::images::Encoded;

/// The file of `results` that is asked for: its name, its type and its bytes. Where the number of faults for each image was
/// not known beforehand, `rounds` is how many every image had; a directory holds so many of each, and the list and contents of
/// the `images`, where they are files.
///
/// # Errors
/// Where there is nothing to write.
pub fn export(
    results: &Results,
    what: Export,
    complete: bool,
    planned: u64,
    rounds: Option<usize>,
    images: Option<&Encoded>,
) -> Result<(&'static str, &'static str, Vec<u8>)> {
    let failed = |error: serde_json::Error| Error::request(format_args!("the file cannot be written: {error}"));
    Ok(match what {
        Export::Csv => {
            let report = self::report(results, complete, planned, rounds);
            let name = results.provenance().campaign.model.as_str();
            ("campaign.csv", "text/csv", report::csv([(name, &report)]).into_bytes())
        }
        Export::Json => {
            let report = self::report(results, complete, planned, rounds);
            ("campaign.json", "application/json", pretty(&report).map_err(failed)?)
        }
        Export::NodeData => {
            let data = report::node_data(&results.report(complete, planned)).map_err(failed)?;
            ("node-data.json", "application/json", data.into_bytes())
        }
        Export::Records => {
            let lines = lines(results, &results.in_order(rounds)).map_err(failed)?;
            ("faults.jsonl", "application/jsonl", lines)
        }
        Export::Zip => ("campaign.zip", "application/zip", zip(results, complete, rounds, images)?),
    })
}

fn report(results: &Results, complete: bool, planned: u64, rounds: Option<usize>) -> Report {
    let mut report = results.report(complete, planned);
    if rounds.is_some() {
        // Rounds came one after the other, and in a file the records stand image by image: these numbers are not those of lines.
        let saves = report.summary.protections.iter_mut().flat_map(|one| &mut one.saves);
        saves.for_each(|saves| saves.listed.clear());
    }
    report
}

fn zip(results: &Results, complete: bool, rounds: Option<usize>, images: Option<&Encoded>) -> Result<Vec<u8>> {
    let failed = |error: serde_json::Error| Error::request(format_args!("the file cannot be written: {error}"));
    let mut provenance = results.provenance().clone();
    let indices = results.in_order(rounds);
    let whole: Results;
    let (results, indices) = match rounds {
        Some(faults) => {
            provenance.campaign.faults = Faults::Each(faults);
            let mut kept = Results::new(provenance.clone(), None);
            let mut skipped = results.skipped().iter().peekable();
            for (nth, record) in results.records(&indices).enumerate().map(|(at, record)| (at % faults, record)) {
                while let Some(skipped) = skipped.next_if(|skipped| skipped.image < record.image) {
                    kept.skip(skipped.clone());
                }
                kept.add(nth, &record);
            }
            skipped.for_each(|skipped| kept.skip(skipped.clone()));
            whole = kept;
            (&whole, (0..indices.len()).collect())
        }
        None => (results, indices),
    };
    let read = provenance.images().saturating_sub(results.skipped().len());
    let all = indices.len() as u64 == (read as u64).saturating_mul(rounds.unwrap_or_default() as u64);
    let summary: Summary = results.summary(complete || rounds.is_some() && all);
    let config = pretty(&provenance).map_err(failed)?;
    let records = lines(results, &indices).map_err(failed)?;
    let summary = pretty(&summary).map_err(failed)?;
    let grouping = provenance.grouping.as_ref().map(|grouping| grouping.to_toml());
    let mut files: Vec<(&str, &[u8])> =
        vec![("config.json", &config), ("faults.jsonl", &records), ("summary.json", &summary)];
    if let Some(grouping) = &grouping {
        files.push(("grouping.toml", grouping.as_bytes()));
    }
    let (list, used);
    if let Some(images) = images {
        list = images.list();
        used = self::used(results, &indices, images).map_err(failed)?;
        files.extend([("data.tsv", list.as_bytes()), ("images.jsonl", &used)]);
    }
    pack(&files)
}

/// The content of each image that has a record, as the command line writes it down.
fn used(results: &Results, indices: &[usize], images: &Encoded) -> serde_json::Result<Vec<u8>> {
    let (mut bytes, mut last) = (Vec::new(), None);
    for record in results.records(indices) {
        let Some(content) = images.content(record.image).filter(|_| last.replace(record.image) != Some(record.image))
        else {
            continue;
        };
        let name = images.name(record.image);
        serde_json::to_writer(&mut bytes, &UsedImage { image: record.image, name, content })?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The records at `indices`, in the order of the plan, and the images that were skipped in their places.
fn lines(results: &Results, indices: &[usize]) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chain = Chain::default();
    let mut write = |line: serde_json::Result<Vec<u8>>| -> serde_json::Result<()> {
        let mut line = line?;
        chain.sign(&mut line);
        bytes.append(&mut line);
        bytes.push(b'\n');
        Ok(())
    };
    let mut skipped = results.skipped().iter().peekable();
    for record in results.records(indices) {
        while let Some(skipped) = skipped.next_if(|skipped| skipped.image < record.image) {
            write(serde_json::to_vec(skipped))?;
        }
        write(serde_json::to_vec(&record))?;
    }
    skipped.try_for_each(|skipped| write(serde_json::to_vec(skipped)))?;
    Ok(bytes)
}
