//! From lines to rates. Lines are counted in blocks, on several threads, and the counts are added in order. Only the
//! counts are kept in memory.

use std::io::BufRead;

use super::blocks::too_long;
use super::log::{LogLine, LoggedGolden, LoggedInjection};
use super::sample::{Draw, StudySample};
use super::{Origin, Report};
use crate::campaign::{
    BadImage, BorrowedRecord, Chain, Head, Name, Observation, Protected, Sequence, Skipped, Start, Summary, Tallies,
};
use crate::labels::Grouping;
use crate::{Error, Result};

/// Some lines of a file of results.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Whole lines. Only the last line of the file can lack its end.
    pub lines: &'a [u8],
    /// Number of lines before the block.
    pub before: u64,
}

/// The content of a line.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "smaller on 32 bits; entries are read one at a time, and nearly all are records"
)]
pub enum Entry<'a> {
    /// A golden run.
    Golden(LoggedGolden),
    /// A trial with its predictions only.
    Injection(LoggedInjection),
    /// A trial.
    Record(BorrowedRecord<'a>),
    /// An image that was skipped.
    Skipped(Skipped),
    /// An incomplete record at the end of the file.
    Torn,
}

impl<'a> Entry<'a> {
    /// Returns the trial, if the line is one.
    pub fn observation(&self) -> Option<Observation<'_, Name<'a>>> {
        match self {
            Self::Record(record) => Some(record.observation()),
            Self::Injection(LoggedInjection { golden, faulty }) => Some(Observation {
                image: golden.image,
                label: Some(golden.label),
                golden: golden.golden,
                faulty: *faulty,
                due: None,
                faults: &[],
                errors: None,
                draw: None,
                protected: &[],
                scores: None,
            }),
            Self::Golden(_) | Self::Skipped(_) | Self::Torn => None,
        }
    }
}

/// The format of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// One [`Record`](crate::campaign::Record) per line, in JSON.
    Records,
    /// The study's log.
    Log,
}

/// Options of a report.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Grouping of the classes instead of that of the results.
    pub grouping: Option<Grouping>,
    /// Random draw of trials.
    pub study_sample: Option<StudySample>,
}

/// Reads the results of one campaign.
#[derive(Debug)]
pub struct Reader {
    name: String,
    format: Format,
    /// Most bytes of a line.
    limit: usize,
    /// Lines before the first trial.
    preamble: u64,
    grouping: Option<Grouping>,
    sample: Option<StudySample>,
    /// Whether the records have weights.
    weighted: bool,
    /// Protections that the records tell of.
    protections: usize,
    /// Empty counts, from which the counting of a block begins.
    empty: Tallies,
    tallies: Tallies,
    draw: Option<Draw>,
    progress: Progress,
    torn: bool,
    /// The first images that were skipped.
    skipped: Vec<BadImage>,
}

/// Skipped images that a report names.
const NAMED: usize = 10;

/// The extent of the results so far.
#[derive(Debug)]
enum Progress {
    /// The sequence of a campaign's records, and their checksums.
    Campaign(Sequence, Chain),
    /// The number of trials of a log, which was checked during its import.
    Log { read: u64, planned: u64 },
}

/// The counts of one block.
#[derive(Debug)]
pub struct Counted {
    tallies: Tallies,
    draw: Option<Draw>,
    /// What it says of its images, in their order.
    images: Vec<OfImage>,
    /// Lines before the block.
    before: u64,
    chain: Chain,
    trials: u64,
    torn: bool,
}

/// What a block says of an image.
#[derive(Debug)]
enum OfImage {
    /// The head of its records, the golden runs under protections, and the number of such records in a row.
    Records(Head, Vec<Protected>, u64),
    /// It was skipped.
    Skipped(Skipped),
}

