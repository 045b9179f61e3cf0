//! Results, read back: from a campaign's records, or a log of the study, to its tables.

mod archive;
mod blocks;
pub mod chart;
mod csv;
pub mod diagram;
mod html;
mod log;
mod origin;
mod read;
mod sample;
mod table;
mod tables;
pub mod words;

use serde::{Deserialize, Serialize};

pub use self::archive::{Archive, pack};
pub use self::blocks::{Blocks, OwnedBlock};
pub use self::csv::{csv, csv_line};
pub use self::html::html;
pub use self::log::{LogCheck, LogHead, LogLine, LoggedGolden, LoggedInjection};
pub use self::origin::{LogFile, LogOrigin, Origin};
pub use self::read::{Block, Counted, Entry, Options, Reader};
pub use self::sample::{Draw, SampleSummary, StudySample};
pub use self::table::{Column, ColumnKind, Table};
pub use self::tables::{Extent, comparison, heading, headline, overview, tables};
use crate::campaign::{ClassErrors, LayerBit, StartSummary, Summary};

/// What the results of a campaign say.
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
    /// The starting sets again, from trials drawn at random, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_sample: Option<SampleSummary>,
    /// By true class, what its images were taken for in golden runs.
    pub classes: Vec<ClassErrors>,
    /// By layer and bit.
    pub layer_bits: Vec<LayerBit>,
}

impl Report {
    /// The starting sets: of the trials drawn, where that was asked for, else of all.
    pub fn starts(&self) -> &[StartSummary] {
        self.study_sample.as_ref().map_or(&self.summary.starts, |sample| &sample.starts)
    }
}

#[cfg(test)]
mod tests;
