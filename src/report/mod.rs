//! Results, read back: from a campaign's records to its rates.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use crate::campaign::{Provenance, Record, Sequence, Summary, Tallies};
use crate::{Error, Result};

/// What a campaign's records say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The rates.
    #[serde(flatten)]
    pub summary: Summary,
    /// Records read.
    pub records: u64,
    /// Trials that the campaign asks for; while it is incomplete, an estimate where that depends on golden runs.
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
    /// Where a line is no record, the last one excepted if it has no end, or no record that can stand there.
    pub fn read(provenance: &Provenance, mut records: impl BufRead, name: &str) -> Result<Self> {
        let config = &provenance.campaign;
        let mut sequence = Sequence::new(config.faults, provenance.images());
        let mut tallies = Tallies::new(config.clone(), provenance.layers.clone(), provenance.grouping.clone());
        let mut line = Vec::new();
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
                    let line = sequence.records() + 1;
                    return Err(Error::input(name, format_args!("line {line}: no record of a fault: {error}")));
                }
            };
            let position = sequence
                .take(&record)
                .map_err(|error| Error::input(name, format_args!("line {}: {error}", sequence.records() + 1)))?;
            if position.fault == 0 {
                tallies.add_golden(record.label, record.golden.class);
            }
            tallies.add(&record);
        }
        let summary = tallies.summary(sequence.complete() && !truncated);
        Ok(Self { summary, records: sequence.records(), planned: sequence.expected(), truncated })
    }
}

#[cfg(test)]
mod tests;
