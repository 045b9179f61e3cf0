//! `faultscope import-log`: reads logs of the study's own scripts for reports.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use sha2::{Digest, Sha256};

use super::args::MemoryArguments;
use super::directory::{self, LOG};
use super::exit::Exit;
use super::failure::Failure;
use super::open;
use super::output::{counted, print};
use super::unfinished::Unfinished;
use super::write::{self, Existing, hexadecimal};
use crate::fault::RECORD_BYTES;
use crate::labels;
use crate::report::{LogCheck, LogFile, LogLine, LogOrigin};
use crate::{Error, Result};

/// Read a log of the study's own scripts, in one file or in parts, into a directory for `faultscope report`.
///
/// For each fault, a log has the prediction, but neither the injection site nor whether the output had NaN or infinity.
/// The tables by bit and by layer therefore need a campaign.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Files of one model's log, in any order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Directory to write; must not hold a campaign
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Grouping of the classes for SCM: imagenet, cifar100, cifar10, gtsrb, or a TOML file; the first four include the
    /// names of the classes
    #[arg(long, value_name = "NAME|FILE")]
    grouping: Option<String>,

    #[command(flatten)]
    memory: MemoryArguments,
}

/// A checked file.
struct Checked {
    path: PathBuf,
    /// The first index of its images.
    low: usize,
    source: LogFile,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.memory.allow();
    let out = &arguments.out;
    let unfinished = Unfinished::begin(out)?;
    let grouping = arguments.grouping.as_deref().map(open::grouping).transpose()?;
    let labels = labels::names_of_classes(&[], grouping.as_ref());
    let mut check = LogCheck::default();
    let mut files = Vec::new();
    for path in &arguments.files {
        files.push(checked(&mut check, path)?);
    }
    files.sort_by_key(|file| file.low);
    let log = check.head();
    let path = out.join(LOG);
    write::streamed(&path, Existing::Keep, |out| {
        let failed = |error| Error::io(path.display(), error);
        writeln!(out, "{}", LogLine::Model(&log.model)).map_err(failed)?;
        for golden in [true, false] {
            for file in &files {
                each_line(&file.path, |_, _, line| match line {
                    LogLine::Golden(_) if golden => writeln!(out, "{line}").map_err(failed),
                    LogLine::Injection(_) if !golden => writeln!(out, "{line}").map_err(failed),
                    _ => Ok(()),
                })?;
            }
        }
        Ok(())
    })?;
    let summary = format!("{}: {} and {}", log.model, counted(log.images, "image"), counted(log.injections, "fault"));
    let origin = LogOrigin {
        faultscope: env!("CARGO_PKG_VERSION").to_owned(),
        log,
        files: files.into_iter().map(|file| file.source).collect(),
        grouping,
        labels,
    };
    directory::write_json(&out.join(directory::CONFIG), &origin, Existing::Keep)?;
    unfinished.finish()?;
    print(&format!("{summary}\n`faultscope report {}` shows the tables\n", out.display()))?;
    Ok(Exit::Done)
}

/// Reads `path` through `check`.
fn checked(check: &mut LogCheck, path: &Path) -> Result<Checked> {
    let name = path.display().to_string();
    check.begin(&name);
    let mut hash = Sha256::new();
    each_line(path, |number, bytes, line| {
        hash.update(bytes);
        check.take(number, &line)
    })?;
    check.end()?;
    let source = LogFile { path: name, sha256: hexadecimal(&hash.finalize()) };
    Ok(Checked { path: path.to_owned(), low: check.low(), source })
}

/// Calls `visit` with each line of a log: its number from 1, its bytes and its content.
fn each_line(path: &Path, mut visit: impl FnMut(u64, &[u8], LogLine<'_>) -> Result<()>) -> Result<()> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::io(&name, error))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let limited = reader.by_ref().take(RECORD_BYTES as u64).read_until(b'\n', &mut bytes);
        match limited.map_err(|error| Error::io(&name, error))? {
            0 => break,
            RECORD_BYTES if !bytes.ends_with(b"\n") => {
                let problem =
                    format_args!("line {number}: expected a line of a log, of at most {} kB", RECORD_BYTES >> 10);
                return Err(Error::input(name, problem));
            }
            _ => {}
        }
        let line =
            LogLine::parse(&bytes).map_err(|problem| Error::input(&name, format_args!("line {number}: {problem}")))?;
        visit(number, &bytes, line)?;
    }
    Ok(())
}