impl Reader {
    /// Begins to read the results of `origin`. Messages call their file `name`.
    pub fn new(origin: &Origin, name: &str, options: Options) -> Self {
        let grouping = options.grouping.or_else(|| origin.grouping().cloned());
        let (format, preamble, config, progress) = match origin {
            Origin::Campaign(provenance) => {
                let sequence = Sequence::of(&provenance.campaign, provenance.images(), false);
                let progress = Progress::Campaign(sequence, Chain::default());
                (Format::Records, 0, Some(provenance.campaign.clone()), progress)
            }
            // The model's name and the golden runs.
            Origin::Log(log) => {
                let progress = Progress::Log { read: 0, planned: log.log.injections };
                (Format::Log, (log.log.images as u64).saturating_add(1), None, progress)
            }
        };
        let tallies = Tallies::new(config, origin.layers().iter().cloned(), grouping.clone());
        let tallies = match origin {
            Origin::Campaign(provenance) => tallies.about(provenance),
            Origin::Log(_) => tallies,
        };
        Self {
            name: name.to_owned(),
            format,
            limit: origin.most_line_bytes(),
            preamble,
            grouping,
            sample: options.study_sample,
            protections: origin.protections(),
            weighted: matches!(origin, Origin::Campaign(provenance) if provenance.campaign.design.is_some()),
            empty: tallies.clone(),
            tallies,
            draw: options.study_sample.map(|sample| Draw::new(sample, 0)),
            progress,
            torn: false,
            skipped: Vec::new(),
        }
    }

