//! Results as files, which are those that the command line writes.

use std::collections::BTreeSet;

use facts::campaign::Chain;
use facts::data::{ImageSource as _, UsedImage};
use facts::report::{self, pack};
use facts::{Error, Result};
use protocol::Export;
use serde::Serialize;

use super::Results;
use crate::images::Encoded;

/// The file of `results` that is asked for: its name, its type and its bytes. A directory holds the list and contents of the
/// `images`, where they are files.
///
/// # Errors
/// Where there is nothing to write.
pub fn export(
    results: &Results,
    what: Export,
    complete: bool,
    planned: u64,
    images: Option<&Encoded>,
) -> Result<(&'static str, &'static str, Vec<u8>)> {
    let failed = |error: serde_json::Error| Error::request(format_args!("the file cannot be written: {error}"));
    Ok(match what {
        Export::Csv => {
            let name = results.provenance().campaign.model.as_str();
            ("campaign.csv", "text/csv", report::csv([(name, &results.report(complete, planned))]).into_bytes())
        }
        Export::Json => {
            ("campaign.json", "application/json", pretty(&results.report(complete, planned)).map_err(failed)?)
        }
        Export::NodeData => {
            let data = report::node_data(&results.report(complete, planned)).map_err(failed)?;
            ("node-data.json", "application/json", data.into_bytes())
        }
        Export::Records => ("faults.jsonl", "application/jsonl", lines(results).map_err(failed)?),
        Export::Zip => ("campaign.zip", "application/zip", zip(results, complete, images)?),
    })
}

fn zip(results: &Results, complete: bool, images: Option<&Encoded>) -> Result<Vec<u8>> {
    let failed = |error: serde_json::Error| Error::request(format_args!("the file cannot be written: {error}"));
    let provenance = results.provenance();
    let config = pretty(provenance).map_err(failed)?;
    let records = lines(results).map_err(failed)?;
    let summary = pretty(&results.summary(complete)).map_err(failed)?;
    let grouping = provenance.grouping.as_ref().map(|grouping| grouping.to_toml());
    let mut files: Vec<(&str, &[u8])> =
        vec![("config.json", &config), ("faults.jsonl", &records), ("summary.json", &summary)];
    if let Some(grouping) = &grouping {
        files.push(("grouping.toml", grouping.as_bytes()));
    }
    let (list, used);
    if let Some(images) = images {
        list = images.list();
        used = self::used(results, images).map_err(failed)?;
        files.extend([("data.tsv", list.as_bytes()), ("images.jsonl", &used)]);
    }
    pack(&files)
}

/// The content of each image that has a record, as the command line writes it down.
fn used(results: &Results, images: &Encoded) -> serde_json::Result<Vec<u8>> {
    let (mut bytes, mut written) = (Vec::new(), BTreeSet::new());
    for record in results.all() {
        if !written.insert(record.image) {
            continue;
        }
        let Some(content) = images.content(record.image) else { continue };
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

/// All records in their order, and the images that were skipped in their places.
fn lines(results: &Results) -> serde_json::Result<Vec<u8>> {
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
    for (index, record) in results.all().enumerate() {
        while let Some((_, skipped)) = skipped.next_if(|(before, _)| *before <= index) {
            write(serde_json::to_vec(skipped))?;
        }
        write(serde_json::to_vec(&record))?;
    }
    skipped.try_for_each(|(_, skipped)| write(serde_json::to_vec(skipped)))?;
    Ok(bytes)
}
