//! A campaign's directory: `config.json`, `faults.jsonl`, `summary.json`; the measured times of protections, `times.json`; and what
//! tells its images from others, `data.tsv` and `images.jsonl`.

use std::collections::HashSet;
use std::fmt::Display;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::data::Files;
use super::journal::{self, Journal, Replay};
use super::ledger::{self, Ledger};
use super::place;
use super::read;
use super::write::{self, Existing};
use crate::campaign::compared::Timed;
use crate::campaign::{FIRST_LOOK, OnBadImage, Plan, Provenance, Record, Sequence, Skipped, Summary, Tallies};
use crate::data::ImageSource as _;
use crate::{Error, Result};

/// The file with the configuration of the campaign.
pub const CONFIG: &str = "config.json";
/// The file with the records.
pub const RECORDS: &str = "faults.jsonl";
/// The file with the rates.
pub const SUMMARY: &str = "summary.json";
/// The file with the measured times of protections.
pub const TIMES: &str = "times.json";
/// The file with an imported log.
pub const LOG: &str = "study.log";

/// The directory of a campaign, open for writing by this process alone.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    journal: Journal,
    /// The images that were used, if each is a file of its own.
    ledger: Option<Ledger>,
    /// The image of the last record.
    last: Option<usize>,
}

/// The files of a campaign.
const FILES: [&str; 6] = [CONFIG, RECORDS, SUMMARY, TIMES, ledger::LIST, ledger::USED];

/// A campaign that was begun.
#[derive(Debug)]
pub struct Begun {
    /// Its configuration.
    pub provenance: Provenance,
    /// The list of its images as they were then, with its path; `None` if they are no files of their own.
    pub list: Option<(String, String)>,
}

impl Begun {
    /// Reads the configuration of the campaign in `path`, and the list of its images.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let provenance = provenance(path)?;
        let list = ledger::list(path, &provenance.data.sha256)?;
        Ok(Self { provenance, list })
    }
}

/// Checks that `path` holds no campaign.
///
/// # Errors
/// If `path` holds a campaign, or is not a directory.
pub fn check_free(path: &Path) -> Result<()> {
    check_folder(path)?;
    for file in FILES.into_iter().chain([LOG]) {
        if place::check_regular(&path.join(file))? {
            return Err(Error::input(
                path.display().to_string(),
                format_args!("the directory already holds a campaign ({file}); choose another one with --out"),
            ));
        }
    }
    Ok(())
}

/// Checks that `path` is a directory, or does not exist.
///
/// # Errors
/// If `path` is a file.
pub fn check_folder(path: &Path) -> Result<()> {
    if path.exists() && !path.is_dir() {
        return Err(Error::input(path.display().to_string(), "expected a directory, found a file"));
    }
    Ok(())
}

/// Checks that `path` is a directory, or does not exist, and that the files of a campaign in it are files.
///
/// # Errors
/// If something else is there, a link for example.
pub fn check_files(path: &Path) -> Result<()> {
    check_folder(path)?;
    FILES.iter().try_for_each(|file| place::check_regular(&path.join(file)).map(drop))
}

/// Whether `path` holds a campaign that can be resumed. A campaign that was killed before it wrote its configuration
/// cannot.
pub fn is_begun(path: &Path) -> bool {
    path.join(CONFIG).exists() || path.join(RECORDS).metadata().is_ok_and(|file| file.len() > 0)
}

impl Directory {
    /// Creates the directory, if it does not exist, and the campaign's files in it.
    ///
    /// # Errors
    /// If the directory holds a campaign, if another process is beginning one there, or if the operating system
    /// refuses.
    pub fn create(
        path: &Path,
        provenance: &Provenance,
        plan: &Plan,
        files: Option<&Arc<Files>>,
        tallies: Tallies,
    ) -> Result<Self> {
        make(path)?;
        let records = path.join(RECORDS);
        let file = journal::lock(&records, true)?;
        if is_begun(path) {
            let problem = "another process has begun a campaign in this directory";
            return Err(Error::input(path.display().to_string(), problem));
        }
        remove_scratch(path);
        for file in [ledger::LIST, ledger::USED] {
            if place::check_regular(&path.join(file))? {
                let problem = format_args!("there is a file {file} of another campaign; choose another one with --out");
                return Err(Error::input(path.display().to_string(), problem));
            }
        }
        write_json(&path.join(CONFIG), provenance, Existing::Keep)?;
        let ledger = files.map(|files| Ledger::open(path, files, HashSet::new(), false)).transpose()?;
        sync_names(path);
        let (journal, _) = Journal::open(&records, file, plan, tallies)?;
        let mut directory = Self { path: path.to_owned(), journal, ledger, last: None };
        // The first look has read these.
        let looked_at = (0..plan.images().min(FIRST_LOOK)).filter_map(|nth| plan.image(nth));
        let labelled = |image: &usize| files.is_some_and(|files| files.label(*image).is_some());
        looked_at.filter(labelled).try_for_each(|image| directory.note(image))?;
        Ok(directory)
    }

