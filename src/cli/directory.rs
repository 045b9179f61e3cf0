//! A campaign's directory: `config.json`, `faults.jsonl`, `summary.json`.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::open::read;
use super::write::{self, Existing};
use crate::campaign::{Provenance, Record, Summary};
use crate::report::Report;
use crate::{Error, Result};

const CONFIG: &str = "config.json";
const RECORDS: &str = "faults.jsonl";
const SUMMARY: &str = "summary.json";

/// How much work may be lost where the machine goes down.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A directory that a campaign is being written to.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    records_path: PathBuf,
    records: BufWriter<File>,
    flushed: Instant,
}

/// Makes sure that `path` does not hold a campaign.
///
/// # Errors
/// Where it does, or is no directory.
pub fn check_free(path: &Path) -> Result<()> {
    for file in [CONFIG, RECORDS, SUMMARY] {
        if path.join(file).exists() {
            return Err(Error::input(
                path.display().to_string(),
                format_args!("the directory holds a campaign already ({file}); choose another one with --out"),
            ));
        }
    }
    if path.exists() && !path.is_dir() {
        return Err(Error::input(path.display().to_string(), "a directory is expected, this is a file"));
    }
    Ok(())
}

impl Directory {
    /// Creates the directory where it does not exist, and starts the campaign's files in it.
    ///
    /// # Errors
    /// Where there is a campaign already, or the system refuses.
    pub fn create(path: &Path, provenance: &Provenance) -> Result<Self> {
        check_free(path)?;
        std::fs::create_dir_all(path).map_err(|error| Error::io(path.display(), error))?;
        // Whoever creates the records has the directory, should two campaigns start at the same time.
        let records_path = path.join(RECORDS);
        let records = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&records_path)
            .map_err(|error| Error::io(records_path.display(), error))?;
        write_json(&path.join(CONFIG), provenance)?;
        Ok(Self { path: path.to_owned(), records_path, records: BufWriter::new(records), flushed: Instant::now() })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// Where the system refuses, on a full disk for example.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        let failed = |error| Error::io(self.records_path.display(), error);
        let line = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        self.records.write_all(&line).and_then(|()| self.records.write_all(b"\n")).map_err(failed)?;
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.records.flush().map_err(failed)?;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    /// Writes what is left, and the summary.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn finish(mut self, summary: &Summary) -> Result<()> {
        self.records
            .flush()
            .and_then(|()| self.records.get_ref().sync_all())
            .map_err(|error| Error::io(self.records_path.display(), error))?;
        write_json(&self.path.join(SUMMARY), summary)
    }
}

/// Reads the campaign in `path` back.
///
/// # Errors
/// Where there is none, or its files are damaged.
pub fn report(path: &Path) -> Result<(Provenance, Report)> {
    let config = path.join(CONFIG);
    let config_name = config.display().to_string();
    let bytes = match read(&config) {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Err(Error::input(
                path.display().to_string(),
                format_args!("no campaign: there is no {CONFIG} in it"),
            ));
        }
        bytes => bytes?,
    };
    let provenance: Provenance = serde_json::from_slice(&bytes)
        .map_err(|error| Error::input(config_name, format_args!("not the configuration of a campaign: {error}")))?;
    let records = path.join(RECORDS);
    let name = records.display().to_string();
    let file = File::open(&records).map_err(|error| Error::io(&name, error))?;
    let report = Report::read(&provenance, BufReader::with_capacity(1 << 20, file), &name)?;
    Ok((provenance, report))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let name = path.display().to_string();
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::input(name, error))?;
    bytes.push(b'\n');
    write::atomically(path, &bytes, Existing::Keep)
}
