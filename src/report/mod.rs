//! Results, read back: from a campaign's records to its rates.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use crate::campaign::{Provenance, Record, Summary, Tallies};
use crate::{Error, Result};

/// What a campaign's records say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The rates.
    #[serde(flatten)]
    pub summary: Summary,
    /// Records read.
    pub records: u64,
    /// Trials that the campaign asks for.
    pub planned: u64,
    /// Whether the last line breaks off in the middle, as after a crash; it is not counted.
    pub truncated: bool,
}

impl Report {
    /// Reads `records`, one JSON object a line, of the campaign that `provenance` describes; `name` is the file's
    /// name for messages. Records are counted one at a time and not kept.
    ///
    /// Golden runs are known from the records only: an image without a record is not counted.
    ///
    /// # Errors
    /// Where a line is no record, the last one excepted if it has no end, or where there are more records than
    /// trials.
    pub fn read(provenance: &Provenance, mut records: impl BufRead, name: &str) -> Result<Self> {
        let config = &provenance.campaign;
        let images = config.images.unwrap_or(provenance.data.images);
        let planned = images as u64 * config.faults as u64;
        let mut tallies = Tallies::new(config.clone(), provenance.layers.clone(), provenance.grouping.clone());
        let mut image = None;
        let mut line = Vec::new();
        let mut count = 0;
        let mut truncated = false;
        loop {
            line.clear();
            if records.read_until(b'\n', &mut line).map_err(|error| Error::io(name, error))? == 0 {
                break;
            }
            let record: Record = match serde_json::from_slice(&line) {
                Ok(record) => record,
                Err(_) if !line.ends_with(b"\n") => {
                    truncated = true;
                    break;
                }
                Err(error) => {
                    return Err(Error::input(name, format_args!("line {}: no record of a fault: {error}", count + 1)));
                }
            };
            count += 1;
            if count > planned {
                return Err(Error::input(name, format_args!("more records than the campaign has trials ({planned})")));
            }
            if image != Some(record.image) {
                image = Some(record.image);
                tallies.add_golden(record.label, record.golden.class);
            }
            tallies.add(&record);
        }
        let summary = tallies.summary(count == planned && !truncated);
        Ok(Self { summary, records: count, planned, truncated })
    }
}

#[cfg(test)]
mod tests;
