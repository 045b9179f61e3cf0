//! Whole files.

use std::path::Path;

use crate::{Error, Result};

/// Reads the file at `path`.
///
/// # Errors
/// If the operating system refuses. The error names the file.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::io(path.display(), error))
}

/// Reads the text file at `path`, in UTF-8.
///
/// # Errors
/// As [`bytes`], and if the content is not UTF-8.
pub fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?)
        .map_err(|_| Error::input(path.display().to_string(), "expected a text file in UTF-8"))
}
