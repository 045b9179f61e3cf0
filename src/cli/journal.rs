//! `faults.jsonl`: records in the order of the plan, which survive the end of the process or of the machine.
//!
//! A record is written once. Records reach the operating system every second, so a killed process loses at most those
//! of a second. They reach the disk every ten seconds, for a machine that loses its power. A resumed campaign makes
//! lost records again, and they are the same: a fault depends only on the configuration and its position.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::place;
use crate::campaign::{Chain, DAMAGED, Plan, Position, Record, Sequence, Skipped, Tallies};
use crate::report::too_long;
use crate::{Error, Result};

/// Time between two transfers of records to the operating system.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Time between two transfers to the disk.
const SYNC_EVERY: Duration = Duration::from_secs(10);

/// The records of a campaign, open for writing by this process alone.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    records: BufWriter<File>,
    sequence: Sequence,
    chain: Chain,
    line: Vec<u8>,
    /// Most bytes of a record.
    limit: usize,
    flushed: Instant,
    synced: Instant,
}

/// The content of a journal.
#[derive(Debug)]
pub struct Replay {
    /// The position of the next record.
    pub next: Position,
    /// The counts over all records.
    pub tallies: Tallies,
    /// Number of records.
    pub records: u64,
    /// Places in the plan of the images that were skipped.
    pub skipped: HashSet<usize>,
    /// Images with a record, or with the line of one that was skipped.
    pub begun: usize,
    /// Bytes after the last whole record, which were cut off.
    pub torn: u64,
}

/// Opens the file of records at `path` for reading and writing, and locks it against all other processes.
///
/// # Errors
/// If another process has locked it, or if the operating system refuses.
pub fn lock(path: &Path, create: bool) -> Result<File> {
    let failed = |error| Error::io(path.display(), error);
    let exists = place::check_regular(path)?;
    // A new file is made only where nothing is, not even a link.
    let new = create && !exists;
    let file = File::options().read(true).write(true).create_new(new).open(path).map_err(failed)?;
    place::check_same(path, &file)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let problem = "another process is writing this campaign; wait for its end, or choose another --out";
            return Err(Error::input(path.display().to_string(), problem));
        }
        // Some network file systems have no locks. A campaign on them is allowed.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            eprintln!("{}: the file system has no locks; start one process only for this directory", path.display());
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    Ok(file)
}

impl Journal {
    /// Opens the journal in `file`, which is at `path` and was [locked](lock). Compares its records with `plan` and
    /// cuts off an incomplete last record.
    ///
    /// # Errors
    /// If a record differs from the plan. The file is then unchanged.
    pub fn open(path: &Path, file: File, plan: &Plan, mut tallies: Tallies) -> Result<(Self, Replay)> {
        let name = path.display().to_string();
        let failed = |error| Error::io(&name, error);
        let length = file.metadata().map_err(failed)?.len();
        let mut sequence = Sequence::of(plan.config(), plan.images(), true);
        let mut chain = Chain::default();
        let limit = plan.config().most_record_bytes();
        let mut skipped = HashSet::new();
        let lines = BufReader::with_capacity(1 << 20, &file);
        let whole = read(lines, &name, limit, &mut sequence, &mut chain, |position, line, _| {
            match line {
                Line::Record(record) => {
                    plan.check(position, record)?;
                    tallies.replay(position, record);
                }
                Line::Skipped(line) => {
                    plan.check_image(position, line.image)?;
                    tallies.skip();
                    skipped.insert(position.nth);
                }
            }
            Ok(())
        })?;
        let (next, records) = (sequence.position(), sequence.records());
        let replay = Replay { next, tallies, records, skipped, begun: sequence.begun(), torn: length - whole };
        let mut records = BufWriter::with_capacity(1 << 16, file);
        if replay.torn > 0 {
            records.get_ref().set_len(whole).map_err(failed)?;
        }
        records.seek(SeekFrom::Start(whole)).map_err(failed)?;
        let now = Instant::now();
        let (path, line) = (path.to_owned(), Vec::new());
        let journal = Self { path, records, sequence, chain, line, limit, flushed: now, synced: now };
        Ok((journal, replay))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// If the record cannot follow the one before, or if the operating system refuses, because the disk is full for
    /// example.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        self.sequence.take(record).map_err(|error| error.concerning(self.path.display().to_string()))?;
        self.write(record)
    }

