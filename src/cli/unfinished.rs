//! Directories that a command writes in one go. A mark stands in them until all is written, so that a rerun after a kill
//! knows what was left behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::directory;
use super::{journal, place};
use crate::{Error, Result};

/// The mark, a file that the writing process has locked.
const MARK: &str = "unfinished.lock";

/// A directory that is being written. Without [`Unfinished::finish`] its files are removed.
#[derive(Debug)]
pub struct Unfinished {
    path: PathBuf,
    /// Whether the directory was made for this.
    made: bool,
    done: bool,
    /// Keeps the lock.
    _mark: File,
}

impl Unfinished {
    /// Marks the directory at `path`, which is created if it does not exist. What a killed process left in it is
    /// removed.
    ///
    /// # Errors
    /// If the directory holds a campaign, if another process is writing it, or if the operating system refuses.
    pub fn begin(path: &Path) -> Result<Self> {
        directory::check_folder(path)?;
        let left = place::check_regular(&path.join(MARK))?;
        if !left {
            directory::check_free(path)?;
        }
        let made = !path.exists();
        directory::make(path)?;
        let mark = journal::lock(&path.join(MARK), true)?;
        if left {
            // The configuration is written last: with it, the directory is complete and is never removed.
            if path.join(directory::CONFIG).symlink_metadata().is_ok() {
                let _ = fs::remove_file(path.join(MARK));
                directory::remove_scratch(path);
                directory::check_free(path)?;
            }
            directory::remove_files(path);
        }
        Ok(Self { path: path.to_owned(), made, done: false, _mark: mark })
    }

    /// Removes the mark: the directory is complete.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn finish(mut self) -> Result<()> {
        let mark = self.path.join(MARK);
        fs::remove_file(&mark).map_err(|error| Error::io(mark.display(), error))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // The cause is reported already, and what cannot be removed is known by its mark.
        directory::remove_files(&self.path);
        let _ = fs::remove_file(self.path.join(MARK));
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
    }
}
