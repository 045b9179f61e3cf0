//! Directories of results, of a campaign or of an imported log. They are read in parallel, and not kept in memory.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::directory::{self, LOG, RECORDS};
use super::read;
use crate::campaign::Chain;
use crate::campaign::compared::Timed;
use crate::report::{Archive, Blocks, Entry, Options, Origin, Reader, Report};
use crate::{Error, Result};

/// Checks that no directory is given twice, under whatever path.
///
/// # Errors
/// For the first one that is.
pub fn check_distinct(directories: &[PathBuf]) -> Result<()> {
    // What does not exist is refused where it is opened.
    let places: Vec<PathBuf> =
        directories.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    match (0..places.len()).find(|&index| places[..index].contains(&places[index])) {
        Some(index) => {
            let name = directories[index].display().to_string();
            Err(Error::input(name, "the directory is given twice; leave one away"))
        }
        None => Ok(()),
    }
}

/// A directory with results, or such a directory in a zip.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    file: PathBuf,
    origin: Origin,
    /// The records, if they are in a zip.
    zipped: Option<Vec<u8>>,
    /// The measured times of protections.
    timed: Option<Timed>,
}

impl Results {
    /// Opens the results in `path` and reads their configuration.
    ///
    /// # Errors
    /// If there are none, or their configuration is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) && path.is_file() {
            let name = path.display().to_string();
            let Archive { config, records } = Archive::open(&name, &read::bytes(path)?)?;
            let origin = Origin::from_json(&name, &config)?;
            return Ok(Self {
                path: path.to_owned(),
                file: path.join(RECORDS),
                origin,
                zipped: Some(records),
                timed: None,
            });
        }
        let (name, bytes) = directory::config(path)?;
        let origin = Origin::from_json(&name, &bytes)?;
        let file = path.join(if matches!(origin, Origin::Log(_)) { LOG } else { RECORDS });
        let timed = directory::times(path)?;
        Ok(Self { path: path.to_owned(), file, origin, zipped: None, timed })
    }

    /// Whether `path` is a directory with results, or a zip, which may be one.
    pub fn are_in(path: &Path) -> bool {
        let is_zip = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) && path.is_file();
        is_zip || directory::is_begun(path)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The origin of the results.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Counts the results. Each processor counts a block of lines at a time.
    ///
    /// # Errors
    /// If the results are damaged. The error names the line.
    pub fn report(&self, options: Options) -> Result<Report> {
        let weighted = matches!(&self.origin, Origin::Campaign(provenance) if provenance.campaign.design.is_some());
        if weighted && options.study_sample.is_some() {
            let problem =
                "--study-sample draws faults of equal weight, and those of a stratified campaign have weights";
            return Err(Error::input(self.path.display().to_string(), problem));
        }
        let mut reader = self.reader(options);
        let mut blocks = self.blocks()?;
        loop {
            let mut batch = Vec::new();
            while batch.len() < rayon::current_num_threads()
                && let Some(block) = blocks.next().transpose()?
            {
                batch.push(block);
            }
            if batch.is_empty() {
                let mut report = reader.finish();
                if let Some(timed) = &self.timed {
                    timed.tell(&mut report.summary.protections);
                }
                return Ok(report);
            }
            let counted: Vec<_> = batch.par_iter().map(|block| reader.count(block.view())).collect();
            for counted in counted {
                reader.add(counted?)?;
            }
        }
    }

    /// Calls `visit` with the content of each line, in order.
    ///
    /// # Errors
    /// As [`Results::report`], and those of `visit`.
    pub fn each(&self, mut visit: impl FnMut(&Entry<'_>) -> Result<()>) -> Result<()> {
        let reader = self.reader(Options::default());
        let mut chain = Chain::default();
        for block in self.blocks()? {
            for entry in reader.entries(block?.view(), &mut chain) {
                visit(&entry?)?;
            }
        }
        Ok(())
    }

    fn blocks(&self) -> Result<Blocks<Box<dyn Read + '_>>> {
        let name = self.file.display().to_string();
        let lines: Box<dyn Read + '_> = match &self.zipped {
            Some(records) => Box::new(Cursor::new(records)),
            None => Box::new(File::open(&self.file).map_err(|error| Error::io(&name, error))?),
        };
        Ok(Blocks::new(name, lines, self.origin.most_line_bytes()))
    }

    fn reader(&self, options: Options) -> Reader {
        Reader::new(&self.origin, &self.file.display().to_string(), options)
    }
}