    /// Appends the line of an image that was skipped.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn skip(&mut self, skipped: &Skipped) -> Result<()> {
        self.sequence.skip(skipped).map_err(|error| error.concerning(self.path.display().to_string()))?;
        self.write(skipped)
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        self.line.clear();
        let failed = |error| Error::io(self.path.display(), error);
        serde_json::to_writer(&mut self.line, line).map_err(|error| failed(error.into()))?;
        self.chain.sign(&mut self.line);
        self.line.push(b'\n');
        if self.line.len() > self.limit {
            return Err(Error::input(self.path.display().to_string(), too_long(self.sequence.lines(), self.limit)));
        }
        self.records.write_all(&self.line).map_err(failed)?;
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.records.flush().map_err(failed)?;
            self.check_place()?;
            self.flushed = Instant::now();
            if self.synced.elapsed() >= SYNC_EVERY {
                self.records.get_ref().sync_data().map_err(failed)?;
                self.synced = self.flushed;
            }
        }
        Ok(())
    }

    /// The sequence of the records so far.
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// Checks that the file is still the one at its path.
    ///
    /// # Errors
    /// If the campaign's directory was removed or replaced.
    pub fn check_place(&self) -> Result<()> {
        place::check_same(&self.path, self.records.get_ref())
    }

    /// Writes all records to the disk.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn sync(&mut self) -> Result<()> {
        let done = self.records.flush().and_then(|()| self.records.get_ref().sync_all());
        done.map_err(|error| Error::io(self.path.display(), error))
    }
}

/// The content of a line.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "lines are read one at a time, and nearly all are records")]
pub enum Line {
    /// A trial.
    Record(Record),
    /// An image that was skipped.
    Skipped(Skipped),
}

/// Reads the records in `file`, which is called `name`. Passes each to `chain`, to `sequence`, and to `take` with its line.
/// Returns the number of bytes up to the end of the last whole record. Of a line, `limit` bytes are kept at most.
///
/// # Errors
/// If a record is invalid, longer than `limit` or refused, except an incomplete one at the very end. The error names
/// the line.
pub fn read(
    mut file: impl BufRead,
    name: &str,
    limit: usize,
    sequence: &mut Sequence,
    chain: &mut Chain,
    mut take: impl FnMut(Position, &Line, &[u8]) -> Result<()>,
) -> Result<u64> {
    let failed = |error| Error::io(name, error);
    let mut whole = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = file.by_ref().take(limit as u64).read_until(b'\n', &mut line).map_err(failed)?;
        let number = sequence.lines() + 1;
        if !line.ends_with(b"\n") {
            // After a power failure, a file system can leave blocks of zeros in place of the last records.
            if only_zeros(&mut file).map_err(failed)? {
                return Ok(whole);
            }
            return Err(Error::input(name, too_long(number, limit)));
        }
        let content = match parse(&line) {
            Ok(content) => content,
            Err(error) => {
                let last = file.fill_buf().map_err(failed)?.is_empty();
                if last && (error.is_eof() || line.contains(&0)) {
                    return Ok(whole);
                }
                let problem = format!("line {number}: expected the record of a fault: {error}");
                return Err(Error::input(name, if last { problem } else { format!("{problem}; {DAMAGED}") }));
            }
        };
        let taken = chain.follow(&line).and_then(|()| {
            let position = match &content {
                Line::Record(record) => sequence.take(record),
                Line::Skipped(skipped) => sequence.skip(skipped),
            };
            take(position?, &content, &line)
        });
        taken.map_err(|error| match error {
            Error::Request(problem) => Error::input(name, format_args!("line {number}: {problem}")),
            other => other,
        })?;
        whole += length as u64;
    }
}

fn parse(line: &[u8]) -> serde_json::Result<Line> {
    serde_json::from_slice(line)
        .map(Line::Record)
        .or_else(|error| serde_json::from_slice(line).map(Line::Skipped).map_err(|_| error))
}

/// Whether `file` has no byte but zeros from here to its end.
fn only_zeros(file: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() || bytes.iter().any(|&byte| byte != 0) {
            return Ok(bytes.is_empty());
        }
        let length = bytes.len();
        file.consume(length);
    }
}
