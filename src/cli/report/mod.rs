//! `faultscope report`: the rates of campaigns.

mod campaign;
mod json;
#[cfg(feature = "parquet")]
mod parquet;
mod text;

use std::io::{BufWriter, ErrorKind, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use facts::{Name, Named};

pub use self::text::overview;
use super::args::{MemoryArguments, choice};
use super::exit::Exit;
use super::failure::Failure;
use super::open;
use super::output::{exact, note, print};
use super::write::{self, Existing};
use crate::Error;
use crate::campaign::SEED;
use crate::report::{self, Extent, Options, StudySample};

/// A format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Csv,
    Json,
    Parquet,
    Html,
    ModelExplorer,
}

impl Named for Format {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Text, Name::new("text", "Text", "tables to read")),
        (
            Self::Csv,
            Name::new("csv", "CSV", "every rate with its counts and its interval, one per row, for pandas or R"),
        ),
        (Self::Json, Name::new("json", "JSON", "the same rates, nested")),
        (Self::Parquet, Name::new("parquet", "Parquet", "every fault, one per row, with typed columns")),
        (Self::Html, Name::new("html", "HTML", "a page with charts, in one file")),
        (
            Self::ModelExplorer,
            Name::new(
                "model-explorer",
                "Model Explorer",
                "the SDC rate of each layer of one campaign, as node data of Model Explorer",
            ),
        ),
    ];
}

/// Show the rates of campaigns, with 95 % intervals.
///
/// In CSV and Parquet, layer_index is the place of a layer in `layers` of config.json, the layers that faults are drawn from;
/// `faultscope inspect` counts all layers of the model.
///
/// One campaign gives all tables; several give the study's tables, with a row for each campaign. DIR holds a campaign,
/// or a log of the study from `faultscope import-log`. It can be the .zip that the page saves. The records are read
/// again, so a campaign that was interrupted or is running can be reported, too. Intervals are Wilson's, unless a note below the
/// table names other ones, as for weighted faults. A row with an interval wider than 20 percentage points is marked "few": it
/// has too few faults for a statement.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directories of the campaigns
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,

    /// Format of the report
    #[arg(long, default_value = "text", value_parser = choice::<Format>())]
    format: Format,

    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long, requires = "output")]
    force: bool,

    /// Judge SCM by another grouping, for as many classes as the model has: imagenet, cifar100, cifar10, gtsrb, or a TOML
    /// file
    #[arg(long, value_name = "NAME|FILE")]
    grouping: Option<String>,

    /// Draw N faults at random from each starting set, without replacement, for the tables of the starting sets, as the
    /// study does with N = 3000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    study_sample: Option<u32>,

    /// Seed of that draw
    #[arg(long, value_name = "S", default_value_t = SEED, requires = "study_sample")]
    seed: u64,

    /// Show every layer and every class, not only the most important ones
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    memory: MemoryArguments,
}

impl Arguments {
    fn options(&self) -> crate::Result<Options> {
        let study_sample = self.study_sample.map(|count| StudySample { count: count as usize, seed: self.seed });
        Ok(Options { grouping: self.grouping.as_deref().map(open::grouping).transpose()?, study_sample })
    }

    /// Returns whether the output may replace an existing file.
    fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }

    /// Writes `text`, in which nothing acts on a terminal, to the output file or to standard output.
    fn write(&self, text: &str) -> Result<(), Failure> {
        match &self.output {
            Some(path) => Ok(write::atomically(path, text.as_bytes(), self.existing())?),
            None => exact(text),
        }
    }
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.memory.allow();
    let format = if arguments.json { Format::Json } else { arguments.format };
    if format == Format::Parquet {
        return every_fault(&arguments);
    }
    if let (Some(path), Existing::Keep) = (&arguments.output, arguments.existing()) {
        write::check_absent(path)?;
    }
    let campaigns = campaign::read(&arguments.directories, &arguments.options()?)?;
    // The tables say it themselves; rows have no place for it.
    if matches!(format, Format::Csv | Format::ModelExplorer) {
        for campaign in &campaigns {
            if let Some(partly) = text::partly(&campaign.report) {
                note(&format!("notice: {}: {partly}", campaign.results.path().display()));
            }
        }
    }
    let extent = if arguments.all { Extent::All } else { Extent::Part };
    match format {
        Format::Text if arguments.output.is_some() => arguments.write(&text::write(&campaigns, extent, true))?,
        Format::Text => print(&text::write(&campaigns, extent, false))?,
        Format::Csv => {
            let rows = campaigns.iter().map(|campaign| (campaign.name.as_str(), &campaign.report));
            arguments.write(&report::csv(rows))?;
        }
        Format::Json => arguments.write(&json::write(&campaigns)?)?,
        Format::Html => {
            let campaigns: Vec<_> = campaigns
                .iter()
                .map(|campaign| (campaign.name.as_str(), campaign.results.origin(), &campaign.report))
                .collect();
            arguments.write(&report::html(&campaigns))?;
        }
        Format::ModelExplorer => {
            let [campaign] = &campaigns[..] else {
                return Err(Failure::usage("report", "node data are those of one campaign; give one directory"));
            };
            let data =
                report::node_data(&campaign.report).map_err(|error| crate::Error::input("JSON output", error))?;
            arguments.write(&data)?;
        }
        Format::Parquet => unreachable!("written above"),
    }
    Ok(Exit::Done)
}

/// Writes every fault as a row of a Parquet file.
#[cfg(feature = "parquet")]
fn every_fault(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("report", "Parquet is not for a terminal; -o FILE says where to write it"));
    }
    if arguments.study_sample.is_some() {
        let problem = "--study-sample is for the tables; Parquet has a row for every fault, to draw from";
        return Err(Failure::usage("report", problem));
    }
    let options = arguments.options()?;
    let (names, all) = campaign::open(&arguments.directories, &options)?;
    match &arguments.output {
        Some(path) => write::streamed(path, arguments.existing(), |file| parquet::write(file, &names, &all, &options))?,
        None => {
            parquet::write(BufWriter::new(std::io::stdout()), &names, &all, &options).map_err(|error| match error {
                Error::Io { source, .. } if source.kind() == ErrorKind::BrokenPipe => Failure::ClosedPipe,
                other => other.into(),
            })?
        }
    }
    Ok(Exit::Done)
}

/// Refuses, since the program has no writer for Parquet.
#[cfg(not(feature = "parquet"))]
fn every_fault(_: &Arguments) -> Result<Exit, Failure> {
    let problem = "this program was built without Parquet; build it with `--features parquet`, or choose --format csv";
    Err(Failure::usage("report", problem))
}
