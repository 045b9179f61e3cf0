//! Reports: from the records of a campaign, or a log of the study, to tables, charts and files.

mod archive;
mod blocks;
pub mod budget;
pub mod chart;
mod csv;
pub mod diagram;
mod html;
mod layer_numbers;
mod log;
mod node_data;
mod origin;
mod read;
mod sample;
mod table;
mod tables;
pub mod words;

use serde::{Deserialize, Serialize};

pub use self::archive::{Archive, pack};
pub use self::blocks::{Blocks, OwnedBlock, too_long};
pub use self::csv::{csv, csv_line};
pub use self::html::{budget as html_budget, html};
pub use self::layer_numbers::LayerNumbers;
pub use self::log::{LogCheck, LogHead, LogLine, LoggedGolden, LoggedInjection};
pub use self::node_data::node_data;
pub use self::origin::{LogFile, LogOrigin, Origin};
pub use self::read::{Block, Counted, Entry, Options, Reader};
pub use self::sample::{Draw, SampleSummary, StudySample};
pub use self::table::{Column, ColumnKind, Table};
pub use self::tables::{Extent, aimed, comparison, heading, headline, overview, saved, skipped, tables};
use crate::campaign::{BadImage, ClassErrors, LayerBit, StartSummary, Summary};

/// The report on a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The rates.
    #[serde(flatten)]
    pub summary: Summary,
    /// Records read.
    pub records: u64,
    /// Number of trials in the whole campaign. If it depends on golden runs, it is an estimate while the campaign is
    /// incomplete.
    pub planned: u64,
    /// Whether the last line is incomplete, as after a crash. It is not counted.
    pub truncated: bool,
    /// The first images that were skipped, ten at most; [`Summary::skipped`] counts all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_images: Vec<BadImage>,
    /// The starting sets from trials drawn at random, if they were requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_sample: Option<SampleSummary>,
    /// The predictions of golden runs by true class.
    pub classes: Vec<ClassErrors>,
    /// The counts by layer and bit.
    pub layer_bits: Vec<LayerBit>,
}

impl Report {
    /// Returns the starting sets of the trials drawn, if they were requested, or else of all trials.
    pub fn starts(&self) -> &[StartSummary] {
        self.study_sample.as_ref().map_or(&self.summary.starts, |sample| &sample.starts)
    }
}

#[cfg(test)]
mod tests;