    /// Opens the directory of a campaign to continue it. The images `changed` are missing or have another size than at its
    /// beginning.
    ///
    /// # Errors
    /// If the directory holds another campaign than that of `provenance` and `plan`, or if another process writes it.
    /// The directory is then unchanged.
    pub fn resume(
        path: &Path,
        provenance: &Provenance,
        plan: &Plan,
        files: Option<&Arc<Files>>,
        changed: &[usize],
        tallies: Tallies,
    ) -> Result<(Self, Replay)> {
        check_files(path)?;
        let records = path.join(RECORDS);
        let mut found = self::provenance(path)?;
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
        let recorded = (0..replay.begun).filter(|nth| !replay.skipped.contains(nth));
        let recorded: HashSet<usize> = recorded.filter_map(|nth| plan.image(nth)).collect();
        let mut ledger = None;
        if let Some(files) = files {
            if let Some(&image) = changed.iter().find(|image| recorded.contains(image)) {
                let problem =
                    "the image is missing or has another size, and the campaign has records of it; restore it to go on";
                return Err(Error::input(files.name(image), problem));
            }
            let skips = provenance.campaign.on_bad_image == OnBadImage::Skip;
            ledger = Some(Ledger::open(path, files, recorded, skips)?);
        }
        remove_scratch(path);
        if found.campaign.on_bad_image != provenance.campaign.on_bad_image {
            found.campaign.on_bad_image = provenance.campaign.on_bad_image;
            write_json(&path.join(CONFIG), &found, Existing::Replace)?;
        }
        Ok((Self { path: path.to_owned(), journal, ledger, last: None }, replay))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// If the record cannot follow the one before, or if the operating system refuses, because the disk is full for
    /// example.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        self.note(record.image)?;
        self.journal.append(record)
    }

    /// Appends the line of an image that was skipped.
    ///
    /// # Errors
    /// As [`Directory::append`].
    pub fn skip(&mut self, skipped: &Skipped) -> Result<()> {
        self.note(skipped.image)?;
        self.journal.skip(skipped)
    }

    /// Writes down the content of `image` before its first record.
    fn note(&mut self, image: usize) -> Result<()> {
        match &mut self.ledger {
            Some(ledger) if self.last.replace(image) != Some(image) => ledger.note(image),
            _ => Ok(()),
        }
    }

    /// The sequence of the records so far.
    pub fn sequence(&self) -> &Sequence {
        self.journal.sequence()
    }

    /// Writes the remaining records and the summary.
    ///
    /// # Errors
    /// If the operating system refuses, or if the directory was replaced, which is then left alone.
    pub fn finish(mut self, summary: &Summary) -> Result<()> {
        self.journal.check_place()?;
        if let Some(ledger) = &self.ledger {
            ledger.sync()?;
        }
        self.journal.sync()?;
        write_json(&self.path.join(SUMMARY), summary, Existing::Replace)?;
        sync_names(&self.path);
        Ok(())
    }
}

/// Reads the configuration of the campaign in `path`.
///
/// # Errors
/// If there is no campaign, or its configuration is damaged.
pub fn provenance(path: &Path) -> Result<Provenance> {
    let (name, bytes) = config(path)?;
    let refused =
        |error: &dyn Display| Error::input(&name, format_args!("not the configuration of a campaign: {error}"));
    let provenance: Provenance = serde_json::from_slice(&bytes).map_err(|error| refused(&error))?;
    provenance.validate().map_err(|error| refused(&error))?;
    Ok(provenance)
}

/// Reads the configuration in `path`, of a campaign or of an imported log. Returns its path and its bytes.
///
/// # Errors
/// If there is none.
pub fn config(path: &Path) -> Result<(String, Vec<u8>)> {
    let config = path.join(CONFIG);
    match read::bytes(&config) {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(Error::input(path.display().to_string(), format_args!("no campaign: there is no {CONFIG} in it")))
        }
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotADirectory => {
            let folder = path.parent().filter(|folder| folder.join(CONFIG).is_file());
            let remedy = folder.map_or_else(String::new, |folder| format!(": {}", folder.display()));
            let problem = format_args!("this is a file; give the directory of the campaign{remedy}");
            Err(Error::input(path.display().to_string(), problem))
        }
        bytes => Ok((config.display().to_string(), bytes?)),
    }
}

/// Creates the directory at `path`, which the user has named, if it does not exist.
///
/// # Errors
/// If the operating system refuses.
pub fn make(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| match error.kind() {
        // The parents are made as well.
        ErrorKind::NotFound => {
            Error::input(path.display().to_string(), "no directory can be made here; choose another path")
        }
        _ => Error::io(path.display(), error),
    })
}

/// Writes the measured times of the protections of the campaign in `path`. Those of an earlier run of the campaign go.
///
/// # Errors
/// If the operating system refuses.
pub fn write_times(path: &Path, timed: &Timed) -> Result<()> {
    write_json(&path.join(TIMES), timed, Existing::Replace)
}

/// Reads the measured times of the protections of the campaign in `path`; `None` if none were measured.
///
/// # Errors
/// If the file is damaged.
pub fn times(path: &Path) -> Result<Option<Timed>> {
    let times = path.join(TIMES);
    match read::bytes(&times) {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        bytes => Timed::from_json(&times.display().to_string(), &bytes?).map(Some),
    }
}

/// Writes `value` to the file at `path`, completely or not at all.
pub fn write_json(path: &Path, value: &impl Serialize, existing: Existing) -> Result<()> {
    let name = path.display().to_string();
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::input(name, error))?;
    bytes.push(b'\n');
    write::atomically(path, &bytes, existing)
}

/// Removes the incomplete files that a killed process left.
pub fn remove_scratch(path: &Path) {
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let of_ours = FILES.iter().chain([&LOG]).filter_map(|file| name.strip_prefix(file)).next();
        if of_ours.is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".tmp")) {
            // The file is harmless, so a failure to remove it is no error.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Removes the files of a campaign or of a log that was not written completely.
pub fn remove_files(path: &Path) {
    remove_scratch(path);
    for file in FILES.into_iter().chain([LOG]) {
        // Most of them do not exist.
        let _ = std::fs::remove_file(path.join(file));
    }
}

/// Writes the names of new files to the disk, not only their contents. Systems on which a directory cannot be opened do
/// not need this.
fn sync_names(path: &Path) {
    if let Ok(directory) = File::open(path) {
        let _ = directory.sync_all();
    }
}
