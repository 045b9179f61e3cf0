//! `faultscope merge`: joins the shards of a campaign.

use std::fs::{File, TryLockError};
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::MemoryArguments;
use super::directory::{self, CONFIG, RECORDS, SUMMARY};
use super::exit::Exit;
use super::failure::Failure;
use super::journal::{self, Line};
use super::ledger;
use super::output::print;
use super::report;
use super::unfinished::Unfinished;
use super::write::{self, Existing};
use crate::campaign::{Chain, OnBadImage, Provenance, Sequence, Shard, Summary, Tallies};
use crate::{Error, Result};

/// Join the shards of a campaign.
///
/// All shards of the campaign must be given, in any order, and each must be finished. The result is equal, byte for
/// byte, to that of the campaign in one piece.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directories of the shards
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,

    /// Directory for the campaign; must not hold a campaign
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    #[command(flatten)]
    memory: MemoryArguments,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.memory.allow();
    let parts = parts(arguments.shards)?;
    let unfinished = Unfinished::begin(&arguments.out)?;
    let summary = merge(&parts, &arguments.out)?;
    unfinished.finish()?;
    let out = arguments.out.display();
    print(&format!("{}\n`faultscope report {out}` breaks this down by bit and layer\n", report::overview(&summary)))?;
    Ok(Exit::Done)
}

/// A shard.
struct Part {
    path: PathBuf,
    shard: Shard,
    /// The configuration of the whole campaign.
    campaign: Provenance,
}

/// Returns the parts of one campaign in order, after a check that each is there once.
fn parts(paths: Vec<PathBuf>) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::with_capacity(paths.len());
    for path in paths {
        let mut campaign = directory::provenance(&path)?;
        let Some(shard) = campaign.shard.take() else {
            return Err(Error::input(
                path.display().to_string(),
                "the directory holds a whole campaign, not a shard of one",
            ));
        };
        parts.push(Part { path, shard, campaign });
    }
    parts.sort_by_key(|part| part.shard);
    let first = &parts[0];
    for part in &parts[1..] {
        let difference = if part.shard.of() == first.shard.of() {
            first.campaign.difference(&part.campaign)
        } else {
            Some(format!("shard {} there and {} here", first.shard, part.shard))
        };
        if let Some(difference) = difference {
            return Err(Error::input(
                part.path.display().to_string(),
                format_args!("not of the same campaign as {}: {difference}", first.path.display()),
            ));
        }
    }
    if let Some(pair) = parts.windows(2).find(|pair| pair[0].shard == pair[1].shard) {
        return Err(Error::input(
            pair[1].path.display().to_string(),
            format_args!("shard {} is {} as well", pair[1].shard, pair[0].path.display()),
        ));
    }
    let of = first.shard.of();
    if parts.len() < of {
        let there: Vec<usize> = parts.iter().map(|part| part.shard.index()).collect();
        let missing: Vec<_> = (1..=of).filter(|index| !there.contains(index)).map(|index| index.to_string()).collect();
        let paths: Vec<_> = parts.iter().map(|part| part.path.display().to_string()).collect();
        return Err(Error::request(format_args!(
            "of {of} shards {} {} missing; those given are {}",
            missing.join(", "),
            if missing.len() == 1 { "is" } else { "are" },
            paths.join(", ")
        )));
    }
    Ok(parts)
}

/// Writes the campaign into `out`. The configuration comes last, since a directory without it holds no campaign.
fn merge(parts: &[Part], out: &Path) -> Result<Summary> {
    let mut campaign = parts[0].campaign.clone();
    if parts.iter().any(|part| part.campaign.campaign.on_bad_image == OnBadImage::Skip) {
        campaign.campaign.on_bad_image = OnBadImage::Skip;
    }
    let (config, layers, grouping) = (campaign.campaign.clone(), campaign.layers.clone(), campaign.grouping.clone());
    let mut tallies = Tallies::new(config, layers, grouping).about(&campaign);
    write::streamed(&out.join(RECORDS), Existing::Keep, |file| {
        let mut merged = Merged { tallies: &mut tallies, last: None, chain: Chain::default() };
        parts.iter().try_for_each(|part| append(part, &mut merged, file))
    })?;
    let folders: Vec<&Path> = parts.iter().map(|part| part.path.as_path()).collect();
    ledger::merge(&folders, &campaign.data.sha256, out)?;
    let summary = tallies.summary(true);
    directory::write_json(&out.join(SUMMARY), &summary, Existing::Keep)?;
    directory::write_json(&out.join(CONFIG), &campaign, Existing::Keep)?;
    Ok(summary)
}

/// The records so far.
struct Merged<'a> {
    tallies: &'a mut Tallies,
    /// The last image.
    last: Option<usize>,
    /// Their checksums, which are those of the campaign in one piece.
    chain: Chain,
}

/// Appends the records of `part` to `file`.
fn append(part: &Part, merged: &mut Merged<'_>, file: &mut BufWriter<File>) -> Result<()> {
    let path = part.path.join(RECORDS);
    let name = path.display().to_string();
    let records = File::open(&path).map_err(|error| Error::io(&name, error))?;
    match records.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            return Err(Error::input(part.path.display().to_string(), "the shard is still being made"));
        }
        Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => {
            return Err(Error::io(&name, error));
        }
        _ => {}
    }
    let length = records.metadata().map_err(|error| Error::io(&name, error))?.len();
    let of_campaign = part.campaign.images();
    let range = part.shard.range(of_campaign);
    let mut sequence = Sequence::new(part.campaign.campaign.faults, range.len());
    let sampled = part.campaign.sample.is_some();
    let limit = part.campaign.campaign.most_record_bytes();
    let whole = journal::read(
        BufReader::with_capacity(1 << 20, records),
        &name,
        limit,
        &mut sequence,
        &mut Chain::default(),
        |position, content, line| {
            let image = match content {
                Line::Record(record) => record.image,
                Line::Skipped(skipped) => skipped.image,
            };
            let expected = if sampled {
                merged.last < Some(image) || position.fault > 0
            } else {
                image == range.start + position.nth
            };
            if !expected {
                return Err(Error::request(format_args!(
                    "image {image} is none of shard {} at this place; the shards overlap or are damaged",
                    part.shard
                )));
            }
            merged.last = Some(image);
            match content {
                Line::Record(record) => merged.tallies.replay(position, record),
                Line::Skipped(_) => merged.tallies.skip(),
            }
            let mut line = line.trim_ascii_end().to_vec();
            merged.chain.sign(&mut line);
            line.push(b'\n');
            file.write_all(&line).map_err(|error| Error::io("the merged records", error))
        },
    )?;
    if sequence.complete() && whole == length {
        return Ok(());
    }
    Err(Error::input(
        part.path.display().to_string(),
        format_args!(
            "shard {} is not finished: {} of its {} images are begun; the command that made it goes on with --resume",
            part.shard,
            sequence.begun(),
            range.len()
        ),
    ))
}