    /// Returns the contents of the lines of `block` in order. Their checksums follow those of `chain`.
    pub fn entries<'a>(
        &'a self,
        block: Block<'a>,
        chain: &'a mut Chain,
    ) -> impl Iterator<Item = Result<Entry<'a>>> + use<'a> {
        let (mut rest, mut number) = (block.lines, block.before);
        std::iter::from_fn(move || {
            loop {
                let lines = rest;
                // Reading a slice does not fail.
                let length = rest.skip_until(b'\n').unwrap_or(0);
                if length == 0 {
                    return None;
                }
                number += 1;
                if length > self.limit && lines[..length].ends_with(b"\n") {
                    return Some(Err(Error::input(&self.name, too_long(number, self.limit))));
                }
                let entry = self.entry(&lines[..length]).and_then(|entry| {
                    if matches!(entry, Some(Entry::Record(_) | Entry::Skipped(_))) {
                        chain.follow(&lines[..length]).map_err(|error| error.to_string())?;
                    }
                    Ok(entry)
                });
                let located = |problem| Error::input(&self.name, format_args!("line {number}: {problem}"));
                if let Some(entry) = entry.map_err(located).transpose() {
                    return Some(entry);
                }
            }
        })
    }

    fn entry<'a>(&self, line: &'a [u8]) -> Result<Option<Entry<'a>>, String> {
        match self.format {
            Format::Records => match serde_json::from_slice(line) {
                Ok(record) => Ok(Some(Entry::Record(record))),
                Err(_) if !line.ends_with(b"\n") => Ok(Some(Entry::Torn)),
                Err(error) => match serde_json::from_slice(line) {
                    Ok(skipped) => Ok(Some(Entry::Skipped(skipped))),
                    Err(_) => Err(format!("no record of a fault: {error}")),
                },
            },
            Format::Log => Ok(match LogLine::parse(line)? {
                LogLine::Golden(golden) => Some(Entry::Golden(golden)),
                LogLine::Injection(injection) => Some(Entry::Injection(injection)),
                _ => None,
            }),
        }
    }

    /// Counts the records of `block`.
    ///
    /// # Errors
    /// If a line is not a record, except the last line without an end, or if the grouping lacks a class.
    pub fn count(&self, block: Block<'_>) -> Result<Counted> {
        let first = block.before.saturating_sub(self.preamble);
        let draw = self.sample.map(|sample| Draw::new(sample, first));
        let mut counted = Counted {
            tallies: self.empty.clone(),
            draw,
            images: Vec::new(),
            before: block.before,
            chain: Chain::middle(),
            trials: 0,
            torn: false,
        };
        let mut chain = Chain::middle();
        for entry in self.entries(block, &mut chain) {
            let entry = entry?;
            match &entry {
                Entry::Golden(golden) => {
                    self.check_classes([golden.label, golden.golden])?;
                    counted.tallies.add_golden(Some(golden.label), golden.golden);
                }
                Entry::Record(record) => match counted.images.last_mut() {
                    Some(OfImage::Records(head, _, count)) if *head == record.head() => *count += 1,
                    _ => counted.images.push(OfImage::Records(record.head(), record.golden_protected(), 1)),
                },
                Entry::Skipped(skipped) => {
                    counted.tallies.skip();
                    counted.images.push(OfImage::Skipped(skipped.clone()));
                }
                Entry::Torn => counted.torn = true,
                Entry::Injection(_) => {}
            }
            let Some(trial) = entry.observation() else { continue };
            if trial.draw.is_some() != self.weighted {
                let found = if self.weighted { "a record lacks its weight" } else { "a record has a weight" };
                return Err(Error::input(
                    &self.name,
                    format_args!("{found}, which the design of the campaign excludes"),
                ));
            }
            if trial.protected.len() != self.protections {
                let problem = format_args!(
                    "a record of image {} has the outcome under {} protections, and config.json names {}",
                    trial.image,
                    trial.protected.len(),
                    self.protections
                );
                return Err(Error::input(&self.name, problem));
            }
            self.check_classes([trial.label.unwrap_or_default(), trial.golden.max(trial.faulty)])?;
            for run in trial.protected {
                self.check_classes([run.class, run.golden(trial.golden)])?;
            }
            counted.trials += 1;
            counted.tallies.observe(&trial);
            if let Some(draw) = &mut counted.draw {
                let starts = Start::containing(trial.label, trial.golden, self.grouping.as_ref());
                draw.take(starts, trial.judge(self.grouping.as_ref()));
            }
        }
        counted.chain = chain;
        Ok(counted)
    }

    fn check_classes(&self, classes: [usize; 2]) -> Result<()> {
        let Some(grouping) = &self.grouping else { return Ok(()) };
        match classes.iter().max() {
            Some(&class) if class >= grouping.classes() => Err(Error::input(
                &self.name,
                format_args!(
                    "class {class} occurs, but the grouping \"{}\" is for {} classes; --grouping gives another one",
                    grouping.name(),
                    grouping.classes()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Adds the counts of the next block.
    ///
    /// # Errors
    /// If a record cannot follow the one before it.
    pub fn add(&mut self, counted: Counted) -> Result<()> {
        match &mut self.progress {
            Progress::Log { read, .. } => *read += counted.trials,
            Progress::Campaign(sequence, chain) => {
                let at = |line: u64, error: Error| Error::input(&self.name, format_args!("line {line}: {error}"));
                chain.join(&counted.chain).map_err(|error| at(counted.before + 1, error))?;
                for image in counted.images {
                    let line = sequence.lines() + 1;
                    match image {
                        OfImage::Records(head, protected, count) => {
                            for line in (line..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
                                let position = sequence.follow(head).map_err(|error| at(line, error))?;
                                if position.fault == 0 {
                                    self.tallies.add_golden(head.label, head.golden);
                                    self.tallies.add_golden_protected(head.label, head.golden, &protected);
                                }
                            }
                        }
                        OfImage::Skipped(skipped) => {
                            sequence.skip(&skipped).map_err(|error| at(line, error))?;
                            if self.skipped.len() < NAMED {
                                self.skipped.push(skipped.cause);
                            }
                        }
                    }
                }
            }
        }
        self.tallies.merge(&counted.tallies);
        if let (Some(draw), Some(counted)) = (&mut self.draw, counted.draw) {
            draw.merge(counted);
        }
        self.torn |= counted.torn;
        Ok(())
    }

    /// Returns the report on all blocks.
    pub fn finish(self) -> Report {
        let (records, planned, complete) = match &self.progress {
            Progress::Campaign(sequence, _) => (sequence.records(), sequence.expected(), sequence.complete()),
            Progress::Log { read, planned } => (*read, *planned, read == planned),
        };
        let summary = self.tallies.summary(complete && !self.torn);
        // Of a campaign with a goal, the order of the records says only that a round is complete.
        let complete = complete && summary.aim.as_ref().is_none_or(|aim| aim.is_final(&summary));
        let summary = Summary { complete: summary.complete && complete, ..summary };
        Report {
            study_sample: self.sample.zip(self.draw).map(|(sample, draw)| draw.summary(sample, &summary)),
            summary,
            records,
            planned,
            truncated: self.torn,
            skipped_images: self.skipped,
            classes: self.tallies.classes(),
            layer_bits: self.tallies.layer_bits(),
        }
    }
}
