//! Reading a directory of results, a campaign's or that of an imported log: in parallel and without keeping it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::directory::{self, RECORDS};
use crate::report::{Block, Entry, Options, Origin, Reader, Report};
use crate::{Error, Result};

/// The file of an imported log.
pub const LOG: &str = "study.log";

/// Bytes that are read at once: enough to keep a processor busy, little enough to have one for each.
const BLOCK: usize = 4 << 20;

/// A directory with results.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    file: PathBuf,
    origin: Origin,
}

impl Results {
    /// Reads what the results in `path` are of.
    ///
    /// # Errors
    /// Where there are none, or their configuration is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let (name, bytes) = directory::config(path)?;
        let origin = Origin::from_json(&name, &bytes)?;
        let file = path.join(if matches!(origin, Origin::Log(_)) { LOG } else { RECORDS });
        Ok(Self { path: path.to_owned(), file, origin })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the results are of.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The report on them. As many blocks of lines are counted at once as there are processors.
    ///
    /// # Errors
    /// Where they are damaged; the error names the line.
    pub fn report(&self, options: Options) -> Result<Report> {
        let mut reader = self.reader(options);
        let mut blocks = Blocks::open(&self.file)?;
        loop {
            let mut batch = Vec::new();
            while batch.len() < rayon::current_num_threads()
                && let Some(block) = blocks.next()?
            {
                batch.push(block);
            }
            if batch.is_empty() {
                return Ok(reader.finish());
            }
            let counted: Vec<_> = batch.par_iter().map(|block| reader.count(block.view())).collect();
            for counted in counted {
                reader.add(counted?)?;
            }
        }
    }

    /// Calls `visit` with what each line says, in order.
    ///
    /// # Errors
    /// As [`Results::report`], and those of `visit`.
    pub fn each(&self, mut visit: impl FnMut(&Entry<'_>) -> Result<()>) -> Result<()> {
        let reader = self.reader(Options::default());
        let mut blocks = Blocks::open(&self.file)?;
        while let Some(block) = blocks.next()? {
            for entry in reader.entries(block.view()) {
                visit(&entry?)?;
            }
        }
        Ok(())
    }

    fn reader(&self, options: Options) -> Reader {
        Reader::new(&self.origin, &self.file.display().to_string(), options)
    }
}

/// A file, cut into blocks of whole lines.
pub struct Blocks {
    name: String,
    file: File,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
    lines: u64,
}

/// Whole lines of a file.
#[derive(Debug)]
pub struct OwnedBlock {
    bytes: Vec<u8>,
    before: u64,
}

impl OwnedBlock {
    /// The lines, for a [`Reader`].
    pub fn view(&self) -> Block<'_> {
        Block { lines: &self.bytes, before: self.before }
    }
}

impl Blocks {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| Error::io(&name, error))?;
        Ok(Self { name, file, rest: Vec::new(), lines: 0 })
    }

    /// The next block; the last one may end without the end of its line.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn next(&mut self) -> Result<Option<OwnedBlock>> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            let before = bytes.len();
            bytes.reserve(BLOCK);
            let more = Read::by_ref(&mut self.file).take(BLOCK as u64).read_to_end(&mut bytes);
            let more = more.map_err(|error| Error::io(&self.name, error))?;
            let end = bytes[before..].iter().rposition(|&byte| byte == b'\n').map(|last| before + last + 1);
            match end {
                Some(end) if more > 0 => self.rest = bytes.split_off(end),
                // A line longer than a block.
                None if more > 0 => continue,
                _ => {}
            }
            break;
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let before = self.lines;
        self.lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        Ok(Some(OwnedBlock { bytes, before }))
    }
}
