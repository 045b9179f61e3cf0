//! `faultscope export-log`: writes a campaign in the format of the study's own scripts.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::args::MemoryArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{counted, line as output_line};
use super::results::Results;
use super::write::{self, Existing};
use crate::campaign::Head;
use crate::report::{Entry, LogLine, LoggedGolden, LoggedInjection, Origin};
use crate::{Error, Result};

/// Write a campaign as a log of the study's own scripts: a text with one line per golden run and one per fault.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of the campaign
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// File to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Replace an existing file
    #[arg(long)]
    force: bool,

    /// Write the line "Total data count N", as the study's merged ImageNet logs have it
    #[arg(long)]
    total: bool,

    #[command(flatten)]
    memory: MemoryArguments,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.memory.allow();
    let results = Results::open(&arguments.directory)?;
    if matches!(results.origin(), Origin::Campaign(provenance) if provenance.campaign.design.is_some()) {
        return Err(Error::input(
            arguments.directory.display().to_string(),
            "a stratified campaign has faults with weights, and the study's log has no place for weights: its readers would \
             count each fault once; make a campaign with --design uniform",
        )
        .into());
    }
    if matches!(results.origin(), Origin::Campaign(provenance) if provenance.campaign.until.is_some()) {
        return Err(Error::input(
            arguments.directory.display().to_string(),
            "a campaign with --until visits its images in rounds, and the study's log lists the faults image by image, their \
             number fixed beforehand; make a campaign without --until",
        )
        .into());
    }
    let sweep = |origin: &Origin| match origin {
        Origin::Campaign(provenance) => {
            provenance.campaign.fault_model.ber.as_ref().is_some_and(|rates| rates.all().len() > 1)
        }
        Origin::Log(_) => false,
    };
    if sweep(results.origin()) {
        return Err(Error::input(
            arguments.directory.display().to_string(),
            "the campaign has several bit error rates, and the study's log has no place for them: its readers would count all \
             as one; make a campaign with one rate",
        )
        .into());
    }
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let mut counts = (0, 0);
    write::streamed(&arguments.output, existing, |out| {
        let failed = |error| Error::io(arguments.output.display(), error);
        let mut line = |line: LogLine<'_>| writeln!(out, "{line}").map_err(failed);
        line(LogLine::Model(results.origin().model()))?;
        if arguments.total {
            line(LogLine::Total(images(&results)?))?;
        }
        // Golden runs stand before all faults. The records are read twice instead of being kept in memory.
        each_image(&results, |golden| {
            counts.0 += 1;
            line(LogLine::Golden(golden))
        })?;
        results.each(|entry| {
            let injection = match entry {
                Entry::Injection(injection) => *injection,
                Entry::Record(record) => {
                    LoggedInjection { golden: logged(&results, record.head())?, faulty: record.faulty.class }
                }
                Entry::Golden(_) | Entry::Skipped(_) | Entry::Torn => return Ok(()),
            };
            counts.1 += 1;
            line(LogLine::Injection(injection))
        })
    })?;
    let (images, faults) = counts;
    let path = arguments.output.display();
    output_line(&format!("{} and {} are written to {path}", counted(images, "image"), counted(faults, "fault")))?;
    Ok(Exit::Done)
}

fn images(results: &Results) -> Result<usize> {
    let mut images = 0;
    each_image(results, |_| {
        images += 1;
        Ok(())
    })?;
    Ok(images)
}

/// Calls `visit` with each golden run.
fn each_image(results: &Results, mut visit: impl FnMut(LoggedGolden) -> Result<()>) -> Result<()> {
    let mut last = None;
    results.each(|entry| match entry {
        Entry::Golden(golden) => visit(*golden),
        Entry::Record(record) if last.replace(record.image) != Some(record.image) => {
            visit(logged(results, record.head())?)
        }
        _ => Ok(()),
    })
}

fn logged(results: &Results, head: Head) -> Result<LoggedGolden> {
    let label = head.label.ok_or_else(|| {
        Error::input(
            results.path().display().to_string(),
            format_args!("image {} has no label, but each line of the study's log needs one", head.image),
        )
    })?;
    Ok(LoggedGolden { image: head.image, label, golden: head.golden })
}
