//! A campaign's directory: `config.json`, `faults.jsonl`, `summary.json`.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::journal::{self, Journal, Replay};
use super::read;
use super::write::{self, Existing};
use crate::campaign::{Plan, Provenance, Record, Sequence, Summary, Tallies};
use crate::{Error, Result};

/// What a campaign was to do.
pub const CONFIG: &str = "config.json";
/// Its records.
pub const RECORDS: &str = "faults.jsonl";
/// Its rates.
pub const SUMMARY: &str = "summary.json";
/// The file of an imported log.
pub const LOG: &str = "study.log";

/// A directory that a campaign is being written to, by this process alone.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    journal: Journal,
}

/// Makes sure that `path` does not hold a campaign.
///
/// # Errors
/// Where it does, or is no directory.
pub fn check_free(path: &Path) -> Result<()> {
    check_folder(path)?;
    for file in [CONFIG, RECORDS, SUMMARY, LOG] {
        if path.join(file).exists() {
            return Err(Error::input(
                path.display().to_string(),
                format_args!("the directory holds a campaign already ({file}); choose another one with --out"),
            ));
        }
    }
    Ok(())
}

/// Makes sure that `path` is a directory, or nothing yet.
///
/// # Errors
/// Where it is a file.
pub fn check_folder(path: &Path) -> Result<()> {
    if path.exists() && !path.is_dir() {
        return Err(Error::input(path.display().to_string(), "a directory is expected, this is a file"));
    }
    Ok(())
}

/// Whether a campaign was begun in `path`, so that it can be resumed. One that was killed before it wrote its
/// configuration was not.
pub fn is_begun(path: &Path) -> bool {
    path.join(CONFIG).exists() || path.join(RECORDS).metadata().is_ok_and(|file| file.len() > 0)
}

impl Directory {
    /// Creates the directory where it does not exist, and starts the campaign's files in it.
    ///
    /// # Errors
    /// Where a campaign was begun there, another process is beginning one, or the system refuses.
    pub fn create(path: &Path, provenance: &Provenance, plan: &Plan, tallies: Tallies) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|error| Error::io(path.display(), error))?;
        let records = path.join(RECORDS);
        let file = journal::lock(&records, true)?;
        if is_begun(path) {
            let problem = "another process has begun a campaign in this directory";
            return Err(Error::input(path.display().to_string(), problem));
        }
        remove_scratch(path);
        write_json(&path.join(CONFIG), provenance, Existing::Keep)?;
        sync_names(path);
        let (journal, _) = Journal::open(&records, file, plan, tallies)?;
        Ok(Self { path: path.to_owned(), journal })
    }

    /// Opens the directory of a campaign that was begun, to go on with it.
    ///
    /// # Errors
    /// Where the campaign there is not the one of `provenance` and `plan`, or another process is at it. The directory
    /// is then as it was.
    pub fn resume(path: &Path, provenance: &Provenance, plan: &Plan, tallies: Tallies) -> Result<(Self, Replay)> {
        let records = path.join(RECORDS);
        let found = self::provenance(path)?;
        if let Some(difference) = found.difference(provenance) {
            return Err(Error::input(
                path.display().to_string(),
                format_args!(
                    "another campaign is in this directory: {difference}; resume it with its own arguments, or choose \
                     another --out"
                ),
            ));
        }
        let file = journal::lock(&records, false)?;
        let (journal, replay) = Journal::open(&records, file, plan, tallies)?;
        remove_scratch(path);
        Ok((Self { path: path.to_owned(), journal }, replay))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// Where it cannot follow the one before, or the system refuses, on a full disk for example.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        self.journal.append(record)
    }

    /// Which records there are.
    pub fn sequence(&self) -> &Sequence {
        self.journal.sequence()
    }

    /// Writes what is left, and the summary.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn finish(mut self, summary: &Summary) -> Result<()> {
        self.journal.sync()?;
        write_json(&self.path.join(SUMMARY), summary, Existing::Replace)?;
        sync_names(&self.path);
        Ok(())
    }
}

/// Reads what the campaign in `path` was to do.
///
/// # Errors
/// Where there is none, or its configuration is damaged.
pub fn provenance(path: &Path) -> Result<Provenance> {
    let (name, bytes) = config(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::input(name, format_args!("not the configuration of a campaign: {error}")))
}

/// Reads the configuration in `path`, whatever it is of: its path, and its bytes.
///
/// # Errors
/// Where there is none.
pub fn config(path: &Path) -> Result<(String, Vec<u8>)> {
    let config = path.join(CONFIG);
    match read::bytes(&config) {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(Error::input(path.display().to_string(), format_args!("no campaign: there is no {CONFIG} in it")))
        }
        bytes => Ok((config.display().to_string(), bytes?)),
    }
}

/// Writes `value` to the file at `path`, in full or not at all.
pub fn write_json(path: &Path, value: &impl Serialize, existing: Existing) -> Result<()> {
    let name = path.display().to_string();
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::input(name, error))?;
    bytes.push(b'\n');
    write::atomically(path, &bytes, existing)
}

/// Removes what a process that was killed left of a file it was writing.
fn remove_scratch(path: &Path) {
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let of_ours = [CONFIG, SUMMARY].iter().filter_map(|file| name.strip_prefix(file)).next();
        if of_ours.is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".tmp")) {
            // It is in nobody's way: where it cannot be removed it stays.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Has the names of new files on the disk, not only their contents. Not every system lets a directory be opened, and
/// those that do not need no such thing.
fn sync_names(path: &Path) {
    if let Ok(directory) = File::open(path) {
        let _ = directory.sync_all();
    }
}
